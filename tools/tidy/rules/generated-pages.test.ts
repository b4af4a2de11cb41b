import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decisionsPage } from '../pages/decisions.ts';
import { errorsPage } from '../pages/errors.ts';
import { memoryRepository } from '../repository.ts';
import { expectFindings } from './expect.ts';
import { generatedPagesRule } from './generated-pages.ts';

const source = `export const vaultErrorCodes = { 'vault-full': { retry: 'later', meaning: 'No room.' } } as const;`;
const files = { 'packages/vault/src/errors.ts': source };
const page = errorsPage.make(memoryRepository(files)) ?? '';

test('a page that equals its source passes', async () => {
  await expectFindings(generatedPagesRule, { ...files, 'docs/errors.md': page }, []);
});

test('a page that lags behind, or is missing, is found', async () => {
  const lagging = { ...files, 'docs/errors.md': page.replace('No room.', 'Full.') };
  await expectFindings(generatedPagesRule, lagging, [/^docs\/errors.md:0 is not what its source says/]);
  await expectFindings(generatedPagesRule, files, [/^docs\/errors.md:0 is not what its source says/]);
});

test('the list of decisions names each with its title, and its successor where it has one', () => {
  const text = '# 0001: Use paper\n\nStatus: superseded by 0002\n';
  const list = decisionsPage.make(memoryRepository({ 'docs/adr/0001-paper.md': text })) ?? '';
  assert.match(list, /^- \[0001: Use paper\]\(0001-paper\.md\) \(superseded by 0002\)$/m);
});
