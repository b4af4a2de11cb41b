/* The conformance suite of the Leases port on files and on each database. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { FakeClock, leasesConformance, memoryPlatform, postgresMissing, startPostgres } from '@twinvault/testkit';
import type { LeasesUnderTest, PostgresServer } from '@twinvault/testkit';
import { nodePlatform } from '@twinvault/std/node';
import { DatabaseLeases } from '../src/database/database-leases.ts';
import { openSiteDatabase } from '../src/database/open-database.ts';
import type { DatabaseConfig } from '../src/database/open-database.ts';
import { clockTime } from '../src/database/time.ts';
import { FileLeases } from '../src/leases/file-leases.ts';
import { FileTime } from '../src/leases/file-time.ts';
import { vaultFiles } from '../src/store/vault-files.ts';

const unknown = { self: '', isGone: () => false };
const stopped = { sleep: () => Promise.resolve(), every: () => ({ cancel: () => undefined }) };

leasesConformance('files', async () => {
  const { files: bare, random, timers, clock } = memoryPlatform('leases');
  const files = vaultFiles(bare);
  await files.makeDirectory('/v');
  return {
    another: ({ processes = unknown, isStopped = false } = {}) => {
      const time = new FileTime(files, random, '/v');
      return Promise.resolve(
        new FileLeases({ files, time, timers: isStopped ? stopped : timers, random, processes, root: '/v' }),
      );
    },
    advance: (durationMs) => clock.advance(durationMs),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});

/** Each process has a connection of its own. */
function onDatabase(config: DatabaseConfig, release: () => void = () => undefined): LeasesUnderTest {
  const opened = new AsyncDisposableStack();
  const clock = new FakeClock();
  return {
    another: async ({ processes = unknown, isStopped = false } = {}) => {
      const database = opened.use(await openSiteDatabase({ config, platform: nodePlatform(), time: clockTime(clock) }));
      return new DatabaseLeases({ database, timers: isStopped ? stopped : clock, processes });
    },
    advance: (durationMs) => clock.advance(durationMs),
    [Symbol.asyncDispose]: async () => {
      await opened.disposeAsync();
      release();
    },
  };
}

leasesConformance('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-leases-'));
  return Promise.resolve(
    onDatabase({ type: 'sqlite', path: join(folder, 'site.db') }, () => rmSync(folder, { recursive: true })),
  );
});

const shared: { server: Promise<PostgresServer> | null; count: number } = { server: null, count: 0 };
after(async () => (await shared.server)?.[Symbol.asyncDispose]());

leasesConformance(
  'PostgreSQL',
  async () => {
    shared.server ??= startPostgres();
    shared.count += 1;
    const name = `leases_${shared.count}`;
    const server = await shared.server;
    await server.execute(`create database ${name}`);
    return onDatabase(server.config(name));
  },
  { skip: postgresMissing() },
);
