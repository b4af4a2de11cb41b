/*
 * What somebody who is not root gets: all that the rights allow, and a list of the rest. Run by root it takes on another
 * user's rights for the time of the copy; run by anybody else it uses theirs.
 */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compareTrees, makeNastyTree, removeTree } from '@twinvault/testkit';
import { linuxFileSource, linuxTarget } from '../src/index.ts';
import { copyThroughPorts, pathOf } from './copy-through-ports.ts';
import type { CopyResult } from './copy-through-ports.ts';

const isRoot = process.getuid?.() === 0;
const skip = process.platform !== 'linux' && 'Linux only';
const nobody = 65_534;
const base = realpathSync(mkdtempSync(join(tmpdir(), 'twinvault-user-')));
if (isRoot) chownSync(base, nobody, nobody);
after(() => removeTree(base));

// Loads every module while this process may still read them: another user may not get at the repository.
before(async () => {
  if (!isRoot) return;
  mkdirSync(join(base, 'first'));
  await copy(join(base, 'first'), join(base, 'first-restored'));
});

async function asOther<Result>(work: () => Promise<Result>): Promise<Result> {
  if (!isRoot) return await work();
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([]);
  process.setegid?.(nobody);
  process.seteuid?.(nobody);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
}

async function copy(root: string, to: string): Promise<CopyResult> {
  const source = linuxFileSource({
    roots: [Buffer.from(root)],
    rules: { excludes: [], skipCaches: false, oneFileSystem: false },
  });
  return await copyThroughPorts(source, linuxTarget({ root: Buffer.from(to) }));
}

test('their own nasty tree comes back without a difference', { skip }, async (t) => {
  const root = join(base, 'own');
  const { errors, leftOut } = await asOther(async () => {
    const made = makeNastyTree(root);
    return { ...(await copy(root, join(base, 'own-restored'))), leftOut: made.leftOut };
  });
  t.diagnostic(`${leftOut.length} things need root`);
  assert.deepEqual(compareTrees(root, join(base, 'own-restored', root)), []);
  const below = root.slice(1).replaceAll('/', '\0');
  assert.deepEqual(
    errors.filter(({ path }) => Buffer.from(path).toString('latin1').startsWith(below)),
    [],
  );
});

test('what they have no right to read or restore is listed', { skip: skip || (!isRoot && 'needs root') }, async () => {
  const root = join(base, 'of-root');
  mkdirSync(join(root, 'closed'), { recursive: true });
  for (const name of ['secret', 'open', 'set-id', 'closed/inside']) writeFileSync(join(root, name), name);
  chmodSync(join(root, 'secret'), 0o600);
  chmodSync(join(root, 'set-id'), 0o6755);
  chmodSync(join(root, 'closed'), 0o700);
  const to = join(base, 'of-root-restored');
  const { errors, entries } = await asOther(async () => await copy(root, to));
  const below = root.slice(1);
  const listed = errors
    .map(({ path, code, detail }) => [Buffer.from(path).toString().replaceAll('\0', '/'), code, detail] as const)
    .filter(([path]) => path.startsWith(`${below}/`))
    .map(([path, code, detail]) => `${path.slice(below.length + 1)}: ${code}, ${detail}`);
  assert.deepEqual(listed, [
    'closed: entry-denied, EACCES openat',
    'open: metadata-not-restored, EPERM fchownat',
    'secret: entry-denied, EACCES openat',
    'set-id: metadata-not-restored, EPERM fchownat',
    'closed: metadata-not-restored, EPERM fchownat',
  ]);
  assert.equal(
    entries.some((entry) => pathOf(entry).endsWith('inside')),
    false,
  );
  assert.equal(readFileSync(join(to, root, 'open'), 'utf8'), 'open');
  const { mode, uid } = lstatSync(join(to, root, 'set-id'));
  assert.deepEqual([mode & 0o7777, uid], [0o755, nobody]);
});
