/*
 * Which packs are worth compacting. A pure function of what they hold.
 *
 * Sparse ones: those with the largest dead share, until what is dead in the rest is within its allowance; one that is nearly dead always.
 * Small ones: as soon as there are so many of a kind and about one size that merging them pays, so that a run every night does not end in
 * a million files. What was merged is not merged again with every few fresh ones, but when there are as many of its own size.
 */

import { packBytesTarget } from '@twinvault/format';
import { GiB } from '@twinvault/std';
import type { EventTurns } from '@twinvault/std';
import type { PackFacts } from '../live/facts-table.ts';

export interface CompactOptions {
  /** Dead bytes that may stay, as a share of the live ones; 0.05 when left out. */
  readonly unusedMax?: number;
  /** Live bytes that one clean-up moves at most; 100 GiB when left out. */
  readonly bytesMax?: number;
}

export const unusedMaxDefault = 0.05;
export const compactBytesMaxDefault: number = 100 * GiB;
/** Above this share a pack is emptied whatever the allowance: it costs little and frees much. */
export const nearlyDeadShare = 0.8;
/** Packs below the last are small; those between two of these are of one size. */
export const smallBytesSteps: readonly number[] = [packBytesTarget / 256, packBytesTarget / 32, packBytesTarget / 4];
/** So many small packs of a kind and size are merged. */
export const smallPacksMin = 16;

export interface ChosenPack {
  readonly facts: PackFacts;
  readonly reason: 'sparse' | 'small';
}

/** In the order in which they are compacted: by kind, then oldest first. Packs in quarantine and those that hold nothing are no candidates. */
export async function choosePacks(
  all: Iterable<PackFacts>,
  options: CompactOptions = {},
  turns: EventTurns | null = null,
): Promise<ChosenPack[]> {
  const { heldBytes, sparse, small } = await candidatesOf(all, turns);
  const emptied = chooseSparse(sparse, (options.unusedMax ?? unusedMaxDefault) * heldBytes);
  const taken = new Set(emptied);
  const merged = chooseSmall(small.filter((pack) => !taken.has(pack)));
  const chosen: ChosenPack[] = [
    ...emptied.map((facts) => ({ facts, reason: 'sparse' as const })),
    ...merged.map((facts) => ({ facts, reason: 'small' as const })),
  ];
  return inOrder(within(chosen, options.bytesMax ?? compactBytesMaxDefault));
}

interface Candidates {
  /** Of all that hold something, also of those that are neither. */
  heldBytes: number;
  /** Something is dead in them. */
  readonly sparse: PackFacts[];
  readonly small: PackFacts[];
}

/** Most packs are neither: they are not kept. */
async function candidatesOf(all: Iterable<PackFacts>, turns: EventTurns | null): Promise<Candidates> {
  const candidates: Candidates = { heldBytes: 0, sparse: [], small: [] };
  let step = 0;
  for (const pack of all) {
    step += 1;
    if (turns?.dueAt(step) === true) await turns.take();
    if (pack.noted || pack.heldRows === 0) continue;
    candidates.heldBytes += pack.heldBytes;
    if (deadBytesOf(pack) > 0) candidates.sparse.push(pack);
    if (sizeOf(pack) >= 0) candidates.small.push(pack);
  }
  return candidates;
}

export function deadBytesOf({ rowsBytes, heldBytes }: PackFacts): number {
  return rowsBytes - heldBytes;
}

function deadShareOf(pack: PackFacts): number {
  return deadBytesOf(pack) / pack.rowsBytes;
}

/** `deadBytesMax`: what may stay. */
function chooseSparse(sparse: readonly PackFacts[], deadBytesMax: number): PackFacts[] {
  let deadBytes = sparse.reduce((sum, pack) => sum + deadBytesOf(pack), 0);
  const chosen: PackFacts[] = [];
  for (const pack of sparse.toSorted((a, b) => deadShareOf(b) - deadShareOf(a) || order(a, b))) {
    if (deadBytes <= deadBytesMax && deadShareOf(pack) < nearlyDeadShare) break;
    deadBytes -= deadBytesOf(pack);
    chosen.push(pack);
  }
  return chosen;
}

/** Index of the step that a small pack is below; -1 for the others. */
function sizeOf({ packBytes }: PackFacts): number {
  return smallBytesSteps.findIndex((bytes) => packBytes < bytes);
}

function chooseSmall(small: readonly PackFacts[]): PackFacts[] {
  const alike = new Map<string, PackFacts[]>();
  for (const pack of small) {
    const key = `${pack.kind} ${sizeOf(pack)}`;
    const packs = alike.get(key);
    if (packs === undefined) alike.set(key, [pack]);
    else packs.push(pack);
  }
  return [...alike.values()].filter((packs) => packs.length >= smallPacksMin).flat();
}

/** The first ones that have at most so many live bytes together. */
function within(chosen: readonly ChosenPack[], bytesMax: number): ChosenPack[] {
  let left = bytesMax;
  return chosen.filter(({ facts }) => {
    left -= facts.heldBytes;
    return left >= 0;
  });
}

function inOrder(chosen: readonly ChosenPack[]): ChosenPack[] {
  return [...chosen].sort((a, b) => a.facts.kind - b.facts.kind || order(a.facts, b.facts));
}

function order(a: PackFacts, b: PackFacts): number {
  return a.order - b.order || (a.hex < b.hex ? -1 : 1);
}
