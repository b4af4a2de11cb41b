/*
 * Helpers for the tests of the rules: each shows on a made-up repository that its rule can fail, and what it lets pass.
 */

import assert from 'node:assert/strict';
import { memoryRepository } from '../repository.ts';
import type { Rule } from '../rule.ts';

type Files = Readonly<Record<string, string>>;

/** The rule finds exactly the expected faults, each as `path:line message` matched from its beginning. */
export async function expectFindings(rule: Rule, files: Files, expected: readonly RegExp[]): Promise<void> {
  const findings = await rule.check(memoryRepository(files));
  const lines = findings.map(({ path, line, message }) => `${path}:${line ?? 0} ${message}`);
  assert.equal(lines.length, expected.length, `found:\n${lines.join('\n')}`);
  for (const [index, pattern] of expected.entries()) assert.match(lines[index] ?? '', pattern);
}

/** A package with its manifest, an entry and further files; the name is also its folder. */
export function madeUpPackage(name: string, files: Files = {}, manifest: object = {}): Record<string, string> {
  const folder = `packages/${name}`;
  const exports = { '.': './src/index.ts' };
  const whole = { name: `@twinvault/${name}`, private: true, license: 'Apache-2.0', type: 'module', exports, ...manifest };
  const made: Record<string, string> = { [`${folder}/package.json`]: JSON.stringify(whole), [`${folder}/src/index.ts`]: '' };
  for (const [path, text] of Object.entries(files)) made[`${folder}/${path}`] = text;
  return made;
}
