/*
 * Proves that the comparer sees each kind of difference: two equal trees, one thing changed in one of them at a time.
 */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  linkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compareTrees } from './compare-trees.ts';
import { mknod, setTimes, setXattr } from './linux-calls.ts';

const isRoot = process.getuid?.() === 0;
const skip = process.platform !== 'linux' && 'Linux only';
const base = mkdtempSync(join(tmpdir(), 'twinvault-compare-'));
after(() => rmSync(base, { recursive: true, force: true }));

function makeTree(root: string): void {
  mkdirSync(join(root, 'd'), { recursive: true });
  for (const name of ['file', 'd/inner', 'linked']) writeFileSync(join(root, name), `content of ${name}`);
  linkSync(join(root, 'linked'), join(root, 'd/linked'));
  writeFileSync(join(root, 'sparse'), '');
  truncateSync(join(root, 'sparse'), 1_048_576);
  symlinkSync('file', join(root, 'link'));
  mknod(Buffer.from(join(root, 'fifo')), 0o010600);
  if (isRoot) mknod(Buffer.from(join(root, 'device')), 0o020600, [1, 3]);
  for (const name of ['file', 'd/inner', 'linked', 'sparse', 'link', 'fifo', 'd', '.'])
    setTimes(Buffer.from(join(root, name)), 5n);
  if (isRoot) setTimes(Buffer.from(join(root, 'device')), 5n);
}

const changes: readonly (readonly [what: string, rootOnly: boolean, change: (root: string) => void])[] = [
  ['content', false, (root) => writeFileSync(join(root, 'd/inner'), 'content of d/innex')],
  ['size', false, (root) => appendFileSync(join(root, 'file'), 'x')],
  ['mode', false, (root) => chmodSync(join(root, 'file'), 0o600)],
  ['mtime', false, (root) => setTimes(Buffer.from(join(root, 'link')), 6n)],
  ['mtime', false, (root) => lutimesSync(join(root, 'd'), 5, 5)],
  ['there', false, (root) => unlinkSync(join(root, 'fifo'))],
  ['there', false, (root) => writeFileSync(join(root, 'd/more'), '')],
  ['owner', true, (root) => chownSync(join(root, 'file'), 1, 2)],
  ['hard links', false, (root) => replace(join(root, 'd/linked'), (path) => writeFileSync(path, 'content of linked'))],
  ['target', false, (root) => replace(join(root, 'link'), (path) => symlinkSync('files', path))],
  ['type', false, (root) => replace(join(root, 'link'), (path) => writeFileSync(path, 'file'))],
  ['device', true, (root) => replace(join(root, 'device'), (path) => mknod(Buffer.from(path), 0o020600, [1, 5]))],
  ['data ranges', false, (root) => writeFileSync(join(root, 'sparse'), Buffer.alloc(1_048_576))],
  ['xattr user.x', false, (root) => setXattr(Buffer.from(join(root, 'd')), 'user.x', Buffer.from('y'))],
];

function replace(path: string, make: (path: string) => void): void {
  unlinkSync(path);
  make(path);
}

for (const [index, [what, rootOnly, change]] of changes.entries()) {
  test(`it sees another ${what} (${index})`, { skip: skip || (rootOnly && !isRoot && 'needs root') }, () => {
    const [a, b] = [join(base, `a${index}`), join(base, `b${index}`)];
    makeTree(a);
    makeTree(b);
    assert.deepEqual(compareTrees(a, b), []);
    change(b);
    const differences = compareTrees(a, b);
    assert.ok(
      differences.some((line) => line.includes(`: ${what}`)),
      `${what} is not among ${differences.join('; ')}`,
    );
  });
}
