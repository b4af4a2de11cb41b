/*
 * Every golden vector of seal against seal itself: valid ones give their value, invalid ones are refused with their code.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '@twinvault/std';
import { isValid, sealedVectors } from '../src/index.ts';
import type { Vector, VectorFile } from '../src/index.ts';
import { plain } from './parsers.ts';
import { sealParserNamed } from './sealed-parsers.ts';

async function codeOf(file: VectorFile, vector: Vector): Promise<string> {
  try {
    await sealParserNamed(file.parser)(file, vector);
    return 'taken';
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error);
  }
}

for (const file of Object.values(sealedVectors)) {
  test(`${file.parser}: ${file.vectors.length} vectors`, async () => {
    for (const vector of file.vectors) {
      if (isValid(vector)) {
        const value: unknown = await sealParserNamed(file.parser)(file, vector);
        assert.deepEqual(plain(value), vector.value, vector.name);
      } else assert.equal(await codeOf(file, vector), vector.code, vector.name);
    }
  });
}

test('no two vectors of a file have one name, and each file has valid ones', () => {
  for (const file of Object.values(sealedVectors)) {
    assert.equal(new Set(file.vectors.map(({ name }) => name)).size, file.vectors.length, file.parser);
    assert.ok(file.vectors.some(isValid), file.parser);
  }
});
