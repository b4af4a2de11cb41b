/*
 * The time by which leases, sessions and tasks are judged: the database's, so that the clocks of nodes do not matter. SQLite has none
 * but the machine's, which all who have the file open share.
 */

import type { Clock } from '@twinvault/std';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { SiteTables } from './tables.ts';

export interface DatabaseTime {
  /** Whole ms since 1970. `connection` may be a transaction; the answer is the moment of the call and not that of its beginning. */
  nowMs(connection: Kysely<SiteTables>): Promise<number>;
}

export function clockTime(clock: Clock): DatabaseTime {
  return { nowMs: () => Promise.resolve(clock.nowMs()) };
}

export const serverTime: DatabaseTime = {
  async nowMs(connection) {
    const { rows } = await sql<{ ms: number }>`select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as ms`.execute(
      connection,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('the database tells no time');
    return row.ms;
  },
};
