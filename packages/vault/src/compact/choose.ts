/*
 * Which packs are worth compacting. A pure function of what they hold.
 *
 * Sparse ones: those with the largest dead share, until what is dead in the rest is within its allowance; one that is nearly dead always.
 * Small ones: as soon as there are so many of a kind and about one size that merging them pays, so that a run every night does not end in
 * a million files. What was merged is not merged again with every few fresh ones, but when there are as many of its own size.
 */

import { packBytesTarget } from '@twinvault/format';
import { GiB } from '@twinvault/std';
import type { PackFacts } from '../live/pack-facts.ts';

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
export function choosePacks(all: Iterable<PackFacts>, options: CompactOptions = {}): ChosenPack[] {
  const candidates = [...all].filter(({ noted, heldRows }) => !noted && heldRows > 0);
  const sparse = chooseSparse(candidates, options.unusedMax ?? unusedMaxDefault);
  const taken = new Set(sparse);
  const small = chooseSmall(candidates.filter((pack) => !taken.has(pack)));
  const chosen: ChosenPack[] = [
    ...sparse.map((facts) => ({ facts, reason: 'sparse' as const })),
    ...small.map((facts) => ({ facts, reason: 'small' as const })),
  ];
  return inOrder(within(chosen, options.bytesMax ?? compactBytesMaxDefault));
}

export function deadBytesOf({ rowsBytes, heldBytes }: PackFacts): number {
  return rowsBytes - heldBytes;
}

function deadShareOf(pack: PackFacts): number {
  return deadBytesOf(pack) / pack.rowsBytes;
}

function chooseSparse(candidates: readonly PackFacts[], unusedMax: number): PackFacts[] {
  const heldBytes = candidates.reduce((sum, pack) => sum + pack.heldBytes, 0);
  let deadBytes = candidates.reduce((sum, pack) => sum + deadBytesOf(pack), 0);
  const chosen: PackFacts[] = [];
  const byShare = candidates
    .filter((pack) => deadBytesOf(pack) > 0)
    .sort((a, b) => deadShareOf(b) - deadShareOf(a) || order(a, b));
  for (const pack of byShare) {
    if (deadBytes <= unusedMax * heldBytes && deadShareOf(pack) < nearlyDeadShare) break;
    deadBytes -= deadBytesOf(pack);
    chosen.push(pack);
  }
  return chosen;
}

function chooseSmall(candidates: readonly PackFacts[]): PackFacts[] {
  const alike = new Map<string, PackFacts[]>();
  for (const pack of candidates) {
    const size = smallBytesSteps.findIndex((bytes) => pack.packBytes < bytes);
    if (size < 0) continue;
    const key = `${pack.kind} ${size}`;
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
