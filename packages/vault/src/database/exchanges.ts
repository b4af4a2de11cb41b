/*
 * Sessions and readings over the network. They live here and not in a process, so that any node carries them on. What they hold (leases,
 * who asks, for what) is `state`, which only the service reads. Ids are the client's and are looked up under their safe.
 */

import type { Selectable } from 'kysely';
import type { SiteDatabase } from './site-database.ts';
import type { ExchangesTable } from './tables.ts';
import { jsonOf } from './tasks.ts';
import type { Json } from './tasks.ts';

export type ExchangeKind = 'session' | 'reading';

export interface ExchangeName {
  /** Hexadecimal, as the id. */
  readonly safe: string;
  readonly kind: ExchangeKind;
  readonly id: string;
}

export interface NewExchange extends ExchangeName {
  readonly customer: string;
  readonly state: Json;
  /** It is over when it was not used for so long. */
  readonly lapseMs: number;
}

export interface Exchange extends ExchangeName {
  readonly customer: string;
  readonly state: Json;
  readonly openedMs: number;
  readonly untilMs: number;
}

export class Exchanges {
  readonly #database: SiteDatabase;

  constructor(database: SiteDatabase) {
    this.#database = database;
  }

  /** The same id again finds what is open, which goes on; `opened` says which of both. One that lapsed is opened anew. */
  async open(exchange: NewExchange): Promise<{ readonly opened: boolean; readonly exchange: Exchange }> {
    const { safe, kind, id, customer, lapseMs } = exchange;
    const stateJson = jsonOf(exchange.state);
    return this.#database.change(async (tables) => {
      const nowMs = await this.#database.nowMs(tables);
      const row = { safe, kind, id, customer, stateJson, openedMs: nowMs, untilMs: nowMs + lapseMs, lapseMs };
      // What lapsed and was not yet collected counts as gone.
      const put = await tables
        .insertInto('exchanges')
        .values(row)
        .onConflict((conflict) =>
          conflict.columns(['safe', 'kind', 'id']).doUpdateSet(row).where('exchanges.untilMs', '<=', nowMs),
        )
        .returningAll()
        .executeTakeFirst();
      if (put !== undefined) return { opened: true, exchange: exchangeOf(put) };
      const there = await tables
        .updateTable('exchanges')
        .set({ untilMs: nowMs + lapseMs })
        .where('safe', '=', safe)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return { opened: false, exchange: exchangeOf(there) };
    });
  }

  /** Finds it and keeps it open, as each request in it does; null when it is over. One write for each quarter of its time. */
  async use({ safe, kind, id }: ExchangeName): Promise<Exchange | null> {
    const found = await this.#database.read(async (tables) => {
      const row = await tables
        .selectFrom('exchanges')
        .selectAll()
        .where('safe', '=', safe)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : { row, nowMs: await this.#database.nowMs(tables) };
    });
    if (found === null || found.row.untilMs <= found.nowMs) return null;
    if (found.row.untilMs - found.nowMs > (found.row.lapseMs * 3) / 4) return exchangeOf(found.row);
    return (await this.renew({ safe, kind, id })) ? exchangeOf(found.row) : null;
  }

  /** False when it is over. */
  async renew(name: ExchangeName): Promise<boolean> {
    return this.#update(name, null);
  }

  /** Puts another state in place of the one there, and renews; false when it is over. */
  async restate(name: ExchangeName, state: Json): Promise<boolean> {
    return this.#update(name, jsonOf(state));
  }

  /** Ends it. What it was, so that its leases are given back; null when it was over. */
  async close({ safe, kind, id }: ExchangeName): Promise<Exchange | null> {
    const row = await this.#database.change((tables) =>
      tables
        .deleteFrom('exchanges')
        .where('safe', '=', safe)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst(),
    );
    return row === undefined ? null : exchangeOf(row);
  }

  /** Ends those that lapsed, at most `countMax` of them, and says which: each is told to one caller. Their leases lapse by themselves too. */
  async collectLapsed(countMax: number): Promise<readonly Exchange[]> {
    const rows = await this.#database.change(async (tables) => {
      const nowMs = await this.#database.nowMs(tables);
      const lapsed = await tables
        .selectFrom('exchanges')
        .selectAll()
        .where('untilMs', '<=', nowMs)
        .orderBy('untilMs')
        .limit(countMax)
        .$if(this.#database.rowLocks, (query) => query.forUpdate().skipLocked())
        .execute();
      for (const { safe, kind, id } of lapsed) {
        await tables.deleteFrom('exchanges').where('safe', '=', safe).where('kind', '=', kind).where('id', '=', id).execute();
      }
      return lapsed;
    });
    return rows.map(exchangeOf);
  }

  /** Those that are open in a safe, or in all. */
  async openCount(kind: ExchangeKind, safe?: string): Promise<number> {
    return this.#database.read(async (tables) => {
      const nowMs = await this.#database.nowMs(tables);
      const { count } = await tables
        .selectFrom('exchanges')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('kind', '=', kind)
        .where('untilMs', '>', nowMs)
        .$if(safe !== undefined, (query) => query.where('safe', '=', safe ?? ''))
        .executeTakeFirstOrThrow();
      return count;
    });
  }

  async #update({ safe, kind, id }: ExchangeName, stateJson: string | null): Promise<boolean> {
    return this.#database.change(async (tables) => {
      const nowMs = await this.#database.nowMs(tables);
      const { numUpdatedRows } = await tables
        .updateTable('exchanges')
        .set(({ eb }) => ({
          untilMs: eb(eb.val(nowMs), '+', eb.ref('lapseMs')),
          ...(stateJson === null ? {} : { stateJson }),
        }))
        .where('safe', '=', safe)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .where('untilMs', '>', nowMs)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }
}

function exchangeOf({ safe, kind, id, customer, stateJson, openedMs, untilMs }: Selectable<ExchangesTable>): Exchange {
  return { safe, kind: kind as ExchangeKind, id, customer, state: JSON.parse(stateJson) as Json, openedMs, untilMs };
}
