import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { staleReason } from './stale.mjs';

const root = mkdtempSync(join(tmpdir(), 'twinvault-stale-'));
after(() => rmSync(root, { recursive: true }));
mkdirSync(join(root, 'node_modules'));

const wanted = {
  '': {},
  'packages/std': {},
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/for-another-platform': { version: '1.0.0', integrity: 'sha512-b', optional: true },
};
writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: wanted }));

function reasonWith(installed: object): string | null {
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
  return staleReason(root);
}

test('nothing installed is stale', () => {
  assert.equal(staleReason(root), 'Nothing is installed yet');
});

test('what the lockfile wants is not stale; an optional package may be missing', () => {
  assert.equal(reasonWith({ 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } }), null);
});

test('a missing package, another version and another digest are stale', () => {
  assert.match(reasonWith({}) ?? '', /node_modules\/a is not installed/);
  assert.match(reasonWith({ 'node_modules/a': { version: '2.0.0', integrity: 'sha512-a' } }) ?? '', /another version/);
  assert.match(reasonWith({ 'node_modules/a': { version: '1.0.0', integrity: 'sha512-c' } }) ?? '', /another version/);
});
