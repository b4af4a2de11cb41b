/*
 * Proves that nothing of a Linux file system is lost on the way through the command: the nasty tree (all that backup
 * programs are known to lose) is backed up and restored, and a comparer that shares no code with source or target must find
 * no difference; then it is changed in every kind of way and goes through again. A file of 1 TiB that is nearly all hole is
 * stored in seconds and comes back as sparse as it was. Without root, what needs root is left out.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, ftruncateSync, linkSync, mkdirSync, openSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync, writeSync } from 'node:fs'; // prettier-ignore
import { join } from 'node:path';
import { test } from 'node:test';
import { compareTrees, makeNastyTree } from '@twinvault/testkit';
import { makePlace } from './support/place.ts';

const isRoot = process.getuid?.() === 0;
const place = makePlace('nasty');
const tree = place.path('tree');
const ignore = isRoot ? {} : { ignore: ['owner'] as const };
const MiB = 2 ** 20;
const TiB = 2 ** 40;

test('the nasty tree comes back without a difference', async (t) => {
  const { leftOut } = makeNastyTree(tree);
  for (const line of leftOut) t.diagnostic(`left out: ${line}`);
  if (isRoot) assert.deepEqual(leftOut, []);
  await place.init();
  const stored = await place.backup(['--include-caches', tree]);
  assert.deepEqual(stored.errors, []);
  const restored = await place.restore('latest', place.path('out'));
  assert.deepEqual(restored.errors, []);
  assert.deepEqual(compareTrees(tree, place.path('out', tree), ignore), []);
});

/** One change of each kind that a second run has to notice. */
function change(): void {
  const at = (...parts: string[]): string => join(tree, ...parts);
  writeFileSync(at('contents/size-4096'), 'shorter than it was');
  writeFileSync(at('contents/zeros'), Buffer.alloc(300_000, 1));
  renameSync(at('contents/many'), at('contents/many renamed'));
  renameSync(at('names/order'), at('moved to the top'));
  rmSync(at('contents/empty'), { recursive: true });
  writeFileSync(at('contents/empty'), 'a folder became a file');
  rmSync(at('contents/same-0'));
  mkdirSync(at('contents/same-0'));
  writeFileSync(at('contents/same-0/inside'), 'a file became a folder');
  rmSync(at('links/up'));
  symlinkSync('elsewhere', at('links/up'));
  rmSync(at('hard-links/a-fourth'));
  linkSync(at('contents/size-1'), at('hard-links/of another'));
  rmSync(at('specials/socket'));
  chmodSync(at('contents/size-65537'), 0o640);
  utimesSync(at('contents/size-3000001'), 1, 1_000_000_000.5);
  const sparse = openSync(at('sparse/comb'), 'r+');
  writeSync(sparse, 'into a hole', 65_536);
  closeSync(sparse);
  if (isRoot) execFileSync('chown', ['-h', '12345:54321', at('links/spaces'), at('owners/1-0')]);
}

test('after changes of every kind the next safeset holds the new tree, and the first still the old one', async () => {
  change();
  const stored = await place.backup(['--include-caches', tree]);
  assert.deepEqual([stored.sequence, stored.errors], [2, []]);
  // The 300 files of the renamed folder are new ones; nothing else but what was touched is told as changed.
  assert.ok((stored.counts['filesChanged'] ?? 0) < 340, `${stored.counts['filesChanged']} changed files`);
  await place.restore('latest', place.path('again'));
  assert.deepEqual(compareTrees(tree, place.path('again', tree), ignore), []);
  const [first] = await place.safesets();
  await place.restore(first?.safeset ?? '', place.path('early'));
  // What the first test restored was held to be equal to the tree before its changes.
  assert.deepEqual(compareTrees(place.path('out', tree), place.path('early', tree), ignore), []);
});

test('a file of 1 TiB with two islands takes seconds and stays sparse', async () => {
  const folder = place.path('sparse');
  mkdirSync(folder);
  const fd = openSync(`${folder}/huge`, 'w');
  ftruncateSync(fd, TiB);
  writeSync(fd, Buffer.alloc(3 * MiB, 'first island '), 0, 3 * MiB, 123_456_789_504);
  writeSync(fd, Buffer.alloc(65_536, 'second island '), 0, 65_536, TiB - 65_536);
  closeSync(fd);
  const startMs = performance.now();
  const stored = await place.backup(['--job', 'sparse', folder]);
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < 20_000, `the backup took ${Math.round(tookMs)} ms`);
  assert.equal(stored.counts['bytesProtected'], TiB);
  assert.ok(stored.uploadedBytes < MiB, `${stored.uploadedBytes} bytes were sent`);
  await place.restore('latest', place.path('sparse-out'), ['--job', 'sparse']);
  const restored = place.path('sparse-out', folder, 'huge');
  assert.equal(statSync(restored).size, TiB);
  assert.ok(statSync(restored).blocks * 512 < 4 * MiB, `${statSync(restored).blocks} blocks`);
  assert.deepEqual(compareTrees(folder, place.path('sparse-out', folder)), []);
});
