/*
 * Two sites that follow each other, either of which is killed at random moments while it takes a backup or follows: what was stored stands at both in the end, and
 * restores from each alone.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '@twinvault/testkit';
import { resultOf, start, twinvault } from './support/command.ts';
import { temporaryDirectory } from './support/place.ts';
import { heard } from './support/running.ts';
import { chance } from './support/seeds.ts';
import { changeTree, copyTree, differencesBelow, makeTree } from './support/trees.ts';

const killsMax = 6;
const rounds = 3;
const names = ['a', 'b'] as const;

/** Of the process that serves the site; null between two of them. */
function processOf(data: string, site: string): number | null {
  try {
    const found = execFileSync('pgrep', ['-f', '--', `vault run --config ${join(data, site, 'site.yaml')}`], {
      encoding: 'utf8',
    });
    return Number(found.trim().split('\n').at(-1));
  } catch {
    return null;
  }
}

interface Lag {
  readonly behindObjects: number;
  readonly problem?: string;
  readonly readMs?: number;
}

test('either site is killed again and again: nothing that was stored is lost at either', async (t) => {
  const prng = chance(t);
  const root = temporaryDirectory('two-sites-killed');
  const data = join(root, 'data');
  const origin = `https://localhost:${await freePort()}`;
  const serving = start(['serve', data, '--address', origin, '--sites', 'a,b']);
  t.after(() => serving.child.kill('SIGINT'));
  await heard(serving, /Next, .*\n/u);
  const at = (site: string): string[] => ['--vault', `${origin}/${site}`, '--token-file', join(data, site, 'token')];
  const tokens = names.map((site) => join(data, site, 'token')).join(',');
  const own = ['--safe', 'home', '--state', join(root, 'state')];
  const base = ['--vault', names.map((site) => `${origin}/${site}`).join(','), '--token-file', tokens, ...own];
  writeFileSync(join(root, 'password'), 'seven wet ponies at noon\n', { mode: 0o600 });
  const secret = ['--password-file', join(root, 'password')];
  const isEven = async (site: string, sinceMs: number): Promise<boolean> => {
    const outcome = await twinvault(['vault', 'twins', ...at(site), '--json']);
    if (outcome.status !== 0) return false;
    const { twins } = resultOf<{ twins: readonly { safes: readonly Lag[] }[] }>(outcome);
    const safes = twins.flatMap((twin) => twin.safes);
    return (
      safes.length > 0 &&
      safes.every((safe) => safe.behindObjects === 0 && safe.problem === undefined && (safe.readMs ?? 0) >= sinceMs)
    );
  };
  const untilEqual = async (): Promise<void> => {
    const sinceMs = Date.now();
    while (!((await isEven('a', sinceMs)) && (await isEven('b', sinceMs))));
  };
  resultOf(await twinvault(['init', ...base, ...secret, '--kit-file', join(root, 'kit.txt'), '--json']));
  await untilEqual();
  const tree = join(root, 'tree');
  makeTree(tree, prng, { files: 60, bytes: 30_000_000 });

  const stored: { safeset: string; copy: string }[] = [];
  let kills = 0;
  for (let round = 0; round < rounds; round += 1) {
    const run = start(['backup', ...base, '--json', tree]);
    const state = { over: false };
    const ended = run.ended.finally(() => (state.over = true));
    while (!state.over && kills < (killsMax * (round + 1)) / rounds) {
      // A moment that nobody chose: some turns of the event loop.
      for (let turns = prng.below(40_000); turns > 0 && !state.over; turns -= 1)
        await new Promise((resolve) => setImmediate(resolve));
      const site = processOf(data, names[prng.below(2)] ?? 'a');
      if (state.over || site === null) continue;
      process.kill(site, 'SIGKILL');
      kills += 1;
    }
    const { safeset } = resultOf<{ safeset: string }>(await ended);
    const copy = join(root, `copy-${round}`);
    copyTree(tree, copy);
    stored.push({ safeset, copy });
    changeTree(tree, prng);
  }
  // While they follow.
  for (const site of names) {
    const killed = processOf(data, site);
    if (killed !== null) process.kill(killed, 'SIGKILL');
  }
  t.diagnostic(`${kills} kills during backups`);
  assert.ok(kills > 0, 'one was killed at least once');
  await untilEqual();
  for (const site of names) {
    for (const { safeset, copy } of stored) {
      const to = join(root, `restored-${safeset}`);
      const words = ['restore', ...at(site), ...own, ...secret, '--safeset', safeset, '--to', to, '--strip', tree, '--json'];
      resultOf(await twinvault(words));
      assert.deepEqual(differencesBelow(copy, to), []);
      rmSync(to, { recursive: true });
    }
    resultOf(await twinvault(['check', ...at(site), '--safe', 'home', '--read-data', '--json']));
  }
});
