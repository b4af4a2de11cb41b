import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { selectTestFiles } from './files.ts';

const root = mkdtempSync(join(tmpdir(), 'twinvault-test-files-'));
after(() => rmSync(root, { recursive: true }));

const made = [
  'packages/a/src/x/one.test.ts',
  'packages/a/src/one.ts',
  'packages/a/tests/two.test.ts',
  'apps/b/tests/three.e2e.test.ts',
];
for (const path of [...made, 'packages/a/tests/four.slow.test.ts', 'packages/a/node_modules/c/src/five.test.ts']) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), '');
}

test('all tests but the slow ones are selected, and none of installed packages', () => {
  const expected = ['apps/b/tests/three.e2e.test.ts', 'packages/a/src/x/one.test.ts', 'packages/a/tests/two.test.ts'];
  assert.deepEqual(selectTestFiles({ root, slow: false, filters: [] }), expected);
});

test('slow tests are selected apart', () => {
  assert.deepEqual(selectTestFiles({ root, slow: true, filters: [] }), ['packages/a/tests/four.slow.test.ts']);
});

test('words narrow the selection', () => {
  assert.deepEqual(selectTestFiles({ root, slow: false, filters: ['a/src'] }), ['packages/a/src/x/one.test.ts']);
});
