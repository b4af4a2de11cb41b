/*
 * What goes wrong with single entries, and runs that do not reach their end: the last good version stays, the error is
 * listed, and what was sent is not sent again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '@twinvault/engine';
import type { BackupReport } from '@twinvault/engine';
import { Prng } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';
import { assertSame, newWorld, over, readBack, run } from './world.ts';
import type { ReadSafeset, World } from './world.ts';

async function twoFiles(): Promise<{ world: World; tree: MemoryTree }> {
  const world = await newWorld();
  const tree = new MemoryTree();
  tree.directory('root/sub');
  tree.file('root/sub/one', 'first version');
  tree.file('root/sub/two', 'two');
  tree.file('root/z', 'last');
  await run(world, tree);
  return { world, tree };
}

function textOf(read: ReadSafeset, path: string): string {
  return Buffer.from(read.entries.get(path)?.content ?? []).toString();
}

function codes(report: BackupReport): string[] {
  return report.errors.map(({ code, path }) => `${code} ${Buffer.from(path).toString().replaceAll('\0', '/')}`);
}

test('a file that cannot be opened or read keeps its last version', async () => {
  for (const at of ['open', 'read'] as const) {
    const { world, tree } = await twoFiles();
    tree.file('root/sub/one', 'second version');
    tree.faults.set('root/sub/one', { at, code: 'entry-denied' });
    const report = await run(world, tree);
    assert.equal(report.result, 'with errors');
    assert.deepEqual(codes(report), ['entry-denied root/sub/one']);
    const read = await readBack(world, report.record);
    assert.equal(textOf(read, 'root/sub/one'), 'first version');
    assert.equal(read.entries.get('root/sub/one')?.entry.carried, 1);
    assert.equal(read.record.public.result, 'with errors');
    assert.equal(read.part.errors.length, 1);

    const again = await run(world, tree);
    assert.equal((await readBack(world, again.record)).entries.get('root/sub/one')?.entry.carried, 1);

    tree.faults.clear();
    const healed = await run(world, tree);
    assert.equal(healed.result, 'ok');
    assertSame(await readBack(world, healed.record), tree);
  }
});

test('a shared file that cannot be read keeps its last version, or is listed as unread', async () => {
  const { world, tree } = await twoFiles();
  const content = new Uint8Array(70_000_000).fill(1);
  tree.file('root/big', content);
  tree.faults.set('root/big', { at: 'read', code: 'entry-unreadable' });
  const first = await run(world, tree);
  assert.deepEqual(codes(first), ['entry-unreadable root/big']);
  assert.equal((await readBack(world, first.record)).entries.get('root/big')?.entry.unread, true);
  tree.faults.clear();
  await run(world, tree);
  tree.file('root/big', content.slice().fill(2, 1_000_000, 2_000_000));
  tree.faults.set('root/big', { at: 'read', code: 'entry-unreadable' });
  const read = await readBack(world, (await run(world, tree)).record);
  assert.equal(read.entries.get('root/big')?.entry.carried, 3);
  assert.ok(Buffer.compare(read.entries.get('root/big')?.content ?? new Uint8Array(0), content) === 0);
  tree.faults.set('root/big', { at: 'open', code: 'entry-vanished' });
  assert.equal((await readBack(world, (await run(world, tree)).record)).entries.has('root/big'), false);
});

test('a new file that cannot be read is listed as unread', async () => {
  const { world, tree } = await twoFiles();
  tree.file('root/sub/new', 'never seen');
  tree.faults.set('root/sub/new', { at: 'open', code: 'entry-denied' });
  const report = await run(world, tree);
  const read = await readBack(world, report.record);
  assert.equal(read.entries.get('root/sub/new')?.entry.unread, true);
  tree.faults.clear();
  assertSame(await readBack(world, (await run(world, tree)).record), tree);
});

test('a file that vanishes between scan and reading is no entry', async () => {
  const { world, tree } = await twoFiles();
  tree.file('root/sub/one', 'changed');
  tree.faults.set('root/sub/one', { at: 'open', code: 'entry-vanished' });
  const report = await run(world, tree);
  assert.deepEqual(codes(report), ['entry-vanished root/sub/one']);
  assert.equal((await readBack(world, report.record)).entries.has('root/sub/one'), false);
});

test('a directory that cannot be listed keeps everything below', async () => {
  const { world, tree } = await twoFiles();
  tree.directory('root/sub/deeper');
  tree.file('root/sub/deeper/x', 'x');
  await run(world, tree);
  tree.file('root/sub/two', 'changed, but nobody can see it');
  tree.faults.set('root/sub', { at: 'list', code: 'entry-denied' });
  const report = await run(world, tree);
  const read = await readBack(world, report.record);
  assert.equal(textOf(read, 'root/sub/two'), 'two');
  assert.equal(textOf(read, 'root/sub/deeper/x'), 'x');
  assert.equal(read.entries.get('root/sub/deeper/x')?.entry.carried, 2);
  assert.equal(report.removed, 0);
  tree.faults.clear();
  assertSame(await readBack(world, (await run(world, tree)).record), tree);
});

test('an entry whose status cannot be read stays, a directory with all below', async () => {
  const { world, tree } = await twoFiles();
  tree.faults.set('root/sub', { at: 'stat', code: 'entry-unreadable' });
  const report = await run(world, tree);
  const read = await readBack(world, report.record);
  assert.equal(textOf(read, 'root/sub/one'), 'first version');
  assert.equal(read.entries.get('root/sub')?.entry.carried, 1);
});

test('a file that changes while it is read is read again; one that goes on changing is torn', async () => {
  const { world, tree } = await twoFiles();
  for (const size of [100, 3_000_000, 70_000_000]) {
    let version = 0;
    const change = (): void => tree.file('root/busy', new Uint8Array(size).fill((version += 1)));
    change();
    let times = 1;
    tree.whileRead.set('root/busy', () => {
      if (times > 0) change();
      times -= 1;
    });
    const once = await run(world, tree);
    assert.equal(once.result, 'ok');
    assertSame(await readBack(world, once.record), tree);

    times = 1000;
    tree.touch('root/busy');
    const torn = await run(world, tree);
    assert.deepEqual(codes(torn), ['entry-changed root/busy']);
    assert.equal((await readBack(world, torn.record)).entries.get('root/busy')?.entry.torn, true);

    tree.whileRead.clear();
    assertSame(await readBack(world, (await run(world, tree)).record), tree);
  }
});

test('a file that shrinks while it is read keeps what was there', async () => {
  const { world, tree } = await twoFiles();
  for (const size of [1000, 3_000_000, 140_000_000]) {
    const content = new Uint8Array(size).fill(5);
    tree.file('root/shrinking', content);
    let length = size;
    tree.whileRead.set('root/shrinking', () => {
      length = Math.floor(length / 2);
      tree.file('root/shrinking', content.subarray(0, length));
    });
    const report = await run(world, tree);
    const entry = (await readBack(world, report.record)).entries.get('root/shrinking')?.entry;
    assert.equal(entry?.torn, true);
    // A shared file is opened once more for each step.
    if (size < 64_000_000) assert.equal(entry?.sizeBytes, size / 4);
    else assert.ok(entry !== undefined && entry.sizeBytes <= size / 4);
    tree.whileRead.clear();
  }
});

test('a stopped run is a checkpoint, and the next one does not send again what it had sent', async () => {
  const world = await newWorld();
  const tree = new MemoryTree();
  const prng = new Prng('stop');
  for (let index = 0; index < 60; index += 1) tree.file(`root/f${index}`, prng.bytes(1_000_000));
  const controller = new AbortController();
  tree.whileRead.set('root/f40', () => controller.abort(new Error('stop')));
  await assert.rejects(run(world, tree, { signal: controller.signal, workers: 1 }), (error) => {
    return error instanceof EngineError && error.code === 'run-aborted';
  });
  const checkpoints = await world.safe.records({ kind: 'checkpoint' });
  assert.equal(checkpoints.length, 1);
  assert.equal((await world.safe.records({ kind: 'safeset' })).length, 0);
  tree.whileRead.clear();
  const report = await run(world, tree);
  assert.equal(report.sequence, 1);
  assert.ok(report.chunks.storedPlainBytes < 45_000_000, `${report.chunks.storedPlainBytes} bytes stored again`);
  assertSame(await readBack(world, report.record), tree);
});

test('a run that dies loses only what was not acknowledged', async () => {
  const world = await newWorld();
  const tree = new MemoryTree();
  const prng = new Prng('die');
  for (let index = 0; index < 60; index += 1) tree.file(`root/f${index}`, prng.bytes(1_000_000));
  let puts = 0;
  const dying = over(world.safe, {
    openSession: async (request) => {
      const session = await world.safe.openSession(request);
      return over(session, {
        putPack: async (name, bytes) => {
          puts += 1;
          if (puts > 2) throw new Error('power cut');
          return await session.putPack(name, bytes);
        },
      });
    },
  });
  await assert.rejects(run(world, tree, { vault: dying }), /power cut/);
  const report = await run(world, tree);
  assert.ok(report.chunks.storedPlainBytes < 35_000_000, `${report.chunks.storedPlainBytes} bytes stored again`);
  assertSame(await readBack(world, report.record), tree);
});
