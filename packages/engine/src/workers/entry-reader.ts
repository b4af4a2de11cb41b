/*
 * One entry: opened, described, read, and looked at again. What changed while it was read is read once more and then kept
 * with the mark torn (docs/format/delta.md, "Torn files").
 */
import { assert, compareBytes } from '@twinvault/std';
import { bundledBytesMax } from '@twinvault/seal';
import type { DeltaTools } from '../delta/delta-reader.ts';
import type { Signature } from '../delta/signature.ts';
import { marks } from '../entries/entry-body.ts';
import type { Extents, PlacedExtent } from '../entries/entry-body.ts';
import { pathOf } from '../entries/entry-keys.ts';
import { entryTypes } from '../source-port.ts';
import type {
  DataRange,
  EntryDetails,
  EntryError,
  EntryErrorCode,
  EntryStat,
  OpenedEntry,
  SourceReader,
} from '../source-port.ts';
import type { Bundler, BundlePlace } from './bundler.ts';
import { blockBytes, dataRangesOf, hole, readContent } from './content.ts';

const attemptsMax = 2;

export interface EntryToRead {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly stat: EntryStat;
  /** Of the last version's content, which is complete at the vault. */
  readonly lastTag: Uint8Array | null;
  /** The last version of a large file; null when there is none whose chunks are known and whose signature is sound. */
  readonly lastVersion: () => Signature | null;
}

/** Content lies in a bundle that may not have ended yet, or in chunks, or is what the last version has. */
export interface EntryRead {
  readonly stat: EntryStat;
  readonly details: EntryDetails;
  readonly sizeBytes: number;
  readonly marks: number;
  readonly extents: Extents;
  readonly bundled: { readonly place: BundlePlace; readonly ranges: readonly DataRange[] } | null;
  readonly tag: Uint8Array | null;
  readonly sameContent: boolean;
  /** Of large content's pages. */
  readonly signature: Uint8Array<ArrayBuffer> | null;
}

export interface EntryReaderOptions {
  readonly source: SourceReader;
  readonly tools: DeltaTools;
  readonly bundler: Bundler;
  readonly report: (error: EntryError) => void;
}

type Content = Pick<EntryRead, 'sizeBytes' | 'extents' | 'bundled' | 'tag' | 'sameContent' | 'signature'>;

const noContent: Content = { sizeBytes: 0, extents: [], bundled: null, tag: null, sameContent: false, signature: null };

export class EntryReader {
  private readonly options: EntryReaderOptions;

  constructor(options: EntryReaderOptions) {
    this.options = options;
  }

  /**
   * Throws what the source throws when the entry cannot be opened or read. A promise only for large content, which waits for
   * packs to be handed over: most entries are read without one.
   */
  read(entry: EntryToRead): EntryRead | Promise<EntryRead> {
    if (looksLarge(entry.stat)) return this.readLarge(entry);
    const plain = looksPlain(entry.stat) ? this.readPlain(entry) : null;
    if (plain !== null) return plain;
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const read = this.attempt(entry, attempt === attemptsMax);
      if (read !== null) return read === 'large' ? this.readLarge(entry) : read;
    }
    assert(false, 'the last attempt has a result');
  }

  /** Most small files, in one go; null: it is read step by step. */
  private readPlain({ directory, name, stat, lastTag }: EntryToRead): EntryRead | null {
    const { source, bundler } = this.options;
    const { sizeBytes } = stat;
    const start = bundler.begin(sizeBytes);
    const details = source.readAsScanned({ directory, name, stat }, bundler.buffer.subarray(start, start + sizeBytes));
    if (details === null) return null;
    const ranges = [{ offsetBytes: 0, lengthBytes: sizeBytes }];
    const { bundled, tag, sameContent } = this.keepSmall({ ranges, dataBytes: sizeBytes, sizeBytes, lastTag });
    return { stat, details, sizeBytes, extents: [], bundled, tag, sameContent, signature: null, marks: 0 };
  }

  /** Null when it changed meanwhile and this is not the last attempt. */
  private attempt(entry: EntryToRead, last: boolean): EntryRead | null | 'large' {
    using opened = this.options.source.open(entry.directory, entry.name, entry.stat);
    const isFile = opened.stat.type === entryTypes.file;
    const ranges = isFile ? dataRangesOf(opened, opened.stat.sizeBytes) : [];
    const dataBytes = isFile ? bytesOf(ranges) : 0;
    if (dataBytes >= bundledBytesMax) return 'large';
    const described = opened.details();
    const content = dataBytes > 0 ? this.small({ opened, ranges, dataBytes, lastTag: entry.lastTag }) : withoutData(opened);
    return this.settle({ entry, opened, described, content, last });
  }

  private async readLarge(entry: EntryToRead): Promise<EntryRead> {
    for (let attempt = 1; ; attempt += 1) {
      const read = await this.attemptLarge(entry, attempt === attemptsMax);
      if (read !== null) return read;
    }
  }

  private async attemptLarge(entry: EntryToRead, last: boolean): Promise<EntryRead | null> {
    using opened = this.options.source.open(entry.directory, entry.name, entry.stat);
    const isFile = opened.stat.type === entryTypes.file;
    const described = opened.details();
    const ranges = isFile ? dataRangesOf(opened, opened.stat.sizeBytes) : [];
    const { tools } = this.options;
    const { list, sizeBytes, signature } = await readContent(opened, ranges, { tools, last: entry.lastVersion() });
    const complete = sizeBytes === opened.stat.sizeBytes;
    const content = { complete, keep: () => ({ ...noContent, extents: list, sizeBytes, signature }) };
    return this.settle({ entry, opened, described, content: isFile ? content : withoutData(opened), last });
  }

  /** What was read, if the entry is as it was when it was opened, or this is the last attempt. */
  private settle({ entry, opened, described, content, last }: Attempt): EntryRead | null {
    const { stat } = opened;
    const isFile = stat.type === entryTypes.file;
    const same = !isFile || (content.complete && sameMoment(stat, opened.statAgain()));
    if (!same && !last) return null;
    for (const error of described.errors) this.options.report(error);
    if (!same) {
      const path = pathOf(entry.directory, entry.name);
      this.options.report({ path, code: 'entry-changed', detail: 'while it was read' });
    }
    const { details } = described;
    const { sizeBytes, extents, bundled, tag, sameContent, signature } = content.keep();
    return { stat, details, sizeBytes, extents, bundled, tag, sameContent, signature, marks: same ? 0 : marks.torn };
  }

  private small(small: SmallFile): PendingContent {
    const { bundler } = this.options;
    const { opened, ranges, dataBytes, lastTag } = small;
    let at = bundler.begin(dataBytes);
    const start = at;
    for (const { offsetBytes, lengthBytes } of ranges) {
      const got = readFully(opened, { into: bundler.buffer, at }, { offsetBytes, lengthBytes });
      at += got;
      // Shorter than its status said: what stands is only where the file ended.
      if (got < lengthBytes) return this.cutShort(ranges, at - start);
    }
    const { sizeBytes } = opened.stat;
    return { complete: true, keep: () => this.keepSmall({ ranges, dataBytes, sizeBytes, lastTag }) };
  }

  private cutShort(ranges: readonly DataRange[], gotBytes: number): PendingContent {
    const kept: DataRange[] = [];
    let left = gotBytes;
    for (const { offsetBytes, lengthBytes } of ranges) {
      if (left > 0) kept.push({ offsetBytes, lengthBytes: Math.min(left, lengthBytes) });
      left -= lengthBytes;
    }
    const end = kept.at(-1);
    const sizeBytes = end === undefined ? 0 : end.offsetBytes + end.lengthBytes;
    return {
      complete: false,
      keep: () => (gotBytes === 0 ? noContent : this.keepSmall({ ranges: kept, dataBytes: gotBytes, sizeBytes, lastTag: null })),
    };
  }

  private keepSmall({ ranges, dataBytes, sizeBytes, lastTag }: KeptSmallFile): Content {
    const { bundler } = this.options;
    const tag = bundler.tagOf(dataBytes);
    if (lastTag !== null && compareBytes(tag, lastTag) === 0 && ranges.length === 1 && dataBytes === sizeBytes) {
      return { ...noContent, sizeBytes, tag, sameContent: true };
    }
    const place = bundler.take(dataBytes, tag);
    return { ...noContent, sizeBytes, bundled: { place, ranges }, tag };
  }
}

interface PendingContent {
  /** As much as the status promised was there. */
  readonly complete: boolean;
  /** Puts small content into its bundle; nothing else may be read before it is called or dropped. */
  keep(): Content;
}

interface Attempt {
  readonly entry: EntryToRead;
  readonly opened: OpenedEntry;
  readonly described: ReturnType<OpenedEntry['details']>;
  readonly content: PendingContent;
  readonly last: boolean;
}

interface SmallFile {
  readonly opened: OpenedEntry;
  readonly ranges: readonly DataRange[];
  readonly dataBytes: number;
  readonly lastTag: Uint8Array | null;
}

interface KeptSmallFile {
  readonly ranges: readonly DataRange[];
  readonly dataBytes: number;
  readonly sizeBytes: number;
  readonly lastTag: Uint8Array | null;
}

/** A directory, link or other thing; an empty file, or one that is a hole from end to end. */
function withoutData({ stat }: OpenedEntry): PendingContent {
  if (stat.type !== entryTypes.file || stat.sizeBytes === 0) return { complete: true, keep: () => noContent };
  const { sizeBytes } = stat;
  return { complete: true, keep: () => ({ ...noContent, extents: [hole(sizeBytes)], sizeBytes }) };
}

/** What a listing tells: sparse files are looked at more closely. */
function looksLarge({ type, sizeBytes, blocks }: EntryStat): boolean {
  return type === entryTypes.file && sizeBytes >= bundledBytesMax && blocks * blockBytes >= bundledBytesMax;
}

/** A file with data and without holes, to be bundled. */
function looksPlain({ type, sizeBytes, blocks }: EntryStat): boolean {
  return type === entryTypes.file && sizeBytes > 0 && sizeBytes < bundledBytesMax && blocks * blockBytes >= sizeBytes;
}

function bytesOf(ranges: readonly DataRange[]): number {
  let sum = 0;
  for (const { lengthBytes } of ranges) sum += lengthBytes;
  return sum;
}

function readFully(opened: OpenedEntry, to: { into: Uint8Array; at: number }, range: DataRange): number {
  let got = 0;
  while (got < range.lengthBytes) {
    const count = opened.read(to.into, to.at + got, range.lengthBytes - got, range.offsetBytes + got);
    if (count === 0) break;
    got += count;
  }
  return got;
}

/** Extents of a file whose data lies in a bundle that has ended. */
export function bundledExtents(read: EntryRead): Extents {
  if (read.bundled === null) return read.extents;
  const { place, ranges } = read.bundled;
  assert(place.id !== null, 'a bundle has ended when its files are written down');
  const extents: PlacedExtent[] = [];
  let at = 0;
  let inBundle = place.offsetBytes;
  for (const { offsetBytes, lengthBytes } of ranges) {
    if (offsetBytes > at) extents.push(hole(offsetBytes - at));
    extents.push({ id: place.id, offsetBytes: inBundle, lengthBytes });
    inBundle += lengthBytes;
    at = offsetBytes + lengthBytes;
  }
  if (at < read.sizeBytes) extents.push(hole(read.sizeBytes - at));
  return extents;
}

/** Nothing about a file changed between two looks. A changed ctime alone may be a change of the owner: it counts. */
export function sameMoment(before: EntryStat, after: EntryStat): boolean {
  return (
    before.sizeBytes === after.sizeBytes &&
    before.mtimeSeconds === after.mtimeSeconds &&
    before.mtimeNanos === after.mtimeNanos &&
    before.ctimeSeconds === after.ctimeSeconds &&
    before.ctimeNanos === after.ctimeNanos
  );
}

const errorCodes: ReadonlySet<string> = new Set<EntryErrorCode>([
  'entry-denied',
  'entry-vanished',
  'entry-unreadable',
  'entry-changed',
  'entry-name-invalid',
  'entry-unsupported',
]);

/** What went wrong with one entry; null when the error is none of a source's and must end the run. */
export function entryErrorOf(error: unknown, path: Uint8Array): EntryError | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  const { code } = error;
  if (typeof code !== 'string' || !errorCodes.has(code)) return null;
  const detail = 'detail' in error && typeof error.detail === 'string' ? error.detail : '';
  return { path, code: code as EntryErrorCode, detail };
}
