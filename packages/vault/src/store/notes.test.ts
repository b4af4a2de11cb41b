/* Notes: what is written is read, and nothing else is. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '@twinvault/std';
import fc from 'fast-check';
import { decodeNote, encodeNote, noteBytesMax, noteNumber, noteText, noteTexts } from './notes.ts';
import type { Note } from './notes.ts';

const scalar = fc.oneof(fc.string(), fc.maxSafeInteger(), fc.boolean(), fc.constant(null));
const key = fc.stringMatching(/^[a-z]{1,8}$/).filter((name) => name !== 'check');
const note: fc.Arbitrary<Note> = fc.dictionary(key, fc.oneof(scalar, fc.array(fc.string(), { maxLength: 4 })), {
  maxKeys: 6,
  noNullPrototype: true,
});

test('what is written is read', () => {
  fc.assert(fc.property(note, (fields) => assert.deepEqual(decodeNote(encodeNote(fields)), fields)));
});

test('one changed, missing or further byte is noticed', () => {
  fc.assert(
    fc.property(note, fc.nat(), fc.integer({ min: 1, max: 255 }), (fields, place, change) => {
      const bytes = encodeNote(fields);
      const flipped = bytes.slice();
      const index = place % bytes.length;
      flipped[index] = (flipped[index] ?? 0) ^ change;
      assert.equal(decodeNote(flipped), null);
      assert.equal(decodeNote(bytes.slice(0, index)), null);
      assert.equal(decodeNote(new Uint8Array([...bytes, change])), null);
    }),
  );
});

test('no bytes make it throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => assert.equal(decodeNote(bytes), null)));
  for (const text of ['null\n', '[]\n', '1\n', '{}\n', '{"check":"00"}\n', '{"check":1}\n', '{"__proto__":{},"check":""}\n']) {
    assert.equal(decodeNote(utf8Encode(text)), null, text);
  }
  assert.equal(decodeNote(encodeNote({ long: 'x'.repeat(noteBytesMax) })), null);
});

test('fields are what they are asked to be, or null', () => {
  const fields: Note = { text: 'a', number: 7, fraction: 0.5, list: ['a', 'b'], mixed: ['a', 1] };
  assert.deepEqual([noteText(fields, 'text'), noteText(fields, 'number'), noteText(fields, 'none')], ['a', null, null]);
  assert.deepEqual([noteNumber(fields, 'number'), noteNumber(fields, 'fraction'), noteNumber(fields, 'text')], [7, null, null]);
  assert.deepEqual([noteTexts(fields, 'list'), noteTexts(fields, 'mixed'), noteTexts(fields, 'text')], [['a', 'b'], null, null]);
});
