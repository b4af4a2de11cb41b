/*
 * Upkeep of bundles through whole runs in memory. Night after night some of many small files change, at random:
 *
 * - what a restore fetches stays near twice the files, where it grows without end if the list of worn bundles is lost each night;
 * - a night sends at most its budget beyond what changed; a night without changes sends nothing and opens no file;
 * - every safeset gives back its files; what the report counts as changed did change;
 * - a list that is stale, damaged or somebody else's costs sending or room, and nothing else.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '@twinvault/std';
import { encodeWornBundles, noWornBundles, parseWornBundles } from '../src/state/worn-bundles.ts';
import type { WornBundles } from '../src/state/worn-bundles.ts';
import { BundleNights } from './bundle-nights.ts';
import { assertSame, readBack } from './world.ts';

const files = 700;
const changedEachNight = 42;
const nights = 40;

test('bundles of which little is used are emptied within the budget, and every safeset restores', async (context) => {
  const world = await BundleNights.begin('nights', files);
  let [sentBytes, changedBytes, emptied] = [0, 0, 0];
  for (let night = 1; night <= nights; night += 1) {
    const { isStrained, leftBytes } = await worn(world);
    const { report, ...made } = await world.night(changedEachNight);
    const beyond = report.chunks.storedPlainBytes - made.changedBytes;
    if (beyond > 0) emptied += 1;
    assert.ok(
      beyond <= (isStrained ? 1 : 1 / 4) * made.changedBytes + leftBytes,
      `night ${night}: ${beyond} bytes beyond the changed`,
    );
    assert.ok(report.counts.filesChanged <= changedEachNight, 'a file that was bundled anew did not change');
    assert.equal(report.counts.bytesChanged, made.changedBytes);
    sentBytes += report.chunks.storedPlainBytes;
    changedBytes += made.changedBytes;
    if (night % 4 === 0) assertSame(await readBack(world.world, report.record), made.tree);
    if (night === nights) {
      const factor = (await world.fetchedBytes(report.record)) / world.treeBytes;
      context.diagnostic(`a restore fetches ${factor.toFixed(2)} times the files, sent ${(sentBytes / changedBytes).toFixed(2)}`);
      assert.ok(factor < 2.4, `a restore fetches ${factor} times the files`);
    }
  }
  assert.ok(emptied > 3, 'nights in which nothing is emptied prove nothing');
  assert.ok(sentBytes <= 1.5 * changedBytes);
});

test('without the list nothing but what changed is sent, and what a restore fetches grows', async () => {
  const world = await BundleNights.begin('nights', files);
  let last = null;
  for (let night = 1; night <= nights; night += 1) {
    await world.world.platform.files.remove(await world.wornPath());
    const { report, changedBytes } = await world.night(changedEachNight);
    assert.equal(report.chunks.storedPlainBytes, changedBytes);
    last = report.record;
  }
  assert.ok(last !== null && (await world.fetchedBytes(last)) > 2.8 * world.treeBytes);
});

test('a night without changes sends and opens nothing, whatever is worn', async () => {
  const world = await BundleNights.begin('quiet', files);
  for (let night = 1; night <= 25; night += 1) await world.night(changedEachNight);
  const before = await worn(world);
  assert.ok(before.bundles.length > 0, 'some bundles are worn');
  // The copy of the state may be due to be made anew in the first of the two.
  await world.run(0);
  world.tree.opened = [];
  const { report } = await world.run(0);
  assert.equal(report.chunks.storedPlainBytes, 0);
  assert.equal(report.packs, 0);
  assert.deepEqual(world.tree.opened, []);
  assert.deepEqual(await worn(world), before);
});

test('a file of a worn bundle that cannot be read keeps its last version, one that went is gone', async () => {
  const world = await BundleNights.begin('faults', files);
  for (let night = 1; night <= 25; night += 1) await world.night(changedEachNight);
  const { bundles } = await worn(world);
  assert.ok(bundles.length > 0);
  // Whatever is opened beyond what changed is bundled anew: all of it fails.
  const opening = new Set(world.files);
  for (const path of world.files) world.tree.faults.set(path, { at: 'read', code: 'entry-unreadable' });
  const broken = await world.night(0);
  assert.deepEqual(broken.report.errors, [], 'nothing changed, so nothing was opened');
  world.tree.file('root/a', 'new');
  const { report } = await world.run(3);
  for (const { code } of report.errors) assert.equal(code, 'entry-unreadable');
  const read = await readBack(world.world, report.record);
  for (const path of opening) {
    const content = read.entries.get(path)?.content;
    assert.ok(content !== undefined && content !== null);
    assert.ok(Buffer.compare(content, world.tree.nodes.get(path)?.content ?? new Uint8Array(1)) === 0, path);
  }
  world.tree.faults.clear();
  world.tree.remove(world.files[0] ?? '');
  const whole = await world.run(0);
  assert.deepEqual(whole.report.errors, []);
  assertSame(await readBack(world.world, whole.report.record), world.tree);
});

for (const harm of ['stale', 'damaged', 'too long', 'of live bundles'] as const) {
  test(`a list of worn bundles that is ${harm} costs sending or room`, async () => {
    const world = await BundleNights.begin(`harm ${harm}`, 300);
    const path = await world.wornPath();
    const disk = world.world.platform.files;
    const early = await disk.read(path, 1 << 26);
    assert.ok(early !== null);
    let last = world.first;
    for (let night = 1; night <= 12; night += 1) {
      const bytes = (await disk.read(path, 1 << 26)) ?? early;
      if (harm === 'stale') await disk.replace(path, [night % 3 === 0 ? early : bytes]);
      if (harm === 'damaged') await disk.replace(path, [bytes.map((byte, at) => (at === 45 ? byte ^ 1 : byte))]);
      if (harm === 'too long') await disk.replace(path, [bytes, new Uint8Array(7)]);
      if (harm === 'of live bundles') {
        const bundles = [...(await world.chunksOf(last))].map((id) => ({
          id: fromHex(id)?.subarray(0, 16) ?? new Uint8Array(16),
          share: 1,
        }));
        await disk.replace(path, [encodeWornBundles({ bundles, leftBytes: 1e9, isStrained: true })]);
      }
      const { report, tree } = await world.night(24);
      last = report.record;
      assert.deepEqual(report.errors, []);
      if (night % 6 === 0) assertSame(await readBack(world.world, report.record), tree);
    }
  });
}

test('a run that reads everything empties nothing, and knows what is worn afterwards', async () => {
  const world = await BundleNights.begin('whole', files);
  for (let night = 1; night <= 25; night += 1) await world.night(changedEachNight);
  const { bundles } = await worn(world);
  const { report } = await world.run(0, { readAll: true });
  assert.equal(report.chunks.storedPlainBytes, 0);
  const after = await worn(world);
  assert.deepEqual(new Set(after.bundles.map(keyOf)), new Set(bundles.map(keyOf)));
  assert.equal(after.leftBytes, 0);
});

function keyOf({ id, share }: { readonly id: Uint8Array; readonly share: number }): string {
  return `${Buffer.from(id).toString('hex')} ${share}`;
}

async function worn(world: BundleNights): Promise<WornBundles> {
  const bytes = await world.world.platform.files.read(await world.wornPath(), 1 << 26);
  return (bytes === null ? null : parseWornBundles(bytes)) ?? noWornBundles;
}
