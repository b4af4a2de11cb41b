/*
 * Upkeep of bundles: which small files are bundled anew although nothing about them changed, since the newest safeset uses little of the bundle that
 * they lie in (docs/format/delta.md, "Upkeep"; delta/upkeep.ts does the same for the chunks of one file).
 *
 * Invariants: of a bundle, all files that the run meets are bundled anew or none; nothing is before something was found changed; what is sent for it stays
 * within a share of the small files found new or changed before it in the order of the scan, and of what the last run left of its own. The order alone
 * decides, so that the same run over the same tree makes the same bundles.
 */
import { bundledBytesMax } from '@twinvault/seal';
import { wholeShare } from '../dedup/chunk-table.ts';
import { budgetShare, budgetShareStrained, fetchedFactorMax, liveShareMin, liveShareMinStrained } from '../delta/upkeep.ts';
import type { BodyView } from '../entries/entry-body.ts';
import { entryTypes } from '../source-port.ts';
import type { EntryStat } from '../source-port.ts';
import type { WornBundles } from '../state/worn-bundles.ts';

/** What the bundles of a safeset have, and what its files use of them. */
export interface BundledBytes {
  readonly fetchedBytes: number;
  readonly liveBytes: number;
}

export class BundleUpkeep {
  private readonly worn: WornBundles['bundles'];
  private readonly share: number;
  private readonly lastLeftBytes: number;
  /** Open addressing by the first bytes of the id: 1 + index in `worn`, 0: free. */
  private readonly slots: Uint32Array;
  /** By index in `worn`: 0 not met yet, 1 left alone, 2 emptied. */
  private readonly decisions: Uint8Array;
  private changedBytes = 0;
  private emptiedBytes = 0;
  /** Neighbours share their bundle. */
  private lastId: Uint8Array | null = null;
  private lastEmptied = false;

  constructor({ bundles, leftBytes, isStrained }: WornBundles) {
    this.worn = bundles;
    this.share = isStrained ? budgetShareStrained : budgetShare;
    this.lastLeftBytes = leftBytes;
    this.decisions = new Uint8Array(bundles.length);
    this.slots = new Uint32Array(2 * bundles.length + 1);
    for (const [index, { id }] of bundles.entries()) {
      let slot = this.slotOf(id);
      while (this.slots[slot] !== 0) slot = this.next(slot);
      this.slots[slot] = index + 1;
    }
  }

  /** An entry was found new or changed. */
  changes({ type, sizeBytes }: EntryStat): void {
    if (type === entryTypes.file && sizeBytes < bundledBytesMax) this.changedBytes += sizeBytes;
  }

  /** Whether `empties` may come to say yes of the file; decides nothing. */
  mayEmpty(fields: BodyView): boolean {
    if (this.worn.length === 0 || fields.bundleBytes === 0) return false;
    for (let index = 0; index < fields.extentCount; index += 1) {
      const id = fields.extentId(index);
      if (id !== null) return this.find(id) >= 0;
    }
    return false;
  }

  /** Whether the file of the last run is to be bundled anew. */
  empties(fields: BodyView): boolean {
    if (this.worn.length === 0 || this.changedBytes === 0) return false;
    const { bundleBytes } = fields;
    if (bundleBytes === 0) return false;
    for (let index = 0; index < fields.extentCount; index += 1) {
      const id = fields.extentId(index);
      // A file lies in one bundle.
      if (id !== null) return this.emptiesBundle(id, bundleBytes);
    }
    return false;
  }

  private emptiesBundle(id: Uint8Array, bundleBytes: number): boolean {
    if (this.lastId !== null && sameBeginning(id, this.lastId)) return this.lastEmptied;
    this.lastId = id;
    const index = this.find(id);
    this.lastEmptied = index >= 0 && this.decide(index, bundleBytes);
    return this.lastEmptied;
  }

  private decide(index: number, bundleBytes: number): boolean {
    const decided = this.decisions[index];
    if (decided !== 0) return decided === 2;
    const liveBytes = ((this.worn[index]?.share ?? 0) / wholeShare) * bundleBytes;
    const empties = this.emptiedBytes + liveBytes <= this.share * this.changedBytes + this.lastLeftBytes;
    if (empties) this.emptiedBytes += liveBytes;
    this.decisions[index] = empties ? 2 : 1;
    return empties;
  }

  private find(id: Uint8Array): number {
    for (let slot = this.slotOf(id); ; slot = this.next(slot)) {
      const index = (this.slots[slot] ?? 0) - 1;
      const worn = this.worn[index];
      if (worn === undefined || sameBeginning(worn.id, id)) return index;
    }
  }

  private slotOf(id: Uint8Array): number {
    const first = ((id[0] ?? 0) | ((id[1] ?? 0) << 8) | ((id[2] ?? 0) << 16) | ((id[3] ?? 0) << 24)) >>> 0;
    return first % this.slots.length;
  }

  private next(slot: number): number {
    return slot + 1 === this.slots.length ? 0 : slot + 1;
  }

  /** For the next run: of this one's own budget what it did not use. */
  get leftBytes(): number {
    const ownBytes = budgetShare * this.changedBytes;
    return Math.max(0, Math.min(ownBytes, ownBytes + this.lastLeftBytes - this.emptiedBytes));
  }
}

/** By what a bundle is judged at the end of a run. */
export function wornBelow({ fetchedBytes, liveBytes }: BundledBytes): {
  readonly isStrained: boolean;
  readonly shareMin: number;
} {
  const isStrained = fetchedBytes > fetchedFactorMax * liveBytes;
  return { isStrained, shareMin: wholeShare * (isStrained ? liveShareMinStrained : liveShareMin) };
}

/** Both are random: what the list has of an id is enough. */
function sameBeginning(a: Uint8Array, b: Uint8Array): boolean {
  for (let index = 0; index < 16; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
