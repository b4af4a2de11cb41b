import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bundledBytesMax } from '@twinvault/seal';
import { Prng } from '@twinvault/std';
import { BundleUse } from '../dedup/bundle-use.ts';
import { ChunkTable, wholeShare } from '../dedup/chunk-table.ts';
import { BodyView, writeBody } from '../entries/entry-body.ts';
import { noDetails } from '../entries/entry-details.ts';
import { ItemWriter } from '../entries/packed-items.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import type { EntryStat } from '../source-port.ts';
import { BundleUpkeep, wornBelow } from './bundle-upkeep.ts';

const prng = new Prng('bundle upkeep');
const ids = Array.from({ length: 40 }, () => prng.bytes(32));

function idOf(bundle: number): Uint8Array {
  return ids[bundle] ?? new Uint8Array(32);
}

function statOf(sizeBytes: number, type: EntryStat['type'] = 1): EntryStat {
  const times = { mtimeSeconds: 0, mtimeNanos: 0, ctimeSeconds: 0, ctimeNanos: 0 };
  const owner = { mode: 0, uid: 0, gid: 0, device: 1, inode: 1, linkCount: 1, deviceMajor: 0, deviceMinor: 0 };
  return { type, sizeBytes, blocks: 8, ...times, ...owner };
}

function bodyOf(bundle: number, lengthBytes: number, bundleBytes: number): Uint8Array {
  const writer = new PackedWriter();
  const extents = [{ id: idOf(bundle), offsetBytes: 0, lengthBytes }];
  const content = { stat: statOf(lengthBytes), sizeBytes: lengthBytes, details: noDetails, extents, tag: new Uint8Array(32) };
  writeBody(writer, { ...content, marks: 0, bundleBytes });
  return writer.take();
}

const met = fc.oneof(
  fc.record({ changed: fc.integer({ min: 0, max: 2 * bundledBytesMax }) }),
  fc.record({ bundle: fc.integer({ min: 0, max: 39 }) }),
);

test('what is emptied stays within the budget of what changed before it, and a bundle is emptied whole or not', () => {
  const shares = fc.array(fc.integer({ min: 1, max: 4095 }), { minLength: 1, maxLength: 40 });
  const limits = fc.record({ leftBytes: fc.nat(1_000_000), isStrained: fc.boolean() });
  fc.assert(
    fc.property(shares, limits, fc.array(met, { maxLength: 200 }), (worn, { leftBytes, isStrained }, scan) => {
      const bundleBytes = 500_000;
      const bundles = worn.map((share, bundle) => ({ id: idOf(bundle).slice(0, 16), share }));
      const upkeep = new BundleUpkeep({ bundles, leftBytes, isStrained });
      const emptied = new Map<number, boolean>();
      let [changedBytes, emptiedBytes] = [0, 0];
      for (const entry of scan) {
        if ('changed' in entry) {
          upkeep.changes(statOf(entry.changed));
          if (entry.changed < bundledBytesMax) changedBytes += entry.changed;
          continue;
        }
        const { bundle } = entry;
        const empties = upkeep.empties(new BodyView(bodyOf(bundle, 100, bundleBytes)));
        if (changedBytes === 0) {
          assert.equal(empties, false, 'nothing is emptied before something changed');
          continue;
        }
        assert.equal(empties, emptied.get(bundle) ?? empties);
        if (empties && !emptied.has(bundle)) emptiedBytes += ((worn[bundle] ?? Number.NaN) / wholeShare) * bundleBytes;
        emptied.set(bundle, empties);
        assert.ok(emptiedBytes <= (isStrained ? 1 : 1 / 4) * changedBytes + leftBytes);
      }
      assert.ok(upkeep.leftBytes >= 0 && upkeep.leftBytes <= changedBytes / 4);
    }),
  );
});

test('only files that are bundled count as changed, and only bundles on the list are emptied', () => {
  const bundles = [{ id: idOf(0).slice(0, 16), share: 10 }];
  const upkeep = new BundleUpkeep({ bundles, leftBytes: 1e6, isStrained: false });
  upkeep.changes(statOf(bundledBytesMax));
  upkeep.changes(statOf(4096, 2));
  assert.equal(upkeep.empties(new BodyView(bodyOf(0, 100, 300_000))), false);
  upkeep.changes(statOf(1));
  assert.equal(upkeep.empties(new BodyView(bodyOf(0, 100, 300_000))), true);
  assert.equal(upkeep.empties(new BodyView(bodyOf(1, 100, 300_000))), false);
  assert.equal(upkeep.empties(new BodyView(bodyOf(0, 100, 0))), false, 'nothing is known of the bundle');
});

test('use is counted to within a hundredth, entry by entry and by blocks, and marks', () => {
  const files = fc.array(fc.record({ bundle: fc.nat(9), lengthBytes: fc.integer({ min: 1, max: 60_000 }) }), { maxLength: 300 });
  fc.assert(
    fc.property(files, fc.boolean(), (list, asBlock) => {
      const table = ChunkTable.create();
      for (let bundle = 0; bundle < 10; bundle += 1) table.addLive(idOf(bundle), 0, bundle);
      const [bundleBytes, used] = [2_000_000, new Map<string, number>()];
      const use = new BundleUse(table);
      const items = new ItemWriter(new PackedWriter());
      for (const { bundle, lengthBytes } of list) {
        const body = bodyOf(bundle, lengthBytes, bundleBytes);
        const key = Buffer.from(idOf(bundle).subarray(0, 16)).toString('hex');
        used.set(key, (used.get(key) ?? 0) + lengthBytes);
        items.begin(new Uint8Array(1), new Uint8Array(1));
        items.writer.bytes(body);
        items.end();
        if (!asBlock) use.entry(body);
      }
      if (asBlock) use.block({ items: items.flush() });
      use.end();
      const found = new Map([...table.worn(2 ** 15, 100)].map(({ id, share }) => [Buffer.from(id).toString('hex'), share]));
      assert.deepEqual(new Set(found.keys()), new Set(used.keys()));
      assert.equal([...table.marked()].length, used.size);
      for (const [key, bytes] of used) {
        // Each run of neighbours is rounded, or counts 1 at least.
        const expected = Math.min(0x7fff, (bytes / bundleBytes) * wholeShare);
        assert.ok(Math.abs((found.get(key) ?? 0) - expected) <= list.length, `${found.get(key)} instead of ${expected}`);
      }
      assert.equal(use.fetchedBytes, used.size * bundleBytes);
      assert.equal(
        use.liveBytes,
        list.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0),
      );
    }),
    { numRuns: 30 },
  );
});

test('a restore that fetches over twice what it needs is strained', () => {
  assert.deepEqual(wornBelow({ fetchedBytes: 199, liveBytes: 100 }), { isStrained: false, shareMin: wholeShare * (1 / 5) });
  assert.deepEqual(wornBelow({ fetchedBytes: 201, liveBytes: 100 }), { isStrained: true, shareMin: wholeShare * (1 / 4) });
});
