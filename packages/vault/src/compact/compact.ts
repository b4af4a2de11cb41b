/*
 * Compaction of a safe, docs/format/packs.md: signed plans, and the packs that they make. What becomes superseded is for the next mark to
 * find; nothing is marked or deleted here.
 *
 * Order: the newest plan is ended if it was broken off; then each new plan is durable before its first pack, and done before the next.
 */

import { bitmapHas, compactedPackCount, packName, planPacksMax, RefsBuilder, parseRefs } from '@twinvault/format';
import type { CompactedPack, RefsPack } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { fromHex, GiB, toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { Lease } from '../leases/leases.ts';
import type { PackFacts } from '../live/facts-table.ts';
import type { LiveRows } from '../live/refs-pool.ts';
import { carryOut } from './carry-out.ts';
import type { ChosenPack } from './choose.ts';
import { readPlans, writePlan } from './plan-store.ts';
import type { StoredPlan } from './plan-store.ts';
import { endsOrNull, findRows, RowPlaces } from './row-places.ts';

/** Live bytes of one plan: what a crash between two plans may leave to be done again is small. */
const planBytesTarget: number = GiB;

export interface Compaction {
  readonly lock: Lease;
  readonly live: LiveRows;
  /** How many packs of the plan with this number are there. */
  readonly packsOfPlan: (number: number) => number;
  readonly nowMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress: (packs: number) => void;
}

export interface CompactionReport {
  /** Plans that were begun or ended now. */
  readonly plans: number;
  /** Packs that were made now. */
  readonly packs: number;
  readonly bytes: number;
  /** Packs, hexadecimal, that could not be compacted since a blob in them is not what it was. */
  readonly damaged: readonly string[];
  /** Why it ended before its time: the disk has no room for more. Nothing is lost by that. */
  readonly stopped: 'vault-full' | null;
}

export const noCompaction: CompactionReport = { plans: 0, packs: 0, bytes: 0, damaged: [], stopped: null };

/** Compacts what `choose` gives, which is called when no plan is left to be ended. */
export async function compact(
  context: SafeContext,
  work: Compaction,
  choose: (hasEnded: boolean) => Promise<readonly ChosenPack[]>,
): Promise<CompactionReport> {
  const run = new CompactionRun(context, work);
  try {
    const newest = (await readPlans(context)).at(-1);
    const hasEnded = newest !== undefined && (await run.end(newest));
    let number = newest?.plan.number ?? 0;
    for (const group of groupsOf(await choose(hasEnded))) {
      if (await run.begin(group, number + 1)) number += 1;
    }
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.code !== 'vault-full') throw error;
    return { ...run.report, stopped: 'vault-full' };
  }
  return run.report;
}

/** In order, each of one plan's size at most, or one pack. */
function groupsOf(chosen: readonly ChosenPack[]): PackFacts[][] {
  const groups: PackFacts[][] = [];
  let bytes = 0;
  for (const { facts } of chosen) {
    const last = groups.at(-1);
    if (last === undefined || bytes + facts.heldBytes > planBytesTarget || last.length === planPacksMax / 2) {
      groups.push([facts]);
      bytes = 0;
    } else last.push(facts);
    bytes += facts.heldBytes;
  }
  return groups;
}

class CompactionRun {
  report: CompactionReport = noCompaction;
  readonly #context: SafeContext;
  readonly #work: Compaction;

  constructor(context: SafeContext, work: Compaction) {
    this.#context = context;
    this.#work = work;
  }

  /** Ends a plan that was broken off; false when there was nothing to do. One whose rows are partly gone was ended before: they died since. */
  async end(plan: StoredPlan): Promise<boolean> {
    const { live, packsOfPlan } = this.#work;
    const { keep, number, packs } = plan.plan;
    if (packsOfPlan(number) === packs || keep.every(({ pack }) => live.bitmapOf(pack) === null)) return false;
    const places = await findRows(this.#context, keep);
    if (!keep.every(({ pack, bitmap }) => places.has(pack, bitmap))) return false;
    await this.#carryOut(plan, places);
    return true;
  }

  /** False when the packs hold nothing that could be planned. */
  async begin(group: readonly PackFacts[], number: number): Promise<boolean> {
    const places = new RowPlaces();
    const keep = new KeepList();
    for (const facts of group) {
      if (this.report.damaged.includes(facts.hex)) continue;
      const ends = await endsOrNull(this.#context, facts.hex);
      if (ends === null) continue;
      const isHeld = heldBy(facts, this.#work.live);
      places.add(facts.hex, ends, isHeld);
      keep.add(facts.hex, ends.table, isHeld);
    }
    const kept = keep.finish();
    if (kept.length === 0) return false;
    const { safe } = this.#context;
    const packs = compactedPackCount(kept, places.at);
    await this.#work.lock.check();
    const plan = await writePlan(this.#context, { safe, number, createdMs: this.#work.nowMs, packs, keep: kept });
    await this.#carryOut(plan, places);
    return true;
  }

  async #carryOut(plan: StoredPlan, places: RowPlaces): Promise<void> {
    const { lock, signal, progress } = this.#work;
    const before = this.report;
    let { packs, bytes } = before;
    const made = (pack: CompactedPack): void => {
      packs += 1;
      bytes += pack.sources.reduce((sum, { lengthBytes }) => sum + lengthBytes, pack.header.length + pack.tail.length);
      this.report = { ...before, plans: before.plans + 1, packs, bytes };
      progress(packs);
    };
    const { damaged } = await carryOut(this.#context, { plan, places, lock, signal, made });
    this.report = { ...this.report, damaged: [...before.damaged, ...damaged] };
  }
}

/** Whether the pack holds a position of an origin. */
function heldBy({ held }: PackFacts, live: LiveRows): (origin: string, position: number) => boolean {
  const bitmaps = new Map<string, Uint8Array>(held ?? []);
  return (origin, position) => {
    let bitmap = bitmaps.get(origin);
    if (bitmap === undefined) {
      bitmap = (held === null ? live.bitmapOf(fromHex(origin) ?? new Uint8Array(0)) : null) ?? new Uint8Array(0);
      bitmaps.set(origin, bitmap);
    }
    return bitmapHas(bitmap, position);
  };
}

/** Positions by origin, in the order in which the origins were met. */
class KeepList {
  readonly #origins = new Map<string, number[]>();

  add(
    hex: string,
    table: { count: number; originAt(row: number): Uint8Array | null; positionAt(row: number): number },
    isHeld: (origin: string, position: number) => boolean,
  ): void {
    for (let row = 0; row < table.count; row += 1) {
      const name = table.originAt(row);
      const origin = name === null ? hex : toHex(name);
      const position = table.positionAt(row);
      if (!isHeld(origin, position)) continue;
      const positions = this.#origins.get(origin);
      if (positions === undefined) this.#origins.set(origin, [position]);
      else positions.push(position);
    }
  }

  finish(): RefsPack[] {
    return [...this.#origins].flatMap(([origin, positions]) => {
      const builder = new RefsBuilder();
      const pack = packName(fromHex(origin) ?? new Uint8Array(0));
      for (const position of positions) builder.add(pack, position);
      return [...parseRefs(builder.finish()).packs()];
    });
  }
}
