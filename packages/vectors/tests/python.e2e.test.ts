/* Proves that the pages of the format suffice to read the golden vectors: the independent reader takes and refuses them as Twinvault does. */

import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kitWordList } from '@twinvault/seal';
import { decoderMissing, runDecoder } from '@twinvault/testkit';

const folder = fileURLToPath(new URL('../data/v1', import.meta.url));

interface Answer {
  readonly name: string;
  readonly vectors: number;
  readonly failures: readonly string[];
}

test('the independent reader reads the golden vectors', { skip: decoderMissing() }, async (t) => {
  const scratch = mkdtempSync(join(tmpdir(), 'twinvault-words-'));
  t.after(() => rmSync(scratch, { recursive: true }));
  const list = join(scratch, 'english.txt');
  writeFileSync(list, `${kitWordList.join('\n')}\n`);
  const { status, stdout, stderr } = await runDecoder('twinvault_vectors.py', [folder, list]);
  assert.equal(status, 0, stderr);
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
  const files = globSync('*.json', { cwd: folder }).map((name) => basename(name, '.json'));
  assert.deepEqual(answers.map(({ name }) => name).sort(), files.sort());
  for (const answer of answers) {
    const { vectors } = JSON.parse(readFileSync(join(folder, `${answer.name}.json`), 'utf8')) as { readonly vectors: unknown[] };
    assert.deepEqual(answer, { name: answer.name, vectors: vectors.length, failures: [] });
  }
  t.diagnostic(`${answers.reduce((sum, { vectors }) => sum + vectors, 0)} vectors`);
});
