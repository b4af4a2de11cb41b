import { test } from 'node:test';
import { expectFindings } from './expect.ts';
import { lockfileRule } from './lockfile.ts';

const lock = (entry: object): string => JSON.stringify({ packages: { '': {}, 'node_modules/a': entry } });

test('an entry with a digest and no host passes', async () => {
  const files = { 'package-lock.json': lock({ version: '1.0.0', integrity: 'sha512-x' }), 'package.json': '{}' };
  await expectFindings(lockfileRule, files, []);
});

test('an entry that names a host, or has no digest, is found', async () => {
  const files = { 'package-lock.json': lock({ version: '1.0.0', resolved: 'https://example.org/a' }), 'package.json': '{}' };
  await expectFindings(lockfileRule, files, [/names the host/, /has no digest/]);
});

test('a version range in the root manifest is found', async () => {
  const manifest = JSON.stringify({ devDependencies: { a: '^1.0.0', b: '1.0.0', c: 'npm:d@7.0.2' } });
  const files = { 'package-lock.json': lock({ link: true }), 'package.json': manifest };
  await expectFindings(lockfileRule, files, [/^package.json:0 a is "\^1.0.0": pin one exact version/]);
});
