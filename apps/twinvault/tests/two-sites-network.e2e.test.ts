/*
 * Two sites and a computer, each a host of its own: packets are lost, a line is slow, the sites are parted, a site is cut off in the middle of a backup. What was
 * stored stands at both in the end and restores from each alone.
 */

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resultOf, start, twinvault } from './support/command.ts';
import { makeNetwork, noNetworks } from './support/network.ts';
import type { TestHost, TestNetwork } from './support/network.ts';
import { temporaryDirectory } from './support/place.ts';
import { startSite } from './support/site.ts';
import type { TestSite } from './support/site.ts';
import { chance } from './support/seeds.ts';
import { changeTree, copyTree, differencesBelow, makeTree } from './support/trees.ts';

const skip = noNetworks() ?? false;
const limitMs = 400_000;

interface World {
  readonly network: TestNetwork;
  readonly sites: Readonly<Record<'a' | 'b', readonly string[]>>;
  /** --vault with both, --token-file, --safe, --state. */
  readonly base: readonly string[];
  readonly secret: readonly string[];
  readonly root: string;
  readonly run: (words: readonly string[]) => Promise<Readonly<Record<string, unknown>>>;
}

async function stop({ running }: TestSite): Promise<void> {
  running.child.kill('SIGTERM');
  assert.equal((await running.ended).status, 0);
}

/** Each follows the other. They are started once before, so that each has an identity that a token can name. */
async function startTwins(root: string, hosts: Readonly<Record<'a' | 'b', TestHost>>): Promise<Record<'a' | 'b', TestSite>> {
  const before = {
    a: await startSite(join(root, 'a'), [], { host: hosts.a }),
    b: await startSite(join(root, 'b'), [], { host: hosts.b }),
  };
  const forB = await before.a.token('for-b.token', { verbs: ['follow'] });
  const forA = await before.b.token('for-a.token', { verbs: ['follow'] });
  for (const site of Object.values(before)) await stop(site);
  const twinsOf = (token: string): string[] => [`twins: [{ token: ${token} }]`];
  return {
    a: await startSite(join(root, 'a'), twinsOf(forA), { host: hosts.a }),
    b: await startSite(join(root, 'b'), twinsOf(forB), { host: hosts.b }),
  };
}

async function makeWorld(context: { after(done: () => void): void }): Promise<World> {
  const network = makeNetwork(context, ['a', 'b', 'computer']);
  const root = temporaryDirectory('two-sites-network');
  const started = await startTwins(root, { a: network.host('a'), b: network.host('b') });
  const verbs = ['create', 'read', 'write', 'operate'] as const;
  const tokens = { a: await started.a.token('own.token', { verbs }), b: await started.b.token('own.token', { verbs }) };
  const sites = {
    a: ['--vault', started.a.address, '--token-file', tokens.a],
    b: ['--vault', started.b.address, '--token-file', tokens.b],
  };
  const both = ['--vault', `${started.a.address},${started.b.address}`, '--token-file', `${tokens.a},${tokens.b}`];
  writeFileSync(join(root, 'password'), 'seven wet ponies at noon\n', { mode: 0o600 });
  const { within } = network.host('computer');
  return {
    network,
    sites,
    base: [...both, '--safe', 'home', '--state', join(root, 'state')],
    secret: ['--password-file', join(root, 'password')],
    root,
    run: async (words) => resultOf(await twinvault([...words, '--json'], { within, limitMs })),
  };
}

/** Until each site has read from now on what the other has. */
async function untilEqual({ sites, run }: World): Promise<void> {
  const sinceMs = Date.now();
  const isEven = async (words: readonly string[]): Promise<boolean> => {
    const { twins } = (await run(['vault', 'twins', ...words]).catch(() => ({ twins: [] }))) as {
      twins: readonly { safes: readonly { behindObjects: number; problem?: string; readMs?: number }[] }[];
    };
    const safes = twins.flatMap((twin) => twin.safes);
    return (
      safes.length > 0 &&
      safes.every(
        ({ behindObjects, problem, readMs }) => behindObjects === 0 && problem === undefined && (readMs ?? 0) >= sinceMs,
      )
    );
  };
  while (!((await isEven(sites.a)) && (await isEven(sites.b))));
}

test('loss, a slow line, parted sites and a site that is cut off: both have everything in the end', { skip }, async (context) => {
  const prng = chance(context);
  const world = await makeWorld(context);
  const { network, base, secret, sites, root, run } = world;
  await run(['init', ...base, ...secret, '--kit-file', join(root, 'kit.txt')]);
  await untilEqual(world);
  const tree = join(root, 'tree');
  makeTree(tree, prng, { files: 60, bytes: 20_000_000 });
  const stored: { safeset: string; copy: string }[] = [];
  const backUp = async (): Promise<void> => {
    const { safeset } = (await run(['backup', ...base, tree])) as { safeset: string };
    const copy = join(root, `copy-${stored.length}`);
    copyTree(tree, copy);
    stored.push({ safeset, copy });
    changeTree(tree, prng);
  };
  network.lose('a', 5);
  await backUp();
  network.mend('a');
  network.slow('computer', 40);
  await backUp();
  network.slow('computer', null);
  network.part('a', 'b');
  await backUp();
  network.mend('a');
  await untilEqual(world);

  const cut = start(['backup', ...base, '--json', tree], { within: network.host('computer').within });
  // A moment that nobody chose.
  for (let turns = prng.below(20_000); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
  network.cut('a');
  const { safeset } = resultOf<{ safeset: string }>(await cut.ended);
  stored.push({ safeset, copy: tree });
  network.mend('a');
  await untilEqual(world);

  for (const words of [sites.a, sites.b]) {
    for (const { safeset: id, copy } of stored) {
      const to = join(root, `restored-${id}`);
      const own = [...words, ...base.slice(4), ...secret];
      await run(['restore', ...own, '--safeset', id, '--to', to, '--strip', tree]);
      assert.deepEqual(differencesBelow(copy, to), []);
      rmSync(to, { recursive: true });
    }
    await run(['check', ...words, '--safe', 'home', '--read-data']);
  }
});
