import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isComponent } from '../paths.ts';
import { nameMax } from './constants.ts';
import { renamed } from './placing.ts';

test('another name is a component of at most 255 bytes, and another one for each attempt', () => {
  const name = fc.uint8Array({ minLength: 1, maxLength: nameMax }).filter(isComponent);
  fc.assert(
    fc.property(name, fc.integer({ min: 1, max: 9999 }), (given, attempt) => {
      const first = renamed(given, attempt);
      assert.ok(isComponent(first) && first.length <= nameMax);
      assert.notDeepEqual(first, renamed(given, attempt + 1));
      assert.match(Buffer.from(first).toString('latin1'), attempt === 1 ? / \(restored\)$/ : / \(restored \d+\)$/);
    }),
  );
});

test('a name that is text stays text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 255 }), fc.nat({ max: 30 }), (text, attempt) => {
      const given = Buffer.from(text).subarray(0, nameMax);
      const whole = Buffer.from(given.toString()).equals(given);
      const result = Buffer.from(renamed(given, attempt + 1));
      if (whole) assert.ok(Buffer.from(result.toString()).equals(result));
    }),
  );
});
