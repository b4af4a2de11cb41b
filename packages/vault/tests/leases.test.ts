/* The conformance suite of the Leases port on files and on each database. */

import { leasesConformance, memoryPlatform } from '@twinvault/testkit';
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
