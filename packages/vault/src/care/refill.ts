/*
 * Fills the site's tables anew from its objects, after a rebuild, for a new database and for one of another life: inventory, metering of past
 * days, the recurring tasks. Sessions and readings are void with the generation.
 *
 * What a rebuild cannot know: how many bytes packs had that are gone, for days that are past.
 */

import { toHex } from '@twinvault/std';
import { readFact, writeFact } from '../database/facts.ts';
import type { SiteDatabase } from '../database/site-database.ts';
import type { CareParts } from './care-parts.ts';
import { careSafe } from './care-parts.ts';
import { dayOf, meterDay, meteringFacts } from './meter.ts';
import type { MeteringFacts } from './meter.ts';
import { readCustomer } from '../safes/customers.ts';
import { reconcileSafe } from './reconcile.ts';

/** Days that are metered again at most. */
export const refillDaysMax = 400;

export interface Filled {
  readonly safes: number;
  readonly objects: number;
  readonly days: number;
}

/** Whether the tables are of this generation of the site. */
export async function isCurrent(database: SiteDatabase, generation: string): Promise<boolean> {
  return (await readFact(database, 'generation')) === generation;
}

/** Empties the tables that tell of objects and of sessions: they are of this generation from now on, and `fill` makes them whole. */
export async function empty(database: SiteDatabase, generation: string): Promise<void> {
  const feed = toHex(database.random.bytes(16));
  await database.change(async (tables) => {
    await tables.deleteFrom('facts').execute();
    await tables.deleteFrom('exchanges').execute();
    await tables.deleteFrom('inventory').execute();
    await tables.deleteFrom('metering').execute();
    await writeFact(tables, 'generation', generation);
    // Positions begin anew where the database is another.
    await writeFact(tables, 'feed', feed);
  });
}

/** Runs beside everything else; broken off, it is run again. */
export async function fill(parts: CareParts, signal?: AbortSignal): Promise<Filled> {
  const { database, vault, inventory, metering } = parts;
  let objects = 0;
  let days = 0;
  const safes = await vault.safes();
  for (const { safe } of safes) {
    const site = await careSafe(parts, safe);
    if (site === null) continue;
    const reconciled = await reconcileSafe(site.context, inventory, signal);
    objects += reconciled.objects;
    const facts = await factsOf(parts, site.hex);
    if (facts === null) continue;
    const today = dayOf(await database.nowMs());
    const firstMs = Math.min(...facts.records.map(({ summary }) => summary.receivedMs));
    for (let day = Math.max(dayOf(firstMs), today - refillDaysMax); day <= today; day += 1) {
      signal?.throwIfAborted();
      await metering.measured(site.hex, day, meterDay(facts, day));
      days += 1;
    }
  }
  return { safes: safes.length, objects, days };
}

/** What the metering of a safe is told from; null when there is no such safe. */
export async function factsOf(parts: CareParts, hex: string): Promise<MeteringFacts | null> {
  const site = await careSafe(parts, hex);
  if (site === null) return null;
  const storedMs = new Map<string, number>();
  for (let after = ''; ;) {
    const page = await parts.inventory.page(hex, 'pack', { after });
    for (const row of page) storedMs.set(row.name, row.storedMs);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.name;
  }
  return meteringFacts(site.parts, { customer: await readCustomer(site.context), storedMs });
}
