/* Every golden vector in Node; that the generator still makes them as they stand; and that the check of vectors can fail. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Vector } from '../src/index.ts';
import { generate } from '../tools/generate.ts';
import { checkVectorFile, vectorFiles } from './check-vectors.ts';

for (const [name, file] of Object.entries(vectorFiles)) {
  test(`${name}: ${file.vectors.length} vectors`, async () => {
    assert.deepEqual((await checkVectorFile(name)).failures, []);
  });
}

test('a vector that does not do as it says is found', async () => {
  const { refs } = vectorFiles;
  assert.ok(refs);
  const [first] = refs.vectors;
  assert.ok(first);
  const changed: readonly Vector[] = [
    { name: 'another value', bytes: first.bytes, value: { count: 0 } },
    { name: 'not refused', bytes: first.bytes, code: 'refs-invalid', defect: 'none' },
    { name: 'not refused', bytes: '', value: null },
  ];
  const { failures } = await checkVectorFile('refs', { ...refs, vectors: [...refs.vectors, ...changed] });
  assert.deepEqual(
    failures.map((line) => line.replace(/gives .*/u, 'gives')),
    [
      'another value: gives',
      'not refused: taken instead of refs-invalid',
      'not refused: refused with refs-invalid',
      'two vectors have one name',
    ],
  );
});

test('the generator makes the files as they stand', async () => {
  assert.deepEqual(await generate({ write: false }), []);
});
