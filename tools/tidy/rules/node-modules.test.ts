import { test } from 'node:test';
import { expectFindings, madeUpPackage } from './expect.ts';
import { nodeModulesRule } from './node-modules.ts';

const foundIn = (name: string, text: string, expected: readonly RegExp[], file = 'src/a.ts'): Promise<void> =>
  expectFindings(nodeModulesRule, madeUpPackage(name, { [file]: text }), expected);

test('an isomorphic package imports nothing of Node', async () => {
  await foundIn('seal', `import { join } from 'node:path';`, [/seal runs in browsers too and may not import node:path/]);
  await foundIn('std', `import { readFile } from 'node:fs/promises';`, [/std runs in browsers too/]);
});

test('a Node package imports Node, but for what stands behind a port', async () => {
  await foundIn('engine', `import { join } from 'node:path';`, []);
  for (const name of ['fs', 'fs/promises', 'net', 'timers/promises', 'worker_threads', 'sqlite', 'crypto']) {
    await foundIn('vault', `import x from 'node:${name}';`, [/stands behind a port/]);
  }
});

test("std's node part and tests import what they like", async () => {
  await foundIn('std', `import { readFile } from 'node:fs/promises';`, [], 'src/node/files.ts');
  await foundIn('vault', `import { readFile } from 'node:fs/promises';`, [], 'src/a.test.ts');
});

test('sources reads the files of people through the C library, and has no exception', async () => {
  await foundIn('sources', `import { readSync } from 'node:fs';`, [/stands behind a port/]);
});
