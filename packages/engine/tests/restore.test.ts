/*
 * Whole restores in memory: a tree is backed up into a vault in a directory and restored into a target in memory, whole and in parts, under
 * every conflict rule.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '@twinvault/engine';
import { Prng, utf8Encode } from '@twinvault/std';
import { inlineThreads, MemoryTargetTree, MemoryTree } from '@twinvault/testkit';
import { assertEntry, assertRestored, closure, listed, restored } from './restore-world.ts';
import { newWorld, run } from './world.ts';

function someTree(seed = 'restore'): MemoryTree {
  const prng = new Prng(seed);
  const tree = new MemoryTree();
  tree.directory('root/a');
  tree.directory('root/a/deep');
  tree.directory('root/empty');
  tree.file('root/none', '');
  for (let index = 0; index < 30; index += 1) tree.file(`root/a/small-${index}`, prng.bytes(prng.below(20_000)));
  tree.file('root/a/deep/large', prng.bytes(3_000_000), { xattrs: [{ name: utf8Encode('user.x'), value: prng.bytes(30) }] });
  tree.file('root/text', 'line of text\n'.repeat(100_000));
  tree.link('root/a/link', '../nowhere');
  return tree;
}

test('everything comes back', async () => {
  const world = await newWorld();
  const tree = someTree();
  const { record } = await run(world, tree);
  for (const parallelism of [1, 4]) {
    const { report, target } = await restored(world, record, { threads: inlineThreads({ parallelism }) });
    assertRestored(tree, target);
    const { files, directories, others, skipped, errors, damagedChunks } = report;
    assert.deepEqual({ files, directories, others, skipped }, { files: 33, directories: 4, others: 1, skipped: 0 });
    assert.deepEqual(listed(errors), []);
    assert.equal(damagedChunks, 0);
    assert.equal(
      report.bytes,
      [...tree.nodes.values()].reduce((sum, { content }) => sum + content.length, 0),
    );
  }
});

test('progress knows the total from the start and reaches it', async () => {
  const world = await newWorld();
  const tree = someTree();
  const { record } = await run(world, tree);
  for (const paths of [[], ['root/a'], ['root/a/deep/large', 'root/text']]) {
    let last = { entries: 0, bytes: 0, entriesTotal: -1 as number | null, bytesTotal: -1 as number | null };
    await restored(world, record, { paths, progress: (progress) => (last = { ...progress }) });
    assert.equal(last.entries, last.entriesTotal);
    assert.equal(last.bytes, last.bytesTotal);
  }
});

test('files and folders can be selected, twice and one inside another', async () => {
  const world = await newWorld();
  const tree = someTree();
  const { record } = await run(world, tree);
  const selections = [
    ['root'],
    ['root/a/deep/large'],
    ['root/a/deep', 'root/text'],
    ['root/text', 'root/a/small-3', 'root/a/deep', 'root/text'],
    ['root/a', 'root/a/deep', 'root/a/small-1', 'root/a/deep/large'],
    ['root/a/link', 'root/empty'],
  ];
  for (const paths of selections) {
    const { report, target } = await restored(world, record, { paths });
    assertRestored(tree, target, closure(tree, paths));
    assert.deepEqual(listed(report.errors), []);
  }
});

test('the beginning of paths can be left out', async () => {
  const world = await newWorld();
  const tree = someTree();
  const { record } = await run(world, tree);
  const whole = await restored(world, record, { strip: 'root/a' });
  assert.equal(whole.target.nodes.size, 33);
  assertEntry(tree, 'root/a/deep/large', { target: whole.target, at: 'deep/large' });
  const part = await restored(world, record, { strip: 'root', paths: ['root/a/deep', 'root/none'] });
  assert.deepEqual(part.target.paths(), ['a', 'a/deep', 'a/deep/large', 'none']);
  assertEntry(tree, 'root/a', { target: part.target, at: 'a' });
});

test('paths that are not there, or lie outside what is left out, are refused before anything is written', async () => {
  const world = await newWorld();
  const tree = someTree();
  const { record } = await run(world, tree);
  const refused: [{ paths?: string[]; strip?: string }, string][] = [
    [{ paths: ['root/a', 'root/missing'] }, 'path-unknown'],
    [{ paths: ['root/text/below'] }, 'path-unknown'],
    [{ strip: 'nowhere' }, 'path-unknown'],
    [{ strip: 'root/a', paths: ['root/text'] }, 'strip-mismatch'],
  ];
  for (const [how, code] of refused) {
    const target = new MemoryTargetTree();
    await assert.rejects(
      restored(world, record, { ...how, target }),
      (error) => error instanceof EngineError && error.code === code,
    );
    assert.equal(target.nodes.size, 0);
  }
});

test('what stands at the target is skipped, replaced or left beside', async () => {
  const world = await newWorld();
  const tree = someTree();
  const { record } = await run(world, tree);
  const prepared = (): MemoryTargetTree => {
    const target = new MemoryTargetTree();
    for (const path of ['root', 'root/a']) target.older(path, null);
    for (const path of ['root/text', 'root/a/link', 'root/a/small-5']) target.older(path, 'older');
    return target;
  };
  const taken = ['root/text', 'root/a/link', 'root/a/small-5'];

  const skip = await restored(world, record, { target: prepared() });
  assert.equal(skip.report.skipped, 3);
  for (const path of tree.paths()) if (!taken.includes(path)) assertEntry(tree, path, skip);
  for (const path of taken) assert.equal(Buffer.from(skip.target.nodes.get(path)?.content ?? []).toString(), 'older');

  const overwrite = await restored(world, record, { conflict: 'overwrite', target: prepared() });
  assertRestored(tree, overwrite.target);

  const rename = await restored(world, record, { conflict: 'rename-incoming', target: prepared() });
  assert.equal(rename.target.nodes.size, tree.nodes.size + 3);
  for (const path of taken) {
    assert.equal(rename.target.nodes.get(path)?.isOlder, true);
    assertEntry(tree, path, { target: rename.target, at: `${path} (restored 1)` });
  }
});

test('rename-existing moves what is there out of the way, folders with all that they hold', async () => {
  const world = await newWorld();
  const tree = someTree();
  tree.hardLink('root/empty/again', 'root/text');
  const { record } = await run(world, tree);
  const target = new MemoryTargetTree();
  for (const path of ['root', 'root/text', 'root/empty']) target.older(path, null);
  for (const path of ['root/text/inside', 'root/a', 'root/empty/again']) target.older(path, 'older');
  const { report } = await restored(world, record, { target, conflict: 'rename-existing' });
  assert.deepEqual([report.skipped, listed(report.errors)], [0, []]);
  for (const path of tree.paths()) assertEntry(tree, path, { target });
  const moved = ['root/a (before restore 1)', 'root/empty/again (before restore 1)'];
  moved.push('root/text (before restore 1)', 'root/text (before restore 1)/inside');
  assert.deepEqual(
    target.paths().filter((path) => !tree.nodes.has(path)),
    moved,
  );
});

test('newer and different compare with what is there, at the end once more', async () => {
  const world = await newWorld();
  const tree = new MemoryTree();
  const mtimeMs = 1_700_000_000_000;
  for (const name of ['later', 'same', 'earlier', 'resized', 'raced'])
    tree.file(`root/${name}`, `content of ${name}`, { mtimeMs });
  const { record } = await run(world, tree);
  const prepared = async (): Promise<MemoryTargetTree> => {
    const { target } = await restored(world, record);
    const set = (name: string, ms: number, content = `content of ${name}`): void => {
      const node = target.nodes.get(`root/${name}`);
      assert.ok(node?.metadata);
      target.older(`root/${name}`, content);
      const metadata = { ...node.metadata, mtimeSeconds: Math.floor(ms / 1000), mtimeNanos: 0 };
      target.nodes.set(`root/${name}`, { ...node, ...target.nodes.get(`root/${name}`), isOlder: true, metadata });
    };
    set('later', mtimeMs + 1000);
    set('same', mtimeMs);
    set('earlier', mtimeMs - 1000);
    set('resized', mtimeMs, 'longer than what was there');
    target.nodes.delete('root/raced');
    target.finishedDirectories.clear();
    return target;
  };
  const kept = (target: MemoryTargetTree): string[] => target.paths().filter((path) => target.nodes.get(path)?.isOlder);
  const newer = await restored(world, record, { conflict: 'newer', target: await prepared() });
  assert.deepEqual(kept(newer.target), ['root/later', 'root/resized', 'root/same']);
  assert.deepEqual([newer.report.skipped, newer.report.files], [3, 2]);
  const different = await restored(world, record, { conflict: 'different', target: await prepared() });
  assert.deepEqual(kept(different.target), ['root/same']);
  assert.deepEqual([different.report.skipped, different.report.files], [1, 4]);

  // Somebody makes it while the restore is under way.
  const late = new MemoryTargetTree();
  late.older('root', null);
  late.beforeFile = (path) => {
    const from = newer.target.nodes.get(path);
    if (path === 'root/later' && from !== undefined) late.nodes.set(path, { ...from, isOlder: true });
  };
  const raced = await restored(world, record, { conflict: 'newer', target: late });
  assert.deepEqual(kept(raced.target), ['root', 'root/later']);
});

test('a restore that was broken off goes on without fetching what it had placed, under every rule', async () => {
  const world = await newWorld();
  const tree = someTree();
  const { record } = await run(world, tree);
  for (const conflict of ['skip', 'overwrite', 'newer', 'different', 'rename-incoming', 'rename-existing'] as const) {
    const target = new MemoryTargetTree();
    target.older('root', null);
    target.older('root/a', null);
    target.older('root/a/small-3', 'older');
    target.nowMs = 5000;
    const first = await restored(world, record, { target, conflict, paths: ['root/a', 'root/empty'] });
    const there = target.paths();
    target.finishedDirectories.clear();
    const { report } = await restored(world, record, { target, conflict, brokenOffMs: 5000 });
    assert.equal(report.bytes, tree.nodes.get('root/text')?.content.length, conflict);
    const left = conflict === 'skip' ? 1 : 0;
    assert.deepEqual(
      [report.already + left, report.skipped - left],
      [first.report.files + first.report.others + left, 0],
      conflict,
    );
    assert.deepEqual(
      target.paths().filter((path) => !there.includes(path)),
      ['root/none', 'root/text'],
      conflict,
    );
    // What was changed before that restore began is none of its own.
    target.finishedDirectories.clear();
    const anew = await restored(world, record, { target, conflict: 'overwrite', brokenOffMs: 6000 });
    assert.equal(anew.report.already, 0);
  }
});

test('a second restore into the same place does what the rule says', async () => {
  const world = await newWorld();
  const tree = someTree();
  tree.hardLink('root/empty/again', 'root/text');
  const { record } = await run(world, tree);
  const { target } = await restored(world, record);
  target.finishedDirectories.clear();
  const again = await restored(world, record, { target });
  assert.equal(again.report.files, 0);
  assert.equal(again.report.bytes, 0);
  assert.equal(again.report.skipped, 35);
  target.finishedDirectories.clear();
  await restored(world, record, { target, conflict: 'overwrite' });
  assertRestored(tree, target);
});

test('a folder whose name is taken by a file goes beside it with all below, or is left out', async () => {
  const world = await newWorld();
  const tree = someTree();
  tree.hardLink('root/a/deep/text-again', 'root/text');
  const { record } = await run(world, tree);
  const prepared = (): MemoryTargetTree => {
    const target = new MemoryTargetTree();
    target.older('root', null);
    target.older('root/a', 'a file');
    return target;
  };
  const below = tree.paths().filter((path) => path.startsWith('root/a'));
  const beside = await restored(world, record, { conflict: 'rename-incoming', target: prepared() });
  for (const path of below) {
    assertEntry(tree, path, { target: beside.target, at: path.replace('root/a', 'root/a (restored 1)') });
  }
  assert.equal(beside.target.nodes.get('root/text'), beside.target.nodes.get('root/a (restored 1)/deep/text-again'));

  const skip = await restored(world, record, { target: prepared() });
  assert.equal(skip.report.skipped, below.length);
  assert.deepEqual(listed(skip.report.errors), []);
  assertEntry(tree, 'root/text', skip);

  const overwrite = await restored(world, record, { conflict: 'overwrite', target: prepared() });
  assertRestored(tree, overwrite.target);
});

test('names of one file are one file again, also across folders and windows', async () => {
  const world = await newWorld();
  const tree = new MemoryTree();
  tree.directory('root/a');
  tree.directory('root/z');
  for (let index = 0; index < 4500; index += 1) tree.file(`root/a/${index}`, index < 20 ? `content ${index}` : '');
  for (let index = 0; index < 20; index += 1) tree.hardLink(`root/z/${index}`, `root/a/${index}`);
  tree.hardLink('root/a/0x', 'root/a/0');
  tree.link('root/a/link', 'somewhere');
  const { record } = await run(world, tree);
  const { report, target } = await restored(world, record);
  assertRestored(tree, target);
  assert.equal(report.files, 4521);
});

test('where the first name of a file is left out or fails, the next is restored in its stead and leads the others', async () => {
  const world = await newWorld();
  const tree = new MemoryTree();
  for (const name of ['a', 'b', 'c', 'd']) tree.directory(`root/${name}`);
  tree.file('root/a/one', 'shared');
  for (const name of ['b', 'c', 'd']) tree.hardLink(`root/${name}/one`, 'root/a/one');
  tree.file('root/a/two', 'shared too');
  tree.hardLink('root/c/two', 'root/a/two');
  const { record } = await run(world, tree);
  const target = new MemoryTargetTree();
  for (const path of ['root', 'root/a']) target.older(path, null);
  target.older('root/a/one', 'older');
  target.faults.set('root/b/one', 'denied');
  target.faults.set('root/a/two', 'denied');
  const { report } = await restored(world, record, { target });
  assert.deepEqual(listed(report.errors), ['entry-not-restored root/a/two', 'entry-not-restored root/b/one']);
  assert.equal(report.skipped, 1);
  assertEntry(tree, 'root/c/one', { target });
  assert.equal(target.nodes.get('root/c/one'), target.nodes.get('root/d/one'));
  assertEntry(tree, 'root/c/two', { target });
});

test('holes stay holes; large files go in pieces', async () => {
  const world = await newWorld();
  const tree = new MemoryTree();
  const prng = new Prng('large');
  const content = new Uint8Array(60_000_000);
  content.set(prng.bytes(4096), 10_000_000);
  content.set(prng.bytes(400_000), 30_000_000);
  const data = [
    { offsetBytes: 10_000_000, lengthBytes: 4096 },
    { offsetBytes: 30_000_000, lengthBytes: 400_000 },
  ];
  tree.file('root/sparse', content, { data });
  tree.file('root/hole', new Uint8Array(1_000_000), { data: [] });
  const large = prng.bytes(30_000_000);
  large.copyWithin(20_000_000, 0, 8_000_000);
  tree.file('root/large', large);
  tree.file('root/zero', new Uint8Array(80_000_000));
  const { record } = await run(world, tree);
  for (const parallelism of [1, 3]) {
    const { report, target } = await restored(world, record, { threads: inlineThreads({ parallelism }) });
    assert.deepEqual(listed(report.errors), []);
    assertRestored(tree, target);
  }
  // Somebody takes the name of a large file while it is restored, or it stands there before.
  const target = new MemoryTargetTree();
  target.beforeFile = (path) => (path === 'root/large' ? target.older(path, 'older') : undefined);
  const { report } = await restored(world, record, { target });
  assert.equal(report.skipped, 1);
  assertEntry(tree, 'root/zero', { target });
});

test('torn and carried files are restored and counted, unread ones listed', async () => {
  const world = await newWorld();
  const tree = someTree();
  await run(world, tree);
  tree.file('root/a/small-1', 'nobody may read this');
  tree.file('root/new', 'nor this');
  tree.hardLink('root/newer', 'root/new');
  tree.faults.set('root/a/small-1', { at: 'open', code: 'entry-denied' });
  for (const path of ['root/new', 'root/newer']) tree.faults.set(path, { at: 'open', code: 'entry-denied' });
  const prng = new Prng('busy');
  tree.file('root/busy', prng.bytes(1000));
  tree.whileRead.set('root/busy', () => tree.file('root/busy', prng.bytes(1000)));
  const { record } = await run(world, tree);
  const { report, target } = await restored(world, record);
  assert.equal(report.torn, 1);
  assert.equal(report.carried, 1);
  assert.deepEqual(listed(report.errors), ['entry-not-restored root/new', 'entry-not-restored root/newer']);
  assert.ok(target.nodes.has('root/busy'));
  assert.ok(target.nodes.has('root/a/small-1'));
  assert.ok(!target.nodes.has('root/new'));
});
