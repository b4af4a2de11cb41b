import { test } from 'node:test';
import { adrRule } from './adr.ts';
import { expectFindings } from './expect.ts';

const decision = (number: string, status = 'accepted'): string =>
  `# ${number}: A\n\nStatus: ${status}\n\n## Context\n\nx\n\n## Decision\n\nx\n\n## Consequences\n\nx\n`;
const list = { 'docs/adr/README.md': '- [A](0001-a.md)\n- [B](0002-b.md)\n' };

test('decisions in their shape pass', async () => {
  const files = { 'docs/adr/0001-a.md': decision('0001', 'superseded by 0002'), 'docs/adr/0002-b.md': decision('0002') };
  await expectFindings(adrRule, { ...list, ...files }, []);
  const inOnePoint = { ...files, 'docs/adr/0001-a.md': decision('0001', 'accepted, in one point superseded by 0002') };
  await expectFindings(adrRule, { ...list, ...inOnePoint }, []);
});

test('a gap, a double number and a wrong name are found', async () => {
  await expectFindings(adrRule, { ...list, 'docs/adr/0002-b.md': decision('0002') }, [/its number is 0001/]);
  await expectFindings(adrRule, { ...list, 'docs/adr/a.md': '' }, [/the name is NNNN/]);
});

test('a missing status or section is found', async () => {
  const text = decision('0001', 'good').replace('## Consequences', '## So what');
  await expectFindings(adrRule, { 'docs/adr/0001-a.md': text }, [/Status/, /"## Consequences"/]);
  await expectFindings(adrRule, { ...list, 'docs/adr/0001-a.md': decision('0001', 'superseded by 0009') }, [/no decision 0009/]);
  const inOnePoint = decision('0001', 'accepted, in one point superseded by 0009');
  await expectFindings(adrRule, { ...list, 'docs/adr/0001-a.md': inOnePoint }, [/no decision 0009/]);
});
