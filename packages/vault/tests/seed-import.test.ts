/*
 * A load taken in at its site: complete, repeated, broken off, damaged, of somebody else. The site and the disk are directories in memory; what
 * comes is made by TestSafe.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewObject } from '../src/database/inventory.ts';
import { primitives, toHex } from '@twinvault/std';
import type { CodedError } from '@twinvault/std';
import { TestSafe } from '@twinvault/testkit';
import type { TestPack, TestRecord } from '@twinvault/testkit';
import { createSeedDisk, exportSeed, finishLoad, importSeed } from '../src/index.ts';
import type { ImportOptions, ImportReport, SeedDisk } from '../src/index.ts';
import { backup, harness, readsBack } from './harness.ts';
import type { Harness } from './harness.ts';

const path = '/disk';

interface Load {
  readonly disk: SeedDisk;
  readonly packs: readonly TestPack[];
  readonly records: readonly TestRecord[];
}

/** Two safesets of five packs on a disk, complete. */
async function load(world: Harness, job = 'job'): Promise<Load> {
  const { platform, mine, computer } = world;
  const disk = await createSeedDisk({ path, platform }, 'load');
  const safe = await disk.vault.placeSafe({ ...mine.newSafe, slots: [] });
  const packs = Array.from({ length: 5 }, () => mine.pack(computer));
  const first = await backup({ ...world, safe }, { packs: packs.slice(0, 3), job });
  const second = await backup({ ...world, safe }, { packs: packs.slice(3), reused: packs.slice(0, 2), job });
  await finish(world, disk);
  return { disk, packs, records: [first, second] };
}

async function finish({ mine, computer }: Harness, disk: SeedDisk): Promise<void> {
  const sign = (message: Uint8Array): Uint8Array => primitives.ed25519Sign(computer.agentSeed, message);
  await finishLoad(disk, mine.safe, { certificate: computer.certificate, sign });
}

function take({ vault, mine }: Harness, disk: SeedDisk, options: Partial<ImportOptions> = {}): Promise<ImportReport> {
  return importSeed({ vault, disk, safe: mine.safe, ...options });
}

const codeIs =
  (code: string) =>
  (error: unknown): boolean =>
    (error as CodedError).code === code;

const packFile = ({ mine }: Harness, { name }: TestPack): string => {
  const hex = toHex(name);
  return `${path}/vault/safes/${toHex(mine.safe)}/packs/${hex.slice(0, 2)}/${hex}`;
};

test('a load stands at the site with its receipts, and taking it in again changes nothing', async () => {
  const world = await harness();
  const { disk, packs, records } = await load(world);
  const announced: NewObject[] = [];
  const steps: { bytes: number; bytesTotal: number }[] = [];
  const report = await take(world, disk, {
    announce: (objects) => {
      announced.push(...objects);
      return Promise.resolve();
    },
    progress: (told) => steps.push(told),
  });
  assert.deepEqual([report.held, report.left], [[], []]);
  assert.deepEqual([report.safesets, report.safesetsBefore], [2, 0]);
  const listed = await world.safe.records({ kind: 'safeset' });
  assert.deepEqual(listed.map(({ digest }) => toHex(digest)).sort(), records.map(({ digest }) => toHex(digest)).sort());
  assert.ok(await readsBack(world.safe, packs));
  const kinds = (kind: string): number => announced.filter((object) => object.kind === kind).length;
  assert.deepEqual([kinds('pack'), kinds('record'), kinds('receipt')], [5, 2, 2]);
  assert.ok(steps.every(({ bytes, bytesTotal }) => bytes > 0 && bytesTotal > 0));
  const again = await take(world, disk);
  assert.deepEqual([again.objects, again.bytes, again.safesets, again.safesetsBefore], [0, 0, 2, 2]);
  assert.deepEqual((await world.vault.check({ readData: true })).problems, []);
  // The job goes on at the site, from the seed's head.
  const next = await backup(world, { reused: packs.slice(3) });
  assert.equal((await world.safe.records({ kind: 'safeset' })).at(-1)?.public.sequence, 3);
  assert.ok(next.bytes.length > 0);
});

test('broken off anywhere it goes on, and takes nothing twice', async () => {
  const whole = await harness();
  const total = (await take(whole, (await load(whole)).disk)).objects;
  for (let stopAt = 1; stopAt < total; stopAt += 1) {
    const world = await harness();
    const { disk, packs } = await load(world);
    const stop = new AbortController();
    const first = { objects: 0 };
    const broken = take(world, disk, {
      signal: stop.signal,
      progress: ({ objects }) => {
        first.objects = objects;
        if (objects === stopAt) stop.abort();
      },
    });
    const [ended] = await Promise.allSettled([broken]);
    const rest = await take(world, disk);
    if (ended.status === 'rejected')
      assert.ok(first.objects + rest.objects <= total + 1, `${stopAt}: ${first.objects} and ${rest.objects}`);
    assert.equal(rest.safesets, 2);
    assert.ok(await readsBack(world.safe, packs), `stopped at ${stopAt}`);
  }
});

test('what is damaged on the disk is named, the rest is taken in, and a mended disk brings the rest', async () => {
  const world = await harness();
  const { disk, packs, records } = await load(world);
  const [, , third] = packs as [TestPack, TestPack, TestPack];
  const { files } = world.platform;
  const bytes = third.bytes.slice();
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await files.replace(packFile(world, third), [bytes]);
  const report = await take(world, disk);
  assert.ok(report.held.some(({ kind, name }) => kind === 'pack' && name === toHex(third.name)));
  assert.deepEqual([report.safesets, report.manifest.records], [1, 2]);
  const [first, second] = records as [TestRecord, TestRecord];
  const listed = new Set((await world.safe.records()).map(({ digest }) => toHex(digest)));
  assert.ok(listed.has(toHex(second.digest)) && !listed.has(toHex(first.digest)));
  assert.deepEqual(
    (await world.vault.check({ readData: true })).problems.filter(({ code }) => code !== 'chain-broken'),
    [],
  );
  await files.replace(packFile(world, third), [third.bytes]);
  const mended = await take(world, disk);
  assert.deepEqual([mended.held, mended.safesets], [[], 2]);
});

test('a disk whose damaged pack is set aside is complete again with the next run, without the safeset that it cost', async () => {
  const world = await harness();
  const { disk, packs } = await load(world);
  const [first, , third] = packs as [TestPack, TestPack, TestPack];
  const bytes = third.bytes.slice();
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await world.platform.files.replace(packFile(world, third), [bytes]);
  await disk.vault.check({ readData: true, setAside: true });
  await finish(world, disk);
  assert.equal((await disk.contents(world.mine.safe)).manifest.records, 1);
  const safe = await disk.vault.openSafe(world.mine.safe);
  await backup({ ...world, safe }, { packs: [world.mine.pack(world.computer)], reused: [first] });
  await finish(world, disk);
  const report = await take(world, disk);
  assert.deepEqual([report.held, report.safesets, report.manifest.records], [[], 2, 2]);
  await world.platform.files.remove(packFile(world, first));
  await assert.rejects(finish(world, disk), codeIs('origin-missing'));
});

test('a disk of another safe, of a revoked computer, of the other way, or not ended is refused and changes nothing', async () => {
  const world = await harness();
  const { disk } = await load(world);
  const stranger = new TestSafe('stranger');
  const computer = stranger.enrol();
  const theirs = await createSeedDisk({ path: '/theirs', platform: world.platform }, 'load');
  const safe = await theirs.vault.placeSafe({ ...stranger.newSafe, slots: [] });
  await backup({ safe, mine: stranger, computer });
  const ofStranger = { ...world, mine: stranger, computer };
  await assert.rejects(take(ofStranger, theirs), codeIs('seed-unfinished'));
  await finish(ofStranger, theirs);
  await assert.rejects(take(ofStranger, theirs), codeIs('seed-foreign'));
  const { certificate } = world.computer;
  const entry = world.mine.append({ kind: 'revocation', certificate, last: [], suspect: [] });
  await world.safe.appendLedger(entry);
  await assert.rejects(take(world, disk), codeIs('seed-signer'));
  assert.deepEqual(await world.safe.records(), []);
  const back = await createSeedDisk({ path: '/back', platform: world.platform }, 'restore');
  await exportSeed({ disk: back, from: world.safe, records: [] });
  await assert.rejects(take(world, back), codeIs('seed-purpose'));
});

test('a job that went on over the network meanwhile has two heads, and its next run joins them', async () => {
  const world = await harness();
  const { disk } = await load(world);
  await backup(world);
  await take(world, disk);
  const { certificate, computer } = world.computer;
  {
    await using session = await world.safe.openSession({ certificate, computer, job: 'job', ledger: world.mine.head });
    assert.equal(session.heads.length, 2);
  }
  await backup(world);
  await using after = await world.safe.openSession({ certificate, computer, job: 'job', ledger: world.mine.head });
  assert.equal(after.heads.length, 1);
});
