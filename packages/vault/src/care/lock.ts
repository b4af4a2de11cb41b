/*
 * Locks of the store itself, where it has them: what a safeset needs cannot be removed before the safeset's minimum age is over, not even by
 * whoever has the store's credentials. A lock runs to the minimum-age end of the newest record that refers to the pack, and is extended daily.
 */

import { dayMs, fromHex, hourMs, toHex } from '@twinvault/std';
import { packName } from '@twinvault/format';
import type { PackName } from '@twinvault/format';
import { refsOfRecord } from '../commit/record-refs.ts';
import { Holders } from '../packs/holders.ts';
import { concurrently } from '../store/concurrently.ts';
import type { CareParts, CaredSafe } from './care-parts.ts';
import { objectKinds, storeNameOf } from './stored-objects.ts';

const locksAtOnce = 8;
/** A lock that runs out later than that is extended tomorrow. */
const slackMs: number = 12 * hourMs;

export interface Locked {
  readonly objects: number;
  /** Not there any more, or the store does not lock. */
  readonly refused: number;
}

/** `store.lock` is asked for each object whose lock ends too early. */
export async function lockSafe(parts: CareParts, safe: CaredSafe, signal?: AbortSignal): Promise<Locked> {
  const { inventory, database } = parts;
  const { store, layout } = safe.context;
  const minimumAgeMs = await safe.context.minimumAgeMs();
  if (!store.locks || minimumAgeMs === 0) return { objects: 0, refused: 0 };
  const nowMs = Math.max(await store.nowMs(), await database.nowMs());
  const untilMs = await untilOf(safe, { nowMs, minimumAgeMs });
  let objects = 0;
  let refused = 0;
  for (const kind of objectKinds) {
    for (let after = ''; ;) {
      signal?.throwIfAborted();
      const page = await inventory.page(safe.hex, kind, { after });
      const due = page.flatMap((row) => {
        // Ledger, slots and plans are small, and everything needs them: they are always locked for the minimum age.
        const until =
          kind === 'ledger' || kind === 'slots' || kind === 'plan' ? nowMs + minimumAgeMs : (untilMs.get(row.name) ?? 0);
        return until > nowMs && row.lockedMs < until - slackMs ? [{ name: row.name, until }] : [];
      });
      const done = await concurrently(due, locksAtOnce, ({ name, until }) => store.lock(storeNameOf(layout, kind, name), until));
      for (const [index, { name, until }] of due.entries()) {
        if (done[index] === true) await inventory.locked(safe.hex, kind, { names: [name], untilMs: until });
      }
      objects += done.filter(Boolean).length;
      refused += done.filter((each) => !each).length;
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.name;
    }
  }
  return { objects, refused };
}

/** Until when each pack and record is to be locked, by its hexadecimal name; only what is not over. */
async function untilOf(
  { context, parts }: CaredSafe,
  { nowMs, minimumAgeMs }: { readonly nowMs: number; readonly minimumAgeMs: number },
): Promise<Map<string, number>> {
  const until = new Map<string, number>();
  const raise = (name: string, ms: number): unknown => until.set(name, Math.max(until.get(name) ?? 0, ms));
  const origins = new Map<string, number>();
  for (const { digest, receivedMs, retired } of await parts.records.all()) {
    const endMs = receivedMs + minimumAgeMs;
    if (retired || endMs <= nowMs) continue;
    raise(toHex(digest), endMs);
    for (const { pack } of (await refsOfRecord(context, digest))?.packs() ?? []) {
      const hex = toHex(pack);
      origins.set(hex, Math.max(origins.get(hex) ?? 0, endMs));
    }
  }
  const holders = new Holders(context);
  for (const [hex, endMs] of origins) {
    const [packs = []] = await holders.of([nameOf(hex)]);
    for (const pack of packs) raise(toHex(pack), endMs);
  }
  return until;
}

function nameOf(hex: string): PackName {
  return packName(fromHex(hex) ?? new Uint8Array(32));
}

/** How often locks are looked after. */
export const lockEveryMs: number = dayMs;
