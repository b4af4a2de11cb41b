import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCount, formatTable, printableName } from './table.ts';

test('columns are as wide as their widest cell', () => {
  const lines = formatTable(
    [{ title: 'Name' }, { title: 'Size', align: 'right' }],
    [
      ['a', '1'],
      ['letters', '1,000'],
    ],
  );
  assert.deepEqual(lines, ['Name      Size', 'a            1', 'letters  1,000']);
});

test('counts are grouped by thousands', () => {
  const shown = [0, 7, 999, 1000, 12_345, 999_999, 1_000_000, 1_234_567_890].map(formatCount);
  assert.deepEqual(shown, ['0', '7', '999', '1,000', '12,345', '999,999', '1,000,000', '1,234,567,890']);
});

test('a name cannot play tricks on a terminal', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  assert.equal(printableName(bytes('grüße.txt')), 'grüße.txt');
  assert.equal(printableName(bytes('a\u001B[2Jb')), 'a\\x1b[2Jb');
  assert.equal(printableName(bytes('two\nlines')), 'two\\x0alines');
  assert.equal(printableName(bytes('gpj.\u202Eexe')), 'gpj.\\xe2\\x80\\xaeexe');
  assert.equal(printableName(bytes('back\\slash')), 'back\\\\slash');
  assert.equal(printableName(new Uint8Array([0x61, 0xff, 0x62])), 'a\\xffb');
});
