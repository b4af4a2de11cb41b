/*
 * Files under a new path through whole runs in memory: what was moved along with its folder is not read, a large file that was
 * renamed is compared with what it had, small files that were copied are not stored again, and no other file is taken for one of them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';
import { assertSame, newWorld, readBack, run } from './world.ts';

const pageBytes = 4096;

/** Moves a folder as a file system does: what lies in it keeps its times. */
function moveFolder(tree: MemoryTree, from: string, to: string): void {
  tree.rename(from, to);
}

test('a folder that was renamed is not read again, and nothing of it is sent', async () => {
  const world = await newWorld('moved folder');
  const prng = new Prng('moved folder');
  const tree = new MemoryTree(world.platform.clock.nowMs() - 86_400_000);
  tree.directory('root/old');
  for (let index = 0; index < 300; index += 1) tree.file(`root/old/${index}`, prng.bytes(1000 + prng.below(9000)));
  tree.file('root/old/large', prng.bytes(5_000_000));
  tree.file('root/stays', prng.bytes(5000));
  await run(world, tree);
  moveFolder(tree, 'root/old', 'root/zz new');
  tree.opened = [];
  const report = await run(world, tree);
  assert.deepEqual(
    tree.opened.filter((path) => path.includes('/zz new/')),
    [],
  );
  assert.equal(report.chunks.stored, 0);
  assert.equal(report.removed, 302);
  assertSame(await readBack(world, report.record), tree);
  // Signatures went along, to a path before the old one and to one behind it.
  for (const name of ['root/a', 'root/zz']) {
    const last = [...tree.nodes.keys()].find((path) => path.endsWith('/large')) ?? '';
    moveFolder(tree, last.slice(0, last.lastIndexOf('/')), name);
    await run(world, tree);
    const content = (tree.nodes.get(`${name}/large`)?.content ?? new Uint8Array(0)).slice();
    content.set(prng.bytes(pageBytes), 40 * pageBytes);
    tree.file(`${name}/large`, content);
    const changed = await run(world, tree);
    assert.ok(changed.chunks.storedPlainBytes <= pageBytes, `${changed.chunks.storedPlainBytes} bytes stored`);
    assertSame(await readBack(world, changed.record), tree);
  }
});

test('a large file that deltas have touched is renamed: nothing is sent; and changed, its pages are', async () => {
  const world = await newWorld('renamed file');
  const prng = new Prng('renamed file');
  const tree = new MemoryTree(world.platform.clock.nowMs() - 86_400_000);
  const content = prng.bytes(5_000_000);
  tree.file('root/a', content);
  await run(world, tree);
  for (let night = 0; night < 2; night += 1) {
    for (let page = 0; page < 30; page += 1) content.set(prng.bytes(pageBytes), pageBytes * prng.below(1200));
    tree.file('root/a', content.slice());
    await run(world, tree);
  }
  const node = tree.nodes.get('root/a');
  assert.ok(node);
  tree.rename('root/a', 'root/b');
  // A file system gives it a new ctime.
  const renamed = tree.nodes.get('root/b');
  assert.ok(renamed);
  renamed.ctimeMs = world.platform.clock.nowMs();
  const report = await run(world, tree);
  assert.equal(report.chunks.stored, 0);
  assertSame(await readBack(world, report.record), tree);
});

test('a new file with the inode of one that is gone is read', async () => {
  const world = await newWorld('inode again');
  const prng = new Prng('inode again');
  const tree = new MemoryTree(world.platform.clock.nowMs() - 86_400_000);
  tree.file('root/a', prng.bytes(5000));
  tree.file('root/b', prng.bytes(200_000));
  await run(world, tree);
  for (const [before, after, size] of [
    ['root/a', 'root/c', 5000],
    ['root/b', 'root/d', 200_000],
  ] as const) {
    const old = tree.nodes.get(before);
    assert.ok(old);
    tree.remove(before);
    tree.file(after, prng.bytes(size));
    const made = tree.nodes.get(after);
    assert.ok(made);
    // The same inode, size and mtime: only the ctime tells.
    Object.assign(made, { inode: old.inode, mtimeMs: old.mtimeMs, ctimeMs: world.platform.clock.nowMs() });
  }
  const report = await run(world, tree);
  assertSame(await readBack(world, report.record), tree);
});

test('a folder that was copied is read, and hardly anything of it is stored, whatever changed in the copy', async () => {
  const world = await newWorld('copied folder');
  const prng = new Prng('copied folder');
  const tree = new MemoryTree(world.platform.clock.nowMs() - 86_400_000);
  for (let index = 0; index < 400; index += 1) tree.file(`root/old/${index}`, prng.bytes(1000 + prng.below(9000)));
  await run(world, tree);
  const contentOf = (index: number): Uint8Array => tree.nodes.get(`root/old/${index}`)?.content?.slice() ?? new Uint8Array(0);
  for (let index = 0; index < 400; index += 1) tree.file(`root/new/${index}`, contentOf(index));
  tree.opened = [];
  const copied = await run(world, tree);
  assert.equal(tree.opened.length, 400);
  // The first two are new files like any other: it takes that many to look for copies.
  assert.ok(copied.chunks.storedPlainBytes <= 20_000, `${copied.chunks.storedPlainBytes} bytes stored`);
  assertSame(await readBack(world, copied.record), tree);
  const again = await run(world, tree);
  assert.equal(again.chunks.stored, 0);
  // In another copy some files have other content of the same size, and some another size.
  for (let index = 0; index < 400; index += 1) {
    const content = contentOf(index);
    if (index % 40 === 7) content.set(prng.bytes(100), prng.below(content.length - 100));
    tree.file(`root/third/${index}`, index % 40 === 9 ? content.subarray(1) : content);
  }
  const changed = await run(world, tree);
  assert.ok(changed.chunks.storedPlainBytes <= 22 * 10_000, `${changed.chunks.storedPlainBytes} bytes stored`);
  assertSame(await readBack(world, changed.record), tree);
});

test('small files that come again within one run, under other names, are stored once', async () => {
  const world = await newWorld('copies within a run');
  const prng = new Prng('copies within a run');
  const tree = new MemoryTree(world.platform.clock.nowMs() - 86_400_000);
  const contents = Array.from({ length: 150 }, () => prng.bytes(5000 + prng.below(40_000)));
  const bytes = contents.reduce((sum, { length }) => sum + length, 0);
  for (const folder of ['a', 'b', 'c']) {
    for (const [index, content] of prng.shuffle([...contents]).entries()) tree.file(`root/${folder}/${index}`, content);
    // Between the copies lies what is new.
    for (let index = 0; index < 50; index += 1) tree.file(`root/${folder}/${index} new`, prng.bytes(6000));
  }
  const report = await run(world, tree);
  const others = 150 * 6000;
  // What is read at the same moment may be stored twice.
  assert.ok(report.chunks.storedPlainBytes <= 2 * bytes + others, `${report.chunks.storedPlainBytes} of ${bytes} bytes stored`);
  assertSame(await readBack(world, report.record), tree);
  const again = await run(world, tree);
  assert.equal(again.chunks.stored, 0);
  tree.file('root/a/0', prng.bytes(9000));
  const changed = await run(world, tree);
  assert.equal(changed.chunks.storedPlainBytes, 9000);
  assertSame(await readBack(world, changed.record), tree);
});
