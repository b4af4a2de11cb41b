import { test } from 'node:test';
import { expectFindings, madeUpPackage } from './expect.ts';
import { importTableRule } from './import-table.ts';

const foundIn = (name: string, text: string, expected: readonly RegExp[], file = 'src/a.ts'): Promise<void> =>
  expectFindings(importTableRule, madeUpPackage(name, { [file]: text }), expected);

test('vault and portal may not import seal, in whatever form', async () => {
  const forms = [
    `import { open } from '@twinvault/seal';`,
    `import type { Keys } from '@twinvault/seal';`,
    `export { open } from '@twinvault/seal';`,
    `const seal = await import('@twinvault/seal');`,
    `export type Keys = import('@twinvault/seal').Keys;`,
  ];
  for (const form of forms) {
    await foundIn('vault', form, [/^packages\/vault\/src\/a.ts:1 vault may not import seal; it may import std, format/]);
    await foundIn('portal', form, [/portal may not import seal/]);
  }
});

test('an import that the table allows passes', async () => {
  await foundIn('vault', `import { a } from '@twinvault/std';\nimport { b } from '@twinvault/protocol';`, []);
});

test('a test may import everything, the testkit only tests', async () => {
  await foundIn('vault', `import '@twinvault/testkit';`, [], 'src/a.test.ts');
  await foundIn('vault', `import '@twinvault/testkit';`, [], 'tests/whole.ts');
  await foundIn('vault', `import '@twinvault/testkit';`, [/vault may not import testkit/]);
});

test('sources imports types of engine, and no more of it', async () => {
  await foundIn('sources', `import type { FileSource } from '@twinvault/engine';`, []);
  await foundIn('sources', `import { backup } from '@twinvault/engine';`, [/only types of engine: use import type/]);
});

test('a package of others needs its place in the table', async () => {
  await foundIn('seal', `import { encode } from 'cborg';\nimport { encode } from 'cborg/json';`, []);
  await foundIn('vault', `import { encode } from 'cborg';`, [/vault may not use cborg/]);
  await foundIn('format', `import { x25519 } from '@noble/curves/ed25519.js';`, [/format may not use @noble\/curves/]);
});

test("std's node part is for apps and entry files of threads", async () => {
  const text = `import { systemClock } from '@twinvault/std/node';`;
  await foundIn('engine', text, [/take the port as an argument/]);
  await foundIn('engine', text, [], 'src/seal-thread.ts');
  const app = { 'apps/twinvault/package.json': '{}', 'apps/twinvault/src/main.ts': text };
  await expectFindings(importTableRule, app, []);
});

test('a package imports its own files by relative path', async () => {
  await foundIn('engine', `import { a } from '@twinvault/engine';`, [/by relative path/]);
});

test('a package without a row is found', async () => {
  await expectFindings(importTableRule, madeUpPackage('novel'), [/^packages\/novel\/package.json:0 novel has no row/]);
});
