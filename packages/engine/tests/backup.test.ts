/*
 * Whole runs in memory: a tree is backed up through the engine into a vault in a directory and read back with the safe's
 * keys by other code, entry by entry and byte by byte.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '@twinvault/engine';
import { Prng } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';
import { assertSame, newWorld, over, readBack, run } from './world.ts';

function someTree(seed: string): MemoryTree {
  const prng = new Prng(seed);
  const tree = new MemoryTree();
  tree.directory('root/a');
  tree.directory('root/a/deep');
  tree.directory('root/empty');
  tree.file('root/none', '');
  for (let index = 0; index < 40; index += 1) tree.file(`root/a/small-${index}`, prng.bytes(prng.below(20_000)));
  tree.file('root/a/deep/border', prng.bytes(128 * 1024));
  tree.file('root/a/deep/large', prng.bytes(5_000_000));
  tree.file('root/text', 'line of text\n'.repeat(100_000));
  tree.link('root/a/link', '../nowhere');
  return tree;
}

test('a tree comes back as it was', async () => {
  const world = await newWorld();
  const tree = someTree('first');
  const report = await run(world, tree);
  assert.equal(report.result, 'ok');
  assert.equal(report.sequence, 1);
  assert.equal(report.counts.files, 44);
  assert.equal(report.counts.directories, 4);
  assert.equal(report.counts.others, 1);
  const read = await readBack(world, report.record);
  assertSame(read, tree);
  assert.deepEqual(read.record.public.counts, report.counts);
  assert.equal(read.part.host, 'machine');
});

test('an unchanged tree is not read again and stores nothing but its record', async () => {
  const world = await newWorld();
  const tree = someTree('second');
  const first = await run(world, tree);
  tree.opened = [];
  const second = await run(world, tree);
  assert.deepEqual(tree.opened, []);
  assert.equal(second.packs, 0);
  assert.equal(second.unchanged, tree.paths().length);
  const [one, two] = [await readBack(world, first.record), await readBack(world, second.record)];
  assert.deepEqual(two.part.catalog, one.part.catalog);
  assert.deepEqual(two.record.public.previous, [first.record]);
});

test('equal trees give equal catalogs, whatever the number of workers and the randomness', async () => {
  const roots = [];
  for (const [seed, workers] of [
    ['x', 1],
    ['y', 3],
    ['x', 2],
  ] as const) {
    const world = await newWorld(seed);
    // Content keys follow from the root secret, which follows from the seed.
    const report = await run(world, someTree('same'), { workers });
    roots.push((await readBack(world, report.record)).part.catalog);
  }
  assert.deepEqual(roots[0], roots[2]);
  assert.notDeepEqual(roots[0], roots[1]);
});

test('only what changed is read, and content that is known is not sent', async () => {
  const world = await newWorld();
  const tree = someTree('changes');
  await run(world, tree);
  tree.opened = [];
  tree.file('root/a/small-3', 'new content');
  tree.touch('root/a/small-4');
  tree.touch('root/a/deep/large');
  tree.file('root/copy', tree.nodes.get('root/a/deep/large')?.content ?? '');
  const report = await run(world, tree);
  assert.deepEqual(tree.opened.toSorted(), ['root', 'root/a/deep/large', 'root/a/small-3', 'root/a/small-4', 'root/copy']);
  assert.ok(report.chunks.storedPlainBytes < 100, 'only the new small file is stored');
  assertSame(await readBack(world, report.record), tree);
});

test('removed entries leave the next safeset and stay in the last', async () => {
  const world = await newWorld();
  const tree = someTree('removal');
  const first = await run(world, tree);
  const before = (await readBack(world, first.record)).entries.size;
  tree.remove('root/a');
  const second = await run(world, tree);
  assert.equal(second.removed, 45);
  assertSame(await readBack(world, second.record), tree);
  assert.equal((await readBack(world, first.record)).entries.size, before);
});

test('losing the local state costs reading, not sending', async () => {
  const world = await newWorld();
  const tree = someTree('lost state');
  await run(world, tree);
  await world.platform.files.removeTree(`/state/safes`);
  await world.state.safe(world.agent.safe).saveAgentKeys(world.agent);
  tree.opened = [];
  const report = await run(world, tree);
  assert.equal(tree.opened.length, tree.paths().length);
  assert.equal(report.chunks.stored, 0);
  assertSame(await readBack(world, report.record), tree);
});

test('leaves of the last catalog are taken over where nothing in them changed', async () => {
  const world = await newWorld();
  const prng = new Prng('many');
  const tree = new MemoryTree();
  for (let directory = 0; directory < 6; directory += 1) {
    tree.directory(`root/d${directory}`);
    for (let index = 0; index < 250; index += 1) tree.file(`root/d${directory}/f${index}`, prng.bytes(prng.below(200)));
  }
  await run(world, tree);
  for (let round = 0; round < 5; round += 1) {
    const at = (): string => `root/d${prng.below(6)}/f${prng.below(250)}`;
    for (let edits = prng.below(4); edits > 0; edits -= 1) tree.file(at(), prng.bytes(50));
    tree.remove(at());
    if (round === 2) tree.rename('root/d3', 'root/d33');
    if (round === 4) tree.faults.set('root/d5', { at: 'list', code: 'entry-denied' });
    const changed = await run(world, tree);
    tree.faults.clear();
    const again = await run(world, tree);
    const read = await readBack(world, again.record);
    assertSame(read, tree);
    assert.equal(again.counts.files, [...tree.nodes.values()].filter(({ type }) => type === 1).length);
    if (round !== 4) assert.deepEqual(read.part.catalog, (await readBack(world, changed.record)).part.catalog);
  }
});

test('leaves that end because the next entry has no room give the catalog that reading everything gives', async () => {
  const world = await newWorld();
  const prng = new Prng('long names');
  const tree = new MemoryTree();
  // Long names: a leaf is full before a key ends it.
  const long = 'long'.repeat(45);
  for (let directory = 0; directory < 3; directory += 1) {
    tree.directory(`root/d${directory}`);
    for (let index = 100; index < 700; index += 1) tree.file(`root/d${directory}/${long}${index}`, prng.bytes(prng.below(20)));
  }
  await run(world, tree);
  for (let round = 0; round < 5; round += 1) {
    const at = (): string => `root/d${prng.below(3)}/${long}${prng.between(100, 699)}`;
    for (let edits = prng.below(4); edits > 0; edits -= 1) tree.file(at(), prng.bytes(30));
    if (round % 2 === 1) tree.remove(at());
    if (round > 2) tree.file(`${at()}b`, prng.bytes(5));
    const taken = await readBack(world, (await run(world, tree)).record);
    assertSame(taken, tree);
    const whole = await readBack(world, (await run(world, tree, { readAll: true })).record);
    assert.deepEqual(taken.part.catalog, whole.part.catalog, `round ${round}`);
  }
});

test('a damaged cache is not believed', async () => {
  const world = await newWorld();
  const tree = someTree('damaged cache');
  await run(world, tree);
  const { files } = world.platform;
  const jobs = `/state/safes/${Buffer.from(world.agent.safe).toString('hex')}/jobs`;
  const [job] = await files.list(jobs);
  const folder = `${jobs}/${job?.name}`;
  const prng = new Prng('damage');
  for (let round = 0; round < 16; round += 1) {
    const names = (await files.list(folder)).map(({ name }) => name).filter((name) => name.startsWith('catalog'));
    assert.equal(names.length, 2);
    const path = `${folder}/${names[round % 2] ?? ''}`;
    const bytes = (await files.read(path, 1 << 30)) ?? new Uint8Array(0);
    const damaged = bytes.slice();
    const at = prng.below(damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << prng.below(8));
    await files.replace(path, [round < 2 ? bytes.subarray(0, at) : damaged]);
    const report = await run(world, tree);
    assertSame(await readBack(world, report.record), tree);
  }
});

test('what killed commands left half written in the state goes, and nothing else does', async () => {
  const world = await newWorld();
  const tree = someTree('leftovers');
  await run(world, tree);
  const { files, clock } = world.platform;
  const safe = `/state/safes/${Buffer.from(world.agent.safe).toString('hex')}`;
  const [job] = await files.list(`${safe}/jobs`);
  const left = (folder: string, index: number): string => `${folder}/.tv-${String(index).padStart(16, '0')}.tmp`;
  const write = async (path: string): Promise<void> => await files.replace(path, [new Uint8Array(1)]);
  const kept = [`${safe}/.tv-notes`, `${safe}/jobs/${job?.name}/mine.tmp`];
  await write(left(safe, 1));
  await clock.advance(25 * 60 * 60 * 1000);
  for (const path of [left(safe, 2), left(`${safe}/jobs/${job?.name}`, 3), ...kept]) await write(path);
  await run(world, tree);
  assert.equal(await files.stat(left(safe, 1)), null);
  assert.notEqual(await files.stat(left(safe, 2)), null, 'a young one may be that of a command that goes on beside the run');
  assert.equal(await files.stat(left(`${safe}/jobs/${job?.name}`, 3)), null, 'the run alone writes to the folder of its job');
  for (const path of kept) assert.notEqual(await files.stat(path), null);
});

test('holes are not read, and are holes again', async () => {
  const world = await newWorld();
  const tree = new MemoryTree();
  const content = new Uint8Array(3_000_000);
  content.fill(7, 1_000_000, 1_004_096);
  content.fill(9, 2_000_000, 2_400_000);
  const data = [
    { offsetBytes: 1_000_000, lengthBytes: 4096 },
    { offsetBytes: 2_000_000, lengthBytes: 400_000 },
  ];
  tree.file('root/sparse', content, { data });
  const small = new Uint8Array(500_000);
  small.fill(1, 100_000, 104_096);
  tree.file('root/sparse-small', small, { data: [{ offsetBytes: 100_000, lengthBytes: 4096 }] });
  tree.file('root/only-hole', new Uint8Array(1_000_000), { data: [] });
  const report = await run(world, tree);
  assert.ok(report.chunks.storedPlainBytes <= 4096 * 2 + 400_000);
  const read = await readBack(world, report.record);
  assertSame(read, tree);
  assert.deepEqual(
    read.entries.get('root/sparse')?.entry.extents.map(({ chunk, lengthBytes }) => [chunk !== null, lengthBytes]),
    [
      [false, 1_000_000],
      [true, 4096],
      [false, 995_904],
      [true, 400_000],
      [false, 600_000],
    ],
  );
});

test('a file that workers share has the chunks it has when one reads it', async () => {
  const prng = new Prng('shared');
  const part = prng.bytes(1_000_000);
  const content = new Uint8Array(90_000_000);
  for (let at = 0; at < content.length; at += 3_000_000) content.set(part, at);
  const data = [
    { offsetBytes: 0, lengthBytes: 70_000_001 },
    { offsetBytes: 80_000_000, lengthBytes: 5_000_000 },
  ];
  content.fill(0, 70_000_001, 80_000_000).fill(0, 85_000_000);
  const lists = [];
  for (const workers of [1, 3]) {
    const world = await newWorld();
    const tree = new MemoryTree();
    tree.file('root/big', content, { data });
    tree.hardLink('root/big-too', 'root/big');
    const report = await run(world, tree, { workers });
    assert.ok(report.chunks.storedPlainBytes < 20_000_000);
    const read = await readBack(world, report.record);
    assertSame(read, tree);
    lists.push(read.part.catalog);
  }
  assert.deepEqual(lists[0], lists[1]);
});

test('hard links are read once, and say that they belong together', async () => {
  const world = await newWorld();
  const tree = someTree('links');
  tree.hardLink('root/empty/second', 'root/a/deep/large');
  tree.hardLink('root/zzz', 'root/a/deep/large');
  tree.hardLink('root/a/small-link', 'root/a/small-1');
  const report = await run(world, tree);
  assert.equal(tree.opened.filter((path) => /large|second|zzz/.test(path)).length, 1);
  const read = await readBack(world, report.record);
  assertSame(read, tree);
  const inodes = ['root/empty/second', 'root/zzz', 'root/a/deep/large'].map((path) => read.entries.get(path)?.entry.hardlink);
  assert.deepEqual(inodes[0], inodes[1]);
  assert.deepEqual(inodes[0], inodes[2]);
  assert.ok(inodes[0]);
});

test('a second name of an inode is read when the first cannot be', async () => {
  const world = await newWorld();
  const tree = new MemoryTree();
  tree.file('root/a', 'shared');
  tree.hardLink('root/b', 'root/a');
  tree.faults.set('root/a', { at: 'open', code: 'entry-vanished' });
  const report = await run(world, tree);
  assert.equal(report.result, 'with errors');
  const read = await readBack(world, report.record);
  assert.deepEqual([...read.entries.keys()], ['root', 'root/b']);
  assert.equal(Buffer.from(read.entries.get('root/b')?.content ?? []).toString(), 'shared');
});

test('two runs of one job at once are refused', async () => {
  const world = await newWorld();
  const tree = someTree('twice');
  const [one, two] = await Promise.allSettled([run(world, tree), run(world, tree)]);
  const refused = [one, two].filter(({ status }) => status === 'rejected');
  assert.equal(refused.length, 1);
});

test('a site with an older head stops the run', async () => {
  const world = await newWorld();
  const tree = someTree('rollback');
  const { disk, files } = world.platform;
  assert.ok(disk);
  await run(world, tree);
  const second = await run(world, tree);
  const hex = Buffer.from(second.record).toString('hex');
  const safe = `/vault/safes/${Buffer.from(world.agent.safe).toString('hex')}`;
  await files.remove(`${safe}/records/${hex}`);
  await files.remove(`${safe}/receipts/${hex}`);
  await assert.rejects(run(world, tree), (error) => error instanceof EngineError && error.code === 'head-rolled-back');
});

test('a head is believed only under its own digest', async () => {
  const world = await newWorld();
  const tree = someTree('other record');
  const first = await run(world, tree);
  await run(world, tree);
  await run(world, tree);
  // The state of the first run comes back, as after a restore of the machine; the site serves another valid record as head.
  const pins = await world.state.safe(world.agent.safe).pins();
  pins.pinHead(`${Buffer.from(world.agent.computer).toString('hex')}/job`, { record: first.record, sequence: 1 });
  const original = await world.safe.record(first.record);
  const lying = over(world.safe, { record: () => Promise.resolve(original) });
  await assert.rejects(run(world, tree, { vault: lying }), /record-mismatch/);
  const accepted = await run(world, tree);
  assert.equal(accepted.sequence, 4);
});
