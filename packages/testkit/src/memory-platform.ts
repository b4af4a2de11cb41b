/* All ports at once, in memory and deterministic: one seed, one clock. */

import { type Platform, Prng } from '@twinvault/std';
import { FakeClock } from './fake-clock.ts';
import { inlineThreads } from './inline-threads.ts';
import { memoryDatabases } from './memory-databases.ts';
import { MemoryDisk } from './memory-disk.ts';
import { MemoryNetwork } from './memory-network.ts';
import { seededRandom } from './seeded-random.ts';

export interface MemoryPlatform extends Platform {
  readonly clock: FakeClock;
  readonly timers: FakeClock;
  readonly network: MemoryNetwork;
  /** `files` is its first mount. */
  readonly disk: MemoryDisk;
  readonly prng: Prng;
}

export function memoryPlatform(seed: string | number = 'twinvault'): MemoryPlatform {
  const prng = new Prng(seed);
  const clock = new FakeClock();
  const disk = new MemoryDisk({ clock });
  return {
    prng,
    clock,
    timers: clock,
    disk,
    files: disk.mount(),
    random: seededRandom(prng.fork('random')),
    threads: inlineThreads(),
    databases: memoryDatabases(),
    network: new MemoryNetwork(clock),
    processes: { self: '', isGone: () => false },
  };
}
