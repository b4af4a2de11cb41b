/*
 * What a sealed verification compares: the files of the last safeset that were asked for, as the catalog cache has them, the chunks
 * that they use, and of each chunk the pieces that lie in files. A file that was not asked for is in the plan, too, where it helps to make a
 * chunk whole: small files share one. Held in memory: some 600 bytes a file.
 */
import { toHex } from '@twinvault/std';
import { chunkId } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import { BodyView, marks } from '../entries/entry-body.ts';
import { isWithin, pathOf } from '../entries/entry-keys.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import { entryTypes } from '../source-port.ts';
import type { EntryStat } from '../source-port.ts';
import type { CacheReader } from '../state/catalog-cache.ts';

export interface LiveFile {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  /** Size and times when it was backed up. */
  readonly stat: EntryStat;
  /** HMAC of the content, of small files. */
  readonly tag: Uint8Array | null;
  /** It was asked for, and is not in the plan for a shared chunk alone. */
  readonly wanted: boolean;
  /** Its content was not wholly what the file had then: torn, not read, or taken over from an older safeset. */
  readonly doubtful: boolean;
}

/** Where a part of a chunk lies in a live file. */
export interface LivePiece {
  readonly file: number;
  readonly fileOffsetBytes: number;
  readonly chunkOffsetBytes: number;
  readonly lengthBytes: number;
}

export interface LiveChunk {
  readonly id: ChunkId;
  readonly pieces: LivePiece[];
}

export interface LivePlan {
  readonly files: readonly LiveFile[];
  readonly chunks: readonly LiveChunk[];
  /** Of the files that were asked for. */
  readonly wantedFiles: number;
  readonly wantedBytes: number;
}

/** Pieces that are kept for one place of a chunk: many equal files need not all prove it. */
const piecesPerChunkMax = 4096;

export interface PlanInput {
  /** Opens the same cache anew. */
  readonly openCache: () => Promise<CacheReader>;
  /** Components joined by 0x00; none: everything. */
  readonly paths: readonly Uint8Array[];
  readonly signal?: AbortSignal;
}

export async function planLive({ openCache, paths, signal }: PlanInput): Promise<LivePlan> {
  const wanted = (path: Uint8Array): boolean => paths.length === 0 || paths.some((one) => isWithin(path, one));
  const plan = new PlanBuilder();
  await eachFile(openCache, signal, (view, directory, name) => {
    if (wanted(pathOf(directory, name))) plan.add({ view, directory, name, isWanted: true });
  });
  if (paths.length > 0) {
    await eachFile(openCache, signal, (view, directory, name) => {
      if (!wanted(pathOf(directory, name)) && plan.shares(view)) plan.add({ view, directory, name, isWanted: false });
    });
  }
  return plan;
}

type FileVisitor = (view: BodyView, directory: Uint8Array, name: Uint8Array) => void;

async function eachFile(
  openCache: () => Promise<CacheReader>,
  signal: AbortSignal | undefined,
  visit: FileVisitor,
): Promise<void> {
  await using cache = await openCache();
  for (let block = await cache.nextBlock(); block !== null; block = await cache.nextBlock()) {
    signal?.throwIfAborted();
    const items = new ItemCursor(block.items);
    while (items.next()) {
      const view = new BodyView(block.items, items.bodyStart);
      if (view.type === entryTypes.file) visit(view, items.directory, items.name);
    }
  }
}

interface FileToAdd {
  readonly view: BodyView;
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly isWanted: boolean;
}

class PlanBuilder implements LivePlan {
  readonly files: LiveFile[] = [];
  readonly chunks: LiveChunk[] = [];
  wantedFiles = 0;
  wantedBytes = 0;
  readonly #numbers = new Map<string, number>();

  /** Whether the file uses a chunk of the plan. */
  shares(view: BodyView): boolean {
    for (let index = 0; index < view.extentCount; index += 1) {
      const id = view.extentId(index);
      if (id !== null && this.#numbers.has(toHex(id))) return true;
    }
    return false;
  }

  /** A file that is not wanted adds pieces to known chunks alone. */
  add({ view, directory, name, isWanted }: FileToAdd): void {
    const file = this.files.length;
    this.files.push({
      directory: directory.slice(),
      name: name.slice(),
      stat: view.stat(),
      tag: view.tag?.slice() ?? null,
      wanted: isWanted,
      doubtful: (view.marks & (marks.torn | marks.unread | marks.carried)) !== 0,
    });
    if (isWanted) {
      this.wantedFiles += 1;
      this.wantedBytes += view.sizeBytes;
    }
    let fileOffsetBytes = 0;
    for (let index = 0; index < view.extentCount; index += 1) {
      const id = view.extentId(index);
      const lengthBytes = view.extentLength(index);
      const chunk = id === null ? null : this.#chunkOf(id, isWanted);
      if (chunk !== null && (isWanted || chunk.pieces.length < piecesPerChunkMax)) {
        chunk.pieces.push({ file, fileOffsetBytes, chunkOffsetBytes: view.extentOffset(index), lengthBytes });
      }
      fileOffsetBytes += lengthBytes;
    }
  }

  #chunkOf(id: Uint8Array, make: boolean): LiveChunk | null {
    const hex = toHex(id);
    const known = this.#numbers.get(hex);
    if (known !== undefined) return this.chunks[known] ?? null;
    if (!make) return null;
    const chunk = { id: chunkId(id.slice()), pieces: [] };
    this.#numbers.set(hex, this.chunks.length);
    this.chunks.push(chunk);
    return chunk;
  }
}
