/* The databases that each test of a database runs on: SQLite in a file, and PostgreSQL with one of its own per test. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Clock } from '@twinvault/std';
import { FakeClock, postgresMissing, startPostgres } from '@twinvault/testkit';
import type { PostgresServer } from '@twinvault/testkit';
import { nodePlatform } from '@twinvault/std/node';
import { openSiteDatabase } from '../src/database/open-database.ts';
import type { DatabaseConfig } from '../src/database/open-database.ts';
import type { SiteDatabase } from '../src/database/site-database.ts';
import { clockTime } from '../src/database/time.ts';

export interface DatabaseWorld {
  readonly name: string;
  readonly config: DatabaseConfig;
  /** The time that databases of `open` tell. */
  readonly clock: FakeClock;
  /** Another connection to the same tables, as another node has it; closed when the test ends. Its time is that of `clock`, or the world's. */
  open(clock?: Clock): Promise<SiteDatabase>;
}

const shared: { server: Promise<PostgresServer> | null; count: number } = { server: null, count: 0 };

/** A database of its own, until `close`. */
export interface TestDatabase {
  readonly config: DatabaseConfig;
  readonly close: () => Promise<void>;
}

/** By name: how to get one, and why that cannot be had on this machine. */
export const testDatabases: Readonly<
  Record<string, { readonly make: () => Promise<TestDatabase>; readonly skip: string | false }>
> = {
  SQLite: { make: makeSqlite, skip: false },
  PostgreSQL: { make: makePostgres, skip: postgresMissing() },
};

function makeSqlite(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-db-'));
  const close = (): Promise<void> => Promise.resolve(rmSync(folder, { recursive: true }));
  return Promise.resolve({ config: { type: 'sqlite', path: join(folder, 'site.db') }, close });
}

async function makePostgres(): Promise<TestDatabase> {
  shared.server ??= startPostgres();
  shared.count += 1;
  const name = `test_${shared.count}`;
  const server = await shared.server;
  await server.execute(`create database ${name}`);
  return { config: server.config(name), close: () => Promise.resolve() };
}

/** Runs the test once per database. The time is a clock that the test moves. */
export function onEachDatabase(title: string, body: (world: DatabaseWorld) => Promise<void>): void {
  for (const [name, { make, skip }] of Object.entries(testDatabases)) {
    test(`${title} (${name})`, { skip }, async () => {
      const { config, close } = await make();
      try {
        await inWorld(config, body);
      } finally {
        await close();
      }
    });
  }
}

after(async () => (await shared.server)?.[Symbol.asyncDispose]());

async function inWorld(config: DatabaseConfig, body: (world: DatabaseWorld) => Promise<void>): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const clock = new FakeClock();
  const open = async (own: Clock = clock): Promise<SiteDatabase> =>
    opened.use(await openSiteDatabase({ config, platform: nodePlatform(), time: clockTime(own) }));
  await body({ name: config.type, config, clock, open });
}
