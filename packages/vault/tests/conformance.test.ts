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
  LookUps,
  openDirectoryVault,
  openVault,
} from '../src/index.ts';
import type { VaultParts } from '../src/index.ts';
import { FileLeases } from '../src/leases/file-leases.ts';
import { FileTime } from '../src/leases/file-time.ts';
import { FileStore } from '../src/store/file-store.ts';
import { vaultFiles } from '../src/store/vault-files.ts';

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
  const parts = { ...directoryParts({ path: '/vault', platform }), lookUps: new LookUps(platform.threads, 0) };
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
