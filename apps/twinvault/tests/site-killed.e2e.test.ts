/*
 * A site that is killed at random moments while agents send to it, and started again: every backup that said that it is stored is there and restores bit for
 * bit, runs go on by themselves, and nothing is stuck.
 */

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseTokenFile } from '@twinvault/protocol/wire';
import { nodeNetwork } from '@twinvault/std/node';
import { resultOf, start, twinvault } from './support/command.ts';
import type { RunningCommand } from './support/command.ts';
import { temporaryDirectory } from './support/place.ts';
import { childOf, isRunning } from './support/running.ts';
import { chance } from './support/seeds.ts';
import { changeTree, copyTree, differencesBelow, makeTree } from './support/trees.ts';

const killsMax = 3;

interface Served {
  readonly serving: RunningCommand;
  readonly address: string;
  readonly vault: readonly string[];
}

async function serve(folder: string): Promise<Served> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const address = `https://localhost:${port}`;
  const serving = start(['serve', folder, '--address', address]);
  await new Promise<void>((resolve, reject) => {
    let told = '';
    serving.child.stdout?.on('data', (bytes: Buffer) => {
      told += bytes.toString();
      if (/^Next, .*\n/mu.test(told)) resolve();
    });
    void serving.ended.then((outcome) => reject(new Error(outcome.told)));
  });
  return { serving, address: `${address}/a`, vault: ['--vault', `${address}/a`, '--token-file', join(folder, 'a', 'token')] };
}

test('a site that is killed again and again loses nothing that it acknowledged, and nothing is stuck', async (t) => {
  const prng = chance(t);
  const root = temporaryDirectory('site-killed');
  const { serving, address, vault } = await serve(join(root, 'data'));
  t.after(() => serving.child.kill('SIGINT'));
  using network = nodeNetwork({ pins: parseTokenFile(readFileSync(join(root, 'data', 'a', 'token'))).pins });
  const request = { method: 'GET', url: `${address}/v1/site`, headers: {}, timeoutMs: 30_000, answerBytesMax: 10_000 };
  /** A client gives up a site that it never reached; so the next kill waits until the site answers. */
  const answers = async (): Promise<void> => {
    while ((await network.request(request)).status !== 200);
  };
  const base = [...vault, '--safe', 'home', '--state', join(root, 'state')];
  const password = join(root, 'password');
  writeFileSync(password, 'seven wet ponies at noon\n', { mode: 0o600 });
  const secret = ['--password-file', password];
  resultOf(await twinvault(['init', ...base, ...secret, '--kit-file', join(root, 'kit.txt'), '--json']));
  const tree = join(root, 'tree');
  makeTree(tree, prng, { files: 80, bytes: 40_000_000 });

  const copies: { safeset: string; copy: string }[] = [];
  let kills = 0;
  for (let round = 0; round < 3; round += 1) {
    const run = start(['backup', ...base, '--json', tree]);
    const state = { over: false };
    const ended = run.ended.finally(() => (state.over = true));
    while (!state.over && kills < (killsMax * (round + 1)) / 3) {
      // A moment that nobody chose: some turns of the event loop.
      for (let turns = prng.below(30_000); turns > 0 && !state.over; turns -= 1)
        await new Promise((resolve) => setImmediate(resolve));
      const site = siteOf(serving);
      if (state.over || site === null) continue;
      process.kill(site, 'SIGKILL');
      kills += 1;
      while (isRunning(site)) await new Promise((resolve) => setImmediate(resolve));
      await answers();
    }
    await answers();
    const { safeset } = resultOf<{ safeset: string }>(await ended);
    const copy = join(root, `copy-${round}`);
    copyTree(tree, copy);
    copies.push({ safeset, copy });
    changeTree(tree, prng);
  }
  t.diagnostic(`${kills} kills`);
  assert.ok(kills > 0, 'it was killed at least once');
  for (const { safeset, copy } of copies) {
    const to = join(root, `restored-${safeset}`);
    resultOf(await twinvault(['restore', ...base, ...secret, '--safeset', safeset, '--to', to, '--strip', tree, '--json']));
    assert.deepEqual(differencesBelow(copy, to), []);
    rmSync(to, { recursive: true });
  }
  serving.child.kill('SIGINT');
  assert.equal((await serving.ended).status, 0);
  const beside = ['--vault', join(root, 'data', 'a', 'vault'), '--safe', 'home', '--state', join(root, 'state')];
  resultOf(await twinvault(['check', ...beside, ...secret, '--read-data', '--json']));
});

/** Null between two of them. */
function siteOf({ child }: RunningCommand): number | null {
  try {
    return childOf(child.pid);
  } catch {
    return null;
  }
}
