/* Tables in which a clock that was a year ahead has written: what they say of a time to come is forgotten, the rest stands. */

import assert from 'node:assert/strict';
import { dayMs } from '@twinvault/std';
import { Inventory } from '../src/database/inventory.ts';
import { mendTimesAhead } from '../src/database/times-ahead.ts';
import { TwinLags } from '../src/database/twin-lags.ts';
import { onEachDatabase } from './databases.ts';

const yearMs = 366 * dayMs;

onEachDatabase('what is not known to have been done is done again', async (world) => {
  const database = await world.open();
  const inventory = new Inventory(database);
  const lags = new TwinLags(database);
  const [right, wrong] = [
    { kind: 'pack', name: '01', bytes: 1 },
    { kind: 'pack', name: '02', bytes: 1 },
  ] as const;
  await inventory.announce('aa', [right, wrong]);
  const told = { safe: 'aa', isRead: true, isCompared: true };
  await lags.tell({ twin: '01', ...told });
  const nowMs = world.clock.nowMs();
  world.clock.jump(yearMs);
  await inventory.verified('aa', [wrong]);
  await lags.tell({ twin: '02', ...told, behindObjects: 3 });
  world.clock.jump(-yearMs);
  await mendTimesAhead(database);
  assert.deepEqual(
    [(await inventory.find('aa', right))?.verifiedMs, (await inventory.find('aa', wrong))?.verifiedMs],
    [nowMs, 0],
  );
  const [before, ahead] = await lags.all();
  assert.deepEqual([before?.readMs, before?.comparedMs], [nowMs, nowMs]);
  assert.deepEqual([ahead?.readMs, ahead?.comparedMs, ahead?.behindSinceMs], [null, null, nowMs]);
});
