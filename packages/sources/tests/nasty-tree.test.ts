/*
 * Proves that source and target together lose nothing: the nasty tree goes through the ports, and the comparer, which
 * shares no code with them, must find no difference.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { linuxFileSource, linuxTarget } from '../src/index.ts';
import { compareTrees, makeNastyTree, removeTree } from '@twinvault/testkit';
import { copyThroughPorts } from './copy-through-ports.ts';

const isRoot = process.getuid?.() === 0;
const base = realpathSync(mkdtempSync(join(tmpdir(), 'twinvault-nasty-')));
after(() => removeTree(base));

test('the nasty tree comes back without a difference', { skip: process.platform !== 'linux' && 'Linux only' }, async (t) => {
  const { root, leftOut } = makeNastyTree(join(base, 'tree'));
  for (const line of leftOut) t.diagnostic(`left out: ${line}`);
  // Root in a container may lack rights that root has here; what must be tried everywhere is decided by CI.
  if (isRoot && process.env['CI'] === 'true') assert.deepEqual(leftOut, []);
  const rules = { excludes: [], skipCaches: false, oneFileSystem: false };
  const source = linuxFileSource({ roots: [Buffer.from(root)], rules });
  const { errors } = await copyThroughPorts(source, linuxTarget({ root: Buffer.from(join(base, 'restored')) }));
  const texts = errors.map(
    ({ path, code, detail }) => `${Buffer.from(path).toString('latin1').replaceAll('\0', '/')}: ${code} ${detail}`,
  );
  if (isRoot) assert.deepEqual(texts, []);
  assert.deepEqual(compareTrees(root, join(base, 'restored', root), isRoot ? {} : { ignore: ['owner'] }), []);
});
