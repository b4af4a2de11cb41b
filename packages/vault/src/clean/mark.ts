/*
 * The first mark: which packs of a safe nothing refers to, and what is to be done with each. Decides only; writes nothing but the cache.
 */

import { PackTable } from '@twinvault/format';
import { minuteMs, toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { OpenLease } from '../leases/open-leases.ts';
import { packNames } from '../packs/pack-files.ts';
import { indexEntries } from '../packs/pack-index.ts';
import type { LiveSet } from './live-set.ts';
import { quarantinedNames, readQuarantine } from './quarantine.ts';
import type { QuarantineNote } from './quarantine.ts';
import type { CleanedPack } from './report.ts';

/** A lease taken up to so long after a mark's time may have been taken before its note was there. */
export const markSpreadMs: number = 10 * minuteMs;

export interface MarkTimes {
  /** The file system's. */
  readonly nowMs: number;
  /** This machine's. */
  readonly clockMs: number;
  readonly quarantineMs: number;
}

export interface MarkParts {
  readonly context: SafeContext;
  readonly live: LiveSet;
  readonly leases: readonly OpenLease[];
  readonly times: MarkTimes;
}

export interface Marked {
  readonly packs: readonly CleanedPack[];
  readonly totalPacks: number;
  readonly totalBytes: number;
  /** Notes of packs that are not there. */
  readonly staleNotes: readonly string[];
}

export async function markPacks(parts: MarkParts): Promise<Marked> {
  const { context, live } = parts;
  const present = await packNames(context);
  const noted = await quarantinedNames(context);
  const facts = await packFacts(context, { present, live });
  const packs: CleanedPack[] = [];
  let totalBytes = 0;
  for (const [hex, { bytes, isLive }] of [...facts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    totalBytes += bytes;
    const decision = isLive ? (noted.has(hex) ? takeBackDecision : null) : await decideDead(parts, hex, noted.has(hex));
    if (decision !== null) packs.push({ pack: hex, bytes, ...decision });
  }
  return { packs, totalPacks: facts.size, totalBytes, staleNotes: [...noted].filter((hex) => !present.has(hex)) };
}

type Decision = Pick<CleanedPack, 'action' | 'reason'>;
const takeBackDecision: Decision = { action: 'take-back', reason: 'live' };

interface PackFacts {
  readonly bytes: number;
  readonly isLive: boolean;
}

async function packFacts(
  context: SafeContext,
  { present, live }: { present: ReadonlySet<string>; live: LiveSet },
): Promise<Map<string, PackFacts>> {
  const facts = new Map<string, PackFacts>();
  for await (const { hex, packBytes, tail } of indexEntries(context, { wanted: present })) {
    facts.set(hex, { bytes: packBytes, isLive: live.packs.has(hex) || holdsLiveOrigin(tail, live) });
  }
  // Packs that are damaged at their ends: whether they go is decided by their names.
  for (const hex of present) {
    if (facts.has(hex)) continue;
    const bytes = await context.store.size(context.layout.pack(hex));
    if (bytes !== null) facts.set(hex, { bytes, isLive: live.packs.has(hex) });
  }
  return facts;
}

/** A compacted pack lives as long as something may refer to one of its origins. */
export function holdsLiveOrigin(tail: Uint8Array, live: LiveSet): boolean {
  return new PackTable(tail).sections.some(({ origin }) => origin !== null && live.packs.has(toHex(origin)));
}

async function decideDead(parts: MarkParts, hex: string, isNoted: boolean): Promise<Decision> {
  const { context, leases, times } = parts;
  const note = isNoted ? await readQuarantine(context, hex) : null;
  if (note === null || note === 'unreadable') {
    const sinceMs = oldestSession(leases);
    const stat = sinceMs === null ? null : await context.ports.files.stat(context.store.path(context.layout.pack(hex)));
    const young = sinceMs !== null && stat !== null && stat.modifiedMs >= sinceMs;
    return young ? { action: 'leave', reason: 'session' } : { action: 'quarantine', reason: 'dead' };
  }
  return decideNoted(note, { leases, times });
}

/** What to do with a dead pack by its note: at the first mark, and again inside the second. */
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
