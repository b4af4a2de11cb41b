/*
 * The first run of a job onto a vault on a disk that travels (docs/format/seed.md), as the engine sees it: which disk, which vault, and what a
 * run says that meets a vault which does not know the disk yet.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headKey } from '@twinvault/engine';
import { replayPinned } from '@twinvault/seal';
import { Prng } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';
import { createDirectoryVault } from '@twinvault/vault';
import type { VaultSafe } from '@twinvault/protocol';
import { newWorld, run } from './world.ts';
import type { World } from './world.ts';

interface Disk {
  /** What a run onto it is told. */
  readonly options: { readonly vault: VaultSafe; readonly siteKey: Uint8Array; readonly seedDisk: Uint8Array };
  /** The same vault, as that of a site which has taken the disk in. */
  readonly asSite: { readonly vault: VaultSafe; readonly siteKey: Uint8Array };
}

/** A vault of its own with the world's safe in it. */
async function newDisk({ platform, safe }: World, path: string): Promise<Disk> {
  await platform.files.makeDirectory(path);
  const vault = await createDirectoryVault({ path, platform });
  await vault.createSafe({ descriptor: await safe.descriptor(), slots: await safe.slots(), ledger: await safe.ledger(1) });
  const { site, publicKey } = await vault.site();
  const asSite = { vault: await vault.openSafe(safe.safe), siteKey: publicKey };
  return { options: { ...asSite, seedDisk: site }, asSite };
}

function someTree(): MemoryTree {
  const prng = new Prng('seed');
  const tree = new MemoryTree();
  tree.directory('root/a');
  for (let index = 0; index < 8; index += 1) tree.file(`root/a/file-${index}`, prng.bytes(300_000));
  return tree;
}

test('a seed is made on one disk, awaited at the vault, and ends when the vault shows it', async () => {
  const world = await newWorld();
  const tree = someTree();
  const [disk, other] = [await newDisk(world, '/disk'), await newDisk(world, '/other')];
  const first = await run(world, tree, disk.options);
  assert.equal(first.sequence, 1);
  await assert.rejects(run(world, tree), { code: 'seed-awaited' });
  await assert.rejects(run(world, tree, other.options), { code: 'seed-elsewhere' });
  tree.file('root/a/file-1', 'changed');
  const second = await run(world, tree, disk.options);
  assert.equal(second.sequence, 2);
  assert.ok(second.uploadedBytes < first.uploadedBytes / 10, `${second.uploadedBytes} of ${first.uploadedBytes}`);
  tree.file('root/a/file-2', 'changed too');
  const third = await run(world, tree, disk.asSite);
  assert.equal(third.sequence, 3);
  assert.ok(third.uploadedBytes < first.uploadedBytes / 10, `${third.uploadedBytes} of ${first.uploadedBytes}`);
  await assert.rejects(run(world, tree, disk.options), { code: 'seed-late' });
  await assert.rejects(run(world, tree), { code: 'head-rolled-back' });
});

test('a disk that is lost is forgotten, and the job begins anew', async () => {
  const world = await newWorld();
  const tree = someTree();
  const disk = await newDisk(world, '/disk');
  await run(world, tree, disk.options);
  using state = world.state.safe(world.agent.safe);
  const pins = await state.pins();
  assert.equal(pins.forgetSeed(headKey(world.agent, 'another job')), false);
  assert.equal(pins.forgetSeed(headKey(world.agent, 'job')), true);
  const anew = await run(world, tree);
  assert.equal(anew.sequence, 1);
  assert.equal(pins.forgetSeed(headKey(world.agent, 'job')), false);
  assert.ok(pins.head(headKey(world.agent, 'job')) !== null);
});

test('a run onto a disk that is broken off stays with that disk, and a run to the vault ends the seed', async () => {
  const world = await newWorld();
  const tree = someTree();
  const [disk, other] = [await newDisk(world, '/disk'), await newDisk(world, '/other')];
  const stop = new AbortController();
  stop.abort();
  await assert.rejects(run(world, tree, { ...disk.options, signal: stop.signal }), { code: 'run-aborted' });
  await assert.rejects(run(world, tree, other.options), { code: 'seed-elsewhere' });
  assert.equal((await run(world, tree)).sequence, 1);
  await assert.rejects(run(world, tree, disk.options), { code: 'seed-late' });
});

test('the ledger that was seen last is there without a vault, and can be lost', async () => {
  const world = await newWorld();
  using state = world.state.safe(world.agent.safe);
  assert.equal(await state.keptLedger(), null);
  await run(world, someTree());
  const kept = await state.keptLedger();
  assert.ok(kept !== null);
  const pinned = { rootKey: world.agent.rootKey, ledgerHead: await state.ledgerHead(world.agent) };
  assert.deepEqual(replayPinned(kept, pinned).head, pinned.ledgerHead);
  await world.platform.files.replace(`${state.path}/ledger`, [new Uint8Array([1, 2, 3])]);
  assert.equal(await state.keptLedger(), null);
});
