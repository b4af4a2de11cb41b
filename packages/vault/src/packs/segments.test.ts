/* Segments of the index: round trip, and whatever else lies there is left out. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packName, safeId } from '@twinvault/format';
import { primitives, toHex } from '@twinvault/std';
import { memoryPlatform } from '@twinvault/testkit';
import fc from 'fast-check';
import type { SafeObjects } from '../safe-objects.ts';
import { FileTime } from '../leases/file-time.ts';
import { FileStore } from '../store/file-store.ts';
import { SafeLayout } from '../store/layout.ts';
import { vaultFiles } from '../store/vault-files.ts';
import { readSegment, segmentNames, SegmentWriter } from './segments.ts';
import type { IndexEntry } from './segments.ts';

function world(): SafeObjects {
  const platform = memoryPlatform('segments');
  const files = vaultFiles(platform.files);
  const time = new FileTime(files, platform.random, '/v');
  const store = new FileStore({ files, random: platform.random, time, root: '/v' });
  return { store, cache: store, safe: safeId(new Uint8Array(16)), layout: new SafeLayout(safeId(new Uint8Array(16))) };
}

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const entry: fc.Arbitrary<IndexEntry> = fc
  .tuple(bytesOf(32), bytesOf(80), bytesOf(32), fc.nat(33_554_432), fc.uint8Array({ maxLength: 90 }))
  .map(([pack, header, session, packBytes, tail]) => {
    return { pack: packName(pack), hex: toHex(pack), header, session, packBytes, tail };
  });

test('what is written is read, sorted by name', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(entry, { selector: ({ hex }) => hex, minLength: 1, maxLength: 8 }), async (entries) => {
      const context = world();
      const writer = new SegmentWriter(context);
      for (const each of entries) await writer.add(each);
      await writer.flush();
      await writer.flush();
      const [name, ...rest] = await segmentNames(context);
      assert.deepEqual([[name], rest], [[...writer.written], []]);
      const sorted = [...entries].sort((a, b) => (a.hex < b.hex ? -1 : 1));
      const read = await readSegment(context, name ?? '');
      const plain = Array.from(read ?? [], ({ pack, hex, header, session, packBytes, tail }) => {
        return { pack, hex, header, session, packBytes, tail };
      });
      assert.deepEqual(plain, sorted);
    }),
    { numRuns: 40 },
  );
});

test('other bytes under any name are left out', async () => {
  const magic = [0x54, 0x56, 0x49, 0x58, 2, 0, 0, 0];
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.uint8Array({ maxLength: 300 }), async (begun, rest) => {
      const context = world();
      const bytes = new Uint8Array([...(begun ? magic : []), ...rest]);
      const name = toHex(primitives.sha256(bytes));
      await context.cache.put(`${context.layout.index}/${name}`, [bytes]);
      const entries = await readSegment(context, name);
      // Only "no entries" is short enough to come up by chance.
      assert.ok(entries === null || entries.count === 0);
      await context.cache.put(`${context.layout.index}/${'0'.repeat(64)}`, [bytes]);
      assert.equal(await readSegment(context, '0'.repeat(64)), null);
      assert.equal(await readSegment(context, '1'.repeat(64)), null);
    }),
    { numRuns: 60 },
  );
});
