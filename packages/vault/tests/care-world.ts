/* A site in memory on a real database, with one safe that was backed up to, and a worker that does its tasks when told. */

import { toHex } from '@twinvault/std';
import type { Clock } from '@twinvault/std';
import { memoryPlatform, TestSafe } from '@twinvault/testkit';
import type { MemoryPlatform, TestComputer } from '@twinvault/testkit';
import { beginCare, careHandlers } from '../src/care/care.ts';
import type { CareParts, CarePolicy, TwinOpener } from '../src/care/care-parts.ts';
import { Inventory } from '../src/database/inventory.ts';
import { Metering } from '../src/database/metering.ts';
import { Worker } from '../src/database/worker.ts';
import type { TaskRunEnd } from '../src/database/worker.ts';
import { WorkQueue } from '../src/database/work-queue.ts';
import { createVault, directoryParts } from '../src/index.ts';
import type { ObjectStore, SiteSafe, SiteVault } from '../src/index.ts';
import type { DatabaseWorld } from './databases.ts';

export interface CareWorld {
  readonly platform: MemoryPlatform;
  readonly vault: SiteVault;
  readonly mine: TestSafe;
  readonly computer: TestComputer;
  readonly safe: SiteSafe;
  /** Of the safe, hexadecimal. */
  readonly hex: string;
  readonly parts: CareParts;
  readonly worker: Worker;
  readonly ends: TaskRunEnd[];
}

export interface CareWorldOptions extends Partial<CarePolicy> {
  readonly minimumAgeMs?: number;
  readonly twinOpeners?: readonly TwinOpener[];
  readonly eraseWaitMs?: number;
}

export async function careWorld(
  world: DatabaseWorld,
  { minimumAgeMs = 0, eraseWaitMs, twinOpeners, ...policy }: CareWorldOptions = {},
  storeOf?: (clock: Clock) => ObjectStore,
): Promise<CareWorld> {
  const platform = memoryPlatform('care');
  await platform.files.makeDirectory('/vault/site');
  const vault = await createVault({
    ...directoryParts({ path: '/vault', platform }),
    ...(storeOf === undefined ? {} : { store: storeOf(platform.clock) }),
    minimumAgeMs,
    ...(eraseWaitMs === undefined ? {} : { eraseWaitMs }),
  });
  const mine = new TestSafe('care');
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe, { customer: 'Ada & Co' });
  await vault.createSafe(new TestSafe('other').newSafe);
  const database = await world.open(platform.clock);
  const queue = new WorkQueue(database);
  const ports = { clock: platform.clock, timers: platform.timers, random: platform.random };
  const parts: CareParts = {
    vault,
    database,
    queue,
    inventory: new Inventory(database),
    metering: new Metering(database),
    ports,
    policy: { keep: {}, scrubBytesPerSecondMax: Infinity, ...policy },
    ...(twinOpeners === undefined ? {} : { twinOpeners }),
  };
  await beginCare(parts);
  const ends: TaskRunEnd[] = [];
  const worker = new Worker({ queue, handlers: careHandlers(parts), node: 'one', ...ports, ended: (end) => ends.push(end) });
  return { platform, vault, mine, computer, safe: await vault.openSafe(mine.safe), hex: toHex(mine.safe), parts, worker, ends };
}
