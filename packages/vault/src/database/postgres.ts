/*
 * A site's database on a PostgreSQL server, for sites of several nodes. Connections that break are thrown away by the pool; what was under
 * way on them is tried again by SiteDatabase.
 */

import { secondMs } from '@twinvault/std';
import { PostgresDialect } from 'kysely';
import type { Dialect } from 'kysely';
import pg from 'pg';

export interface PostgresOptions {
  /** A host name, an address, or the absolute path of the folder that holds the server's socket. */
  readonly host: string;
  readonly port: number;
  /** One for each site. */
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  /** TLS, which the server then must offer; `authority` in PEM instead of the system's authorities. */
  readonly tls?: { readonly authority?: string };
  /** Connections of this node; `poolMaxDefault` when left out. */
  readonly poolMax?: number;
}

export const poolMaxDefault = 10;
const connectMsMax: number = 5 * secondMs;
const statementMsMax: number = 60 * secondMs;
const idleInTransactionMsMax: number = 30 * secondMs;

/** Type ids of int8 and numeric: counts and sums. All that is kept is below 2^53, as in SQLite. */
const numberTypes: ReadonlySet<number> = new Set([20, 1700]);

export function postgresDialect(options: PostgresOptions): Dialect {
  const { host, port, database, user, password, tls, poolMax = poolMaxDefault } = options;
  const pool = new pg.Pool({
    host,
    port,
    database,
    user,
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { ssl: tls.authority === undefined ? true : { ca: tls.authority } }),
    max: poolMax,
    application_name: 'twinvault',
    connectionTimeoutMillis: connectMsMax,
    statement_timeout: statementMsMax,
    // A node that hangs must not keep rows locked.
    idle_in_transaction_session_timeout: idleInTransactionMsMax,
    types: {
      getTypeParser: ((id: number, format?: 'text') =>
        numberTypes.has(id) ? numberOf : pg.types.getTypeParser(id, format)) as typeof pg.types.getTypeParser,
    },
  });
  // An idle connection that breaks: the pool takes it out; the next statement gets a new one.
  pool.on('error', () => undefined);
  // One that breaks while it is lent out and no statement is under way: the next statement on it fails.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return new PostgresDialect({ pool });
}

function numberOf(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a number of the database is not whole or above 2^53');
  return value;
}
