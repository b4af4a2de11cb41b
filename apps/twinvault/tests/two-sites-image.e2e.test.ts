/*
 * One of two served sites is put back from last week's image of its disk, with its database and then without it: the computer names it, it says so
 * in its log, as its twin does where only the store is old, and in the end both have everything that was acknowledged.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resultOf } from './support/command.ts';
import { chance } from './support/seeds.ts';
import { makeTwins } from './support/twins.ts';

interface Found {
  readonly findings: readonly { readonly code?: string; readonly type?: string; readonly site?: string }[];
}

test('a site that is put back from an image is named, loses nothing, and both are the same in the end', async (t) => {
  const place = await makeTwins('two-sites-image', chance(t), { treeBytes: 2_000_000 });
  const { a, b } = place;
  await place.backUp();
  await place.untilEqual();
  await a.stop();
  a.saveImage();
  await a.start();
  await place.backUp();
  await place.untilEqual();
  for (const parts of [['vault', 'state'], ['vault']] as const) {
    const isWhole = parts.length === 2;
    await b.stop();
    await a.stop();
    a.putBack(parts);
    await a.start();
    // Its twin is away: what the computer saw there is not there any more.
    const { findings } = resultOf<Found>(await place.run(['safesets', ...place.base]));
    assert.ok(JSON.stringify(findings).includes('rolled-back'), JSON.stringify(findings));
    await b.start();
    await place.untilEqual();
    t.diagnostic('both have the same');
    await place.assertAllAt('a');
    assert.match(
      (await a.stop()).stdout.toString(),
      isWhole ? /had lost what it had acknowledged/u : /are not of the same time/u,
    );
    if (!isWhole) assert.match((await b.stop()).stdout.toString(), /a twin was put back or made anew/u);
    for (const each of isWhole ? [a] : [a, b]) await each.start();
    await place.backUp();
    await place.untilEqual();
  }
  await place.assertAllAt('b', 1);
});
