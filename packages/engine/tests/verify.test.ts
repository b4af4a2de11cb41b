/* The keyed half of `check`: it opens every safeset, holds refs against the catalog, and opens every stored chunk once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifySafe } from '@twinvault/engine';
import type { VerifyOptions, VerifyReport } from '@twinvault/engine';
import { Prng } from '@twinvault/std';
import { openSafeReader } from '@twinvault/seal';
import { MemoryTree } from '@twinvault/testkit';
import { damage, openSafeset, placesOf, removePack } from './restore-world.ts';
import { newWorld, run } from './world.ts';
import type { World } from './world.ts';

async function verify(world: World, options: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
  const reader = openSafeReader({ vaultSafe: world.safe, opened: world.opened });
  return await verifySafe({ reader, readData: true, threads: world.platform.threads, ...options });
}

function problems({ problems: found }: VerifyReport): string[] {
  return found.map(({ code, chunks }) => `${code} ${chunks}`).sort();
}

async function threeSafesets(): Promise<{ world: World; records: Awaited<ReturnType<typeof run>>[] }> {
  const world = await newWorld();
  const tree = new MemoryTree();
  const prng = new Prng('verify');
  tree.directory('root/a');
  for (let index = 0; index < 20; index += 1) tree.file(`root/a/${index}`, prng.bytes(100_000));
  const records = [await run(world, tree)];
  tree.file('root/new', prng.bytes(300_000));
  records.push(await run(world, tree));
  tree.remove('root/a/3');
  records.push(await run(world, tree));
  return { world, records };
}

test('a good safe has no problems, and each chunk is opened once', async () => {
  const { world } = await threeSafesets();
  const seen: number[] = [];
  const report = await verify(world, { progress: ({ safesets, safesetsTotal }) => seen.push(safesets / safesetsTotal) });
  assert.deepEqual(problems(report), []);
  assert.equal(report.safesets, 3);
  assert.equal(seen.at(-1), 1);
  const [packs, bytes] = await stored(world);
  assert.ok(report.bytes <= bytes, `${report.bytes} of ${bytes} bytes in ${packs} packs`);
  assert.ok(report.bytes > 2_300_000);
  const refsOnly = await verify(world, { readData: false });
  assert.deepEqual(problems(refsOnly), []);
  assert.equal(refsOnly.chunks, 0);
});

async function stored(world: World): Promise<[packs: number, bytes: number]> {
  let [packs, bytes] = [0, 0];
  const folder = `/vault/safes/${Buffer.from(world.agent.safe).toString('hex')}/packs`;
  for (const { name } of await world.platform.files.list(folder)) {
    for (const pack of await world.platform.files.list(`${folder}/${name}`)) {
      packs += 1;
      bytes += (await world.platform.files.stat(`${folder}/${name}/${pack.name}`))?.sizeBytes ?? 0;
    }
  }
  return [packs, bytes];
}

test('a damaged chunk is found, once, when data is read', async () => {
  const { world, records } = await threeSafesets();
  const [first] = records;
  assert.ok(first);
  const [place] = await placesOf(world, first.record, 'root/a/7');
  assert.ok(place);
  await damage(world, place);
  assert.deepEqual(problems(await verify(world)), ['blob-damaged 1']);
  assert.deepEqual(problems(await verify(world, { readData: false })), []);
});

test('a chunk that only a later safeset has is found damaged there', async () => {
  const { world, records } = await threeSafesets();
  const second = records[1];
  assert.ok(second);
  const [place] = await placesOf(world, second.record, 'root/new');
  assert.ok(place);
  await damage(world, place);
  const report = await verify(world);
  assert.deepEqual(problems(report), ['blob-damaged 1']);
  assert.deepEqual(report.problems[0]?.record, second.record);
});

test('refs that lead nowhere are found without reading data', async () => {
  const { world, records } = await threeSafesets();
  const second = records[1];
  assert.ok(second);
  const [place] = await placesOf(world, second.record, 'root/new');
  assert.ok(place);
  await removePack(world, place);
  const refsOnly = await verify(world, { readData: false });
  assert.equal(refsOnly.problems.length, 2);
  assert.ok(refsOnly.problems.every(({ code }) => code === 'refs-mismatch'));
  const report = await verify(world);
  assert.equal(report.safesets, 3);
  assert.ok(report.problems.some(({ code }) => code === 'chunk-missing'));
});

test('a safeset whose catalog is damaged is a problem, and the others are looked at', async () => {
  const { world, records } = await threeSafesets();
  const third = records[2];
  assert.ok(third);
  const safeset = await openSafeset(world, third.record);
  await damage(world, await safeset.chunks.locate(safeset.catalog.top.id));
  const report = await verify(world);
  assert.equal(report.safesets, 3);
  assert.deepEqual(problems(report), ['blob-damaged 0']);
  assert.deepEqual(report.problems[0]?.record, third.record);
});

test('an abort ends it', async () => {
  const { world } = await threeSafesets();
  const controller = new AbortController();
  await assert.rejects(verify(world, { signal: controller.signal, progress: () => controller.abort(new Error('stop')) }), /stop/);
});
