/* The vault port's conformance suite on a directory in memory and on the real file system. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePlatform } from '@twinvault/std/node';
import { memoryPlatform, settle, vaultConformance } from '@twinvault/testkit';
import { createDirectoryVault, openDirectoryVault } from '../src/index.ts';

vaultConformance('memory', async () => {
  const base = memoryPlatform('vault conformance');
  // Who waits for a lock waits for others to run, not for time to pass.
  const platform = { ...base, timers: { sleep: settle, every: base.clock.every.bind(base.clock) } };
  const options = { path: '/vault', platform };
  const vault = await createDirectoryVault(options);
  return { vault, again: () => openDirectoryVault(options), [Symbol.asyncDispose]: () => vault[Symbol.asyncDispose]() };
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
