import { test } from 'node:test';
import { expectFindings } from './expect.ts';
import { wordingRule } from './wording.ts';

// Put together here, so that this file itself passes the rule.
const join = (...parts: string[]): string => parts.join('');

test('marks of unfinished work are found, and the words inside other words are not', async () => {
  await expectFindings(wordingRule, { 'a.ts': `// ${join('TO', 'DO')}: later` }, [/^a.ts:1 do it now/]);
  await expectFindings(wordingRule, { 'a.md': `x\n${join('FIX', 'ME')}` }, [/^a.md:2 do it now/]);
  await expectFindings(wordingRule, { 'a.ts': 'const mastodon = MASTODON;' }, []);
});

test('paths of one machine are found', async () => {
  await expectFindings(wordingRule, { 'a.ts': `read('${join('/ro', 'ot/x')}')` }, [/a path of one machine/]);
  await expectFindings(wordingRule, { 'a.ts': `read('${join('/ho', 'me/anna/x')}')` }, [/a path of one machine/]);
  await expectFindings(
    wordingRule,
    { 'a.md': `twinvault backup ${join('/ho', 'me/anna/x')}`, 'b.ts': 'a/root/b; /homework/' },
    [],
  );
});

test('hosts of package registries are found', async () => {
  await expectFindings(wordingRule, { '.npmrc': join('registry=https://registry.', 'npmjs.org/') }, [/name no package registry/]);
});

test('secrets are found', async () => {
  await expectFindings(wordingRule, { 'a.txt': join('-----BEGIN PRIV', 'ATE KEY-----') }, [/looks like a secret/]);
  await expectFindings(wordingRule, { 'a.ts': join('const k = "AK', 'IAABCDEFGHIJKLMNOP"') }, [/looks like a secret/]);
});

test('test data and binary files are not read', async () => {
  await expectFindings(wordingRule, { 'vectors/a.json': join('TO', 'DO'), 'a.png': join('TO', 'DO') }, []);
});
