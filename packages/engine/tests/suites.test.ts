/*
 * Suite 2 end to end in memory, and safes whose minimum suite was raised: what is stored is opened, used again and cleaned up
 * whatever it was sealed with, and nothing of a lower suite is added.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packBytesMax, parsePackHeader } from '@twinvault/format';
import { verifySafe } from '@twinvault/engine';
import { minimumSuiteEntry, openSafeReader } from '@twinvault/seal';
import { Prng } from '@twinvault/std';
import { MemoryTree, rejectsWith } from '@twinvault/testkit';
import { assertSame, newWorld, readBack, run } from './world.ts';
import type { World } from './world.ts';

function someTree(prng: Prng): MemoryTree {
  const tree = new MemoryTree();
  for (let index = 0; index < 20; index += 1) tree.file(`root/small-${index}`, prng.bytes(prng.below(20_000)));
  tree.file('root/large', prng.bytes(1_500_000));
  tree.file('root/none', '');
  return tree;
}

/** How many packs of the vault are of each suite. */
async function packSuites({ platform, safe }: World): Promise<Record<number, number>> {
  const suites: Record<number, number> = {};
  const folder = `/vault/safes/${Buffer.from(safe.safe).toString('hex')}/packs`;
  for (const shard of await platform.files.list(folder)) {
    for (const pack of await platform.files.list(`${folder}/${shard.name}`)) {
      const bytes = await platform.files.read(`${folder}/${shard.name}/${pack.name}`, packBytesMax);
      const { suite } = parsePackHeader(bytes ?? new Uint8Array());
      suites[suite] = (suites[suite] ?? 0) + 1;
    }
  }
  return suites;
}

async function assertWhole(world: World): Promise<void> {
  const { vault } = world;
  assert.deepEqual((await vault.check({ readData: true })).problems, []);
}

test('a safe of suite 2 is backed up, read, checked and cleaned, all in suite 2', async () => {
  const world = await newWorld('suite 2', undefined, 2);
  const prng = new Prng('suite 2');
  const tree = someTree(prng);
  const first = await run(world, tree);
  const before = tree.copy();
  tree.file('root/large', Buffer.concat([tree.nodes.get('root/large')?.content ?? Buffer.alloc(0), prng.bytes(4096)]));
  const second = await run(world, tree);
  assert.ok(second.uploadedBytes < 400_000, `${second.uploadedBytes} bytes`);
  for (const [report, was] of [
    [first, before],
    [second, tree],
  ] as const) {
    const read = await readBack(world, report.record);
    assert.equal(read.record.suite, 2);
    assertSame(read, was);
  }
  assert.deepEqual(Object.keys(await packSuites(world)), ['2']);
  await assertWhole(world);
});

test('after the suite was raised, runs seal with it, use what is there, and every safeset opens', async () => {
  const world = await newWorld('raised');
  const { safe, opened, platform, agent, vault } = world;
  const prng = new Prng('raised');
  const tree = someTree(prng);
  const first = await run(world, tree);
  assert.deepEqual(Object.keys(await packSuites(world)), ['1']);
  const before = tree.copy();
  const entry = minimumSuiteEntry({ opened, minimum: 2, clock: platform.clock });
  await safe.appendLedger(entry);
  await rejectsWith(
    safe.appendLedger(minimumSuiteEntry({ opened: opened.withEntry(entry), minimum: 1, clock: platform.clock })),
    'ledger-conflict',
  );

  // As content of a file that is new: found by its id, although the old blob was sealed with suite 1.
  tree.file('root/copy', tree.nodes.get('root/large')?.content ?? '');
  tree.file('root/new', prng.bytes(30_000));
  const second = await run(world, tree);
  assert.ok(second.uploadedBytes < 60_000, `${second.uploadedBytes} bytes`);
  assert.deepEqual(Object.keys(await packSuites(world)), ['1', '2']);

  const after = { ...world, opened: opened.withEntry(entry) };
  for (const [record, suite, was] of [
    [first.record, 1, before],
    [second.record, 2, tree],
  ] as const) {
    const read = await readBack(after, record);
    assert.equal(read.record.suite, suite);
    assertSame(read, was);
  }
  await assertWhole(world);
  const reader = openSafeReader({ vaultSafe: safe, opened: after.opened });
  const verified = await verifySafe({ reader, readData: true, threads: platform.threads });
  assert.deepEqual(verified.problems, []);

  // The first safeset goes; what the second one uses of its packs stays, in suite 1.
  const rules = { keep: { others: { days: 0, copies: 1, intraday: true } }, quarantineMs: 0, shareMax: 1 };
  await vault.clean(agent.safe, rules);
  await platform.clock.advance(60_000);
  await vault.clean(agent.safe, rules);
  const left = (await safe.records({ kind: 'safeset' })).filter(({ retired }) => !retired);
  assert.deepEqual(
    left.map(({ digest }) => digest),
    [second.record],
  );
  assertSame(await readBack(after, second.record), tree);
  await assertWhole(world);
});
