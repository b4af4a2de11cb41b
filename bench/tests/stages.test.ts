/* Stages are told by the names of files: that these are there, and that the innermost known function decides. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stageTimes } from '../peers/profile.ts';
import { otherStage, restRules, stageOf, stageRules } from '../peers/stages.ts';

const repository = new URL('../../', import.meta.url);

test('each rule of a stage names files that are there', () => {
  for (const { stage, path } of [...stageRules, ...restRules]) {
    if (path.startsWith('node:')) continue;
    assert.ok(globSync(`${path}*`, { cwd: fileURLToPath(repository) }).length > 0, `${stage}: nothing begins with ${path}`);
  }
});

test('the innermost function that a rule knows names the stage', () => {
  const root = 'file:///repository/';
  const at = (functionName: string, url: string) => ({ functionName, url });
  const reader = at('read', `${root}packages/sources/src/linux/reader.ts`);
  const scanner = at('next', `${root}packages/sources/src/linux/scanner.ts`);
  const call = at('again', `${root}packages/sources/src/linux/system.ts`);
  assert.equal(stageOf([call, reader], root), 'read files');
  assert.equal(stageOf([call, scanner, reader], root), 'scan');
  assert.equal(stageOf([call, at('main', `${root}apps/twinvault/src/verbs/backup.ts`)], root), 'run');
  assert.equal(stageOf([at('(idle)', ''), reader], root), 'waiting');
  assert.equal(stageOf([at('constructor', ''), at('toString', 'file:///elsewhere.ts')], root), otherStage);
});

test('times are those of the samples, by stage', () => {
  const root = 'file:///repository/';
  const node = (id: number, url: string, children: number[] = []) => ({
    id,
    callFrame: { functionName: 'f', url, lineNumber: 0, columnNumber: 0 },
    children,
  });
  const times = stageTimes(
    {
      nodes: [node(1, '', [2]), node(2, `${root}packages/seal/src/cutting/cutter.ts`, [3]), node(3, 'wasm://wasm/1')],
      samples: [3, 2, 1],
      timeDeltas: [1000, 500, 250],
    },
    root,
    (url) => url,
  );
  assert.deepEqual(
    [...times],
    [
      ['cut', 1.5],
      [otherStage, 0.25],
    ],
  );
});
