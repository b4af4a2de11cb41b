/* The vault port's conformance suite on a directory in memory, on the real file system, and on a store that is no directory. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePlatform } from '@twinvault/std/node';
import { memoryPlatform, MemoryStore, settle, vaultConformance } from '@twinvault/testkit';
import {
  createDirectoryVault,
  createVault,
  directoryParts,
  fileSiteKey,
  ThreadedLookUps,
  openDirectoryVault,
  openVault,
} from '../src/index.ts';
import type { VaultParts } from '../src/index.ts';
import { DatabaseLeases } from '../src/database/database-leases.ts';
import { openSiteDatabase } from '../src/database/open-database.ts';
import { clockTime } from '../src/database/time.ts';
import { FileLeases } from '../src/leases/file-leases.ts';
import { FileTime } from '../src/leases/file-time.ts';
import { FileStore } from '../src/store/file-store.ts';
import { vaultFiles } from '../src/store/vault-files.ts';
import { testDatabases } from './databases.ts';

vaultConformance('memory', async () => {
  const base = memoryPlatform('vault conformance');
  // Who waits for a lock waits for others to run, not for time to pass.
  const platform = { ...base, timers: { sleep: settle, every: base.clock.every.bind(base.clock) } };
  const options = { path: '/vault', platform };
  const vault = await createDirectoryVault(options);
  return { vault, again: () => openDirectoryVault(options), [Symbol.asyncDispose]: () => vault[Symbol.asyncDispose]() };
});

vaultConformance('store in memory', async () => {
  const { clock, random, files: bare } = memoryPlatform('vault conformance');
  const timers = { sleep: settle, every: clock.every.bind(clock) };
  const ports = { clock, timers, random };
  const files = vaultFiles(bare);
  await files.makeDirectory('/node');
  const time = new FileTime(files, random, '/node');
  const processes = { self: '', isGone: () => false };
  const parts = {
    ports,
    store: new MemoryStore({ clock }),
    leases: new FileLeases({ files, time, timers, random, processes, root: '/node' }),
    key: fileSiteKey(files, '/node/key'),
  };
  // Each node has a cache of its own.
  const node = (name: string): VaultParts => {
    return { ...parts, cache: new FileStore({ files, random, time, root: `/node/${name}` }) };
  };
  const vault = await createVault(node('one'));
  return { vault, again: () => openVault(node('two')), [Symbol.asyncDispose]: () => vault[Symbol.asyncDispose]() };
});

vaultConformance('memory, looking up in threads', async () => {
  const base = memoryPlatform('vault conformance in threads');
  const platform = { ...base, timers: { sleep: settle, every: base.clock.every.bind(base.clock) } };
  const parts = { ...directoryParts({ path: '/vault', platform }), lookUps: new ThreadedLookUps(platform.threads, 0) };
  const vault = await createVault(parts);
  return { vault, again: () => openVault(parts), [Symbol.asyncDispose]: () => vault[Symbol.asyncDispose]() };
});

vaultConformance('disk', async () => {
  const path = await mkdtemp(join(tmpdir(), 'twinvault-vault-'));
  const options = { path, platform: nodePlatform() };
  const vault = await createDirectoryVault(options);
  return {
    vault,
    again: () => openDirectoryVault(options),
    [Symbol.asyncDispose]: async () => {
      await vault[Symbol.asyncDispose]();
      await rm(path, { recursive: true });
    },
  };
});

for (const [name, { make, skip }] of Object.entries(testDatabases)) {
  vaultConformance(
    `store in memory, leases in ${name}`,
    async () => {
      const { clock, random, files: bare } = memoryPlatform('vault conformance');
      const timers = { sleep: settle, every: clock.every.bind(clock) };
      const files = vaultFiles(bare);
      await files.makeDirectory('/node');
      const time = new FileTime(files, random, '/node');
      const store = new MemoryStore({ clock });
      const opened = new AsyncDisposableStack();
      const { config, close } = await make();
      opened.defer(close);
      const node = async (folder: string): Promise<VaultParts> => {
        const database = opened.use(await openSiteDatabase({ config, platform: nodePlatform(), time: clockTime(clock) }));
        return {
          ports: { clock, timers, random },
          store,
          leases: new DatabaseLeases({ database, timers, processes: { self: '', isGone: () => false } }),
          key: fileSiteKey(files, '/node/key'),
          cache: new FileStore({ files, random, time, root: `/node/${folder}` }),
        };
      };
      const vault = opened.use(await createVault(await node('one')));
      return { vault, again: async () => openVault(await node('two')), [Symbol.asyncDispose]: () => opened.disposeAsync() };
    },
    { skip },
  );
}
