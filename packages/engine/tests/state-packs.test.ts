/*
 * State packs through whole runs in memory: what a run sends after local state was lost is what changed, pages of a large file
 * included; and whatever became of the state packs, every safeset gives back its tree.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng, toHex, utf8Encode } from '@twinvault/std';
import { PackTable, computerId, packKinds, packTailBytes, parsePackHeader, parseRecord, parseRefs } from '@twinvault/format';
import { openAgentState } from '@twinvault/engine';
import type { BackupOptions } from '@twinvault/engine';
import { PackKeyring, enrolHere, kindKeys, openChunk, revokeEntry } from '@twinvault/seal';
import { MemoryTree } from '@twinvault/testkit';
import type { MemoryPlatform } from '@twinvault/testkit';
import { openDirectoryVault } from '@twinvault/vault';
import { assertSame, newWorld, readBack, run } from './world.ts';
import type { World } from './world.ts';

const pageBytes = 4096;
const fileBytes = 6 * 1024 * 1024;

function contentOf(tree: MemoryTree, path: string): Uint8Array {
  return tree.nodes.get(path)?.content ?? new Uint8Array(0);
}

function changePages(tree: MemoryTree, prng: Prng, count: number): void {
  const changed = contentOf(tree, 'root/database').slice();
  for (let page = 0; page < count; page += 1) {
    changed.set(prng.bytes(pageBytes), pageBytes * prng.below(Math.floor(changed.length / pageBytes)));
  }
  tree.file('root/database', changed);
}

function newTree(prng: Prng): MemoryTree {
  const tree = new MemoryTree();
  tree.file('root/database', prng.bytes(fileBytes));
  tree.file('root/medium', prng.bytes(300_000));
  for (let index = 0; index < 60; index += 1) tree.file(`root/folder/${index}`, prng.bytes(500 + prng.below(20_000)));
  return tree;
}

/** The same computer on a new disk, with the keys it had. */
async function withoutState(world: World, platform: MemoryPlatform = world.platform): Promise<World> {
  const path = `/state of ${platform.clock.nowMs()}`;
  await platform.files.makeDirectory(path);
  const state = openAgentState({ path, platform });
  await state.safe(world.agent.safe).saveAgentKeys(world.agent);
  return { ...world, state };
}

interface Nights extends Partial<BackupOptions> {
  readonly prng: Prng;
  readonly count: number;
}

/** Some nights: a database that changes in pages, small files that change, come and go. */
async function nights(world: World, tree: MemoryTree, { prng, count, ...options }: Nights): Promise<void> {
  for (let night = 0; night < count; night += 1) {
    changePages(tree, prng, 12);
    tree.file(`root/folder/${prng.below(60)}`, prng.bytes(3000));
    tree.file(`root/new ${night}`, prng.bytes(2000));
    if (night > 0) tree.remove(`root/new ${night - 1}`);
    await run(world, tree, options);
  }
}

async function packFiles(world: World): Promise<string[]> {
  const root = `/vault/safes/${toHex(world.agent.safe)}/packs`;
  const paths: string[] = [];
  for (const { name } of await world.platform.files.list(root)) {
    for (const pack of await world.platform.files.list(`${root}/${name}`)) paths.push(`${root}/${name}/${pack.name}`);
  }
  return paths;
}

/** Of the packs that the newest record names, those of kind state. */
async function statePacks(world: World): Promise<string[]> {
  const newest = (await world.safe.records({ kind: 'safeset' })).at(-1);
  assert.ok(newest);
  const refs = parseRefs(parseRecord(await world.safe.record(newest.digest)).refs);
  const named = new Set([...refs.packs()].map(({ pack }) => toHex(pack)));
  const found: string[] = [];
  for (const path of await packFiles(world)) {
    const bytes = await world.platform.files.read(path, 1 << 26);
    if (bytes?.[6] === 3 && named.has(path.slice(path.lastIndexOf('/') + 1))) found.push(path);
  }
  return found;
}

test('after the loss of all local state only what changed is sent, pages included', async () => {
  const world = await newWorld('state loss');
  const prng = new Prng('state loss');
  const tree = newTree(prng);
  await run(world, tree);
  await nights(world, tree, { prng, count: 4 });
  const lost = await withoutState(world);
  changePages(tree, prng, 9);
  tree.file('root/folder/7', prng.bytes(4000));
  const report = await run(lost, tree);
  assert.ok(report.chunks.storedPlainBytes <= 9 * pageBytes + 4000, `${report.chunks.storedPlainBytes} bytes stored`);
  assertSame(await readBack(lost, report.record), tree);
  // And goes on from there as if nothing had happened.
  changePages(tree, prng, 5);
  const next = await run(lost, tree);
  assert.ok(next.chunks.storedPlainBytes <= 5 * pageBytes, `${next.chunks.storedPlainBytes} bytes stored`);
  assertSame(await readBack(lost, next.record), tree);
  const again = await run(await withoutState(lost), tree);
  assert.equal(again.chunks.stored, 0, 'what the runs after the loss changed is in the state too');
});

test('state of signatures in many segments is put together again, and read by a run with segments of another size', async () => {
  const world = await newWorld('state segments');
  const prng = new Prng('state segments');
  const tree = newTree(prng);
  const small = { segmentBits: 6 };
  await run(world, tree, small);
  await nights(world, tree, { prng, count: 3, ...small });
  const lost = await withoutState(world);
  changePages(tree, prng, 9);
  const report = await run(lost, tree, { segmentBits: 5 });
  assert.ok(report.chunks.storedPlainBytes <= 9 * pageBytes, `${report.chunks.storedPlainBytes} bytes stored`);
  assertSame(await readBack(lost, report.record), tree);
  changePages(tree, prng, 4);
  const next = await run(lost, tree, small);
  assert.ok(next.chunks.storedPlainBytes <= 4 * pageBytes, `${next.chunks.storedPlainBytes} bytes stored`);
  assertSame(await readBack(lost, next.record), tree);
  assert.equal((await run(await withoutState(lost), tree, small)).chunks.stored, 0);
});

test('without state packs the same loss costs much more', async () => {
  const world = await newWorld('state none');
  const prng = new Prng('state none');
  const tree = newTree(prng);
  await run(world, tree);
  await nights(world, tree, { prng, count: 2 });
  for (const path of await statePacks(world)) await world.platform.files.remove(path);
  const report = await run(await withoutState(world), tree);
  assert.ok(report.chunks.storedPlainBytes > 500_000, 'chunks that deltas had touched were sent');
  assertSame(await readBack(world, report.record), tree);
});

test('a run in which nothing changed sends no state, and one with little sends little', async () => {
  const world = await newWorld('state cost');
  const prng = new Prng('state cost');
  const tree = newTree(prng);
  await run(world, tree);
  const first = (await statePacks(world)).length;
  assert.equal(first, 1);
  const unchanged = await run(world, tree);
  assert.equal(unchanged.packs, 0);
  assert.equal((await statePacks(world)).length, 1);
  changePages(tree, prng, 10);
  await run(world, tree);
  const packs = await statePacks(world);
  assert.equal(packs.length, 2);
  const sizes = await Promise.all(packs.map(async (path) => (await world.platform.files.stat(path))?.sizeBytes ?? 0));
  assert.ok(Math.min(...sizes) < 1500, `a log of ${Math.min(...sizes)} bytes for ten pages`);
});

test('logs that outgrow their base give way to a new base, and what is superseded is named by old safesets alone', async () => {
  const world = await newWorld('state base');
  const prng = new Prng('state base');
  const tree = new MemoryTree();
  const write = (count: number): void => {
    for (let index = 0; index < count; index += 1) tree.file(`root/${prng.below(2000)}`, prng.bytes(50));
  };
  write(1500);
  await run(world, tree);
  const [first] = await statePacks(world);
  let counts = 1;
  for (let night = 0; night < 6; night += 1) {
    write(400);
    await run(world, tree);
    const packs = await statePacks(world);
    counts = Math.max(counts, packs.length);
    if (!packs.includes(first ?? '')) break;
  }
  assert.ok(counts > 1);
  assert.ok(!(await statePacks(world)).includes(first ?? ''), 'the first base is not named any more');
  const report = await run(await withoutState(world), tree);
  assert.equal(report.chunks.stored, 0);
});

test('a computer that is enrolled again as itself finds its state; a revoked certificate counts for nothing', async () => {
  for (const revoked of [false, true]) {
    const world = await newWorld('state enrolled');
    const prng = new Prng('state enrolled');
    const tree = newTree(prng);
    await run(world, tree);
    await nights(world, tree, { prng, count: 1 });
    const { opened, safe, platform, agent } = world;
    const { random, clock } = platform;
    const record = (await safe.records({ kind: 'safeset' })).at(-1)?.digest;
    assert.ok(record);
    const again = enrolHere({ opened, clock, computer: computerId(agent.computer), name: 'machine', random });
    await safe.appendLedger(again.entry);
    if (revoked) {
      const { certificate, computer } = agent;
      await safe.appendLedger(
        revokeEntry({ opened: again.opened, clock, certificate, last: [{ computer, job: 'job', record }] }),
      );
    }
    const state = openAgentState({ path: '/new', platform });
    await state.safe(agent.safe).saveAgentKeys(again.agent);
    changePages(tree, prng, 6);
    const report = await run({ ...world, agent: again.agent, state }, tree);
    // Chunks of a revoked certificate count as another computer's: each has to be proved.
    assert.equal(report.chunks.reused > 0, revoked);
    if (!revoked) assert.ok(report.chunks.storedPlainBytes <= 6 * pageBytes, `${report.chunks.storedPlainBytes} bytes stored`);
  }
});

test('whatever is lost, cut short or damaged of the state packs costs sending, never content', async () => {
  const prng = new Prng('state harm');
  for (const harm of ['a log lost', 'the base lost', 'cut short', 'flipped', 'emptied'] as const) {
    const world = await newWorld(`state ${harm}`);
    const tree = newTree(prng);
    await run(world, tree);
    await nights(world, tree, { prng, count: 3 });
    const { files } = world.platform;
    const packs = await statePacks(world);
    const sizes = await Promise.all(packs.map(async (path) => (await files.stat(path))?.sizeBytes ?? 0));
    const base = packs[sizes.indexOf(Math.max(...sizes))] ?? '';
    const log = packs.find((path) => path !== base) ?? '';
    const path = harm === 'a log lost' ? log : base;
    const bytes = (await files.read(path, 1 << 26)) ?? new Uint8Array(0);
    await files.remove(path);
    if (harm === 'cut short') await files.create(path, [bytes.subarray(0, bytes.length - 100)]);
    if (harm === 'flipped') await files.create(path, [bytes.map((byte, index) => (index === 300 ? byte ^ 1 : byte))]);
    if (harm === 'emptied') await files.create(path, [new Uint8Array(0)]);
    changePages(tree, prng, 3);
    const lost = await withoutState(world);
    const report = await run(lost, tree);
    assert.equal(report.result, 'ok');
    assertSame(await readBack(lost, report.record), tree);
    changePages(tree, prng, 3);
    const next = await run(lost, tree);
    assert.ok(next.chunks.storedPlainBytes <= 3 * pageBytes, 'the next run knows pages again');
    assertSame(await readBack(lost, next.record), tree);
  }
});

test('a site that was rolled back gives old state, and the right content all the same', async () => {
  const world = await newWorld('state rolled back');
  const prng = new Prng('state rolled back');
  const tree = newTree(prng);
  await run(world, tree);
  await nights(world, tree, { prng, count: 2 });
  await copyTree(world.platform, '/vault', '/before');
  await nights(world, tree, { prng, count: 2 });
  const vault = await openDirectoryVault({ path: '/before', platform: world.platform });
  const lost = { ...(await withoutState(world)), vault, safe: await vault.openSafe(world.agent.safe) };
  const report = await run(lost, tree);
  assert.ok(report.chunks.storedPlainBytes < 30 * pageBytes, 'only what changed since then is sent');
  assertSame(await readBack(lost, report.record), tree);
});

async function copyTree(platform: MemoryPlatform, from: string, to: string): Promise<void> {
  const { files } = platform;
  await files.makeDirectory(to);
  for (const { name, kind } of await files.list(from)) {
    if (kind === 'directory') await copyTree(platform, `${from}/${name}`, `${to}/${name}`);
    else await files.create(`${to}/${name}`, [(await files.read(`${from}/${name}`, 1 << 26)) ?? new Uint8Array(0)]);
  }
}

test('the state key opens state packs alone, and in them names but no content', async () => {
  const world = await newWorld('state secrets');
  const prng = new Prng('state secrets');
  const tree = newTree(prng);
  const canary = utf8Encode('what only who opened the safe may read');
  tree.file('root/telling name', canary);
  await run(world, tree);
  await nights(world, tree, { prng, count: 1 });
  const { agent, platform } = world;
  const keyring = new PackKeyring({ stateKeyOf: () => agent.stateKey });
  const kinds = new Map<number, number>();
  const opened: Uint8Array[] = [];
  for (const path of await packFiles(world)) {
    const bytes = (await platform.files.read(path, 1 << 26)) ?? new Uint8Array(0);
    const header = parsePackHeader(bytes);
    kinds.set(header.kind, (kinds.get(header.kind) ?? 0) + 1);
    if (header.kind !== packKinds.state) {
      assert.throws(() => keyring.packKeyFor(header), { code: 'epoch-unknown' });
      continue;
    }
    const table = new PackTable(bytes.subarray(bytes.length - packTailBytes(bytes.subarray(bytes.length - 40))));
    const keys = kindKeys(agent.writeSecret, packKinds.state);
    for (let index = 0; index < table.count; index += 1) {
      const row = table.row(index);
      const blob = bytes.subarray(row.offsetBytes, row.offsetBytes + row.lengthBytes);
      opened.push(openChunk({ row, header, keyring, blob, keys }));
      const other = new PackKeyring({ stateKeyOf: () => new Uint8Array(32) });
      assert.throws(() => openChunk({ row, header, keyring: other, blob, keys }), { code: 'slip-damaged' });
    }
  }
  assert.deepEqual(new Set(kinds.keys()), new Set(Object.values(packKinds)));
  const has = (bytes: Uint8Array): boolean => opened.some((part) => Buffer.from(part).includes(Buffer.from(bytes)));
  assert.ok(has(utf8Encode('telling name')));
  assert.ok(!has(canary));
});

test('state of another job or another computer is not believed', async () => {
  const world = await newWorld('state foreign');
  const prng = new Prng('state foreign');
  const tree = newTree(prng);
  await run(world, tree, { job: 'other' });
  await run(world, tree);
  await nights(world, tree, { prng, count: 1 });
  const { opened, safe, platform, agent } = world;
  const { random, clock } = platform;
  const other = enrolHere({ opened, clock, computer: computerId(random.bytes(16)), name: 'other', random });
  await safe.appendLedger(other.entry);
  const state = openAgentState({ path: '/other', platform });
  await state.safe(agent.safe).saveAgentKeys(other.agent);
  const report = await run({ ...world, agent: other.agent, state }, tree);
  assert.equal(report.sequence, 1);
  assertSame(await readBack(world, report.record), tree);
});
