import { test } from 'node:test';
import { expectFindings } from './expect.ts';
import { linksRule } from './links.ts';

const target = { 'docs/b.md': '# Über uns: A, B\n\n## Twice\n\n## Twice\n', 'docs/adr/0001-a.md': '' };

test('links to files, folders, headings and other hosts pass', async () => {
  const text = '[b](b.md) [f](adr/) [h](b.md#über-uns-a-b) [t](b.md#twice-1) [u](https://example.org/x) `[c](none.md)`';
  await expectFindings(linksRule, { ...target, 'docs/a.md': `${text}\n\n~~~\n[d](none.md)\n~~~\n` }, []);
});

test('a link to nothing is found at its line', async () => {
  await expectFindings(linksRule, { 'docs/a.md': 'x\n\n[b](../b.md)' }, [
    /^docs\/a.md:3 \.\.\/b\.md leads to nothing: there is no b\.md/,
  ]);
  await expectFindings(linksRule, { 'a.md': '[b]: none.md' }, [/none.md leads to nothing/]);
});

test('a heading that does not exist is found', async () => {
  await expectFindings(linksRule, { ...target, 'docs/a.md': '[b](b.md#thrice)' }, [/docs\/b.md has no heading #thrice/]);
});
