/*
 * The home of a safe is lost: two operators make the other site its home, over HTTPS, and everything goes on. When the old home comes back, it follows.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { errorOf, resultOf } from './support/command.ts';
import { chance } from './support/seeds.ts';
import { makeTwins, twinNames } from './support/twins.ts';

test('the home is lost, two operators move it to the other site, and the old one follows when it is back', async (t) => {
  const place = await makeTwins('two-sites-moved', chance(t), { treeBytes: 1_000_000 });
  const { a, words, own, secret } = place;
  const run = async (...given: readonly string[]): Promise<object> => resultOf(await place.run(given));
  const key = (name: string): string => join(place.root, `${name}.key`);
  const operator = (name: string): string => join(place.root, `${name}.operator`);
  for (const name of ['anna', 'ben', 'eve'])
    await run('vault', 'operator-key', '--name', name, '--key-file', key(name), '--public-file', operator(name));
  for (const name of ['anna', 'ben']) await run('safe', 'operator', ...words.a, ...own, ...secret, '--add', operator(name));
  await place.backUp();
  await place.untilEqual();

  await a.kill();
  await place.backUp();
  const addEve = ['safe', 'operator', ...words.b, ...own, ...secret, '--add', operator('eve')];
  assert.equal(errorOf(await place.run(addEve), 6).code, 'not-home', 'whoever is not home appends nothing');

  const file = join(place.root, 'move.json');
  await run('vault', 'promote', ...words.b, '--key-file', key('anna'), '--safe', 'home', '--propose', file);
  await run('vault', 'promote', ...words.b, '--key-file', key('ben'), '--countersign', file);
  await run(...addEve);
  await place.backUp();

  await a.start();
  await place.untilEqual();
  assert.equal(
    errorOf(await place.run(['safe', 'operator', ...words.a, ...own, ...secret, '--remove', 'eve']), 6).code,
    'not-home',
    'the old home knows the new one',
  );
  await run('safe', 'operator', ...place.base, ...secret, '--remove', 'eve');
  await place.backUp();
  await place.untilEqual();
  for (const name of twinNames) await place.assertAllAt(name);
});

test('a site takes in what its twin has no faster than it was told', async (t) => {
  const bytesPerSecond = 500_000;
  const place = await makeTwins('two-sites-paced', chance(t), {
    treeBytes: 4_000_000,
    following: { b: `, limitDownload: [500k]` },
  });
  await place.run(['safesets', ...place.words.b, ...place.own]);
  const outcome = await place.run(['backup', ...place.words.a, ...place.own, place.tree]);
  const { uploadedBytes } = resultOf<{ uploadedBytes: number }>(outcome);
  const begunMs = performance.now();
  place.keep(outcome);
  await place.untilEqual();
  const seconds = (performance.now() - begunMs) / 1000;
  const leastSeconds = uploadedBytes / bytesPerSecond;
  t.diagnostic(`${uploadedBytes} bytes in ${seconds.toFixed(1)} s, ${leastSeconds.toFixed(1)} s at the least`);
  assert.ok(leastSeconds > 4 && seconds > 0.8 * leastSeconds, 'the limit holds');
  await place.assertAllAt('b');
});
