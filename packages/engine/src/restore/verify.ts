/*
 * The half of `check` that needs the keys: opens every safeset, computes its refs again, and, when asked, opens every chunk and compares it
 * with its id. Nothing is written.
 */
import { CodedError, equalBytes, toHex } from '@twinvault/std';
import type { Threads } from '@twinvault/std';
import type { ChunkId, PackName, RecordDigest, SafesetId } from '@twinvault/format';
import { writeSecret } from '@twinvault/seal';
import type { ChunkPlace, SafeReader, SafesetReader } from '@twinvault/seal';
import { ChunkSet } from './chunk-set.ts';
import { RestorePool } from './pool.ts';
import { TaskRunner } from './task-runner.ts';
import type { VerifiedBatch } from './task-runner.ts';

/** Chunks that are planned together: enough for neighbours in packs to meet, few enough for threads to begin soon. */
const batchChunksMax = 4096;

type ChunkIds = AsyncGenerator<readonly ChunkId[], void, undefined>;

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
    const runner = this.#pool === null ? null : this.#runnerOf(safeset, this.#pool);
    // Threads open chunks while this one reads the catalog, once for both.
    const ids = safeset.catalog.chunkIds();
    const refs = await safeset.recomputeRefs(runner === null ? ids : this.#open(ids, runner));
    if (!refs.ok) this.#problems.push({ ...about, code: 'refs-mismatch', chunks: refs.missing.length + refs.surplus });
    const codes = new Map<string, number>();
    for (const code of runner?.damaged.values() ?? []) codes.set(code, (codes.get(code) ?? 0) + 1);
    for (const [code, chunks] of codes) this.#problems.push({ ...about, code, chunks });
  }

  #runnerOf({ chunks, reading }: SafesetReader, pool: RestorePool): TaskRunner {
    const { signal } = this.#options;
    return new TaskRunner({ contents: { chunks, reading }, pool, place: null, ...(signal === undefined ? {} : { signal }) });
  }

  /** Hands the ids on, and has every blob of theirs opened that no safeset before had; all are when it ends. */
  async *#open(ids: ChunkIds, runner: TaskRunner): ChunkIds {
    const isWanted = (place: ChunkPlace): boolean => {
      const isFirst = this.#seen.add(place);
      if (isFirst) this.#counts.chunks += 1;
      return isFirst;
    };
    let chunks = new ChunkSet(isWanted);
    let underWay: VerifiedBatch | null = null;
    // Handed out behind the last one, so that no thread waits where they meet.
    const begin = async (): Promise<void> => {
      const [given, before] = [chunks, underWay];
      chunks = new ChunkSet(isWanted);
      underWay = await runner.beginVerifying(given);
      if (before !== null) await this.#end(before, runner);
    };
    for await (const batch of ids) {
      for (const id of batch) chunks.add(id);
      if (chunks.count >= batchChunksMax) await begin();
      yield batch;
    }
    await begin();
    await this.#end(underWay, runner);
  }

  async #end(verified: VerifiedBatch | null, runner: TaskRunner): Promise<void> {
    if (verified === null) return;
    await runner.end(verified.batch);
    this.#counts.bytes += verified.bytes;
    this.#tell('chunks');
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
