/*
 * The half of `check` that needs the keys: opens every safeset, computes its refs again, and, when asked, opens every chunk and compares it
 * with its id. Nothing is written.
 */
import { CodedError, toHex } from '@twinvault/std';
import type { Threads } from '@twinvault/std';
import type { ChunkId, RecordDigest, SafesetId } from '@twinvault/format';
import { writeSecret } from '@twinvault/seal';
import type { SafeReader, SafesetReader } from '@twinvault/seal';
import { WindowRunner } from './window.ts';

/** Chunks that are opened together. */
const batchChunksMax = 4096;

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
  /** Chunks that were opened; 0 without `readData`. */
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

export async function verifySafe(options: VerifyOptions): Promise<VerifyReport> {
  return await new Verification(options).run();
}

class Verification {
  private readonly options: VerifyOptions;
  private readonly seen = new Set<string>();
  private readonly problems: VerifyProblem[] = [];
  private counts = { safesets: 0, chunks: 0, bytes: 0 };
  private total = 0;

  constructor(options: VerifyOptions) {
    this.options = options;
  }

  async run(): Promise<VerifyReport> {
    const { reader, signal } = this.options;
    const summaries = await reader.safesets();
    this.total = summaries.length;
    for (const summary of summaries) {
      signal?.throwIfAborted();
      const about = { safeset: summary.public.safeset, record: summary.digest };
      try {
        await using safeset = await reader.open(summary.digest);
        await this.safeset(safeset, about);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        this.problems.push({ ...about, code: error.code, chunks: 0 });
      }
      this.counts.safesets += 1;
      this.tell('refs');
    }
    return { ...this.counts, problems: this.problems };
  }

  private async safeset(safeset: SafesetReader, about: Pick<VerifyProblem, 'safeset' | 'record'>): Promise<void> {
    const refs = await safeset.recomputeRefs();
    if (!refs.ok) this.problems.push({ ...about, code: 'refs-mismatch', chunks: refs.missing.length + refs.surplus });
    if (!this.options.readData) return;
    const damaged = await this.chunksOf(safeset);
    const codes = new Map<string, number>();
    for (const code of damaged.values()) codes.set(code, (codes.get(code) ?? 0) + 1);
    for (const [code, chunks] of codes) this.problems.push({ ...about, code, chunks });
  }

  /** Each chunk once over all safesets. */
  private async chunksOf(safeset: SafesetReader): Promise<ReadonlyMap<string, string>> {
    const { threads, reader, signal } = this.options;
    const { opened } = reader;
    await using runner = new WindowRunner({
      contents: {
        writeSecret: writeSecret(opened.rootSecret),
        catalog: safeset.catalog,
        chunks: safeset.chunks,
        reading: safeset.reading,
      },
      threads,
      target: null,
      conflict: 'skip',
      ...(signal === undefined ? {} : { signal }),
    });
    let batch: ChunkId[] = [];
    const flush = async (): Promise<void> => {
      const ids = batch;
      batch = [];
      this.counts.bytes += await runner.verify(ids);
      this.counts.chunks += ids.length;
      this.tell('chunks');
    };
    for await (const ids of safeset.catalog.chunkIds()) {
      for (const id of ids) {
        const name = toHex(id.subarray(0, 16));
        if (this.seen.has(name)) continue;
        this.seen.add(name);
        batch.push(id.slice() as ChunkId);
      }
      if (batch.length >= batchChunksMax) await flush();
    }
    await flush();
    return runner.damaged;
  }

  private tell(phase: VerifyProgress['phase']): void {
    this.options.progress?.({ phase, ...this.counts, safesetsTotal: this.total });
  }
}
