/*
 * Sealed verification in memory: what changed on the machine, what is damaged or missing at the vault, and what cannot be proven
 * are told apart, file by file, with the agent's keys alone.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyLive } from '@twinvault/engine';
import type { LiveState, VerifyLiveOptions, VerifyLiveReport } from '@twinvault/engine';
import { PackTable, packTailBytes, packKinds } from '@twinvault/format';
import { Prng, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import { memorySource, MemoryTree } from '@twinvault/testkit';
import { newWorld, over, run } from './world.ts';
import type { World } from './world.ts';

function someTree(seed: string): MemoryTree {
  const prng = new Prng(seed);
  const tree = new MemoryTree();
  // Far more than one bundle, so that damage of one leaves others alone.
  for (let index = 0; index < 120; index += 1) tree.file(`root/small/${index}`, prng.bytes(20_000 + prng.below(60_000)));
  tree.file('root/large', prng.bytes(6_000_000));
  tree.file('root/text', 'one line of many\n'.repeat(200_000));
  tree.file('root/copy of large', tree.nodes.get('root/large')?.content ?? '');
  tree.file('root/empty', '');
  const sparse = new Uint8Array(3_000_000).fill(5, 1_000_000, 1_300_000);
  tree.file('root/sparse', sparse, { data: [{ offsetBytes: 1_000_000, lengthBytes: 300_000 }] });
  tree.link('root/link', 'large');
  return tree;
}

async function verify(world: World, tree: MemoryTree, options: Partial<VerifyLiveOptions> = {}): Promise<VerifyLiveReport> {
  const { safe: vault, agent, state } = world;
  const { reader } = memorySource(tree);
  return await verifyLive({ vault, agent, job: 'job', state, reader, paths: [], ...options });
}

/** Paths of each state but "same". */
function told({ entries }: VerifyLiveReport): Partial<Record<LiveState, string[]>> {
  const found: Partial<Record<LiveState, string[]>> = {};
  for (const { path, state } of entries) {
    if (state !== 'same') (found[state] ??= []).push((utf8Decode(path) ?? '').replaceAll('\0', '/'));
  }
  return found;
}

function pathBytes(path: string): Uint8Array {
  return utf8Encode(path.replaceAll('/', '\0'));
}

interface StoredPack {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly table: PackTable;
}

async function dataPacks({ platform, agent }: World): Promise<StoredPack[]> {
  const { files } = platform;
  const folder = `/vault/safes/${toHex(agent.safe)}/packs`;
  const packs: StoredPack[] = [];
  for (const { name: shard } of await files.list(folder)) {
    for (const { name } of await files.list(`${folder}/${shard}`)) {
      const path = `${folder}/${shard}/${name}`;
      const bytes = (await files.read(path, 1 << 26)) ?? new Uint8Array(0);
      const tailBytes = packTailBytes(bytes.subarray(bytes.length - 40));
      if (bytes[6] === packKinds.data)
        packs.push({ path, bytes, table: new PackTable(bytes.subarray(bytes.length - tailBytes)) });
    }
  }
  return packs;
}

test('everything is the same, and every chunk of every file was read at the vault and opened', async () => {
  const world = await newWorld();
  const tree = someTree('same');
  const stored = await run(world, tree, { level: 7 });
  const report = await verify(world, tree);
  assert.deepEqual(told(report), {});
  assert.deepEqual(report.counts, { same: 125, unproven: 0, changed: 0, damaged: 0, missing: 0 });
  assert.equal(report.chunks, stored.chunks.stored);
  assert.deepEqual(report.record, stored.record);
  const packs = await dataPacks(world);
  assert.equal(
    report.bytes,
    packs.reduce((sum, { table }) => sum + table.blobsBytes, 0),
  );
});

test('what changed is told from what cannot be compared, and new files are none of its business', async () => {
  const world = await newWorld();
  const tree = someTree('changes');
  await run(world, tree);
  const { content } = tree.nodes.get('root/small/7') ?? { content: new Uint8Array(0) };
  tree.file('root/small/7', new Prng('other').bytes(content.length));
  tree.remove('root/small/60');
  tree.file('root/text', 'shorter');
  tree.file('root/new', 'not in the safeset');
  tree.touch('root/large');
  const report = await verify(world, tree);
  const { changed, unproven, ...others } = told(report);
  assert.deepEqual(changed?.toSorted(), ['root/small/60', 'root/small/7', 'root/text']);
  assert.deepEqual(others, {});
  // What shares a bundle with a file that is gone cannot be put together any more.
  assert.ok(unproven !== undefined && unproven.length > 0 && unproven.length < 100);
  assert.ok(unproven.every((path) => path.startsWith('root/small/')));
  const again = await run(world, tree);
  assert.equal(again.result, 'ok');
});

test('a large file that changed in part: what is left of its old chunks cannot be proven, but is there', async () => {
  const world = await newWorld();
  const tree = someTree('delta');
  await run(world, tree);
  const content = (tree.nodes.get('root/large')?.content ?? new Uint8Array(0)).slice();
  content.fill(1, 2_000_000, 2_008_192);
  tree.file('root/large', content);
  tree.remove('root/copy of large');
  await run(world, tree);
  const report = await verify(world, tree);
  assert.deepEqual(told(report), { unproven: ['root/large'] });
});

test('damage and loss at the vault are found, and named for the files that they concern', async () => {
  const world = await newWorld();
  const tree = someTree('damage');
  await run(world, tree, { workers: 1 });
  const packs = await dataPacks(world);
  const [pack] = packs;
  assert.ok(pack);
  const { files } = world.platform;
  const damaged = pack.bytes.slice();
  const at = pack.table.offsetAt(0) + 40;
  damaged[at] = (damaged[at] ?? 0) ^ 1;
  await files.replace(pack.path, [damaged]);
  const report = await verify(world, tree);
  assert.equal(report.counts.damaged > 0 && report.counts.damaged < 60, true);
  assert.equal(report.counts.missing, 0);
  const [first] = told(report).damaged ?? [];
  assert.ok(first);
  const one = await verify(world, tree, { paths: [pathBytes(first)] });
  assert.deepEqual(told(one), { damaged: [first] });
  assert.equal(one.entries.length, 1);

  for (const { path } of packs) await files.remove(path);
  const lost = await verify(world, tree);
  assert.deepEqual(lost.counts, { same: 1, unproven: 0, changed: 0, damaged: 0, missing: 124 });
});

test('a path is compared alone, with the neighbours that its chunks need', async () => {
  const world = await newWorld();
  const tree = someTree('paths');
  await run(world, tree);
  const small = await verify(world, tree, { paths: [pathBytes('root/small')] });
  assert.deepEqual(small.counts, { same: 120, unproven: 0, changed: 0, damaged: 0, missing: 0 });
  const one = await verify(world, tree, { paths: [pathBytes('root/small/11')] });
  assert.equal(one.chunks, 1);
  assert.deepEqual(one.counts, { same: 1, unproven: 0, changed: 0, damaged: 0, missing: 0 });
  await assert.rejects(verify(world, tree, { paths: [pathBytes('root/smal')] }), /path-unknown/);
});

test('without local state there is nothing to compare with, and a record that is not the one named is refused', async () => {
  const world = await newWorld();
  const tree = someTree('state');
  await assert.rejects(verify(world, tree), /cache-missing/);
  const first = await run(world, tree);
  await run(world, tree);
  const original = await world.safe.record(first.record);
  const lying = over(world.safe, { record: () => Promise.resolve(original) });
  await assert.rejects(verify(world, tree, { vault: lying }), /record-mismatch/);
});

test('local state of another version is no missing state: the next run makes it anew', async () => {
  const world = await newWorld();
  const tree = someTree('version');
  await run(world, tree);
  const { files } = world.platform;
  using state = world.state.safe(world.agent.safe);
  const path = `${(await state.job('job')).path}/catalog`;
  const bytes = (await files.read(path, 1 << 26)) ?? assert.fail();
  // The version stands at offset 4.
  const older = bytes.slice();
  older[4] = 2;
  await files.replace(path, [older]);
  await assert.rejects(verify(world, tree), { code: 'cache-outdated' });
  await run(world, tree);
  assert.equal((await verify(world, tree)).counts.missing, 0);
});

test('pins that a newer version wrote are not taken for this version’s', async () => {
  const world = await newWorld();
  await run(world, someTree('pins'));
  using database = world.platform.databases.open(`${world.state.path}/safes/${toHex(world.agent.safe)}/state.db`);
  const version = Number(database.all('PRAGMA user_version')[0]?.['user_version']);
  assert.ok(version > 0);
  database.execute(`PRAGMA user_version = ${version + 1}`);
  using state = world.state.safe(world.agent.safe);
  await assert.rejects(state.pins(), { code: 'state-newer' });
});
