import { test } from 'node:test';
import { changelogRule } from './changelog.ts';
import { expectFindings } from './expect.ts';

const path = 'changelog/unreleased/first-backup.md';

test('a note in its shape passes', async () => {
  await expectFindings(changelogRule, { [path]: '# Added: Back up a folder\n\nIt hurt.\n\nIt is well now.\n' }, []);
});

test('a wrong headline, a missing paragraph and a wrong name are found', async () => {
  await expectFindings(changelogRule, { [path]: '# Back up a folder.\n\nIt hurt.\n\nNow.\n' }, [/:1 the first line is/]);
  await expectFindings(changelogRule, { [path]: '# Fixed: Back up a folder\n\nIt hurt.\n' }, [/two paragraphs follow/]);
  await expectFindings(changelogRule, { 'changelog/unreleased/First_Backup.md': '' }, [/the name is a few words/]);
});
