/*
 * Before anything is read: the ledger is verified and held against what this computer has seen, the certificate must still
 * stand, the vault's head of the job must not be older than the one pinned. Any doubt ends the run here.
 */
import { equalBytes, toHex } from '@twinvault/std';
import type { Ledger, RecordDigest, Suite } from '@twinvault/format';
import { parseRecord, verifyRecord } from '@twinvault/format';
import type { RecordSummary, VaultSafe, VaultSession } from '@twinvault/protocol';
import { replayPinned, SealError } from '@twinvault/seal';
import type { AgentKeys } from '@twinvault/seal';
import { EngineError } from '../errors.ts';
import type { SafeState } from '../state/agent-state.ts';
import type { JobHead, Pins, SeedBegun } from '../state/pins.ts';

export interface OpenedRun {
  readonly ledger: Ledger;
  readonly suite: Suite;
  /** The newest reading key, certified by the root. */
  readonly kem: { readonly epoch: number; readonly key: Uint8Array };
  readonly session: VaultSession;
  /** Heads of the job at the site; the new record names them all. */
  readonly heads: readonly RecordSummary[];
  /** Of the safeset that this run makes. */
  readonly sequence: number;
}

export interface OpeningOptions {
  readonly vault: VaultSafe;
  readonly agent: AgentKeys;
  readonly job: string;
  readonly state: SafeState;
  /** Id of the seed disk whose vault this is; left out for a vault that keeps. */
  readonly seedDisk?: Uint8Array;
  /** What the site's heads must descend from, where that is not the pinned head. */
  readonly headSeen?: JobHead | null;
  /** Of the beginning of the run. */
  readonly startMs: number;
}

/** EngineError 'seed-awaited', 'seed-elsewhere', 'seed-late', 'agent-foreign', 'agent-revoked', 'safe-succeeded', 'head-rolled-back'; SealError 'ledger-rolled-back', 'root-mismatch'; ProtocolError. */
export async function openRun(options: OpeningOptions): Promise<OpenedRun> {
  const { vault, agent, job, state, seedDisk, headSeen, startMs } = options;
  if (!equalBytes(vault.safe, agent.safe)) throw new EngineError('agent-foreign');
  const pins = await state.pins();
  const seen = await state.ledgerHead(agent);
  const served = { descriptor: await vault.descriptor(), ledger: await vault.ledger(1) };
  const ledger = replayPinned(served, { rootKey: agent.rootKey, ledgerHead: seen });
  if (ledger.certificate(agent.certificate) === null || ledger.revocationOf(agent.certificate) !== null) {
    throw new EngineError('agent-revoked');
  }
  await state.sawLedger(served, ledger.head);
  if (ledger.successor() !== null) throw new EngineError('safe-succeeded');
  const { certificate, computer } = agent;
  const key = headKey(agent, job);
  if (seedDisk !== undefined) demandSeed(pins, key, { disk: seedDisk, begunMs: startMs });
  const session = await vault.openSession({ certificate, computer, job, ledger: ledger.head });
  try {
    const { heads } = session;
    const pinned = headSeen === undefined ? pins.head(key) : headSeen;
    const seed = seedDisk === undefined ? pins.seed(key) : null;
    const sequence = 1 + (await checkHeads({ vault, ledger, heads, pinned, seed }, { job, computer }));
    return { ledger, suite: ledger.minimumSuite, kem: ledger.epoch(), session, heads, sequence };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

/** Pins of heads are per job of this computer; a computer that enrols anew keeps its id or begins a chain of its own. */
export function headKey(agent: AgentKeys, job: string): string {
  return `${toHex(agent.computer)}/${job}`;
}

/** A seed is the first run of a job, on one disk. */
function demandSeed(pins: Pins, key: string, begin: SeedBegun): void {
  const begun = pins.seed(key);
  if (begun === null) {
    const head = pins.head(key);
    if (head !== null) throw new EngineError('seed-late', { context: { sequence: head.sequence } });
    pins.beginSeed(key, begin);
  } else if (!equalBytes(begun.disk, begin.disk)) throw new EngineError('seed-elsewhere', { context: seedContext(begun) });
}

function seedContext({ disk, begunMs }: SeedBegun): { readonly disk: string; readonly begun: string } {
  return { disk: toHex(disk).slice(0, 8), begun: new Date(begunMs).toISOString().slice(0, 10) };
}

interface HeadsToCheck {
  readonly vault: VaultSafe;
  readonly ledger: Ledger;
  readonly heads: readonly RecordSummary[];
  readonly pinned: JobHead | null;
  /** The pinned head came to a disk, and this vault is not on it. */
  readonly seed: SeedBegun | null;
}

/**
 * The highest sequence of the heads, 0 of a new job. 'head-rolled-back' unless the pinned head is one of the site's heads or
 * an ancestor of one; 'seed-awaited' where that is on a disk still. What a site says of a record counts only when the record itself, under its digest, says it.
 */
async function checkHeads({ vault, ledger, heads, pinned, seed }: HeadsToCheck, filter: JobFilter): Promise<number> {
  const isPinned = ({ digest }: RecordSummary): boolean => pinned !== null && equalBytes(digest, pinned.record);
  const sequences: number[] = [];
  for (const head of heads) {
    const known = pinned !== null && isPinned(head) ? pinned.sequence : await verifiedSequence(vault, ledger, head.digest);
    sequences.push(known);
  }
  const newest = Math.max(0, ...sequences);
  if (pinned === null || heads.some(isPinned)) return newest;
  const rolledBack =
    seed === null
      ? new EngineError('head-rolled-back', { context: { seen: pinned.sequence, served: newest } })
      : new EngineError('seed-awaited', { context: seedContext(seed) });
  if (newest <= pinned.sequence) throw rolledBack;
  const known = await ancestry(vault, heads, filter);
  if (!known.has(toHex(pinned.record))) throw rolledBack;
  return newest;
}

async function verifiedSequence(vault: VaultSafe, ledger: Ledger, digest: RecordDigest): Promise<number> {
  const record = parseRecord(await vault.record(digest));
  if (!equalBytes(record.digest, digest)) throw new SealError('record-mismatch');
  verifyRecord(record, ledger);
  return record.public.sequence;
}

/** Digests (hexadecimal) of the heads and of all that they descend from, stubs included: each names the ones before it. */
export async function ancestry(
  vault: VaultSafe,
  heads: readonly RecordSummary[],
  filter: JobFilter,
): Promise<ReadonlySet<string>> {
  const known = new Map<string, RecordSummary>();
  for (const summary of await vault.records(filter)) known.set(toHex(summary.digest), summary);
  const found = new Set<string>();
  const open = heads.map(({ digest }) => toHex(digest));
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    if (found.has(digest)) continue;
    found.add(digest);
    for (const previous of known.get(digest)?.public.previous ?? []) open.push(toHex(previous));
  }
  return found;
}

export interface JobFilter {
  readonly job: string;
  readonly computer: Uint8Array;
}
