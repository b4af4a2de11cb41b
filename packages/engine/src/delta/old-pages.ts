/*
 * Hashes of the last version's pages, segment by segment: the last one came with the signature, each other one is asked for when
 * the comparison comes to it and forgotten when it has left it (docs/format/delta.md, "Page signature").
 *
 * Invariant: a segment that does not have its name is as one that is lost: its pages are not known, and no others.
 */
import { wordsPerPage } from '@twinvault/seal';
import type { OldVersion } from './old-version.ts';
import { segmentWords } from './signature.ts';

/** Where segments come from. */
export interface SegmentSource {
  /** Null: it is not there. */
  segment(name: Uint8Array): Promise<Uint8Array | null>;
}

export class OldPages {
  private readonly old: OldVersion;
  private readonly source: SegmentSource;
  /** Null: lost. */
  private readonly held = new Map<number, Uint32Array | null>();

  constructor(old: OldVersion, source: SegmentSource) {
    this.old = old;
    this.source = source;
    const { names, lastWords } = old.signature;
    this.held.set(names.length, lastWords);
  }

  /** Of the page. */
  segmentOf(page: number): number {
    return Math.floor(page / this.old.segmentPages);
  }

  firstPage(segment: number): number {
    return segment * this.old.segmentPages;
  }

  /** Hashes of a segment; null: they are lost, or there is no such segment; undefined: they have to be loaded first. */
  words(segment: number): Uint32Array | null | undefined {
    return segment >= 0 && segment <= this.old.signature.names.length ? this.held.get(segment) : null;
  }

  async load(segment: number): Promise<void> {
    const name = this.old.signature.names[segment];
    if (name === undefined || this.held.has(segment)) return;
    const bytes = await this.source.segment(name);
    const words = bytes === null ? null : segmentWords(name, bytes);
    this.held.set(segment, words !== null && words.length === this.old.segmentPages * wordsPerPage ? words : null);
  }

  /** Forgets all others but the last one, and that some are lost. */
  keep(segments: ReadonlySet<number>): void {
    const last = this.old.signature.names.length;
    for (const segment of this.held.keys()) if (segment !== last && !segments.has(segment)) this.held.delete(segment);
  }
}
