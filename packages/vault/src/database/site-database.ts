/*
 * One site's database: how its tables are asked and changed. Everything that keeps something there stands on `read` and `change`.
 *
 * Invariant: a connection may break while a change is being made, and whether it was made is then not known. So `change` runs its body
 * again, and every body is written to run twice: ids and tokens are drawn before it begins, and it finds its own traces.
 */

import type { Clock, Random, Timers } from '@twinvault/std';
import { secondMs } from '@twinvault/std';
import type { Kysely, Transaction } from 'kysely';
import { asSiteError, mayTryAgain } from './failures.ts';
import type { SiteTables } from './tables.ts';
import type { DatabaseTime } from './time.ts';

export interface SiteDatabaseParts {
  readonly tables: Kysely<SiteTables>;
  readonly time: DatabaseTime;
  /** Rows can be locked and those that are locked be passed over: PostgreSQL. SQLite has one writer at a time. */
  readonly rowLocks: boolean;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** How long a database that cannot be reached is waited for; `databaseWaitMsDefault` when left out. */
  readonly waitMs?: number;
}

/** What a restart of the database takes, and a client's patience allows. */
export const databaseWaitMsDefault: number = 20 * secondMs;
const pauseMsMin = 5;
const pauseMsMax: number = secondMs;

export class SiteDatabase implements AsyncDisposable {
  /** Within a change: rows that are read must be locked against others. On SQLite a change has no other beside it. */
  readonly rowLocks: boolean;
  readonly random: Random;
  readonly #parts: SiteDatabaseParts;
  #closed = false;

  constructor(parts: SiteDatabaseParts) {
    this.#parts = parts;
    this.rowLocks = parts.rowLocks;
    this.random = parts.random;
  }

  /** `database-away`, `vault-full`, `vault-denied`, `vault-read-only`, `vault-damaged`. */
  read<T>(body: (tables: Kysely<SiteTables>) => Promise<T>): Promise<T> {
    return this.#withPatience(() => body(this.#parts.tables));
  }

  /** All of `body` or nothing; on SQLite nobody else writes meanwhile. It may run more than once. Throws what `read` does. */
  change<T>(body: (tables: Transaction<SiteTables>) => Promise<T>): Promise<T> {
    return this.#withPatience(() => this.#parts.tables.transaction().execute(body));
  }

  /** The database's time, see time.ts; within a change: of the moment of the call. */
  nowMs(tables?: Kysely<SiteTables>): Promise<number> {
    const { time } = this.#parts;
    return tables === undefined ? this.read((all) => time.nowMs(all)) : time.nowMs(tables);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#parts.tables.destroy();
  }

  async #withPatience<T>(operation: () => Promise<T>): Promise<T> {
    const { clock, timers, random, waitMs = databaseWaitMsDefault } = this.#parts;
    const startedMs = clock.monotonicMs();
    for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
      try {
        return await operation();
      } catch (error) {
        if (this.#closed || !mayTryAgain(error) || clock.monotonicMs() - startedMs >= waitMs) throw asSiteError(error);
      }
      // Spread, so that nodes do not knock in step.
      const [spread = 0] = random.bytes(1);
      await timers.sleep(pauseMs * (0.5 + spread / 256));
    }
  }
}
