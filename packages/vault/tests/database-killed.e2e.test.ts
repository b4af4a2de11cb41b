/*
 * Two nodes in processes of their own on one database, killed (-9) at random moments while they work. Proves that whatever was acknowledged to a
 * node stands, that no task is done twice, and that every task it had is carried on by the next node, from its memo, and comes to an end.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hourMs, Prng } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { postgresMissing, startPostgres } from '@twinvault/testkit';
import { Inventory } from '../src/database/inventory.ts';
import { openSiteDatabase } from '../src/database/open-database.ts';
import type { DatabaseConfig } from '../src/database/open-database.ts';
import { clockTime, serverTime } from '../src/database/time.ts';
import type { DatabaseTime } from '../src/database/time.ts';
import { WorkQueue } from '../src/database/work-queue.ts';

const program = fileURLToPath(new URL('database-node.ts', import.meta.url));
const platform = nodePlatform();
const rounds = 4;

interface Said {
  readonly added: string[];
  readonly announced: string[];
  readonly claimed: string[];
  readonly remembered: string[];
  readonly done: string[];
}

/** Runs a node until it has said so many things, kills it, and waits until it is gone. */
async function killedAfter(config: DatabaseConfig, count: number, said: Said): Promise<void> {
  const child = spawn(process.execPath, [program, JSON.stringify(config)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let heard = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [verb = '', ...what] = line.split(' ');
    said[verb as keyof Said].push(what.join(' '));
    heard += 1;
    if (heard === count) child.kill('SIGKILL');
  }
  assert.ok(heard >= count, `the node ended by itself after ${heard}`);
}

async function killNodes(config: DatabaseConfig, time: DatabaseTime): Promise<void> {
  const random = new Prng('killed nodes');
  const said: Said = { added: [], announced: [], claimed: [], remembered: [], done: [] };
  await (await openSiteDatabase({ config, platform }))[Symbol.asyncDispose]();
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all([1, 2].map(() => killedAfter(config, 20 + ((random.bytes(1)[0] ?? 0) % 40), said)));
  }
  // By now every claim of the dead has lapsed.
  await using database = await openSiteDatabase({
    config,
    platform,
    time: { nowMs: async (tables) => (await time.nowMs(tables)) + hourMs },
  });
  const queue = new WorkQueue(database);
  const memos = new Map<string, number>();
  for (
    let claim = await queue.claim({ kinds: ['clean'], node: 'heir' });
    claim;
    claim = await queue.claim({ kinds: ['clean'], node: 'heir' })
  ) {
    assert.ok(!said.done.includes(claim.task.id), 'a task that was acknowledged as done came again');
    const { memo } = claim;
    if (typeof memo === 'object' && memo !== null && 'round' in memo) memos.set(claim.task.id, Number(memo['round']));
    await claim.complete({ by: 'heir' });
  }
  for (const id of said.added) assert.equal((await queue.find(id))?.state, 'done', id);
  const open = said.remembered.filter((text) => !said.done.includes(text.split(' ')[0] ?? ''));
  assert.ok(open.length > rounds, 'nodes had tasks in their hands when they were killed');
  for (const text of open) {
    const [id = '', round] = text.split(' ');
    // A task that ended just before its node could say so has no memo any more.
    const report = (await queue.find(id))?.report;
    assert.ok(memos.get(id) === Number(round) || JSON.stringify(report) !== JSON.stringify({ by: 'heir' }), id);
  }
  const inventory = new Inventory(database);
  const kept = new Set<string>();
  for (let page = await inventory.feed('aa', 0); page.events.length > 0; page = await inventory.feed('aa', page.next)) {
    for (const { name } of page.events) kept.add(name);
  }
  for (const name of said.announced) assert.ok(kept.has(name), name);
}

test('nodes on one SQLite file are killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-db-'));
  try {
    await killNodes({ type: 'sqlite', path: join(folder, 'site.db') }, clockTime(platform.clock));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('nodes on one PostgreSQL database are killed', { skip: postgresMissing() }, async () => {
  await using server = await startPostgres();
  await killNodes(server.config(), serverTime);
});
