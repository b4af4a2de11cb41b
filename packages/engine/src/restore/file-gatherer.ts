/*
 * Gathers files into windows and hands these to the threads. While the threads work on one window the next is gathered, and handed out
 * behind it, so that no thread waits where windows meet; then the one before it is settled, so that two are in memory.
 */
import { chunkId } from '@twinvault/format';
import type { CatalogEntry, CatalogReader, Extent } from '@twinvault/seal';
import type { EntryMetadata } from '../target-port.ts';
import { ChunkSet } from './chunk-set.ts';
import type { Place } from './links.ts';
import type { FileToRestore, FileWrite } from './planner.ts';
import type { Batch, FileOutcome, FilePart, TaskRunner } from './task-runner.ts';

/** Files that are planned together: enough for neighbours in packs to meet. */
export const windowFilesMax = 4096;
/** Writes that are planned together. */
export const windowWritesMax = 50_000;
/** A file of more writes goes by itself, in parts of so many: each part fetches what it needs anew, so they are as large as memory bears. */
export const partWritesMax: number = windowWritesMax;

interface GatheredFile {
  readonly file: Omit<FileToRestore, 'writes'>;
  readonly entry: CatalogEntry;
}

interface UnderWay {
  readonly files: readonly GatheredFile[];
  readonly batch: Batch;
}

/** Told once for each file how it ended. */
export type OnSettled = (entry: CatalogEntry, place: Place, outcome: FileOutcome) => void;

export class FileGatherer {
  readonly #catalog: CatalogReader;
  readonly #runner: TaskRunner;
  readonly #onSettled: OnSettled;
  #chunks = new ChunkSet();
  #files: (GatheredFile & { readonly file: FileToRestore })[] = [];
  #writes = 0;
  #nextFile = 0;
  #underWay: UnderWay | null = null;

  constructor(catalog: CatalogReader, runner: TaskRunner, onSettled: OnSettled) {
    this.#catalog = catalog;
    this.#runner = runner;
    this.#onSettled = onSettled;
  }

  /** Throws where the list of its content cannot be read. */
  async add(entry: CatalogEntry, place: Place, metadata: EntryMetadata): Promise<void> {
    this.#nextFile += 1;
    const file = { file: this.#nextFile, ...place, sizeBytes: entry.sizeBytes, metadata };
    if (entry.rope) {
      await this.#addLong(entry, file);
      return;
    }
    this.#push({ file: { ...file, writes: writesOf(entry.extents, 0, this.#chunks) }, entry });
    if (this.#isFull()) await this.#begin();
  }

  /** Everything added so far is settled when it resolves; true: there was something. */
  async flush(): Promise<boolean> {
    if (this.#files.length === 0 && this.#underWay === null) return false;
    if (this.#files.length > 0) await this.#begin();
    const last = this.#underWay;
    this.#underWay = null;
    await this.#settle(last);
    return true;
  }

  #push(gathered: GatheredFile & { readonly file: FileToRestore }): void {
    this.#files.push(gathered);
    this.#writes += gathered.file.writes.length;
  }

  #isFull(): boolean {
    return this.#files.length >= windowFilesMax || this.#writes >= windowWritesMax;
  }

  async #addLong(entry: CatalogEntry, file: Omit<FileToRestore, 'writes'>): Promise<void> {
    const batches = this.#catalog.extentBatches(entry);
    const read: Extent[] = [];
    let whole = false;
    while (read.length < partWritesMax && !whole) {
      const { done, value } = await batches.next();
      whole = done === true;
      if (value !== undefined) read.push(...value);
    }
    if (whole) {
      this.#push({ file: { ...file, writes: writesOf(read, 0, this.#chunks) }, entry });
      if (this.#isFull()) await this.#begin();
      return;
    }
    await this.flush();
    const batch = await this.#runner.beginInParts(file, partsOf(read, batches));
    this.#underWay = { files: [{ file, entry }], batch };
  }

  async #begin(): Promise<void> {
    const before = this.#underWay;
    const [files, chunks] = [this.#files, this.#chunks];
    this.#files = [];
    this.#chunks = new ChunkSet();
    this.#writes = 0;
    const batch = await this.#runner.begin(
      files.map(({ file }) => file),
      chunks,
    );
    this.#underWay = { files, batch };
    await this.#settle(before);
  }

  async #settle(underWay: UnderWay | null): Promise<void> {
    if (underWay === null) return;
    const outcomes = await this.#runner.end(underWay.batch);
    for (const { file, entry } of underWay.files) {
      const outcome = outcomes.get(file.file) ?? { type: 'failed', detail: 'no answer from its thread' };
      this.#onSettled(entry, file, outcome);
    }
  }
}

async function* partsOf(
  first: readonly Extent[],
  rest: AsyncGenerator<readonly Extent[], void, undefined>,
): AsyncGenerator<FilePart, void, undefined> {
  let at = 0;
  let extents = [...first];
  const part = (): FilePart => {
    const chunks = new ChunkSet();
    const writes = writesOf(extents, at, chunks);
    for (const { lengthBytes } of extents) at += lengthBytes;
    extents = [];
    return { chunks, writes };
  };
  yield part();
  for await (const batch of rest) {
    extents.push(...batch);
    if (extents.length >= partWritesMax) yield part();
  }
  if (extents.length > 0) yield part();
}

/** `offsetBytes`: of the first extent in its file. */
function writesOf(extents: readonly Extent[], offsetBytes: number, chunks: ChunkSet): FileWrite[] {
  const writes: FileWrite[] = [];
  let at = offsetBytes;
  for (const extent of extents) {
    if (extent.chunk !== null) {
      const { offsetBytes: chunkOffsetBytes, lengthBytes } = extent;
      writes.push({ chunk: chunks.add(chunkId(extent.chunk)), chunkOffsetBytes, lengthBytes, fileOffsetBytes: at });
    }
    at += extent.lengthBytes;
  }
  return writes;
}
