/*
 * Every golden vector of the format against format itself: valid ones give their value, invalid ones are refused with their
 * code; and the generator still makes the files as they stand.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '@twinvault/format';
import { formatVectors, isValid } from '../src/index.ts';
import { generate } from '../tools/generate.ts';
import { parserNamed, plain } from './parsers.ts';

for (const file of Object.values(formatVectors)) {
  test(`${file.parser}: ${file.vectors.length} vectors`, () => {
    const parse = parserNamed(file.parser);
    for (const vector of file.vectors) {
      if (isValid(vector)) {
        assert.deepEqual(plain(parse(file, vector)), vector.value, vector.name);
        continue;
      }
      const isRefused = (error: unknown): boolean => error instanceof FormatError && error.code === vector.code;
      assert.throws(() => parse(file, vector), isRefused, vector.name);
    }
  });
}

test('no two vectors of a file have one name, and each file has both kinds', () => {
  for (const file of Object.values(formatVectors)) {
    assert.equal(new Set(file.vectors.map(({ name }) => name)).size, file.vectors.length, file.parser);
    assert.ok(file.vectors.some(isValid), file.parser);
    assert.ok(!file.vectors.every(isValid), file.parser);
  }
});

test('the generator makes the files as they stand', async () => {
  assert.deepEqual(await generate({ write: false }), []);
});
