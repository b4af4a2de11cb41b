/*
 * Lines that are late by 150 ms each way, between computer and sites and between the sites: backup, following and restore go through in bounded time. Lines that
 * stall for ever: two-sites-delay.slow.test.ts.
 */

import { after, test } from 'node:test';
import { chance } from './support/seeds.ts';
import { SlowLine } from './support/slow-line.ts';
import { makeTwins } from './support/twins.ts';

const delayMs = 150;
/** A round trip of 300 ms, some dozens of them one after the other, and a machine that is busy. */
const limitMs = 90_000;

test('a backup over a line that is late is restored from the other site over another', async (t) => {
  const lines: SlowLine[] = [];
  after(() => {
    for (const line of lines) line.close();
  });
  const through = async (port: number): Promise<number> => {
    const line = new SlowLine(port, delayMs);
    lines.push(line);
    return line.listen();
  };
  const place = await makeTwins('two-sites-delay', chance(t), { through, treeBytes: 4_000_000 });
  const startedMs = Date.now();
  await place.backUp(place.base, { limitMs });
  t.diagnostic(`a first backup of 4 MB: ${Date.now() - startedMs} ms`);
  await place.untilEqual();
  await place.assertAllAt('b');
});
