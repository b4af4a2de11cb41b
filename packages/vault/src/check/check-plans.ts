/*
 * Checks of compaction: every plan is signed by this site, every compacted pack was made by one of them, and is exactly what the plan
 * makes. Where all packs of a plan are there, they are made again from their own rows and must have the same names; where some are gone,
 * the rest must lie in the plan as they stand.
 */

import { bitmapPositions, compactedOrigins, compactedPacks, FormatError, planNonce } from '@twinvault/format';
import type { OriginRow, PackTable } from '@twinvault/format';
import { assert, toHex } from '@twinvault/std';
import type { CommitParts } from '../commit/commit.ts';
import { planNames, readPlan } from '../compact/plan-store.ts';
import type { StoredPlan } from '../compact/plan-store.ts';
import { endsOrNull } from '../compact/row-places.ts';
import type { SafeContext } from '../context.ts';
import { packNames } from '../packs/pack-files.ts';
import { indexEntries } from '../packs/pack-index.ts';
import { entryNonce } from '../packs/segments.ts';
import type { CheckRun } from './check-run.ts';

interface MadePack {
  /** Number in its plan. */
  readonly index: number;
  readonly hex: string;
}

/** `damaged`: packs, hexadecimal, that are not what they were; they are not looked at. */
export async function checkPlans({ context }: CommitParts, run: CheckRun, damaged: ReadonlySet<string>): Promise<void> {
  const { layout } = context;
  const byNonce = new Map<string, { readonly plan: StoredPlan; readonly index: number }>();
  let unread = 0;
  for (const hex of await planNames(context)) {
    const plan = await run.object('plan-damaged', layout.inFolder('plans', hex), () => readPlan(context, hex));
    if (plan === null) unread += 1;
    if (plan === null) continue;
    for (let index = 0; index < plan.plan.packs; index += 1) {
      byNonce.set(toHex(planNonce(plan.digest, index)), { plan, index });
    }
  }
  const made = new Map<StoredPlan, MadePack[]>();
  const wanted = new Set([...(await packNames(context))].filter((hex) => !damaged.has(hex)));
  for await (const entry of indexEntries(context, { wanted })) {
    if (compactedOrigins(entry.tail).length === 0) continue;
    const found = byNonce.get(toHex(entryNonce(entry)));
    // A plan that is damaged or cannot be read may have made it.
    if (found === undefined && unread === 0) run.found('pack-unplanned', layout.pack(entry.hex));
    if (found !== undefined) made.set(found.plan, [...(made.get(found.plan) ?? []), { index: found.index, hex: entry.hex }]);
  }
  for (const [plan, packs] of made) {
    run.options.signal?.throwIfAborted();
    for (const { hex } of await brokenPacks(context, plan, packs)) run.found('plan-broken', layout.pack(hex), plan.hex);
  }
}

interface LoadedPack extends MadePack {
  readonly table: PackTable;
  /** Places of its first and last row among all that the plan names; null when its rows do not follow each other there. */
  readonly span: readonly [number, number] | null;
}

async function brokenPacks(context: SafeContext, plan: StoredPlan, packs: readonly MadePack[]): Promise<readonly MadePack[]> {
  const places = placesOf(plan);
  const loaded: LoadedPack[] = [];
  for (const { index, hex } of [...packs].sort((a, b) => a.index - b.index)) {
    const ends = await endsOrNull(context, hex);
    if (ends !== null) loaded.push({ index, hex, table: ends.table, span: spanOf(ends.table, places) });
  }
  const misplaced = loaded.filter((pack, at) => !follows(loaded[at - 1], pack, { places, packs: plan.plan.packs }));
  if (misplaced.length > 0 || loaded.length < plan.plan.packs) return misplaced;
  return remadeOtherwise(plan, loaded);
}

/** From "origin position" to its place in the plan. */
function placesOf({ plan }: StoredPlan): Map<string, number> {
  const places = new Map<string, number>();
  for (const { pack, bitmap } of plan.keep) {
    const origin = toHex(pack);
    for (const position of bitmapPositions(bitmap)) places.set(`${origin} ${position}`, places.size);
  }
  return places;
}

function keyAt(table: PackTable, row: number): string {
  return `${toHex(table.originAt(row) ?? new Uint8Array(0))} ${table.positionAt(row)}`;
}

function spanOf(table: PackTable, places: ReadonlyMap<string, number>): readonly [number, number] | null {
  const first = places.get(keyAt(table, 0));
  if (first === undefined) return null;
  for (let row = 1; row < table.count; row += 1) if (places.get(keyAt(table, row)) !== first + row) return null;
  return [first, first + table.count - 1];
}

interface WholePlan {
  readonly places: ReadonlyMap<string, number>;
  readonly packs: number;
}

/** Whether the pack begins where the one before it ends, as far as that one is there, and first and last are at the ends of the plan. */
function follows(before: LoadedPack | undefined, { index, span }: LoadedPack, { places, packs }: WholePlan): boolean {
  if (span === null) return false;
  const [first, last] = span;
  if ((index === 0) !== (first === 0) || (index === packs - 1) !== (last === places.size - 1)) return false;
  if (before?.span === undefined || before.span === null) return true;
  const [, lastBefore] = before.span;
  return before.index === index - 1 ? first === lastBefore + 1 : first > lastBefore + 1;
}

/** Packs whose names are not those that the plan makes of these rows. */
function remadeOtherwise(plan: StoredPlan, loaded: readonly LoadedPack[]): readonly MadePack[] {
  const rows = new Map<string, OriginRow>();
  for (const { table } of loaded) {
    for (let row = 0; row < table.count; row += 1) {
      const header = table.sections[table.sectionAt(row)]?.header ?? null;
      assert(header !== null, 'sections of a compacted pack have headers');
      rows.set(keyAt(table, row), { header, row: table.row(row) });
    }
  }
  try {
    const remade = compactedPacks(plan.plan, plan.digest, (origin, position) => {
      const row = rows.get(`${toHex(origin)} ${position}`);
      assert(row !== undefined, 'the packs cover the plan');
      return row;
    });
    return loaded.filter(({ index, hex }) => toHex(remade[index]?.name ?? new Uint8Array(0)) !== hex);
  } catch (error) {
    // It makes another number of packs than it says.
    if (error instanceof FormatError) return loaded;
    throw error;
  }
}
