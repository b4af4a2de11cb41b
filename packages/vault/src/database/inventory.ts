/*
 * One row for each durable object of each safe: when it was stored, when its bytes were last read through, and its position in the feed.
 * The feed is the rows in order of their positions, so an object stands in it once, at the place where it last became durable.
 *
 * An object is announced after it is durable. A node that dies between leaves an object without a row, which the client's repeated request
 * or the next reconciling announces.
 */

import type { TwinObjectKind } from '@twinvault/protocol';
import type { Selectable, Transaction } from 'kysely';
import type { SiteDatabase } from './site-database.ts';
import type { InventoryTable, SiteTables } from './tables.ts';

/** Objects that another site can follow. */
export type ObjectKind = TwinObjectKind;

/** Damaged ones stand aside and are not in the feed. */
export type ObjectState = 'whole' | 'damaged';

export interface ObjectName {
  readonly kind: ObjectKind;
  /** Last part of its name in the store. */
  readonly name: string;
}

export interface NewObject extends ObjectName {
  readonly bytes: number;
  /** When it was stored, where that is known from elsewhere (a rebuild); now when left out. */
  readonly storedMs?: number;
}

export interface KeptObject extends NewObject {
  readonly safe: string;
  readonly position: number;
  readonly storedMs: number;
  /** When all its bytes were last found right: at first when it was stored, since that verified them. */
  readonly verifiedMs: number;
  readonly state: ObjectState;
  readonly lockedMs: number;
}

export interface FeedPage {
  readonly events: readonly {
    readonly position: number;
    readonly kind: ObjectKind;
    readonly name: string;
    readonly bytes: number;
  }[];
  /** What to ask after next time. */
  readonly next: number;
}

export interface InventoryTotals {
  readonly objects: number;
  readonly bytes: number;
  readonly damaged: number;
  /** Of whole objects; null when there are none. */
  readonly oldestVerifiedMs: number | null;
}

export const feedPageMax = 1000;
/** Rows in one statement: SQLite takes at most 32766 parameters. */
const rowsMax = 500;

export class Inventory {
  readonly #database: SiteDatabase;

  constructor(database: SiteDatabase) {
    this.#database = database;
  }

  /**
   * Says that these objects are durable, in this order. One that stands whole already keeps its place; one that stood as damaged is whole
   * again, at a new place. They were verified just now, or, with `unread`, when they were stored and not since.
   */
  async announce(safe: string, objects: readonly NewObject[], options: { readonly unread?: boolean } = {}): Promise<void> {
    for (let from = 0; from < objects.length; from += rowsMax) {
      const part = objects.slice(from, from + rowsMax);
      await this.#database.change((tables) => this.#announce(tables, safe, { objects: part, ...options }));
    }
  }

  /** Says that these are gone. */
  async withdraw(safe: string, kind: ObjectKind, names: readonly string[]): Promise<void> {
    for (let from = 0; from < names.length; from += rowsMax) {
      const part = names.slice(from, from + rowsMax);
      await this.#database.change((tables) =>
        tables.deleteFrom('inventory').where('safe', '=', safe).where('kind', '=', kind).where('name', 'in', part).execute(),
      );
    }
  }

  /** Objects that became durable after the position, in order; at most `countMax`. */
  async feed(safe: string, after: number, countMax: number = feedPageMax): Promise<FeedPage> {
    const events = await this.#database.read((tables) =>
      tables
        .selectFrom('inventory')
        .select(['position', 'kind', 'name', 'bytes'])
        .where('safe', '=', safe)
        .where('position', '>', after)
        .where('state', '=', 'whole')
        .orderBy('position')
        .limit(Math.min(countMax, feedPageMax))
        .execute(),
    );
    return {
      events: events.map(({ kind, ...event }) => ({ ...event, kind: kind as ObjectKind })),
      next: events.at(-1)?.position ?? after,
    };
  }

  /** The newest position that was given in the safe; 0 where none was. */
  async last(safe: string): Promise<number> {
    const row = await this.#database.read((tables) =>
      tables.selectFrom('positions').select('position').where('safe', '=', safe).executeTakeFirst(),
    );
    return row?.position ?? 0;
  }

  /** Rows of a kind in order of their names, from after a name. */
  async page(
    safe: string,
    kind: ObjectKind,
    { after = '', countMax = feedPageMax }: { after?: string; countMax?: number } = {},
  ): Promise<KeptObject[]> {
    const rows = await this.#database.read((tables) =>
      tables
        .selectFrom('inventory')
        .selectAll()
        .where('safe', '=', safe)
        .where('kind', '=', kind)
        .where('name', '>', after)
        .orderBy('name')
        .limit(countMax)
        .execute(),
    );
    return rows.map(keptOf);
  }

  async find(safe: string, { kind, name }: ObjectName): Promise<KeptObject | null> {
    const row = await this.#database.read((tables) =>
      tables
        .selectFrom('inventory')
        .selectAll()
        .where('safe', '=', safe)
        .where('kind', '=', kind)
        .where('name', '=', name)
        .executeTakeFirst(),
    );
    return row === undefined ? null : keptOf(row);
  }

  /** Whole objects of all safes whose bytes were not read for the longest, until a time. */
  async stalest(countMax: number, verifiedBeforeMs: number = Number.MAX_SAFE_INTEGER): Promise<KeptObject[]> {
    const rows = await this.#database.read((tables) =>
      tables
        .selectFrom('inventory')
        .selectAll()
        .where('state', '=', 'whole')
        .where('verifiedMs', '<', verifiedBeforeMs)
        .orderBy('verifiedMs')
        .limit(countMax)
        .execute(),
    );
    return rows.map(keptOf);
  }

  /** All bytes of these were found right, now. */
  async verified(safe: string, objects: readonly ObjectName[]): Promise<void> {
    await this.#database.change(async (tables) => {
      const verifiedMs = await this.#database.nowMs(tables);
      for (const { kind, name } of objects) {
        await tables
          .updateTable('inventory')
          .set({ verifiedMs })
          .where('safe', '=', safe)
          .where('kind', '=', kind)
          .where('name', '=', name)
          .execute();
      }
    });
  }

  /** It was found damaged; it leaves the feed until it is announced again. */
  async damaged(safe: string, object: ObjectName): Promise<void> {
    await this.#database.change((tables) => setDamaged(tables, safe, object));
  }

  /** It stands aside, damaged, whether anybody announced it before or not. */
  async keepAside(safe: string, object: NewObject): Promise<void> {
    const row = await this.find(safe, object);
    if (row?.state === 'damaged') return;
    await this.#database.change(async (tables) => {
      await this.#announce(tables, safe, { objects: [object] });
      await setDamaged(tables, safe, object);
    });
  }

  /** The store refuses to remove these before the time. */
  async locked(safe: string, kind: ObjectKind, { names, untilMs }: { names: readonly string[]; untilMs: number }): Promise<void> {
    for (let from = 0; from < names.length; from += rowsMax) {
      const part = names.slice(from, from + rowsMax);
      await this.#database.change((tables) =>
        tables
          .updateTable('inventory')
          .set({ lockedMs: untilMs })
          .where('safe', '=', safe)
          .where('kind', '=', kind)
          .where('name', 'in', part)
          .execute(),
      );
    }
  }

  /** Of one safe, or of all. */
  totals(safe?: string): Promise<InventoryTotals> {
    return this.#database.read((tables) =>
      tables
        .selectFrom('inventory')
        .select(({ fn, eb }) => [
          fn.countAll<number>().as('objects'),
          fn.coalesce(fn.sum<number>('bytes'), eb.lit(0)).as('bytes'),
          fn.coalesce(fn.sum<number>(eb.case().when('state', '=', 'damaged').then(1).else(0).end()), eb.lit(0)).as('damaged'),
          fn.min<number | null>(eb.case().when('state', '=', 'whole').then(eb.ref('verifiedMs')).end()).as('oldestVerifiedMs'),
        ])
        .$if(safe !== undefined, (query) => query.where('safe', '=', safe ?? ''))
        .executeTakeFirstOrThrow(),
    );
  }

  /** Forgets everything about a safe, or about all; positions go on. */
  async clear(safe?: string): Promise<void> {
    await this.#database.change((tables) =>
      tables
        .deleteFrom('inventory')
        .$if(safe !== undefined, (query) => query.where('safe', '=', safe ?? ''))
        .execute(),
    );
  }

  async #announce(
    tables: Transaction<SiteTables>,
    safe: string,
    { objects, unread = false }: { readonly objects: readonly NewObject[]; readonly unread?: boolean },
  ): Promise<void> {
    // First the row that all who give positions of this safe wait for: so they become visible in order.
    const { position } = await tables
      .insertInto('positions')
      .values({ safe, position: objects.length })
      .onConflict((conflict) =>
        conflict.column('safe').doUpdateSet(({ eb }) => ({ position: eb('positions.position', '+', objects.length) })),
      )
      .returning('position')
      .executeTakeFirstOrThrow();
    const nowMs = await this.#database.nowMs(tables);
    const first = position - objects.length + 1;
    await tables
      .insertInto('inventory')
      .values(
        objects.map(({ kind, name, bytes, storedMs }, index) => ({
          safe,
          kind,
          name,
          bytes,
          position: first + index,
          state: 'whole',
          lockedMs: 0,
          storedMs: storedMs ?? nowMs,
          verifiedMs: unread ? (storedMs ?? nowMs) : nowMs,
        })),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['safe', 'kind', 'name'])
          .doUpdateSet((row) => ({
            bytes: row.ref('excluded.bytes'),
            position: row.ref('excluded.position'),
            verifiedMs: row.ref('excluded.verifiedMs'),
            state: row.ref('excluded.state'),
          }))
          .where('inventory.state', '=', 'damaged'),
      )
      .execute();
  }
}

async function setDamaged(tables: Transaction<SiteTables>, safe: string, { kind, name }: ObjectName): Promise<void> {
  await tables
    .updateTable('inventory')
    .set({ state: 'damaged' })
    .where('safe', '=', safe)
    .where('kind', '=', kind)
    .where('name', '=', name)
    .execute();
}

function keptOf(row: Selectable<InventoryTable>): KeptObject {
  return { ...row, kind: row.kind as ObjectKind, state: row.state as ObjectState };
}
