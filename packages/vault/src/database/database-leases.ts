/*
 * Leases as rows of the site's database, in the database's time: for sites whose store has no files to touch. A lease that lapsed is taken
 * over in place, with the next fence; one that was given back has no row.
 *
 * Invariant: a row is only ever changed by whoever has its token, by a taker who judged it to be over while it was locked, or by a rebuild.
 */

import { toHex } from '@twinvault/std';
import type { Processes, Timers } from '@twinvault/std';
import type { Selectable, Transaction } from 'kysely';
import { decodeHandle } from '../leases/handles.ts';
import { KeptLease } from '../leases/kept-lease.ts';
import { leaseLapseMs } from '../leases/leases.ts';
import type { Lease, LeaseAnswer, LeaseHolder, LeaseRequest, Leases, OpenLease } from '../leases/leases.ts';
import type { Note } from '../store/notes.ts';
import type { SiteDatabase } from './site-database.ts';
import type { LeasesTable, SiteTables } from './tables.ts';

export interface DatabaseLeasesParts {
  readonly database: SiteDatabase;
  readonly timers: Timers;
  readonly processes: Processes;
}

type LeaseRow = Selectable<LeasesTable>;

interface RowPlace {
  readonly folder: string;
  readonly name: string;
}

export class DatabaseLeases implements Leases {
  readonly #parts: DatabaseLeasesParts;

  constructor(parts: DatabaseLeasesParts) {
    this.#parts = parts;
  }

  nowMs(): Promise<number> {
    return this.#parts.database.nowMs();
  }

  async take(request: LeaseRequest): Promise<LeaseAnswer> {
    const { database, processes } = this.#parts;
    const drawn = {
      token: toHex(database.random.bytes(16)),
      generation: request.generation,
      holder: request.carried === true ? '' : processes.self,
      lapseMs: request.lapseMs,
      aboutJson: JSON.stringify(request.about ?? {}),
    };
    const row = await database.change((tables) => this.#take(tables, placeOf(request.name), drawn));
    if (row.token !== drawn.token) return { type: 'held', by: holderOf(row) };
    return { type: 'taken', lease: this.#lease(request.name, row) };
  }

  async resume(handle: string): Promise<Lease | null> {
    const { database } = this.#parts;
    const { name, token } = decodeHandle(handle);
    const { folder, name: last } = placeOf(name);
    const row = await database.change(async (tables) => {
      const there = await tables
        .selectFrom('leases')
        .selectAll()
        .where('folder', '=', folder)
        .where('name', '=', last)
        .$if(database.rowLocks, (query) => query.forUpdate())
        .executeTakeFirst();
      if (there?.token !== token) return null;
      const nowMs = await database.nowMs(tables);
      if (this.#isOver(there, nowMs, there.lapseMs)) return null;
      await tables.updateTable('leases').set({ renewedMs: nowMs }).where('token', '=', token).execute();
      return there;
    });
    return row === null ? null : this.#lease(name, row);
  }

  async open(folder: string, nowMs: number): Promise<OpenLease[]> {
    const rows = await this.#rows(folder);
    return rows.filter((row) => !this.#isOver(row, nowMs, leaseLapseMs)).map(({ name, sinceMs }) => ({ name, sinceMs }));
  }

  async discardLapsed(folder: string, nowMs: number): Promise<number> {
    const { database } = this.#parts;
    let count = 0;
    for (const row of await this.#rows(folder)) {
      if (!this.#isOver(row, nowMs, leaseLapseMs)) continue;
      // Only as it was judged: one that was renewed or taken over meanwhile stays.
      const { numDeletedRows } = await database.change((tables) =>
        tables
          .deleteFrom('leases')
          .where('folder', '=', folder)
          .where('token', '=', row.token)
          .where('renewedMs', '=', row.renewedMs)
          .executeTakeFirst(),
      );
      count += Number(numDeletedRows);
    }
    return count;
  }

  async voidAll(folder: string): Promise<number> {
    const { numDeletedRows } = await this.#parts.database.change((tables) =>
      tables.deleteFrom('leases').where('folder', '=', folder).executeTakeFirst(),
    );
    return Number(numDeletedRows);
  }

  /** The row that stands afterwards: the one drawn, or that of whoever holds it. */
  async #take(
    tables: Transaction<SiteTables>,
    place: RowPlace,
    drawn: Pick<LeaseRow, 'token' | 'generation' | 'holder' | 'lapseMs' | 'aboutJson'>,
  ): Promise<LeaseRow> {
    const { database } = this.#parts;
    for (;;) {
      const nowMs = await database.nowMs(tables);
      const times = { sinceMs: nowMs, renewedMs: nowMs };
      const put = await tables
        .insertInto('leases')
        .values({ ...place, ...drawn, ...times, fence: 1 })
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst();
      if (put !== undefined) return put;
      const held = await tables
        .selectFrom('leases')
        .selectAll()
        .where('folder', '=', place.folder)
        .where('name', '=', place.name)
        .$if(database.rowLocks, (query) => query.forUpdate())
        .executeTakeFirst();
      // Given back between both statements.
      if (held === undefined) continue;
      // Waiting for the row may have taken a while.
      const judgedMs = await database.nowMs(tables);
      if (held.token === drawn.token || !this.#isOver(held, judgedMs, drawn.lapseMs)) return held;
      return tables
        .updateTable('leases')
        .set({ ...drawn, sinceMs: judgedMs, renewedMs: judgedMs, fence: held.fence + 1 })
        .where('folder', '=', place.folder)
        .where('name', '=', place.name)
        .returningAll()
        .executeTakeFirstOrThrow();
    }
  }

  #lease(name: string, row: LeaseRow): Lease {
    const { database, timers } = this.#parts;
    const { token, fence, sinceMs, lapseMs } = row;
    const place = {
      renew: async (): Promise<boolean> => {
        const { numUpdatedRows } = await database.change(async (tables) => {
          const renewedMs = await database.nowMs(tables);
          return tables.updateTable('leases').set({ renewedMs }).where('token', '=', token).executeTakeFirst();
        });
        return numUpdatedRows > 0n;
      },
      giveBack: async (): Promise<void> => {
        await database.change((tables) => tables.deleteFrom('leases').where('token', '=', token).execute());
      },
    };
    return new KeptLease({ timers, name, token, fence, sinceMs, lapseMs, place });
  }

  #rows(folder: string): Promise<LeaseRow[]> {
    return this.#parts.database.read((tables) => tables.selectFrom('leases').selectAll().where('folder', '=', folder).execute());
  }

  /** Lapsed, or held by a process that is known to be gone. */
  #isOver({ holder, renewedMs }: LeaseRow, nowMs: number, lapseMs: number): boolean {
    return (holder !== '' && this.#parts.processes.isGone(holder)) || nowMs - renewedMs > lapseMs;
  }
}

function placeOf(name: string): RowPlace {
  const slash = name.lastIndexOf('/');
  return { folder: name.slice(0, slash), name: name.slice(slash + 1) };
}

function holderOf({ aboutJson, holder, sinceMs, renewedMs }: LeaseRow): LeaseHolder {
  return { about: JSON.parse(aboutJson) as Note, holder, sinceMs, renewedMs };
}
