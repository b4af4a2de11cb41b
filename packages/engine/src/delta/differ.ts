/*
 * Comparison of a file with its last version, over a buffer that is read once: pages that are known become pieces of the
 * chunks that hold them, what lies between is changed (docs/format/delta.md, "What a run does").
 *
 * Where a page is looked for: first where the last found shift puts it, then where the shift before that does, both within
 * 64 KiB ahead; then, in what differs until there, at every byte, among the pages of three segments. A weak hash proposes, the
 * strong one decides. Pages that follow one another where the first shift puts them are compared in one go.
 *
 * Hashes that are not there yet stop a step before anything was decided: it is taken again when they are.
 *
 * Invariants: every byte of a run is put out once, in order; a page is taken only when its strong hash is equal.
 */
import { assert } from '@twinvault/std';
import { pageBytes, samePagesMax, searchBytesMax } from '@twinvault/seal';
import type { PageFinder, PageHasher, SearchedPages } from '@twinvault/seal';
import type { OldPages } from './old-pages.ts';
import { PageCursor } from './old-version.ts';
import type { OldVersion } from './old-version.ts';

/** So far ahead pages are looked for where a shift puts them. */
const aheadBytesMax: number = searchBytesMax;
/** The comparison asks for so many bytes behind its position, unless the data ends before. */
const bytesWanted: number = aheadBytesMax + 2 * pageBytes;
/** Work between two looks at the rest of the world. */
const stepBytes: number = 1024 * 1024;
const runPagesMax: number = stepBytes / pageBytes;
assert(runPagesMax <= samePagesMax, 'a step is compared in one go');
/** After so many bytes without a known page only a part of what follows is searched byte by byte. */
const lostBytesMax: number = 32 * 1024 * 1024;
const sampledEveryBytes: number = 1024 * 1024;

/** Pages of one extent of the old version, one after another. */
export interface KnownPages {
  readonly extent: number;
  readonly page: number;
  readonly pages: number;
  readonly lengthBytes: number;
  /** Their hashes are `words` from page `firstWords` on. */
  readonly words: Uint32Array;
  readonly firstWords: number;
}

export interface DifferOutput {
  /** Whether known pages of the extent of the old version are kept; false: they shall count as changed. `offsetBytes`: of the first of them in the old file. */
  keeps(extent: number, offsetBytes: number): boolean;
  /** The pages, after what changed before them. */
  kept(pages: KnownPages): void;
  /** Changed bytes of the buffer, to the end of what changed. */
  changed(start: number, end: number): void;
  /** Changed bytes, and more follow: may take some from the front. The offset from which on they are still wanted. */
  changing(start: number, end: number): number;
}

export interface DifferOptions {
  readonly buffer: Uint8Array;
  /** Over the same buffer. */
  readonly hasher: PageHasher;
  readonly finder: PageFinder;
  readonly old: OldVersion;
  readonly pages: OldPages;
  readonly output: DifferOutput;
}

/** A shift, and the first page that it puts at or behind the position. */
interface Track {
  readonly shiftBytes: number;
  readonly cursor: PageCursor;
}

interface Known {
  readonly at: number;
  readonly cursor: PageCursor;
  readonly track: Track | null;
}

export class Differ {
  private readonly options: DifferOptions;
  private tracks: Track[] = [];
  /** Offset in the file of the buffer's first byte. */
  private baseBytes = 0;
  /** Compared up to here, put out up to `open`; what lies between is changed. */
  private at = 0;
  private open = 0;
  private lostBytes = 0;
  /** The page after the last one that was found. */
  private resume = 0;
  /** Here the first track's page is known to differ. */
  private differsAt = -1;
  private searched: readonly number[] = [];
  /** Where the comparison stood when a segment was loaded last. */
  private loadedAt = -1;
  /** The segment that must be loaded before the next step. */
  awaited: number | null = null;

  constructor(options: DifferOptions) {
    this.options = options;
    this.tracks = [{ shiftBytes: 0, cursor: new PageCursor(options.old, 0) }];
    this.search([], []);
  }

  /** Offset in the buffer from which on bytes are still wanted. */
  get wantedFrom(): number {
    return this.open;
  }

  /** A run of data begins at this offset of the file, with an empty buffer. */
  begin(fileOffsetBytes: number): void {
    assert(this.open === this.at, 'the run before has ended');
    this.baseBytes = fileOffsetBytes;
    this.at = 0;
    this.open = 0;
    this.differsAt = -1;
  }

  /** The caller moved the bytes from `wantedFrom` on to the front of the buffer. */
  moved(): void {
    this.baseBytes += this.open;
    this.at -= this.open;
    this.differsAt -= this.open;
    this.open = 0;
  }

  /** Compares up to a megabyte of what is read up to `end`; ends before it where a segment is awaited. False: more must be read first, or all is compared. */
  step(end: number, final: boolean): boolean {
    const stop = this.at + stepBytes;
    let moved = false;
    while (this.awaited === null && this.at < stop && (final ? this.at < end : end - this.at >= bytesWanted)) {
      this.advance(end);
      moved = true;
    }
    if (this.at > this.open) this.open = this.options.output.changing(this.open, this.at);
    return moved;
  }

  /** Loads the segment that is awaited. Those that nothing is looked for in any more are forgotten when the comparison has gone on. */
  async load(): Promise<void> {
    const { pages } = this.options;
    const { awaited, tracks, loadedAt } = this;
    if (awaited === null) return;
    const at = this.baseBytes + this.at;
    if (at !== loadedAt) {
      const tracked = tracks.map(({ cursor }) => pages.segmentOf(cursor.page));
      pages.keep(new Set([...tracked, ...tracked.map((segment) => segment + 1), ...this.nearby()]));
      if (this.searched.some((segment) => pages.words(segment) === undefined)) this.search([], []);
    }
    this.loadedAt = at;
    await pages.load(awaited);
    this.awaited = null;
  }

  /** The run's data ends with what was compared. */
  finish(): void {
    this.close(this.at);
  }

  private advance(end: number): void {
    if (this.takeRun(end)) return;
    const next = this.onTracks(end);
    if (this.awaited !== null) return;
    const stop = next?.at ?? Math.min(end, this.at + aheadBytesMax);
    const found = next?.at === this.at ? null : this.anywhere(stop, { end, known: next !== null });
    if (this.awaited !== null) return;
    if (found !== null) return this.take(found);
    this.lostBytes += stop - this.at;
    this.at = stop;
    if (next !== null) this.take(next);
  }

  /** Whole pages that stand where the first track puts them, from the position on: of a file that did not change much nearly all. */
  private takeRun(end: number): boolean {
    const { hasher, old, pages } = this.options;
    const [track] = this.tracks;
    if (track === undefined || this.differsAt === this.at) return false;
    const cursor = this.caughtUp(track);
    if (cursor.ended || cursor.fileOffsetBytes + track.shiftBytes - this.baseBytes !== this.at) return false;
    const segment = pages.segmentOf(cursor.page);
    const words = this.wordsOf(segment);
    if (words === null) return false;
    const segmentEnd = Math.min(old.pageCount, pages.firstPage(segment + 1));
    const most = Math.min(runPagesMax, segmentEnd - cursor.page, Math.floor((end - this.at) / pageBytes));
    const run = old.wholeRun(cursor.extent, cursor.page, most);
    if (run === 0) return false;
    const firstWords = cursor.page - pages.firstPage(segment);
    const same = hasher.same(this.at, run, words, firstWords);
    if (same < run) this.differsAt = this.at + same * pageBytes;
    for (let taken = 0; taken < same;) {
      const count = Math.min(same - taken, old.endPage(cursor.extent) - cursor.page);
      const { extent, page } = cursor;
      this.put({ extent, page, pages: count, lengthBytes: count * pageBytes, words, firstWords: firstWords + taken });
      cursor.skip(count);
      taken += count;
    }
    return same > 0;
  }

  /** The nearest page that stands where a track puts it. */
  private onTracks(end: number): Known | null {
    let best: Known | null = null;
    for (const track of this.tracks) {
      const known = this.onTrack(track, Math.min(end, best?.at ?? end));
      if (known !== null) best = known;
      if (best?.at === this.at) break;
    }
    return best;
  }

  /** The first page of a track that ends at `before` at the latest. */
  private onTrack(track: Track, before: number): Known | null {
    const cursor = this.caughtUp(track);
    const shift = track.shiftBytes - this.baseBytes;
    const limit = Math.min(before, this.at + aheadBytesMax);
    if (cursor.ended) return null;
    let probe: PageCursor | null = null;
    for (let page = cursor; this.awaited === null; page = probe) {
      const at = page.fileOffsetBytes + shift;
      if (at >= limit || at + page.lengthBytes > before) return null;
      const differs = at === this.differsAt && track === this.tracks[0];
      if (!differs && this.matches(at, page)) return { at, cursor: page.copy(), track };
      probe ??= cursor.copy();
      probe.next();
      if (probe.ended) return null;
    }
    return null;
  }

  /** The track's first page that is at or behind the position. */
  private caughtUp({ cursor, shiftBytes }: Track): PageCursor {
    const shift = shiftBytes - this.baseBytes;
    while (!cursor.ended && cursor.fileOffsetBytes + shift < this.at) cursor.next();
    return cursor;
  }

  /** Null: lost, or awaited from now on. */
  private wordsOf(segment: number): Uint32Array | null {
    const words = this.options.pages.words(segment);
    if (words === undefined) this.awaited = segment;
    return words ?? null;
  }

  private matches(at: number, { page, lengthBytes }: PageCursor): boolean {
    const { hasher, pages } = this.options;
    const segment = pages.segmentOf(page);
    const words = this.wordsOf(segment);
    return words !== null && hasher.matches(at, lengthBytes, words, page - pages.firstPage(segment));
  }

  /** A known page that begins anywhere before `stop`; one that ends before it when a page is known there. */
  private anywhere(stop: number, { end, known }: { end: number; known: boolean }): Known | null {
    if (this.lostBytes > lostBytesMax && (this.baseBytes + this.at) % sampledEveryBytes >= aheadBytesMax) return null;
    const { finder, buffer, old } = this.options;
    const starts = known ? stop - pageBytes + 1 : stop;
    if (starts <= this.at || !this.searchNearby()) return null;
    const found = finder.find(buffer.subarray(0, end), this.at, starts);
    if (found === null) return null;
    return this.extendBack({ at: found.offset, cursor: new PageCursor(old, found.page), track: null });
  }

  /** Has the finder search the segments around the page after the last one that was found. False: one of them is awaited. */
  private searchNearby(): boolean {
    const { old, pages } = this.options;
    const nearby = this.nearby();
    if (nearby.every((segment, index) => this.searched[index] === segment)) return true;
    const parts: SearchedPages[] = [];
    for (const segment of nearby) {
      const words = this.wordsOf(segment);
      if (this.awaited !== null) return false;
      if (words === null) continue;
      const firstPage = pages.firstPage(segment);
      parts.push({ firstPage, words, wholePages: () => old.wholePages(firstPage, firstPage + old.segmentPages) });
    }
    this.search(nearby, parts);
    return true;
  }

  private search(segments: readonly number[], parts: readonly SearchedPages[]): void {
    this.options.finder.use(parts);
    this.searched = segments;
  }

  private nearby(): readonly number[] {
    const { pages } = this.options;
    const segment = pages.segmentOf(this.resume);
    return [segment - 1, segment, segment + 1];
  }

  /** Pages before the found one may be known too: short ones, and those that a sample left out. */
  private extendBack({ at, cursor }: Known): Known {
    let start = at;
    while (cursor.page > 0) {
      const before = cursor.copy();
      before.previous();
      const length = before.lengthBytes;
      if (before.fileOffsetBytes + length !== cursor.fileOffsetBytes || start - length < this.open) break;
      if (!this.matches(start - length, before)) break;
      cursor.previous();
      start -= length;
    }
    return { at: start, cursor, track: null };
  }

  private take({ at, cursor, track }: Known): void {
    const { pages } = this.options;
    this.lead(track ?? { shiftBytes: this.baseBytes + at - cursor.fileOffsetBytes, cursor: cursor.copy() });
    const { extent, page, lengthBytes } = cursor;
    const segment = pages.segmentOf(page);
    const words = pages.words(segment);
    assert(words !== undefined && words !== null, 'a page was found by its hashes');
    this.at = at;
    this.put({ extent, page, pages: 1, lengthBytes, words, firstWords: page - pages.firstPage(segment) });
  }

  /** Known pages at the position: kept, or left to count as changed. */
  private put(known: KnownPages): void {
    const { output, old } = this.options;
    const { extent, page, pages, lengthBytes } = known;
    const kept = output.keeps(extent, old.fileOffsetBytes(extent) + old.inExtentBytes(extent, page));
    if (kept) this.close(this.at);
    if (kept) output.kept(known);
    this.lostBytes = 0;
    this.resume = page + pages;
    this.at += lengthBytes;
    if (kept) this.open = this.at;
  }

  /** The track that a page was found on is asked first from now on. */
  private lead(track: Track): void {
    const [first] = this.tracks;
    if (first === undefined || first.shiftBytes === track.shiftBytes) return;
    this.tracks = [track, first];
    this.differsAt = -1;
  }

  private close(end: number): void {
    if (this.open < end) this.options.output.changed(this.open, end);
    this.open = end;
  }
}
