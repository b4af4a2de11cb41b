/*
 * The first mark: which packs of a safe nothing refers to, which were superseded, and what is to be done with each. Decides only; writes
 * nothing but the cache.
 */

import { minuteMs } from '@twinvault/std';
import { numbersByNonce, readPlans } from '../compact/plan-store.ts';
import type { SafeContext } from '../context.ts';
import type { OpenLease } from '../leases/leases.ts';
import { packNumbers } from '../packs/pack-files.ts';
import type { FactsTable } from '../live/facts-table.ts';
import { packFacts } from '../live/pack-facts.ts';
import type { LiveRows } from '../live/refs-pool.ts';
import { quarantinedNames, readQuarantine } from './quarantine.ts';
import type { QuarantineNote } from './quarantine.ts';
import { heldBack } from '../twins/twins.ts';
import type { TwinRead } from '../twins/twins.ts';
import type { CleanedPack } from './report.ts';

/** A lease taken up to so long after a mark's time may have been taken before its note was there. */
export const markSpreadMs: number = 10 * minuteMs;

export interface MarkTimes {
  /** Of the leases. */
  readonly nowMs: number;
  /** This machine's. */
  readonly clockMs: number;
  readonly quarantineMs: number;
  /** No pack that is younger is deleted. */
  readonly minimumAgeMs: number;
}

export interface MarkParts {
  readonly context: SafeContext;
  readonly live: LiveRows;
  readonly leases: readonly OpenLease[];
  readonly times: MarkTimes;
  /** How far the feeds of twins were read. */
  readonly reads: readonly TwinRead[];
}

export interface Marked {
  readonly packs: readonly CleanedPack[];
  readonly totalPacks: number;
  readonly totalBytes: number;
  readonly facts: FactsTable;
  /** Notes of packs that are not there. */
  readonly staleNotes: readonly string[];
}

export async function markPacks(parts: MarkParts): Promise<Marked> {
  const { context, live } = parts;
  const present = await packNumbers(context);
  const noted = await quarantinedNames(context);
  const plans = numbersByNonce(await readPlans(context));
  const facts = await packFacts({ context, live, present, noted, plans });
  const packs: CleanedPack[] = [];
  const sinceMs = oldestSession(parts.leases);
  let totalBytes = 0;
  for (let number = 0; number < present.count; number += 1) {
    if (context.turns.dueAt(number)) await context.turns.take();
    const isNoted = noted.size > 0 && noted.delete(present.hexAt(number));
    const found = facts.isKnown(number) ? knownState(facts, number) : await unknownState(parts, facts, number);
    if (found === null) continue;
    totalBytes += found.bytes;
    if (found.state === 'live' && !isNoted) continue;
    const hex = present.hexAt(number);
    packs.push({ pack: hex, bytes: found.bytes, ...(await decide(parts, hex, { state: found.state, isNoted, sinceMs })) });
  }
  await context.turns.take();
  packs.sort((a, b) => (a.pack < b.pack ? -1 : 1));
  return { packs, totalPacks: present.count, totalBytes, facts, staleNotes: [...noted] };
}

type Decision = Pick<CleanedPack, 'action' | 'reason'>;
const takeBackDecision: Decision = { action: 'take-back', reason: 'live' };

/** Why a pack may go: nothing refers to it, or other packs hold all that is live in it. */
export type Needless = 'dead' | 'superseded';

interface PackState {
  readonly bytes: number;
  readonly state: Needless | 'live';
}

function knownState(facts: FactsTable, number: number): PackState {
  return { bytes: facts.at(number).packBytes, state: facts.stateAt(number) };
}

/**
 * A pack that is damaged at its ends goes only if it is no origin of anything live, and nothing live is missing that compaction may have
 * put into it. Null when it is gone meanwhile.
 */
async function unknownState({ context, live }: MarkParts, facts: FactsTable, number: number): Promise<PackState | null> {
  const name = facts.names.nameAt(number);
  const stat = await context.store.stat(context.layout.pack(name));
  const mayBeNeeded = live.bitmapOf(name) !== null || facts.heldRows < live.count;
  return stat === null ? null : { bytes: stat.sizeBytes, state: mayBeNeeded ? 'live' : 'dead' };
}

interface ToDecide {
  readonly state: PackState['state'];
  readonly isNoted: boolean;
  /** Of the oldest open session; null when there is none. */
  readonly sinceMs: number | null;
}

/** A value where nothing has to be read: most packs have no note, and mostly no session is open. */
function decide(parts: MarkParts, hex: string, { state, isNoted, sinceMs }: ToDecide): Decision | Promise<Decision> {
  if (state === 'live') return takeBackDecision;
  if (!isNoted && (sinceMs === null || state === 'superseded')) return { action: 'quarantine', reason: state };
  return decideNeedless(parts, hex, { state, isNoted });
}

async function decideNeedless(
  parts: MarkParts,
  hex: string,
  { state, isNoted }: { state: Needless; isNoted: boolean },
): Promise<Decision> {
  const { leases, times, reads } = parts;
  const note = isNoted ? await readQuarantine(parts.context, hex) : null;
  if (note !== null && note !== 'unreadable') {
    const decision = decideNoted(note, { leases, times, reads });
    if (decision.action !== 'delete') return decision;
    if (await isBelowAge(parts, hex)) return { action: 'wait', reason: 'minimum-age' };
    return { action: 'delete', reason: state };
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

/** Whether the pack may not be deleted yet, whatever it is needed for. Store and this machine's clock have to agree that it is old enough. */
export async function isBelowAge({ context, times }: Pick<MarkParts, 'context' | 'times'>, hex: string): Promise<boolean> {
  if (times.minimumAgeMs === 0) return false;
  const stat = await context.store.stat(context.layout.pack(hex));
  const nowMs = Math.min(await context.store.nowMs(), times.clockMs);
  return stat !== null && nowMs - stat.modifiedMs < times.minimumAgeMs;
}

/** What to do with a needless pack by its note: at the first mark, and again inside the second. */
export function decideNoted(
  note: QuarantineNote,
  { leases, times, reads }: Pick<MarkParts, 'leases' | 'times' | 'reads'>,
): Decision {
  if (note.state === 'deleting') return { action: 'delete', reason: 'dead' };
  const { nowMs, clockMs, quarantineMs } = times;
  if (nowMs - note.markedMs < quarantineMs || clockMs - note.clockMs < quarantineMs) return { action: 'wait', reason: 'delay' };
  const named = new Set(note.leases);
  const held = leases.some(({ name, sinceMs }) => named.has(name) || sinceMs === null || sinceMs <= note.markedMs + markSpreadMs);
  if (held) return { action: 'wait', reason: 'lease' };
  const apart = heldBack(reads, nowMs, note.markedMs);
  return apart === null ? { action: 'delete', reason: 'dead' } : { action: 'wait', reason: apart };
}

function oldestSession(leases: readonly OpenLease[]): number | null {
  const since = leases.filter(({ name }) => name.startsWith('session-')).map(({ sinceMs }) => sinceMs ?? 0);
  return since.length === 0 ? null : Math.min(...since);
}
