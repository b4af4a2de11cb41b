/*
 * One entry: opened, described, read, and looked at again. What changed while it was read is read once more and then kept
 * with the mark torn (docs/format/delta.md, "Torn files").
 */
import { assert, compareBytes } from '@twinvault/std';
import { bundledBytesMax } from '@twinvault/seal';
import type { Cutter } from '@twinvault/seal';
import { marks } from '../entries/entry-body.ts';
import type { PlacedExtent } from '../entries/entry-body.ts';
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
import { dataRangesOf, hole, readContent } from './content.ts';
import type { ContentStore } from './content.ts';

const attemptsMax = 2;

export interface EntryToRead {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly stat: EntryStat;
  /** Of the last version's content, which is complete at the vault. */
  readonly lastTag: Uint8Array | null;
}

/** Content lies in a bundle that may not have ended yet, or in chunks, or is what the last version has. */
export interface EntryRead {
  readonly stat: EntryStat;
  readonly details: EntryDetails;
  readonly sizeBytes: number;
  readonly marks: number;
  readonly extents: readonly PlacedExtent[];
  readonly bundled: { readonly place: BundlePlace; readonly ranges: readonly DataRange[] } | null;
  readonly tag: Uint8Array | null;
  readonly sameContent: boolean;
}

export interface EntryReaderOptions {
  readonly source: SourceReader;
  readonly cutter: Cutter;
  readonly bundler: Bundler;
  readonly store: ContentStore;
  readonly report: (error: EntryError) => void;
}

type Content = Pick<EntryRead, 'sizeBytes' | 'extents' | 'bundled' | 'tag' | 'sameContent'>;

const noContent: Content = { sizeBytes: 0, extents: [], bundled: null, tag: null, sameContent: false };

export class EntryReader {
  private readonly options: EntryReaderOptions;

  constructor(options: EntryReaderOptions) {
    this.options = options;
  }

  /** Throws what the source throws when the entry cannot be opened or read. */
  async read(entry: EntryToRead): Promise<EntryRead> {
    for (let attempt = 1; ; attempt += 1) {
      const read = await this.attempt(entry, attempt === attemptsMax);
      if (read !== null) return read;
    }
  }

  /** Null when it changed meanwhile and this is not the last attempt. */
  private async attempt(entry: EntryToRead, last: boolean): Promise<EntryRead | null> {
    const { directory, name } = entry;
    using opened = this.options.source.open(directory, name, entry.stat);
    const { stat } = opened;
    const { details, errors } = opened.details();
    const content = stat.type === entryTypes.file ? await this.content(opened, entry.lastTag) : null;
    const same = content === null || (content.complete && sameMoment(stat, opened.statAgain()));
    if (!same && !last) return null;
    for (const error of errors) this.options.report(error);
    if (!same) this.options.report({ path: pathOf(directory, name), code: 'entry-changed', detail: 'while it was read' });
    const kept = content === null ? noContent : content.keep();
    return { stat, details, ...kept, marks: same ? 0 : marks.torn };
  }

  private async content(opened: OpenedEntry, lastTag: Uint8Array | null): Promise<PendingContent> {
    const { sizeBytes } = opened.stat;
    const ranges = dataRangesOf(opened, sizeBytes);
    const dataBytes = ranges.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    if (dataBytes > 0 && dataBytes < bundledBytesMax) return this.small({ opened, ranges, dataBytes, lastTag });
    const { cutter, store } = this.options;
    const { extents, sizeBytes: readBytes } = await readContent(opened, ranges, { cutter, store });
    return {
      complete: readBytes === sizeBytes,
      keep: () => ({ ...noContent, extents, sizeBytes: readBytes }),
    };
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
      return { sizeBytes, extents: [], bundled: null, tag, sameContent: true };
    }
    const place = bundler.take(dataBytes, tag);
    return { sizeBytes, extents: [], bundled: { place, ranges }, tag, sameContent: false };
  }
}

interface PendingContent {
  /** As much as the status promised was there. */
  readonly complete: boolean;
  /** Puts small content into its bundle; nothing else may be read before it is called or dropped. */
  keep(): Content;
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
export function bundledExtents(read: EntryRead): readonly PlacedExtent[] {
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
function sameMoment(before: EntryStat, after: EntryStat): boolean {
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
