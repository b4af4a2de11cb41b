/*
 * The first mark: which packs of a safe nothing refers to, which were superseded, and what is to be done with each. Decides only; writes
 * nothing but the cache.
 */

import { minuteMs } from '@twinvault/std';
import { numbersByNonce, readPlans } from '../compact/plan-store.ts';
import type { SafeContext } from '../context.ts';
import type { OpenLease } from '../leases/leases.ts';
import { packNameOfHex, packNames } from '../packs/pack-files.ts';
import { packFacts } from '../live/pack-facts.ts';
import type { PackFacts } from '../live/pack-facts.ts';
import type { LiveRows } from '../live/refs-pool.ts';
import { quarantinedNames, readQuarantine } from './quarantine.ts';
import type { QuarantineNote } from './quarantine.ts';
import type { CleanedPack } from './report.ts';

/** A lease taken up to so long after a mark's time may have been taken before its note was there. */
export const markSpreadMs: number = 10 * minuteMs;

export interface MarkTimes {
  /** Of the leases. */
  readonly nowMs: number;
  /** This machine's. */
  readonly clockMs: number;
  readonly quarantineMs: number;
}

export interface MarkParts {
  readonly context: SafeContext;
  readonly live: LiveRows;
  readonly leases: readonly OpenLease[];
  readonly times: MarkTimes;
}

export interface Marked {
  readonly packs: readonly CleanedPack[];
  readonly totalPacks: number;
  readonly totalBytes: number;
  /** Of all packs that are whole at their ends. */
  readonly facts: readonly PackFacts[];
  /** Notes of packs that are not there. */
  readonly staleNotes: readonly string[];
}

export async function markPacks(parts: MarkParts): Promise<Marked> {
  const { context, live } = parts;
  const present = await packNames(context);
  const noted = await quarantinedNames(context);
  const plans = numbersByNonce(await readPlans(context));
  const facts = await packFacts({ context, live, present, noted, plans });
  const packs: CleanedPack[] = [];
  let totalBytes = 0;
  for (const { hex, bytes, state } of await allPacks(parts, { present, facts })) {
    totalBytes += bytes;
    if (state === 'live' && !noted.has(hex)) continue;
    const decision = state === 'live' ? takeBackDecision : await decideNeedless(parts, hex, { state, isNoted: noted.has(hex) });
    packs.push({ pack: hex, bytes, ...decision });
  }
  const staleNotes = [...noted].filter((hex) => !present.has(hex));
  return { packs, totalPacks: present.size, totalBytes, facts: [...facts.values()], staleNotes };
}

type Decision = Pick<CleanedPack, 'action' | 'reason'>;
const takeBackDecision: Decision = { action: 'take-back', reason: 'live' };

/** Why a pack may go: nothing refers to it, or other packs hold all that is live in it. */
export type Needless = 'dead' | 'superseded';

interface PackState {
  readonly hex: string;
  readonly bytes: number;
  readonly state: Needless | 'live';
}

/** By name. */
async function allPacks(
  { context, live }: MarkParts,
  { present, facts }: { present: ReadonlySet<string>; facts: ReadonlyMap<string, PackFacts> },
): Promise<PackState[]> {
  const states: PackState[] = [];
  const heldRows = [...facts.values()].reduce((sum, one) => sum + one.heldRows, 0);
  for (const hex of [...present].sort()) {
    const one = facts.get(hex);
    if (one !== undefined) {
      const state = one.heldRows > 0 ? 'live' : one.liveRows > 0 ? 'superseded' : 'dead';
      states.push({ hex, bytes: one.packBytes, state });
      continue;
    }
    // Damaged at its ends: it goes only if it is no origin of anything live, and nothing live is missing that compaction may have put
    // into it.
    const stat = await context.store.stat(context.layout.pack(hex));
    const mayBeNeeded = live.bitmapOf(packNameOfHex(hex)) !== null || heldRows < live.count;
    if (stat !== null) states.push({ hex, bytes: stat.sizeBytes, state: mayBeNeeded ? 'live' : 'dead' });
  }
  return states;
}

async function decideNeedless(
  parts: MarkParts,
  hex: string,
  { state, isNoted }: { state: Needless; isNoted: boolean },
): Promise<Decision> {
  const { leases, times } = parts;
  const note = isNoted ? await readQuarantine(parts.context, hex) : null;
  if (note !== null && note !== 'unreadable') {
    const decision = decideNoted(note, { leases, times });
    return decision.action === 'delete' ? { action: 'delete', reason: state } : decision;
  }
  // What other packs hold can be marked whenever: a session that needs more of it takes it back.
  if (state === 'dead' && (await isYoung(parts, hex))) return { action: 'leave', reason: 'session' };
  return { action: 'quarantine', reason: state };
}

/** Whether a session is open that began before the pack was put. */
export async function isYoung({ context, leases }: Pick<MarkParts, 'context' | 'leases'>, hex: string): Promise<boolean> {
  const sinceMs = oldestSession(leases);
  const stat = sinceMs === null ? null : await context.store.stat(context.layout.pack(hex));
  return sinceMs !== null && stat !== null && stat.modifiedMs >= sinceMs - context.skewMs;
}

/** What to do with a needless pack by its note: at the first mark, and again inside the second. */
export function decideNoted(note: QuarantineNote, { leases, times }: Pick<MarkParts, 'leases' | 'times'>): Decision {
  if (note.state === 'deleting') return { action: 'delete', reason: 'dead' };
  const { nowMs, clockMs, quarantineMs } = times;
  if (nowMs - note.markedMs < quarantineMs || clockMs - note.clockMs < quarantineMs) return { action: 'wait', reason: 'delay' };
  const named = new Set(note.leases);
  const held = leases.some(({ name, sinceMs }) => named.has(name) || sinceMs === null || sinceMs <= note.markedMs + markSpreadMs);
  return held ? { action: 'wait', reason: 'lease' } : { action: 'delete', reason: 'dead' };
}

function oldestSession(leases: readonly OpenLease[]): number | null {
  const since = leases.filter(({ name }) => name.startsWith('session-')).map(({ sinceMs }) => sinceMs ?? 0);
  return since.length === 0 ? null : Math.min(...since);
}
