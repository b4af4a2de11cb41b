/*
 * Copies all safesets of a safe into a new one, oldest receipt first, so that the new safe receives them in the order in which the old one
 * did. Only safesets are copied: checkpoints and what was retired stay behind. The old safe is only read.
 *
 * A copy that was broken off goes on: what the new safe holds of a job already is its beginning, in the same order.
 */
import { toHex } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import type { Ledger, RecordDigest } from '@twinvault/format';
import type { RecordSummary, VaultSafe } from '@twinvault/protocol';
import { openSafeReader } from '@twinvault/seal';
import type { AgentKeys, OpenedSafe, SafeReader } from '@twinvault/seal';
import { EngineError } from '../errors.ts';
import { CopiedChunks } from './copied-chunks.ts';
import { copySafeset } from './copy-safeset.ts';

export interface RekeyOptions {
  readonly from: { readonly safe: VaultSafe; readonly opened: OpenedSafe };
  readonly to: { readonly safe: VaultSafe; readonly opened: OpenedSafe };
  /** Of the new safe; every job of the old one was handed over to its certificate. */
  readonly agent: AgentKeys;
  readonly platform: Pick<Platform, 'random' | 'clock' | 'timers'>;
  /** Of the new safe's site. */
  readonly siteKey: Uint8Array | null;
  readonly progress?: (progress: RekeyProgress) => void;
  readonly signal: AbortSignal;
}

export interface RekeyProgress {
  readonly safesets: number;
  readonly safesetsTotal: number;
  /** Read and sealed again. */
  readonly bytes: number;
}

export interface CopiedSafeset {
  readonly from: RecordSummary;
  /** Of the copy. */
  readonly record: RecordDigest;
}

export interface RekeyReport {
  readonly copied: readonly CopiedSafeset[];
  /** Of these, the ones that were there from before. */
  readonly already: number;
  readonly bytes: number;
}

/**
 * EngineError `rekey-mismatch` when the new safe holds safesets that are no copies; SealError and ProtocolError where something cannot be
 * read: then everything before it is copied.
 */
export async function rekey(options: RekeyOptions): Promise<RekeyReport> {
  return await new Rekey(options).perform();
}

/** The safesets of a safe that a rekey copies, oldest receipt first. */
export async function safesetsToCopy(safe: VaultSafe): Promise<readonly RecordSummary[]> {
  return (await safe.records({ kind: 'safeset' })).filter((record) => !record.retired);
}

class Rekey {
  readonly #options: RekeyOptions;
  readonly #from: SafeReader;
  readonly #to: SafeReader;
  readonly #ledger: Ledger;
  readonly #copied = new CopiedChunks();
  #bytes = 0;

  constructor(options: RekeyOptions) {
    const { from, to } = options;
    this.#options = options;
    this.#from = openSafeReader({ vaultSafe: from.safe, opened: from.opened });
    this.#to = openSafeReader({ vaultSafe: to.safe, opened: to.opened });
    this.#ledger = to.opened.ledger;
  }

  async perform(): Promise<RekeyReport> {
    const { from, to, progress } = this.#options;
    const wanted = await safesetsToCopy(from.safe);
    let there = await copiesIn(to.safe);
    const done = new Map<string, CopiedSafeset[]>();
    const copied: CopiedSafeset[] = [];
    let already = 0;
    await this.#learnFrom(wanted, there);
    for (const summary of wanted) {
      const job = jobOf(summary);
      const before = done.get(job) ?? [];
      const count = { done: copied.length, total: wanted.length };
      let copy = there.get(job)?.[before.length];
      let record = copy === undefined ? await this.#copy(summary, before, count) : null;
      if (record === null) {
        if (copy === undefined) there = await copiesIn(to.safe);
        copy = there.get(job)?.[before.length];
        if (copy === undefined || !isCopy(summary, copy)) throw new EngineError('rekey-mismatch');
        already += 1;
        record = copy.digest;
      }
      before.push({ from: summary, record });
      done.set(job, before);
      copied.push({ from: summary, record });
    }
    progress?.({ safesets: copied.length, safesetsTotal: wanted.length, bytes: this.#bytes });
    return { copied, already, bytes: this.#bytes };
  }

  /** The newest copy of each job tells which chunks are copied already. */
  async #learnFrom(wanted: readonly RecordSummary[], there: ReadonlyMap<string, readonly RecordSummary[]>): Promise<void> {
    const byJob = Map.groupBy(wanted, jobOf);
    for (const [job, copies] of there) {
      const copy = copies.at(-1);
      const summary = byJob.get(job)?.[copies.length - 1];
      if (copy === undefined || summary === undefined || !isCopy(summary, copy)) continue;
      await using from = await this.#from.open(summary.digest);
      await using to = await this.#to.open(copy.digest);
      await this.#copied.learn(from.catalog, to.catalog);
    }
  }

  async #copy(
    summary: RecordSummary,
    before: readonly CopiedSafeset[],
    count: { readonly done: number; readonly total: number },
  ): Promise<RecordDigest | null> {
    const { to, agent, platform, siteKey, signal, progress } = this.#options;
    signal.throwIfAborted();
    progress?.({ safesets: count.done, safesetsTotal: count.total, bytes: this.#bytes });
    await using from = await this.#from.open(summary.digest);
    const committed = await copySafeset({
      from,
      vault: to.safe,
      ledger: this.#ledger,
      agent,
      copied: this.#copied,
      sequences: before.map((earlier) => earlier.from.public.sequence),
      platform,
      siteKey,
      signal,
      onBytes: (bytes) => {
        this.#bytes += bytes;
        progress?.({ safesets: count.done, safesetsTotal: count.total, bytes: this.#bytes });
      },
    });
    return committed?.digest ?? null;
  }
}

/** By job, oldest receipt first. */
async function copiesIn(safe: VaultSafe): Promise<ReadonlyMap<string, readonly RecordSummary[]>> {
  return Map.groupBy(await safe.records({ kind: 'safeset' }), jobOf);
}

function jobOf({ public: known }: RecordSummary): string {
  return `${toHex(known.computer)} ${known.job}`;
}

/** By what a copy says of itself as the safeset did. */
function isCopy({ public: a }: RecordSummary, { public: b }: RecordSummary): boolean {
  return a.startMs === b.startMs && a.endMs === b.endMs && a.retention === b.retention && a.counts.files === b.counts.files;
}

/** The heads of the copied jobs. */
export function headsOfCopies(copied: readonly CopiedSafeset[]): readonly CopiedSafeset[] {
  return [...new Map(copied.map((copy) => [jobOf(copy.from), copy])).values()];
}
