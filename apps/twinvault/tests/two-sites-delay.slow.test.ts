/*
 * Lines that are late by 150 ms each way, between computer and sites and between the sites: backup, following and restore go through in bounded time. Then the line
 * to one site stalls for ever in the middle of a pack: the backup goes on at the other, a twin that stalls is asked again, and both have everything in the end.
 */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { jsonLines } from './support/command.ts';
import { chance } from './support/seeds.ts';
import { SlowLine } from './support/slow-line.ts';
import { makeTwins, twinNames } from './support/twins.ts';

const delayMs = 150;
/** A round trip of 300 ms, some dozens of them one after the other, and a machine that is busy. */
const limitMs = 90_000;
/** Silence is borne for a minute where there is another site. */
const stallLimitMs = 150_000;

test('a line that is late, and one that stalls in the middle of a pack', async (t) => {
  const lines = new Map<string, SlowLine>();
  after(() => {
    for (const line of lines.values()) line.close();
  });
  const through = async (port: number, caller: string): Promise<number> => {
    const line = new SlowLine(port, delayMs);
    lines.set(`${caller} ${lines.size}`, line);
    return line.listen();
  };
  const place = await makeTwins('two-sites-delay', chance(t), { through, treeBytes: 8_000_000 });
  const startedMs = Date.now();
  await place.backUp(place.base, { limitMs });
  t.diagnostic(`a first backup of 8 MB: ${Date.now() - startedMs} ms`);
  await place.untilEqual();
  for (const name of twinNames) await place.assertAllAt(name);

  // The computer calls a first, then b: in this order their lines were made.
  const [, ownLine] = [...lines].find(([caller]) => caller.startsWith('computer')) ?? [];
  assert.ok(ownLine !== undefined);
  ownLine.stallAfter(100_000);
  const outcome = await place.backUp(place.base, { limitMs: stallLimitMs });
  assert.ok(ownLine.isStalled, 'it stalled in the middle');
  assert.ok(
    jsonLines(outcome).some(({ type, text }) => type === 'note' && /the other site/u.test(String(text))),
    outcome.told,
  );
  ownLine.mend();
  await place.untilEqual();
  for (const name of twinNames) await place.assertAllAt(name);
});
