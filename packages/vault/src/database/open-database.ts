/* Opens a site's database, whichever it is, and brings its tables up to date. Loaded when a service starts, and by no other command. */

import type { Clock, Random, Timers } from '@twinvault/std';
import { CamelCasePlugin, Kysely } from 'kysely';
import type { Dialect } from 'kysely';
import { migrate } from './migrations.ts';
import { postgresDialect } from './postgres.ts';
import type { PostgresOptions } from './postgres.ts';
import { SiteDatabase } from './site-database.ts';
import { sqliteDialect } from './sqlite.ts';
import type { SiteTables } from './tables.ts';
import { clockTime, serverTime } from './time.ts';
import type { DatabaseTime } from './time.ts';

export type DatabaseConfig =
  | { readonly type: 'sqlite'; readonly path: string }
  | ({ readonly type: 'postgres' } & PostgresOptions);

export interface DatabasePorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

export interface DatabaseOptions {
  readonly config: DatabaseConfig;
  readonly platform: DatabasePorts;
  /** How long a database that cannot be reached is waited for, at the start and later. */
  readonly waitMs?: number;
  /** Instead of the database's own; for tests that move time. */
  readonly time?: DatabaseTime;
}

/** `vault-newer`, and what SiteDatabase.read throws. */
export async function openSiteDatabase({ config, platform, waitMs, time }: DatabaseOptions): Promise<SiteDatabase> {
  const rowLocks = config.type === 'postgres';
  const tables = new Kysely<SiteTables>({ dialect: dialectOf(config), plugins: [new CamelCasePlugin()] });
  const { clock, timers, random } = platform;
  const database = new SiteDatabase({
    tables,
    time: time ?? (rowLocks ? serverTime : clockTime(clock)),
    rowLocks,
    clock,
    timers,
    random,
    ...(waitMs === undefined ? {} : { waitMs }),
  });
  try {
    await database.read((all) => migrate(all as unknown as Kysely<unknown>));
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
  return database;
}

function dialectOf(config: DatabaseConfig): Dialect {
  return config.type === 'sqlite' ? sqliteDialect(config.path) : postgresDialect(config);
}
