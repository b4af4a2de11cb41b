/*
 * Content of live files for a sealed verification: pieces are read where a safeset says that they lie, and each file is looked at
 * once, whether it still has the size and times that it had.
 */
import { equalBytes } from '@twinvault/std';
import type { SecretKey } from '@twinvault/std';
import { bundleTag } from '@twinvault/seal';
import type { EntryStat, OpenedEntry, SourceReader } from '../source-port.ts';
import { entryErrorOf } from '../workers/entry-reader.ts';
import type { LiveChunk, LiveFile, LivePiece } from './live-plan.ts';

/** What was found of a file, best first; the worst of what was found counts. */
export const liveStates = ['same', 'unproven', 'changed', 'damaged', 'missing'] as const;
export type LiveState = (typeof liveStates)[number];

export interface Assembled {
  readonly content: Uint8Array;
  /** Pieces that it was made of. */
  readonly used: ReadonlySet<LivePiece>;
}

export class LiveContent {
  /** By number of the file. */
  readonly #states: Uint8Array;
  readonly #files: readonly LiveFile[];
  readonly #reader: SourceReader;
  readonly #bundleKey: SecretKey;
  /** Files that were opened and looked at. */
  readonly #seen: Uint8Array;

  constructor(files: readonly LiveFile[], { reader, bundleKey }: { reader: SourceReader; bundleKey: SecretKey }) {
    this.#files = files;
    this.#reader = reader;
    this.#bundleKey = bundleKey;
    this.#states = new Uint8Array(files.length);
    this.#seen = new Uint8Array(files.length);
  }

  stateOf(file: number): LiveState {
    return liveStates[this.#states[file] ?? 0] ?? 'same';
  }

  /** Never better than what was found before. */
  note(file: number, state: LiveState): void {
    this.#states[file] = Math.max(this.#states[file] ?? 0, liveStates.indexOf(state));
  }

  /**
   * The chunk from its beginning on, put together from the pieces that lie in files which are not known to have changed; as long as these
   * reach without a gap. What is read need not be the chunk: only its id tells.
   */
  assemble({ pieces }: LiveChunk): Assembled {
    const inOrder = pieces
      .filter(({ file }) => this.stateOf(file) !== 'changed')
      .sort((a, b) => a.chunkOffsetBytes - b.chunkOffsetBytes || b.lengthBytes - a.lengthBytes);
    const parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];
    const used = new Set<LivePiece>();
    let end = 0;
    for (const piece of inOrder) {
      const { chunkOffsetBytes: at, lengthBytes } = piece;
      if (at > end) break;
      if (at + lengthBytes <= end) continue;
      const bytes = this.#read(piece);
      if (bytes === null) continue;
      parts.push({ at, bytes });
      used.add(piece);
      end = at + lengthBytes;
    }
    const content = new Uint8Array(end);
    for (const { at, bytes } of parts) content.set(bytes, at);
    return { content, used };
  }

  /** The live bytes of a piece are those of the chunk, which is known; else its file has changed. */
  comparePiece(chunk: Uint8Array, piece: LivePiece): void {
    const { chunkOffsetBytes, lengthBytes, file } = piece;
    const bytes = this.#read(piece);
    const same = bytes !== null && equalBytes(bytes, chunk.subarray(chunkOffsetBytes, chunkOffsetBytes + lengthBytes));
    if (!same) this.note(file, 'changed');
  }

  /** A piece of a chunk that could not be put together: what can be told of its file without it. */
  judgePiece(piece: LivePiece): void {
    const { file } = piece;
    this.note(file, 'unproven');
    if ((this.#files[file]?.tag ?? null) === null) this.look(file);
    else this.#read(piece);
  }

  /** A file without any chunk: only size and times can be compared. */
  look(file: number): void {
    const known = this.#files[file];
    if (known === undefined) return;
    try {
      using opened = this.#open(file, known);
      if (!sameTimes(opened.stat, known.stat)) this.note(file, 'changed');
    } catch (error) {
      this.#unread(file, error);
    }
  }

  #open(file: number, { directory, name, stat }: LiveFile): OpenedEntry {
    const opened = this.#reader.open(directory, name, stat);
    if (this.#seen[file] !== 1) {
      this.#seen[file] = 1;
      if (opened.stat.sizeBytes !== stat.sizeBytes) this.note(file, 'changed');
    }
    return opened;
  }

  /** Null, and the file noted as changed, when the piece is not there any more. */
  #read({ file, fileOffsetBytes, lengthBytes }: LivePiece): Uint8Array | null {
    const known = this.#files[file];
    if (known === undefined) return null;
    const bytes = new Uint8Array(lengthBytes);
    try {
      using opened = this.#open(file, known);
      let got = 0;
      while (got < lengthBytes) {
        const count = opened.read(bytes, got, lengthBytes - got, fileOffsetBytes + got);
        if (count === 0) break;
        got += count;
      }
      if (got < lengthBytes) {
        this.note(file, 'changed');
        return null;
      }
    } catch (error) {
      this.#unread(file, error);
      return null;
    }
    // Of a small file, which lies in one piece, the tag tells whether it is what it was, whatever lies beside it in the chunk.
    const isWhole = known.tag !== null && fileOffsetBytes === 0 && lengthBytes === known.stat.sizeBytes;
    if (isWhole && !equalBytes(bundleTag(this.#bundleKey, bytes), known.tag ?? bytes)) this.note(file, 'changed');
    return bytes;
  }

  #unread(file: number, error: unknown): void {
    if (entryErrorOf(error, new Uint8Array(0)) === null) throw error;
    this.note(file, 'changed');
  }
}

function sameTimes(a: EntryStat, b: EntryStat): boolean {
  return a.sizeBytes === b.sizeBytes && a.mtimeSeconds === b.mtimeSeconds && a.mtimeNanos === b.mtimeNanos;
}
