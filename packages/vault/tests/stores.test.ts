/* The conformance suite of the ObjectStore port: in memory, as files in memory and on disk. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePlatform } from '@twinvault/std/node';
import { FakeClock, MemoryStore, memoryPlatform, objectStoreConformance } from '@twinvault/testkit';
import { FileTime } from '../src/leases/file-time.ts';
import { FileStore } from '../src/store/file-store.ts';
import { vaultFiles } from '../src/store/vault-files.ts';

for (const locks of [false, true]) {
  objectStoreConformance(`memory${locks ? ' that locks' : ''}`, () => {
    const store = new MemoryStore({ clock: new FakeClock(), locks });
    return Promise.resolve({
      store,
      another: () => Promise.resolve(store),
      timeStepMs: 1,
      largeBytes: null,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  });
}

objectStoreConformance('files in memory', async () => {
  const { files: bare, random } = memoryPlatform('stores');
  const files = vaultFiles(bare);
  await files.makeDirectory('/v');
  const open = (): FileStore => new FileStore({ files, random, time: new FileTime(files, random, '/v'), root: '/v' });
  return {
    store: open(),
    another: () => Promise.resolve(open()),
    timeStepMs: 1,
    largeBytes: null,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});

objectStoreConformance('files on disk', async () => {
  const { files: bare, random } = nodePlatform();
  const files = vaultFiles(bare);
  const root = await mkdtemp(join(tmpdir(), 'twinvault-store-'));
  const open = (): FileStore => new FileStore({ files, random, time: new FileTime(files, random, root), root });
  return {
    store: open(),
    another: () => Promise.resolve(open()),
    timeStepMs: 20,
    largeBytes: null,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
});
