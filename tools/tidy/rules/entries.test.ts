import { test } from 'node:test';
import { entriesRule } from './entries.ts';
import { expectFindings, madeUpPackage } from './expect.ts';

test('a package with one entry passes', async () => {
  await expectFindings(entriesRule, madeUpPackage('format'), []);
});

test('a second entry is found, but for the node part of std', async () => {
  const exports = { '.': './src/index.ts', './node': './src/node/index.ts' };
  await expectFindings(entriesRule, madeUpPackage('format', {}, { exports }), [/"exports" is \{"\.":"\.\/src\/index\.ts"\}/]);
  await expectFindings(entriesRule, madeUpPackage('std', { 'src/node/index.ts': '' }, { exports }), []);
});

test('a barrel inside a package is found', async () => {
  const files = { 'src/packs/index.ts': '' };
  await expectFindings(entriesRule, madeUpPackage('format', files), [/^packages\/format\/src\/packs\/index.ts:0 only the entry/]);
});

test('a missing entry is found', async () => {
  const { 'packages/format/src/index.ts': _, ...files } = madeUpPackage('format');
  await expectFindings(entriesRule, files, [/the entry that "exports" names is missing/]);
});
