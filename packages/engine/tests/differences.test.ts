/* A run tells its record by what it changes of the job's last one, and whole where that would be larger or the base is not to be had. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRecordDifference, parseRecordDifference } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { VaultSafe } from '@twinvault/protocol';
import { MiB, Prng } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';
import { assertSame, newWorld, over, readBack, run } from './world.ts';
import type { World } from './world.ts';

/** Enough packs that a night's difference is smaller than refs. */
function largeTree(): MemoryTree {
  const prng = new Prng('large');
  const tree = new MemoryTree();
  tree.directory('root');
  for (let index = 0; index < 4; index += 1) tree.file(`root/file-${index}`, prng.bytes(17 * MiB));
  return tree;
}

/** The safe, and what was offered to it for commit; `refuse` may answer instead. */
function watched(
  { safe }: World,
  refuse: (record: Uint8Array) => void = () => undefined,
): { safe: VaultSafe; offered: Uint8Array[] } {
  const offered: Uint8Array[] = [];
  const openSession: VaultSafe['openSession'] = async (request) => {
    const session = await safe.openSession(request);
    return over(session, {
      commit: async (record) => {
        offered.push(record);
        refuse(record);
        return await session.commit(record);
      },
    });
  };
  return { safe: over(safe, { openSession }), offered };
}

test('the second record is a difference to the first, and restores alike', async () => {
  const world = await newWorld();
  const tree = largeTree();
  const one = watched(world);
  const first = await run(world, tree, { vault: one.safe });
  assert.deepEqual(one.offered.map(isRecordDifference), [false]);
  tree.file('root/more', 'a little more');
  const two = watched(world);
  const second = await run(world, tree, { vault: two.safe });
  const [sent, ...others] = two.offered;
  assert.ok(sent !== undefined && others.length === 0);
  assert.deepEqual(parseRecordDifference(sent).base, first.record);
  const read = await readBack(world, second.record);
  assertSame(read, tree);
  assert.ok(sent.length < (await world.safe.record(second.record)).length);
});

test('a base that the site does not have any more costs one question', async () => {
  const world = await newWorld();
  const tree = largeTree();
  await run(world, tree);
  const forgetful = watched(world, (record) => {
    if (isRecordDifference(record)) throw new ProtocolError('base-unknown');
  });
  const { record, uploadedBytes } = await run(world, tree, { vault: forgetful.safe });
  assert.deepEqual(forgetful.offered.map(isRecordDifference), [true, false]);
  assert.equal(
    uploadedBytes,
    forgetful.offered.reduce((sum, { length }) => sum + length, 0),
  );
  assertSame(await readBack(world, record), tree);
});

test('any other refusal is the run’s', async () => {
  const world = await newWorld();
  const tree = largeTree();
  await run(world, tree);
  const strict = watched(world, () => {
    throw new ProtocolError('head-moved');
  });
  await assert.rejects(run(world, tree, { vault: strict.safe }), { code: 'head-moved' });
  assert.equal(strict.offered.length, 1);
});

test('without refs of its own, or with damaged ones, or of another record, a computer sends the record whole', async () => {
  const world = await newWorld();
  const { files } = world.platform;
  const tree = largeTree();
  await run(world, tree);
  const folder = (await files.list('/state')).find(({ kind }) => kind === 'directory')?.name ?? '';
  const [path = ''] = await pathsOf(world, `/state/${folder}`, '/refs');
  const kept = (await files.read(path, MiB)) ?? new Uint8Array(0);
  assert.ok(kept.length > 72);
  for (const damage of [
    null,
    new Uint8Array(0),
    kept.subarray(0, -1),
    kept.with(20, (kept[20] ?? 0) ^ 1),
    kept.with(kept.length - 1, 0xff),
    // Right, but of the record before the last.
    kept,
  ]) {
    if (damage === null) await files.remove(path);
    else await files.replace(path, [damage]);
    const seen = watched(world);
    const { record } = await run(world, tree, { vault: seen.safe });
    assert.deepEqual(seen.offered.map(isRecordDifference), [false]);
    assertSame(await readBack(world, record), tree);
  }
  const after = watched(world);
  await run(world, tree, { vault: after.safe });
  assert.deepEqual(after.offered.map(isRecordDifference), [true]);
});

async function pathsOf({ platform }: World, folder: string, end: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, kind } of await platform.files.list(folder)) {
    const path = `${folder}/${name}`;
    if (kind === 'directory') found.push(...(await pathsOf({ platform } as World, path, end)));
    else if (path.endsWith(end)) found.push(path);
  }
  return found;
}
