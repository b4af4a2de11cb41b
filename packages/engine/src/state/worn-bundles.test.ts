import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeWornBundles, parseWornBundles } from './worn-bundles.ts';

const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const bundle = fc.record({ id: bytes16, share: fc.integer({ min: 1, max: 0x7fff }) }, { noNullPrototype: true });
const parts = {
  bundles: fc.array(bundle, { maxLength: 50 }),
  leftBytes: fc.integer({ min: 0, max: 2 ** 50 }),
  isStrained: fc.boolean(),
};
const list = fc.record(parts, { noNullPrototype: true });

test('a list gives back what was written', () => {
  fc.assert(fc.property(list, (worn) => assert.deepEqual(parseWornBundles(encodeWornBundles(worn)), worn)));
});

test('whatever is changed, cut off or added, it is no list', () => {
  fc.assert(
    fc.property(list, fc.nat(), fc.integer({ min: 1, max: 255 }), (worn, place, change) => {
      const bytes = encodeWornBundles(worn);
      const at = place % bytes.length;
      assert.equal(parseWornBundles(bytes.map((byte, index) => (index === at ? byte ^ change : byte))), null);
      assert.equal(parseWornBundles(bytes.subarray(0, at)), null);
      assert.equal(parseWornBundles(Uint8Array.of(...bytes, ...new Uint8Array(change))), null);
    }),
  );
});

test('any bytes are read without harm', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => assert.equal(parseWornBundles(bytes), null)));
});
