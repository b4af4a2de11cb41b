/* The user guide, in both languages, lists the exit codes that there are. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { exitCodes } from './exit-codes.ts';

for (const page of ['command.md', 'command.de.md']) {
  test(`docs/user/${page} lists every exit code and no other`, () => {
    const text = readFileSync(new URL(`../../../../docs/user/${page}`, import.meta.url), 'utf8');
    const listed = Array.from(text.matchAll(/^\| (\d+) \|/gmu), ([, code]) => Number(code));
    assert.deepEqual(listed, Object.values(exitCodes));
  });
}
