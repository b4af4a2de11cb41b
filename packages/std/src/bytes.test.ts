import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareBytes, concatBytes, equalBytes, equalSecretBytes, fromHex, toHex, utf8Decode, utf8Encode } from './bytes.ts';

test('concatenation, comparison and equality agree with Buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      assert.deepEqual(concatBytes(a, b), new Uint8Array(Buffer.concat([a, b])));
      assert.equal(Math.sign(compareBytes(a, b)), Buffer.compare(a, b));
      assert.equal(equalBytes(a, b), Buffer.compare(a, b) === 0);
      assert.equal(equalSecretBytes(a, b), Buffer.compare(a, b) === 0);
    }),
  );
});

test('hex goes both ways and refuses what is not hex', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(fromHex(toHex(bytes)), bytes)));
  assert.deepEqual(fromHex('0aFF'), Uint8Array.of(10, 255));
  for (const text of ['0', '0g', ' 00', '0x']) assert.equal(fromHex(text), null);
});

test('UTF-8 goes both ways, keeps a byte order mark and refuses what is invalid', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => assert.equal(utf8Decode(utf8Encode(text)), text)));
  assert.equal(utf8Decode(Uint8Array.of(0xef, 0xbb, 0xbf)), '\ufeff');
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    assert.equal(utf8Decode(Uint8Array.from(bytes)), null);
  }
});
