/*
 * A node that dies between making something durable and announcing it: whoever starts next holds the tables against the store, once, whatever number of nodes
 * begin, and the feed then names what it left. One that stopped in good order costs nothing.
 */

import assert from 'node:assert/strict';
import { minuteMs, toHex } from '@twinvault/std';
import { askAfterDead, beginNode } from '../src/care/dead-nodes.ts';
import { nodeLapseMs, nodeSeenEveryMs } from '../src/database/nodes.ts';
import { careWorld } from './care-world.ts';
import type { CareWorld } from './care-world.ts';
import { onEachDatabase } from './databases.ts';
import { backup } from './harness.ts';

const never = (): boolean => false;

async function namesInFeed({ parts, hex }: CareWorld): Promise<Set<string>> {
  return new Set((await parts.inventory.feed(hex, 0)).events.map(({ name }) => name));
}

async function waiting({ parts }: CareWorld): Promise<number> {
  const counts = await parts.queue.counts();
  return counts.find(({ kind, state }) => kind === 'reconcile' && state === 'waiting')?.count ?? 0;
}

/** Until so many nodes have written that they run now. */
async function untilSeen({ parts: { database }, platform }: CareWorld, count: number): Promise<void> {
  const seenMs = platform.clock.nowMs();
  const seen = (): Promise<object[]> =>
    database.read((tables) => tables.selectFrom('nodes').selectAll().where('seenMs', '=', seenMs).execute());
  while ((await seen()).length < count);
}

onEachDatabase('what a dead node did not announce is in the feed soon after the next start', async (world) => {
  const site = await careWorld(world);
  const { parts, mine, computer, worker } = site;
  const recurring = await waiting(site);
  await beginNode({ ...parts, node: { name: 'first', isGone: never } });
  // Straight into the vault: durable, and announced nowhere.
  const pack = mine.pack(computer);
  const record = await backup(site, { packs: [pack] });
  const isGone = (node: string): boolean => node === 'first';
  const starts = await Promise.all(['second', 'third'].map((name) => beginNode({ ...parts, node: { name, isGone } })));
  assert.ok(starts.some(({ dead }) => dead === 1));
  assert.equal((await waiting(site)) - recurring, 1, 'one task for both');
  assert.equal((await namesInFeed(site)).has(toHex(pack.name)), false);
  await worker.runDue();
  const names = await namesInFeed(site);
  assert.ok(names.has(toHex(pack.name)) && names.has(toHex(record.digest)));
  assert.equal(await askAfterDead({ ...parts, node: { name: 'second', isGone } }), 0);
});

onEachDatabase('a node that stopped in good order leaves nothing to do, one that cut somebody off does', async (world) => {
  const site = await careWorld(world);
  const { parts } = site;
  const before = await waiting(site);
  const isGone = (node: string): boolean => node.startsWith('old');
  await (await beginNode({ ...parts, node: { name: 'old 1', isGone } })).end(true);
  const next = await beginNode({ ...parts, node: { name: 'old 2', isGone } });
  assert.equal(next.dead, 0);
  assert.equal(await waiting(site), before);
  await next.end(false);
  assert.equal((await beginNode({ ...parts, node: { name: 'new', isGone } })).dead, 1);
  assert.equal(await waiting(site), before + 1);
});

onEachDatabase('a node of another machine is dead when it was silent, and not while it runs', async (world) => {
  const site = await careWorld(world);
  const { parts, platform } = site;
  const other = await beginNode({ ...parts, node: { name: 'elsewhere', isGone: never } });
  const here = { ...parts, node: { name: 'here', isGone: never } };
  await beginNode(here);
  for (let elapsedMs = 0; elapsedMs <= 2 * nodeLapseMs; elapsedMs += nodeSeenEveryMs) {
    await platform.clock.advance(nodeSeenEveryMs);
    await untilSeen(site, 2);
    assert.equal(await askAfterDead(here), 0);
  }
  // It dies: its timer ends, and its row stays.
  await other.end(false);
  await platform.clock.advance(nodeLapseMs - minuteMs);
  assert.equal(await askAfterDead(here), 0);
  await platform.clock.advance(2 * minuteMs);
  assert.equal(await askAfterDead(here), 1);
});

onEachDatabase('on a system that cannot tell processes apart each start after a death counts', async (world) => {
  const { parts } = await careWorld(world);
  const node = { name: '', isGone: never };
  await beginNode({ ...parts, node });
  const second = await beginNode({ ...parts, node });
  assert.equal(second.dead, 1);
  await second.end(true);
  assert.equal((await beginNode({ ...parts, node })).dead, 0);
});
