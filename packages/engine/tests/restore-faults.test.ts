/*
 * Restores in which something goes wrong: what it concerns is listed and nothing of it stands at the target, the rest is restored; what ends a
 * restore leaves nothing half written behind.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError, Prng } from '@twinvault/std';
import type { Thread, ThreadMessage, Threads } from '@twinvault/std';
import { ProtocolError } from '@twinvault/protocol';
import { writeSecret } from '@twinvault/seal';
import { faulty, inlineThreads, MemoryTargetTree, MemoryTree } from '@twinvault/testkit';
import type { RecordDigest } from '@twinvault/format';
import { assertEntry, assertRestored, damage, listed, openSafeset, placesOf, removePack, restored } from './restore-world.ts';
import type { HowToRestore } from './restore-world.ts';
import { newWorld, run } from './world.ts';
import type { World } from './world.ts';

interface BackedUp {
  readonly world: World;
  readonly tree: MemoryTree;
  readonly record: RecordDigest;
}

let shared: Promise<BackedUp> | null = null;

/** For tests that leave the vault as it is. */
function sharedBackup(): Promise<BackedUp> {
  shared ??= backedUp();
  return shared;
}

async function backedUp(): Promise<BackedUp> {
  const world = await newWorld();
  const tree = new MemoryTree();
  const prng = new Prng('faults');
  tree.directory('root/a');
  tree.directory('root/a/b');
  for (let index = 0; index < 12; index += 1) tree.file(`root/a/small-${index}`, prng.bytes(5000));
  tree.file('root/a/b/middle', prng.bytes(400_000));
  tree.file('root/a/b/other', prng.bytes(400_000));
  tree.file('root/large', prng.bytes(20_000_000));
  tree.file('root/text', 'words and words\n'.repeat(20_000));
  tree.link('root/a/link', 'elsewhere');
  const { record } = await run(world, tree);
  return { world, tree, record };
}

/** All but these paths stand there. */
function assertAllBut(tree: MemoryTree, target: MemoryTargetTree, missing: readonly string[]): void {
  assertRestored(
    tree,
    target,
    tree.paths().filter((path) => !missing.includes(path)),
  );
}

test('a damaged chunk costs the files that need it, and no others', async () => {
  for (const path of ['root/a/b/middle', 'root/large', 'root/text']) {
    const { world, tree, record } = await backedUp();
    tree.hardLink('root/a/b/link', 'root/a/b/other');
    const places = await placesOf(world, record, path);
    const place = places.at(-1);
    assert.ok(place);
    await damage(world, place);
    const { report, target } = await restored(world, record);
    assert.deepEqual(listed(report.errors), [`entry-not-restored ${path}`]);
    assert.equal(report.damagedChunks, 1);
    assertAllBut(tree, target, [path, 'root/a/b/link']);
  }
});

test('a damaged chunk is listed for every name of the file, and for every file that shares it', async () => {
  const { world, tree } = await backedUp();
  tree.hardLink('root/a/b/link', 'root/a/b/middle');
  tree.file('root/copy', tree.nodes.get('root/a/b/middle')?.content ?? '');
  const { record } = await run(world, tree);
  const [place] = await placesOf(world, record, 'root/a/b/middle');
  assert.ok(place);
  await damage(world, place);
  const { report, target } = await restored(world, record);
  const concerned = ['root/a/b/link', 'root/a/b/middle', 'root/copy'];
  assert.deepEqual(
    listed(report.errors),
    concerned.map((path) => `entry-not-restored ${path}`),
  );
  assertAllBut(tree, target, concerned);
});

test('a missing pack costs what lies in it', async () => {
  const { world, tree } = await backedUp();
  tree.file('root/new', new Prng('new').bytes(300_000));
  tree.file('root/newer', new Prng('newer').bytes(100));
  const { record } = await run(world, tree);
  const [place] = await placesOf(world, record, 'root/new');
  assert.ok(place);
  await removePack(world, place);
  const { report, target } = await restored(world, record);
  assert.deepEqual(listed(report.errors), ['entry-not-restored root/new', 'entry-not-restored root/newer']);
  assert.equal(report.damagedChunks, 2);
  assertAllBut(tree, target, ['root/new', 'root/newer']);
});

test('what cannot be read out of the middle of a pack costs its own files alone', async () => {
  const { world, tree, record } = await sharedBackup();
  const [place] = await placesOf(world, record, 'root/a/b/middle');
  assert.ok(place);
  const badSector = place.row.offsetBytes + 1000;
  const safeset = await openSafeset(world, record);
  const { reading } = safeset;
  const { catalog, chunks } = safeset;
  const contents = {
    writeSecret: writeSecret(world.opened.rootSecret),
    catalog,
    chunks,
    reading: {
      readPack: async (...given: Parameters<typeof reading.readPack>) => {
        const [, offsetBytes, lengthBytes] = given;
        const isHit = offsetBytes <= badSector && badSector < offsetBytes + lengthBytes;
        if (isHit && String(given[0]) === String(place.pack)) throw new ProtocolError('vault-failed');
        return await reading.readPack(...given);
      },
      packSize: async (...given: Parameters<typeof reading.packSize>) => await reading.packSize(...given),
      holdersOf: async (...given: Parameters<typeof reading.holdersOf>) => await reading.holdersOf(...given),
      [Symbol.asyncDispose]: async () => undefined,
    },
  };
  const { report, target } = await restored(world, record, { contents });
  assert.deepEqual(listed(report.errors), ['entry-not-restored root/a/b/middle']);
  assertAllBut(tree, target, ['root/a/b/middle']);
});

test('a vault that goes away ends the restore', async () => {
  const { world, record } = await sharedBackup();
  const safeset = await openSafeset(world, record);
  const { catalog, chunks } = safeset;
  const reading = faulty(safeset.reading, {
    failNth: 1,
    times: 1_000_000,
    error: () => new ProtocolError('lease-lost'),
    operations: ['readPack'],
  });
  const secret = writeSecret(world.opened.rootSecret);
  const target = new MemoryTargetTree();
  await assert.rejects(
    restored(world, record, { contents: { writeSecret: secret, catalog, chunks, reading }, target }),
    (error) => error instanceof ProtocolError && error.code === 'lease-lost',
  );
});

test('a copy of a chunk stands in for one that is damaged', async () => {
  const { world, tree, record } = await sharedBackup();
  const safeset = await openSafeset(world, record);
  const { catalog, chunks, reading } = safeset;
  const [place] = await placesOf(world, record, 'root/text');
  assert.ok(place);
  // The same blob once more, where something else lies.
  const twice: typeof chunks.places = async (id) => {
    const places = await chunks.places(id);
    return places.flatMap((found) => {
      const { row } = found;
      return [{ ...found, row: { ...row, offsetBytes: row.offsetBytes - 64 } }, found];
    });
  };
  const contents = {
    writeSecret: writeSecret(world.opened.rootSecret),
    catalog,
    chunks: { places: twice, openingOf: async (each: typeof place) => await chunks.openingOf(each) },
    reading,
  };
  const { report, target } = await restored(world, record, { contents });
  assert.deepEqual(listed(report.errors), []);
  assert.equal(report.damagedChunks, 0);
  assertRestored(tree, target);
});

test('a damaged part of the catalog is listed, and the rest restored', async () => {
  const world = await newWorld();
  const tree = new MemoryTree();
  for (let directory = 0; directory < 4; directory += 1) {
    tree.directory(`root/directory-${directory}`);
    for (let index = 0; index < 600; index += 1) tree.file(`root/directory-${directory}/${index}-${'name'.repeat(50)}`, '');
  }
  const { record } = await run(world, tree);
  const safeset = await openSafeset(world, record);
  const leaves = (await safeset.catalog.children(safeset.catalog.top)).filter(({ level }) => level === 0);
  assert.ok(leaves.length > 3);
  for (const index of [0, 2]) {
    const place = await safeset.chunks.locate(leaves[index]?.id ?? safeset.catalog.top.id);
    await damage(world, place);
    const { report, target } = await restored(world, record);
    assert.equal(report.errors.length, 1);
    assert.match(report.errors[0]?.detail ?? '', new RegExp(` ${leaves[index]?.entries} entries`));
    for (const [path, node] of target.nodes) if (node.metadata !== null) assertEntry(tree, path, { target });
    const filesLost = tree.paths().length - report.files - report.directories;
    assert.equal(filesLost, leaves[index]?.entries);
    await damage(world, place);
  }
  const top = await safeset.chunks.locate(safeset.catalog.top.id);
  await damage(world, top);
  await assert.rejects(restored(world, record), { code: 'blob-damaged' });
});

test('one entry that fails does not stop the others', async () => {
  const { world, tree, record } = await sharedBackup();
  for (const path of ['root/a/small-3', 'root/large', 'root/a/link']) {
    const target = new MemoryTargetTree();
    target.faults.set(path, 'denied');
    const { report } = await restored(world, record, { target });
    assert.deepEqual(listed(report.errors), [`entry-not-restored ${path}`]);
    assertAllBut(tree, target, [path]);
  }
});

test('what lies in a folder that cannot be made is listed with it', async () => {
  const { world, tree, record } = await sharedBackup();
  const target = new MemoryTargetTree();
  target.faults.set('root/a', 'denied');
  const { report } = await restored(world, record, { target });
  const lost = tree.paths().filter((path) => path.startsWith('root/a'));
  assert.deepEqual(listed(report.errors), lost.map((path) => `entry-not-restored ${path}`).sort());
  assertAllBut(tree, target, lost);
});

test('metadata that cannot be set is listed, and the entry stands', async () => {
  const { world, tree, record } = await sharedBackup();
  const target = new MemoryTargetTree();
  const paths = ['root/a', 'root/a/link', 'root/a/small-1', 'root/large'];
  for (const path of paths) target.faults.set(path, 'unfinished');
  const { report } = await restored(world, record, { target });
  assert.deepEqual(
    listed(report.errors),
    paths.map((path) => `metadata-not-restored ${path}`),
  );
  assertRestored(tree, target);
});

test('a full target ends the restore; what stands there is whole', async () => {
  const { world, tree, record } = await sharedBackup();
  for (const freeBytes of [0, 100_000, 2_000_000, 20_000_000]) {
    const target = new MemoryTargetTree();
    target.freeBytes = freeBytes;
    await assert.rejects(restored(world, record, { target }), (error) => {
      return error instanceof CodedError && error.code === 'target-full';
    });
    for (const path of target.nodes.keys()) assertEntry(tree, path, { target });
  }
});

test('a bug ends the restore', async () => {
  const { world, record } = await sharedBackup();
  for (const path of ['root/a', 'root/a/link', 'root/a/small-3', 'root/large']) {
    const target = new MemoryTargetTree();
    target.faults.set(path, 'bug');
    await assert.rejects(restored(world, record, { target, crashes: true }), /a bug of the target/);
  }
});

test('an abort ends the restore at any moment; what stands there is whole', async () => {
  const { world, tree, record } = await sharedBackup();
  const moments = ['root/a/small-0', 'root/a/small-7', 'root/a/b/middle', 'root/large', 'root/text'];
  for (const moment of moments) {
    const controller = new AbortController();
    const target = new MemoryTargetTree();
    target.beforeFile = (path) => (path === moment ? controller.abort(new Error('stop')) : undefined);
    const how: HowToRestore = { target, signal: controller.signal, threads: inlineThreads({ parallelism: 1 }) };
    await restored(world, record, how).then(
      () => assertRestored(tree, target),
      (error: unknown) => assert.match(String(error), /stop/),
    );
    for (const path of target.nodes.keys()) assertEntry(tree, path, { target });
  }
  const controller = new AbortController();
  controller.abort(new Error('stop'));
  await assert.rejects(restored(world, record, { signal: controller.signal }), /stop/);
});

test('a thread that dies ends the restore', async () => {
  const { world, record } = await sharedBackup();
  await assert.rejects(restored(world, record, { threads: dyingThreads(1), crashes: true }), /the thread died/);
});

/** The second of two threads dies instead of doing its nth task. */
function dyingThreads(nth: number): Threads {
  const threads = inlineThreads({ parallelism: 2 });
  let started = 0;
  return {
    parallelism: 2,
    start(module, data): Thread {
      const thread = threads.start(module, data);
      started += 1;
      if (started === 1) return thread;
      let fail: (error: Error) => void = () => undefined;
      let posts = 0;
      return {
        onFailure: (handler) => (fail = handler),
        onMessage: (handler) => thread.onMessage(handler),
        post(message: ThreadMessage) {
          posts += 1;
          if (posts < nth) thread.post(message);
          else if (posts === nth) queueMicrotask(() => fail(new Error('the thread died')));
        },
        [Symbol.asyncDispose]: async () => await thread[Symbol.asyncDispose](),
      };
    },
  };
}
