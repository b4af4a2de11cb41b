import { test } from 'node:test';
import { expectFindings } from './expect.ts';
import { sizesRule } from './sizes.ts';

test('a source file of 601 lines is found, one of 600 passes', async () => {
  await expectFindings(sizesRule, { 'a.ts': '\n'.repeat(600) }, []);
  await expectFindings(sizesRule, { 'a.ts': '\n'.repeat(601) }, [/^a.ts:0 601 lines, at most 600/]);
});

test('a file above 512 KiB is found, whatever it holds', async () => {
  await expectFindings(sizesRule, { 'vectors/a.bin': 'x'.repeat(512 * 1024) }, []);
  await expectFindings(sizesRule, { 'vectors/a.bin': 'x'.repeat(512 * 1024 + 1) }, [/524289 bytes, at most 524288/]);
});
