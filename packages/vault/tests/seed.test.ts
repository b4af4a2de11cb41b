/*
 * Seed disks without an engine: what a load and a restore hold, that each defect is found by name, and that what was broken off goes on. Packs
 * and records are those of TestSafe: real objects with real signatures.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SafeId } from '@twinvault/format';
import { primitives, toHex } from '@twinvault/std';
import type { CodedError } from '@twinvault/std';
import { compactedPack } from '@twinvault/testkit';
import type { TestPack, TestRecord } from '@twinvault/testkit';
import { createSeedDisk, exportSeed, finishLoad, openSeedDisk, verifySeed } from '../src/index.ts';
import type { SeedDisk } from '../src/index.ts';
import { backup, harness } from './harness.ts';
import type { Harness } from './harness.ts';

const path = '/disk';

interface Load {
  readonly disk: SeedDisk;
  readonly packs: readonly TestPack[];
  readonly record: TestRecord;
}

/** A computer's first run on a disk, and a second one that adds a pack. */
async function load(world: Harness): Promise<Load> {
  const { platform, mine, computer } = world;
  const disk = await createSeedDisk({ path, platform }, 'load');
  const safe = await disk.vault.placeSafe({ ...mine.newSafe, slots: [] });
  const packs = [mine.pack(computer), mine.pack(computer), mine.pack(computer)];
  await backup({ ...world, safe }, { packs: packs.slice(0, 2) });
  const record = await backup({ ...world, safe }, { packs: packs.slice(2), reused: packs.slice(0, 2) });
  return { disk, packs, record };
}

function finish({ mine, computer }: Harness, disk: SeedDisk): Promise<unknown> {
  const sign = (message: Uint8Array): Uint8Array => primitives.ed25519Sign(computer.agentSeed, message);
  return finishLoad(disk, mine.safe, { certificate: computer.certificate, sign });
}

const packFile = (safe: SafeId, { name }: TestPack): string => {
  const hex = toHex(name);
  return `${path}/vault/safes/${toHex(safe)}/packs/${hex.slice(0, 2)}/${hex}`;
};

const codeIs =
  (code: string) =>
  (error: unknown): boolean =>
    (error as CodedError).code === code;

test('a load is complete with its manifest, holds no key slot, and proves itself', async () => {
  const world = await harness();
  const { disk } = await load(world);
  assert.deepEqual(await disk.safes(), []);
  await assert.rejects(verifySeed(disk, world.mine.safe), codeIs('seed-unfinished'));
  await finish(world, disk);
  assert.deepEqual((await disk.safes()).map(toHex), [toHex(world.mine.safe)]);
  const { objects } = await disk.contents(world.mine.safe);
  const count = (kind: string): number => objects.filter((object) => object.kind === kind).length;
  assert.deepEqual([count('slots'), count('pack'), count('record')], [0, 3, 2]);
  const steps: number[] = [];
  const report = await verifySeed(disk, world.mine.safe, { progress: ({ bytes }) => steps.push(bytes) });
  assert.deepEqual([report.problems, report.incomplete], [[], []]);
  assert.equal(steps.at(-1), report.manifest.bytes);
  const again = await openSeedDisk({ path, platform: world.platform });
  assert.equal(again.purpose, 'load');
  await assert.rejects(createSeedDisk({ path, platform: world.platform }, 'restore'), codeIs('seed-purpose'));
  await assert.rejects(openSeedDisk({ path: '/elsewhere', platform: world.platform }), codeIs('seed-missing'));
});

test('what broken-off runs left beside is not part of the seed', async () => {
  const world = await harness();
  const { disk } = await load(world);
  const stray = world.mine.pack(world.computer);
  const safe = await disk.vault.openSafe(world.mine.safe);
  const { certificate, computer } = world.computer;
  {
    await using session = await safe.openSession({ certificate, computer, job: 'other', ledger: world.mine.head });
    await session.putPack(stray.name, stray.bytes);
  }
  await finish(world, disk);
  const { objects } = await disk.contents(world.mine.safe);
  assert.ok(!objects.some(({ name }) => name === toHex(stray.name)));
});

test('each defect of a disk is found by name, and tells which safesets lack something', async () => {
  const world = await harness();
  const { disk, packs, record } = await load(world);
  await finish(world, disk);
  const { files } = world.platform;
  const [first, second, third] = packs as [TestPack, TestPack, TestPack];
  const bytes = second.bytes.slice();
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await files.replace(packFile(world.mine.safe, second), [bytes]);
  const flipped = await verifySeed(disk, world.mine.safe);
  assert.deepEqual(
    flipped.problems.map(({ kind, name }) => [kind, name]),
    [['pack', toHex(second.name)]],
  );
  assert.equal(flipped.incomplete.length, 2);
  await files.replace(packFile(world.mine.safe, second), [second.bytes]);
  await files.remove(packFile(world.mine.safe, third));
  const missing = await verifySeed(disk, world.mine.safe);
  assert.deepEqual(missing.problems, [{ kind: 'pack', name: toHex(third.name), defect: 'missing' }]);
  assert.deepEqual(missing.incomplete, [toHex(record.digest)]);
  await files.replace(packFile(world.mine.safe, third), [first.bytes]);
  assert.equal((await verifySeed(disk, world.mine.safe)).problems[0]?.name, toHex(third.name));
});

test('a list or manifest that is not the signed one is refused', async () => {
  const world = await harness();
  const { disk } = await load(world);
  await finish(world, disk);
  const { files } = world.platform;
  const place = `${path}/manifests/${toHex(world.mine.safe)}`;
  const list = (await files.read(`${place}.list`, 1 << 20)) ?? new Uint8Array(0);
  const lines = new TextDecoder().decode(list).split('\n');
  await files.replace(`${place}.list`, [new TextEncoder().encode([...lines.slice(0, -2), ''].join('\n'))]);
  await assert.rejects(disk.contents(world.mine.safe), codeIs('seed-damaged'));
  await files.replace(`${place}.list`, [list]);
  const manifest = ((await files.read(`${place}.manifest`, 1 << 20)) ?? new Uint8Array(0)).slice();
  const last = manifest.length - 1;
  manifest[last] = (manifest[last] ?? 0) ^ 1;
  await files.replace(`${place}.manifest`, [manifest]);
  await assert.rejects(verifySeed(disk, world.mine.safe), codeIs('seed-signer'));
  const thief = world.mine.enrol('thief');
  const sign = (message: Uint8Array): Uint8Array => primitives.ed25519Sign(thief.agentSeed, message);
  await finishLoad(disk, world.mine.safe, { certificate: thief.certificate, sign });
  await assert.rejects(verifySeed(disk, world.mine.safe), codeIs('seed-signer'));
});

test('safesets are copied onto a disk with all that a restore needs, goes on when given again, and is mended', async () => {
  const world = await harness();
  const { platform, mine, computer, safe } = world;
  const packs = [mine.pack(computer), mine.pack(computer), mine.pack(computer)];
  await backup(world, { packs: packs.slice(0, 2) });
  await backup(world, { packs: packs.slice(2), reused: packs.slice(0, 1) });
  const records = await safe.records({ kind: 'safeset' });
  const disk = await createSeedDisk({ path, platform }, 'restore');
  const first = await exportSeed({ disk, from: safe, records: records.slice(0, 1) });
  assert.deepEqual([first.copiedPacks, first.manifest.records], [2, 1]);
  const all = await exportSeed({ disk, from: safe, records: records.slice(1) });
  assert.deepEqual([all.copiedPacks, all.manifest.records], [1, 2]);
  const { objects } = await disk.contents(mine.safe);
  assert.equal(objects.filter(({ kind }) => kind === 'slots').length, mine.newSafe.slots.length);
  const report = await verifySeed(disk, mine.safe);
  assert.deepEqual([report.problems, report.incomplete], [[], []]);
  const onDisk = await disk.vault.openSafe(mine.safe);
  assert.deepEqual((await onDisk.slots()).length, mine.newSafe.slots.length);
  assert.equal((await onDisk.records({ kind: 'safeset' })).length, 2);
  const [one] = packs as [TestPack];
  const bytes = one.bytes.slice();
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await platform.files.replace(packFile(mine.safe, one), [bytes]);
  assert.equal((await exportSeed({ disk, from: safe, records })).copiedPacks, 0);
  assert.equal((await exportSeed({ disk, from: safe, records, mend: true })).copiedPacks, 1);
  assert.deepEqual((await verifySeed(disk, mine.safe)).problems, []);
});

test('compacted packs are copied as they are', async () => {
  const world = await harness();
  const { platform, mine, computer, safe } = world;
  const packs = [mine.pack(computer), mine.pack(computer)];
  await backup(world, { packs });
  const made = compactedPack(mine.safe, packs);
  const { store, layout } = (await world.vault.partsOf(mine.safe)).context;
  await store.put(layout.pack(toHex(made.name)), [made.bytes]);
  for (const { name } of packs) await store.remove(layout.pack(name));
  const disk = await createSeedDisk({ path, platform }, 'restore');
  const report = await exportSeed({ disk, from: safe, records: await safe.records({ kind: 'safeset' }) });
  assert.equal(report.copiedPacks, 1);
  const { objects } = await disk.contents(mine.safe);
  assert.deepEqual(
    objects.filter(({ kind }) => kind === 'pack').map(({ name }) => name),
    [toHex(made.name)],
  );
  const verified = await verifySeed(disk, mine.safe);
  assert.deepEqual([verified.problems, verified.incomplete], [[], []]);
});

test('a copy that stops anywhere is not complete, and goes on without copying again what is there', async () => {
  const world = await harness();
  const { platform, mine, computer, safe } = world;
  const packs = Array.from({ length: 9 }, () => mine.pack(computer));
  await backup(world, { packs });
  const records = await safe.records({ kind: 'safeset' });
  const disk = await createSeedDisk({ path, platform }, 'restore');
  const stop = new AbortController();
  const stopped = exportSeed({
    disk,
    from: safe,
    records,
    signal: stop.signal,
    progress: ({ objects }) => {
      if (objects === 3) stop.abort();
    },
  });
  await assert.rejects(stopped, { name: 'AbortError' });
  await assert.rejects(disk.contents(mine.safe), codeIs('seed-unfinished'));
  const rest = await exportSeed({ disk, from: safe, records });
  assert.ok(rest.copiedPacks < packs.length && rest.copiedPacks > 0, `${rest.copiedPacks}`);
  assert.deepEqual((await verifySeed(disk, mine.safe)).problems, []);
});
