/* The databases that each test of a database runs on: SQLite in a file, and PostgreSQL with one of its own per test. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
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
  /** Another connection to the same tables, as another node has it; closed when the test ends. */
  open(): Promise<SiteDatabase>;
}

const shared: { server: Promise<PostgresServer> | null; count: number } = { server: null, count: 0 };

/** Runs the test once per database. The time is a clock that the test moves. */
export function onEachDatabase(title: string, body: (world: DatabaseWorld) => Promise<void>): void {
  test(`${title} (SQLite)`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'twinvault-db-'));
    try {
      await inWorld({ type: 'sqlite', path: join(folder, 'site.db') }, body);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
  test(`${title} (PostgreSQL)`, { skip: postgresMissing() }, async () => {
    shared.server ??= startPostgres();
    shared.count += 1;
    const name = `test_${shared.count}`;
    const server = await shared.server;
    await server.execute(`create database ${name}`);
    await inWorld(server.config(name), body);
  });
}

after(async () => (await shared.server)?.[Symbol.asyncDispose]());

async function inWorld(config: DatabaseConfig, body: (world: DatabaseWorld) => Promise<void>): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const clock = new FakeClock();
  const open = async (): Promise<SiteDatabase> =>
    opened.use(await openSiteDatabase({ config, platform: nodePlatform(), time: clockTime(clock) }));
  await body({ name: config.type, config, clock, open });
}
