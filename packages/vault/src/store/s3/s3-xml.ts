/*
 * What is read out of a bucket's answers, which are XML: flat elements with text, in the order in which they stand. Only as much of XML as
 * S3 uses: no attributes that matter, no comments inside, no nesting of an element in itself.
 *
 * Keys come url-encoded (`encoding-type=url`), so that any key fits into XML.
 */

/** Texts between each `<name>` and `</name>`. */
export function elements(xml: string, name: string): string[] {
  return orderedElements(xml, [name]).map(({ inner }) => inner);
}

export interface NamedElement {
  readonly name: string;
  readonly inner: string;
}

/** Elements of several names, in the order in which they stand. */
export function orderedElements(xml: string, names: readonly string[]): NamedElement[] {
  const found: NamedElement[] = [];
  for (let position = 0; ;) {
    const open = xml.indexOf('<', position);
    if (open < 0) return found;
    const close = xml.indexOf('>', open);
    if (close < 0) return found;
    const name = xml.slice(open + 1, close);
    position = close + 1;
    if (!names.includes(name)) continue;
    const end = xml.indexOf(`</${name}>`, position);
    if (end < 0) return found;
    found.push({ name, inner: xml.slice(position, end) });
    position = end + name.length + 3;
  }
}

/** Text of the first element of this name, null when there is none. */
export function textOf(xml: string, name: string): string | null {
  const open = xml.indexOf(`<${name}>`);
  const end = open < 0 ? -1 : xml.indexOf(`</${name}>`, open);
  return end < 0 ? null : unescaped(xml.slice(open + name.length + 2, end));
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(#x?[0-9a-f]{1,6}|[a-z]{2,4});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return entities[name] ?? whole;
    const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return Number.isInteger(code) && code <= 0x10_ffff ? String.fromCodePoint(code) : whole;
  });
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

export interface KeyPage {
  /** In order. */
  readonly keys: readonly string[];
  /** Common prefixes, each with its "/". */
  readonly folders: readonly string[];
  readonly next: string | null;
}

/** An answer of ListObjectsV2. */
export function keyPageOf(xml: string): KeyPage {
  const next = textOf(xml, 'IsTruncated') === 'true' ? textOf(xml, 'NextContinuationToken') : null;
  return {
    keys: elements(xml, 'Contents').flatMap((each) => keyOf(each, 'Key') ?? []),
    folders: elements(xml, 'CommonPrefixes').flatMap((each) => keyOf(each, 'Prefix') ?? []),
    next,
  };
}

export interface Version {
  readonly key: string;
  readonly versionId: string;
  /** A delete marker: the key is absent while it is the latest. */
  readonly isMarker: boolean;
  readonly isLatest: boolean;
  readonly modifiedMs: number;
}

export interface VersionPage {
  /** By key; of one key the newest first. */
  readonly versions: readonly Version[];
  readonly folders: readonly string[];
  readonly next: { readonly key: string; readonly versionId: string } | null;
}

/** An answer of ListObjectVersions. */
export function versionPageOf(xml: string): VersionPage {
  const versions = orderedElements(xml, ['Version', 'DeleteMarker']).flatMap(({ name, inner }) => {
    const key = keyOf(inner, 'Key');
    const versionId = textOf(inner, 'VersionId');
    const modifiedMs = Date.parse(textOf(inner, 'LastModified') ?? '');
    if (key === null || versionId === null || Number.isNaN(modifiedMs)) return [];
    return [{ key, versionId, isMarker: name === 'DeleteMarker', isLatest: textOf(inner, 'IsLatest') === 'true', modifiedMs }];
  });
  const nextKey = textOf(xml, 'IsTruncated') === 'true' ? keyOf(xml, 'NextKeyMarker') : null;
  return {
    versions,
    folders: elements(xml, 'CommonPrefixes').flatMap((each) => keyOf(each, 'Prefix') ?? []),
    next: nextKey === null ? null : { key: nextKey, versionId: textOf(xml, 'NextVersionIdMarker') ?? '' },
  };
}

export interface Upload {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedMs: number;
}

/** An answer of ListMultipartUploads. */
export function uploadsOf(xml: string): readonly Upload[] {
  return elements(xml, 'Upload').flatMap((each) => {
    const key = keyOf(each, 'Key');
    const uploadId = textOf(each, 'UploadId');
    const initiatedMs = Date.parse(textOf(each, 'Initiated') ?? '');
    return key === null || uploadId === null || Number.isNaN(initiatedMs) ? [] : [{ key, uploadId, initiatedMs }];
  });
}

function keyOf(xml: string, name: string): string | null {
  const text = textOf(xml, name);
  if (text === null) return null;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
