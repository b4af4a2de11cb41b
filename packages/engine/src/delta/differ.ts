/*
 * Comparison of a file with its last version, over a buffer that is read once: pages that are known become pieces of the
 * chunks that hold them, what lies between is changed (docs/format/delta.md, "What a run does").
 *
 * Where a page is looked for: first where the last found shift puts it, then where the shift before that does, both within
 * 64 KiB ahead; then, in what differs until there, at every byte. A weak hash proposes, the strong one decides.
 *
 * Invariants: every byte of a run is put out once, in order; a page is taken only when its strong hash is equal.
 */
import { assert } from '@twinvault/std';
import { pageBytes, searchBytesMax } from '@twinvault/seal';
import type { PageFinder, PageHasher } from '@twinvault/seal';
import { PageCursor } from './old-version.ts';
import type { OldVersion } from './old-version.ts';

/** So far ahead pages are looked for where a shift puts them. */
const aheadBytesMax: number = searchBytesMax;
/** The comparison asks for so many bytes behind its position, unless the data ends before. */
const bytesWanted: number = aheadBytesMax + 2 * pageBytes;
/** Work between two looks at the rest of the world. */
const stepBytes: number = 1024 * 1024;
/** After so many bytes without a known page only a part of what follows is searched byte by byte. */
const lostBytesMax: number = 32 * 1024 * 1024;
const sampledEveryBytes: number = 1024 * 1024;

export interface DifferOutput {
  /** Whether a known page of the old version is kept; false: it shall count as changed. */
  keeps(page: PageCursor): boolean;
  /** The page, after what changed before it. */
  kept(page: PageCursor): void;
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

  constructor(options: DifferOptions) {
    this.options = options;
    const { finder, old } = options;
    finder.use(old.words, () => old.wholePages());
    this.tracks = [{ shiftBytes: 0, cursor: new PageCursor(old, 0) }];
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
  }

  /** The caller moved the bytes from `wantedFrom` on to the front of the buffer. */
  moved(): void {
    this.baseBytes += this.open;
    this.at -= this.open;
    this.open = 0;
  }

  /** Compares up to a megabyte of what is read up to `end`. False: more must be read first, or all is compared. */
  step(end: number, final: boolean): boolean {
    const stop = this.at + stepBytes;
    let moved = false;
    while (this.at < stop && (final ? this.at < end : end - this.at >= bytesWanted)) {
      this.advance(end);
      moved = true;
    }
    if (this.at > this.open) this.open = this.options.output.changing(this.open, this.at);
    return moved;
  }

  /** The run's data ends with what was compared. */
  finish(): void {
    this.close(this.at);
  }

  private advance(end: number): void {
    const next = this.onTracks(end);
    const stop = next?.at ?? Math.min(end, this.at + aheadBytesMax);
    const found = next?.at === this.at ? null : this.anywhere(stop, { end, known: next !== null });
    if (found !== null) return this.take(found);
    this.lostBytes += stop - this.at;
    this.at = stop;
    if (next !== null) this.take(next);
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
    const { hasher, old } = this.options;
    const { cursor } = track;
    const shift = track.shiftBytes - this.baseBytes;
    while (!cursor.ended && cursor.fileOffsetBytes + shift < this.at) cursor.next();
    const limit = Math.min(before, this.at + aheadBytesMax);
    if (cursor.ended) return null;
    let probe: PageCursor | null = null;
    for (let page = cursor; ; page = probe) {
      const at = page.fileOffsetBytes + shift;
      if (at >= limit || at + page.lengthBytes > before) return null;
      if (hasher.matches(at, page.lengthBytes, old.words, page.page)) return { at, cursor: page.copy(), track };
      probe ??= cursor.copy();
      probe.next();
      if (probe.ended) return null;
    }
  }

  /** A known page that begins anywhere before `stop`; one that ends before it when a page is known there. */
  private anywhere(stop: number, { end, known }: { end: number; known: boolean }): Known | null {
    if (this.lostBytes > lostBytesMax && (this.baseBytes + this.at) % sampledEveryBytes >= aheadBytesMax) return null;
    const { finder, buffer, old } = this.options;
    const starts = known ? stop - pageBytes + 1 : stop;
    const found = finder.find(buffer.subarray(0, end), this.at, starts);
    if (found === null) return null;
    return this.extendBack({ at: found.offset, cursor: new PageCursor(old, found.page), track: null });
  }

  /** Pages before the found one may be known too: short ones, and those that a sample left out. */
  private extendBack({ at, cursor }: Known): Known {
    const { hasher, old } = this.options;
    let start = at;
    while (cursor.page > 0) {
      const before = cursor.copy();
      before.previous();
      const length = before.lengthBytes;
      if (before.fileOffsetBytes + length !== cursor.fileOffsetBytes || start - length < this.open) break;
      if (!hasher.matches(start - length, length, old.words, before.page)) break;
      cursor.previous();
      start -= length;
    }
    return { at: start, cursor, track: null };
  }

  private take({ at, cursor, track }: Known): void {
    this.lead(track ?? { shiftBytes: this.baseBytes + at - cursor.fileOffsetBytes, cursor: cursor.copy() });
    this.lostBytes = 0;
    const { output } = this.options;
    const kept = output.keeps(cursor);
    if (kept) this.close(at);
    if (kept) output.kept(cursor);
    this.at = at + cursor.lengthBytes;
    if (kept) this.open = this.at;
  }

  /** The track that a page was found on is asked first from now on. */
  private lead(track: Track): void {
    const [first] = this.tracks;
    if (first === undefined || first.shiftBytes === track.shiftBytes) return;
    this.tracks = [track, first];
  }

  private close(end: number): void {
    if (this.open < end) this.options.output.changed(this.open, end);
    this.open = end;
  }
}
