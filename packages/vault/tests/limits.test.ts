/*
 * Where not everything can be done: a disk that is full at any budget, a vault that can only be read, a safe beside a damaged one.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayMs, KiB, minuteMs, StdError, toHex } from '@twinvault/std';
import type { Files } from '@twinvault/std';
import { memoryPlatform, MemoryDisk, rejectsWith, runOnce, sessionOf, TestSafe } from '@twinvault/testkit';
import { createDirectoryVault, openDirectoryVault } from '../src/index.ts';
import { backup, code, harness, pump, readsBack, root } from './harness.ts';
import { inDirectory, newBook, scenario, verifyBook } from './scenario.ts';

const filler = '/filler';
const reserveBytes: number = 256 * KiB;

test('whatever room is left, a full disk is said to be full, and with room again everything goes on', async () => {
  const needed = await bytesNeeded();
  // Little of the room is for the vault's reserve alone: most budgets end in the life after that.
  const budgets = [0, 50, 500, 5000, reserveBytes, ...Array.from({ length: 40 }, (_, index) => needed - 400 * index - 1)];
  for (const room of budgets) {
    const base = memoryPlatform('full');
    const capacityBytes = 4 * needed;
    const disk = new MemoryDisk({ clock: base.clock, capacityBytes });
    const platform = { ...base, disk, files: disk.mount() };
    await platform.files.create(filler, [new Uint8Array(capacityBytes - room)]);
    const book = newBook('full');
    const failure = await pump(platform, scenario(inDirectory(platform), book)).then(() => null, code);
    assert.equal(failure ?? 'vault-full', 'vault-full', `room ${room}`);
    await platform.files.remove(filler);
    await pump(platform, verifyBook(inDirectory(platform), book));
    await platform.clock.advance(6 * minuteMs);
    await pump(platform, scenario(inDirectory(platform), book));
    await pump(platform, verifyBook(inDirectory(platform), book));
  }
});

/** What the scenario takes at most. */
async function bytesNeeded(): Promise<number> {
  const base = memoryPlatform('full');
  let leastFree = Infinity;
  const disk: MemoryDisk = new MemoryDisk({ clock: base.clock, onStep: () => (leastFree = Math.min(leastFree, disk.freeBytes)) });
  const platform = { ...base, disk, files: disk.mount() };
  await pump(platform, scenario(inDirectory(platform), newBook('full')));
  return disk.totalBytes - leastFree;
}

test('a put on a full disk leaves nothing half visible, and clean-up makes room there', async () => {
  const base = memoryPlatform('room');
  const disk = new MemoryDisk({ clock: base.clock, capacityBytes: 1_100_000 });
  const platform = { ...base, disk, files: disk.mount() };
  const vault = await createDirectoryVault({ path: root, platform });
  const mine = new TestSafe('room');
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe);
  const safe = await vault.openSafe(mine.safe);
  const [old, current, large] = [200_000, 100_000, 200_000].map((blobBytes) => mine.pack(computer, { blobCount: 2, blobBytes }));
  assert.ok(old && current && large);
  await runOnce({ safe, mine, computer }, { packs: [old] });
  await base.clock.advance(2 * dayMs);
  await runOnce({ safe, mine, computer }, { packs: [current] });
  const session = await sessionOf(safe, mine, computer);
  await rejectsWith(session.putPack(large.name, large.bytes), 'vault-full');
  await session[Symbol.asyncDispose]();
  const hex = toHex(large.name);
  const folder = await platform.files.list(`${root}/safes/${toHex(mine.safe)}/packs/${hex.slice(0, 2)}`);
  assert.deepEqual(folder, []);

  await platform.files.create(filler, [new Uint8Array(disk.freeBytes)]);
  const keep = { others: { days: 0, copies: 1, intraday: false } };
  const report = await pump(platform, vault.clean(mine.safe, { keep, shareMax: 1, quarantineMs: 0 }));
  assert.equal(report.deletedBytes, old.bytes.length);
  assert.ok(await readsBack(safe, [current]));
  await platform.files.remove(filler);
  await runOnce({ safe, mine, computer }, { packs: [large] });
});

const mutations: readonly (keyof Files)[] = [
  'makeDirectory',
  'create',
  'replace',
  'append',
  'rename',
  'remove',
  'removeTree',
  'touch',
];

function readOnly(files: Files): Files {
  const refuse = (): Promise<never> => Promise.reject(new StdError('file-read-only'));
  return { ...files, ...Object.fromEntries(mutations.map((name) => [name, refuse])) };
}

test('a vault that can only be read is read, checked and asked, and says why it takes nothing', async () => {
  const parts = await harness();
  const { mine, computer, platform } = parts;
  const pack = mine.pack(computer);
  const record = await backup(parts, { packs: [pack] });
  await using vault = await openDirectoryVault({ path: root, platform: { ...platform, files: readOnly(platform.files) } });
  const safe = await vault.openSafe(mine.safe);
  assert.equal((await vault.safes()).length, 2);
  assert.ok((await vault.site()).nowMs > 0);
  assert.deepEqual(await safe.slots(), mine.newSafe.slots);
  assert.deepEqual(await safe.record(record.digest), record.bytes);
  assert.ok(await readsBack(safe, [pack]));
  assert.deepEqual((await vault.check({ readData: true })).problems, []);
  assert.equal((await vault.stats()).length, 2);
  assert.equal((await vault.clean(mine.safe, { dryRun: true, keep: {} })).records.length, 1);
  await rejectsWith(sessionOf(safe, mine, computer), 'vault-read-only');
  await rejectsWith(vault.clean(mine.safe), 'vault-read-only');
  await rejectsWith(vault.rebuild(), 'vault-read-only');
});

test('a safe beside a damaged one is found, opened and written', async () => {
  const parts = await harness();
  const { mine, platform, vault } = parts;
  const other = (await vault.safes()).find(({ label }) => label !== mine.label);
  assert.ok(other);
  await platform.files.replace(`${root}/safes/${toHex(other.safe)}/descriptor`, [new Uint8Array(7)]);
  assert.deepEqual((await vault.safes()).map(({ label }) => label).sort(), ['', mine.label]);
  await backup(parts);
  await rejectsWith((await vault.openSafe(other.safe)).slots(), 'vault-damaged');
});
