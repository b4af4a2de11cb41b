/*
 * The half of `check` that needs the keys: opens every safeset, computes its refs again, and, when asked, opens every chunk and compares it
 * with its id. Nothing is written.
 */
import { CodedError, equalBytes, toHex } from '@twinvault/std';
import type { Threads } from '@twinvault/std';
import type { PackName, RecordDigest, SafesetId } from '@twinvault/format';
import { writeSecret } from '@twinvault/seal';
import type { ChunkPlace, SafeReader, SafesetReader } from '@twinvault/seal';
import { ChunkSet } from './chunk-set.ts';
import { RestorePool } from './pool.ts';
import { TaskRunner } from './task-runner.ts';

/** Chunks that are opened together. */
const batchChunksMax = 16_384;

export interface VerifyProgress {
  readonly phase: 'refs' | 'chunks';
  readonly safesets: number;
  readonly safesetsTotal: number;
  readonly chunks: number;
  readonly bytes: number;
}

export interface VerifyProblem {
  readonly safeset: SafesetId;
  readonly record: RecordDigest;
  /** Of the error that says what is wrong. */
  readonly code: string;
  /** Chunks concerned; 0 where the safeset as a whole is. */
  readonly chunks: number;
}

export interface VerifyReport {
  readonly safesets: number;
  /** Stored chunks that were read, each copy counted; 0 without `readData`. */
  readonly chunks: number;
  /** Sealed bytes read. */
  readonly bytes: number;
  readonly problems: readonly VerifyProblem[];
}

export interface VerifyOptions {
  readonly reader: SafeReader;
  readonly readData: boolean;
  readonly threads: Threads;
  readonly progress?: (progress: VerifyProgress) => void;
  readonly signal?: AbortSignal;
}

/** The signal's reason when it is aborted. What is wrong with a safeset is in the report, not thrown. */
export async function verifySafe(options: VerifyOptions): Promise<VerifyReport> {
  const { reader, readData, threads } = options;
  if (!readData) return await new Verification(options, null).run();
  const secret = writeSecret(reader.opened.rootSecret);
  await using pool = new RestorePool(threads, { writeSecret: secret, target: null, conflict: 'skip' });
  return await new Verification(options, pool).run();
}

class Verification {
  readonly #options: VerifyOptions;
  /** Null: contents are not read. */
  readonly #pool: RestorePool | null;
  readonly #seen = new SeenBlobs();
  readonly #problems: VerifyProblem[] = [];
  readonly #counts = { safesets: 0, chunks: 0, bytes: 0 };
  #total = 0;

  constructor(options: VerifyOptions, pool: RestorePool | null) {
    this.#options = options;
    this.#pool = pool;
  }

  async run(): Promise<VerifyReport> {
    const { reader, signal } = this.#options;
    const summaries = await reader.safesets();
    this.#total = summaries.length;
    for (const summary of summaries) {
      signal?.throwIfAborted();
      const about = { safeset: summary.public.safeset, record: summary.digest };
      try {
        await using safeset = await reader.open(summary.digest);
        await this.#verify(safeset, about);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        this.#problems.push({ ...about, code: error.code, chunks: 0 });
      }
      this.#counts.safesets += 1;
      this.#tell('refs');
    }
    return { ...this.#counts, problems: this.#problems };
  }

  async #verify(safeset: SafesetReader, about: Pick<VerifyProblem, 'safeset' | 'record'>): Promise<void> {
    const refs = await safeset.recomputeRefs();
    if (!refs.ok) this.#problems.push({ ...about, code: 'refs-mismatch', chunks: refs.missing.length + refs.surplus });
    if (this.#pool === null) return;
    const damaged = await this.#open(safeset, this.#pool);
    const codes = new Map<string, number>();
    for (const code of damaged.values()) codes.set(code, (codes.get(code) ?? 0) + 1);
    for (const [code, chunks] of codes) this.#problems.push({ ...about, code, chunks });
  }

  /** Opens every blob of the safeset that no safeset before it had. */
  async #open(safeset: SafesetReader, pool: RestorePool): Promise<ReadonlyMap<string, string>> {
    const { signal } = this.#options;
    const { chunks: finder, reading, catalog } = safeset;
    const runner = new TaskRunner({
      contents: { chunks: finder, reading },
      pool,
      place: null,
      ...(signal === undefined ? {} : { signal }),
    });
    const isWanted = (place: ChunkPlace): boolean => {
      const isFirst = this.#seen.add(place);
      if (isFirst) this.#counts.chunks += 1;
      return isFirst;
    };
    let batch = new ChunkSet(isWanted);
    const flush = async (): Promise<void> => {
      const chunks = batch;
      batch = new ChunkSet(isWanted);
      this.#counts.bytes += await runner.verify(chunks);
      this.#tell('chunks');
    };
    for await (const ids of catalog.chunkIds()) {
      for (const id of ids) batch.add(id);
      if (batch.count >= batchChunksMax) await flush();
    }
    await flush();
    return runner.damaged;
  }

  #tell(phase: VerifyProgress['phase']): void {
    this.#options.progress?.({ phase, ...this.#counts, safesetsTotal: this.#total });
  }
}

/** One bit for each blob of each pack. */
class SeenBlobs {
  readonly #packs = new Map<string, Uint8Array>();
  #last: { readonly pack: PackName; readonly hex: string } | null = null;

  /** True for the first time. */
  add({ pack, row: { position } }: ChunkPlace): boolean {
    const hex =
      this.#last?.pack === pack || (this.#last !== null && equalBytes(this.#last.pack, pack)) ? this.#last.hex : toHex(pack);
    this.#last = { pack, hex };
    let bits = this.#packs.get(hex) ?? new Uint8Array(64);
    const index = position >>> 3;
    if (index >= bits.length) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2(index + 1)));
      larger.set(bits);
      bits = larger;
    }
    this.#packs.set(hex, bits);
    const mask = 1 << (position & 7);
    const isFirst = ((bits[index] ?? 0) & mask) === 0;
    bits[index] = (bits[index] ?? 0) | mask;
    return isFirst;
  }
}
