import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fromBase32, toBase32 } from './base32.ts';
import { utf8Encode } from './bytes.ts';

test('goes both ways, whatever the case and however it is split', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const text = toBase32(bytes);
      assert.match(text, /^[0-9A-HJKMNP-TV-Z]*$/);
      assert.deepEqual(fromBase32(text), bytes);
      assert.deepEqual(fromBase32(text.toLowerCase().replaceAll(/(.{4})/g, '$1-')), bytes);
      assert.deepEqual(fromBase32(text.replaceAll('0', 'o').replaceAll('1', 'l')), bytes);
      assert.deepEqual(fromBase32(text.replaceAll('1', 'I')), bytes);
    }),
  );
});

test('known texts', () => {
  assert.equal(toBase32(utf8Encode('foobar')), 'CSQPYRK1E8');
  assert.equal(toBase32(Uint8Array.of(0xff)), 'ZW');
  assert.equal(toBase32(new Uint8Array(0)), '');
});

test('one byte string has one text', () => {
  for (const text of ['U0', 'Z', 'ZZ', 'ZW0', 'ZWA', '0!', 'Ä0']) assert.equal(fromBase32(text), null, text);
});
