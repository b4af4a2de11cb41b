/*
 * Clean-up on memory files and a fake clock: what goes, when it goes, and everything that keeps it from going.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayMs, hourMs, minuteMs, toHex } from '@twinvault/std';
import { following, liveNames, rejectsWith, sessionOf } from '@twinvault/testkit';
import { backup, harness, readsBack, root } from './harness.ts';
import type { Harness } from './harness.ts';

const others = { days: 0, copies: 1, intraday: false };
const keep = { others };

async function clean(
  parts: Harness,
  options: Parameters<Harness['vault']['clean']>[1] = {},
): ReturnType<Harness['vault']['clean']> {
  return parts.vault.clean(parts.mine.safe, { keep, shareMax: 1, ...options });
}

/** Two backups, a day apart, the first of which retention lets go. */
async function twoBackups(
  parts: Harness,
): Promise<{ dead: ReturnType<Harness['mine']['pack']>; live: ReturnType<Harness['mine']['pack']> }> {
  const { mine, computer, platform } = parts;
  const [dead, live] = [mine.pack(computer), mine.pack(computer)];
  await backup(parts, { packs: [dead] });
  await platform.clock.advance(dayMs);
  await backup(parts, { packs: [live] });
  await platform.clock.advance(dayMs);
  return { dead, live };
}

test('a dead pack goes after two marks a day apart, its record leaves a stub', async () => {
  const parts = await harness();
  const { dead, live } = await twoBackups(parts);
  const first = await clean(parts);
  assert.deepEqual(
    first.records.map(({ action, reason }) => [action, reason]),
    [
      ['retire', 'retention'],
      ['keep', 'newest-good'],
    ],
  );
  assert.deepEqual(first.packs, [{ pack: toHex(dead.name), bytes: dead.bytes.length, action: 'quarantine', reason: 'dead' }]);
  assert.equal(first.markedShare, dead.bytes.length / (dead.bytes.length + live.bytes.length));
  const [stub, ...rest] = await parts.safe.records();
  assert.equal(stub?.retired, true);
  assert.equal(rest.length, 1);
  await rejectsWith(parts.safe.record(stub.digest), 'record-unknown');
  assert.ok(await readsBack(parts.safe, [dead, live]));

  await parts.platform.clock.advance(23 * hourMs);
  const second = await clean(parts);
  assert.deepEqual(
    second.packs.map(({ action, reason }) => [action, reason]),
    [['wait', 'delay']],
  );
  await parts.platform.clock.advance(2 * hourMs);
  const third = await clean(parts);
  assert.deepEqual(
    third.packs.map(({ action }) => action),
    ['delete'],
  );
  assert.equal(third.deletedBytes, dead.bytes.length);
  await using reading = await parts.safe.openReading();
  assert.equal(await reading.packSize(dead.name), null);
  assert.ok(await readsBack(parts.safe, [live]));
  assert.deepEqual((await clean(parts)).packs, []);
  assert.deepEqual((await parts.vault.check({ readData: true })).problems, []);
  await backup(parts, { reused: [live] });
});

test('a dry run says what would go and changes nothing', async () => {
  const parts = await harness();
  await twoBackups(parts);
  const before = JSON.stringify(await tree(parts));
  const report = await clean(parts, { dryRun: true, shareMax: 0.1 });
  assert.equal(report.stopped, true);
  assert.deepEqual(
    report.packs.map(({ action }) => action),
    ['quarantine'],
  );
  assert.deepEqual(
    report.records.map(({ action }) => action),
    ['retire', 'keep'],
  );
  assert.equal(JSON.stringify(await tree(parts)), before);
});

/** Names and sizes below the vault, caches and probes of the time left out. */
async function tree({ platform }: Harness, folder: string = root): Promise<string[]> {
  const names: string[] = [];
  for (const { name, kind } of (await platform.files.list(folder)).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (name === 'cache' || name.startsWith('.')) continue;
    const path = `${folder}/${name}`;
    const size = (await platform.files.stat(path))?.sizeBytes ?? 0;
    names.push(kind === 'directory' ? path : `${path} ${size}`);
    if (kind === 'directory') names.push(...(await tree({ platform } as Harness, path)));
  }
  return names;
}

test('it stops before more than a share goes at once, and nothing has changed', async () => {
  const parts = await harness();
  const { mine, computer } = parts;
  await backup(parts, { packs: [mine.pack(computer, { blobCount: 40 })] });
  await parts.platform.clock.advance(dayMs);
  await backup(parts);
  await parts.platform.clock.advance(dayMs);
  const before = await tree(parts);
  const { context } = await rejectsWith(parts.vault.clean(mine.safe, { keep }), 'clean-stopped');
  assert.ok(Number(context['markedShare']) > 0.5);
  assert.deepEqual(await tree(parts), before);
  assert.equal((await parts.vault.clean(mine.safe, { keep, shareMax: 0.95 })).packs.length, 1);
});

test('without rules nothing is retired, but what nothing refers to goes', async () => {
  const parts = await harness();
  const { mine, computer } = parts;
  const orphan = mine.pack(computer);
  {
    await using session = await sessionOf(parts.safe, mine, computer, 'broken off');
    await session.putPack(orphan.name, orphan.bytes);
  }
  await backup(parts);
  await backup(parts);
  await parts.platform.clock.advance(99 * dayMs);
  const report = await parts.vault.clean(mine.safe, {});
  assert.deepEqual(report.records, []);
  assert.deepEqual(
    report.packs.map(({ pack, action }) => [pack, action]),
    [[toHex(orphan.name), 'quarantine']],
  );
});

test('packs that an open session put are left alone', async () => {
  const parts = await harness();
  const { mine, computer, platform } = parts;
  await backup(parts);
  await using session = await sessionOf(parts.safe, mine, computer, 'long run');
  const pack = mine.pack(computer);
  await session.putPack(pack.name, pack.bytes);
  await platform.clock.advance(minuteMs);
  assert.deepEqual(
    (await clean(parts)).packs.map(({ action, reason }) => [action, reason]),
    [['leave', 'session']],
  );
  await session.commit(mine.record(computer, { job: 'long run', packs: [pack] }).bytes);
  assert.deepEqual((await clean(parts)).packs, []);
});

test('what is in quarantine is on no live list, and a commit takes it back', async () => {
  const parts = await harness();
  const { mine, computer, platform } = parts;
  const { dead, live } = await twoBackups(parts);
  await using early = await sessionOf(parts.safe, mine, computer, 'early');
  assert.deepEqual(await liveNames(early), [dead, live].map(({ name }) => toHex(name)).sort());
  await clean(parts);
  await using late = await sessionOf(parts.safe, mine, computer, 'late');
  assert.deepEqual(await liveNames(late), [toHex(live.name)]);
  await early.commit(mine.record(computer, { job: 'early', packs: [dead] }).bytes);
  assert.deepEqual(await liveNames(late), [dead, live].map(({ name }) => toHex(name)).sort());
  await platform.clock.advance(3 * dayMs);
  assert.deepEqual((await clean(parts)).packs, []);
  assert.ok(await readsBack(parts.safe, [dead, live]));
});

test('a pack that is put again leaves quarantine', async () => {
  const parts = await harness();
  const { mine, computer } = parts;
  const { dead } = await twoBackups(parts);
  await clean(parts);
  await using session = await sessionOf(parts.safe, mine, computer);
  assert.equal(await session.putPack(dead.name, dead.bytes), 'present');
  assert.equal((await liveNames(session)).length, 2);
});

test('leases older than the mark hold deletion up until they end; a lapsed one does not', async () => {
  const parts = await harness();
  const { platform } = parts;
  const { dead } = await twoBackups(parts);
  const reading = await parts.safe.openReading();
  await clean(parts);
  await platform.clock.advance(2 * dayMs);
  assert.deepEqual(
    (await clean(parts)).packs.map(({ reason }) => reason),
    ['lease'],
  );
  assert.deepEqual(await reading.readPack(dead.name, 0, 100), dead.bytes.slice(0, 100));
  await reading[Symbol.asyncDispose]();
  const later = await parts.safe.openReading();
  await later[Symbol.asyncDispose]();
  assert.deepEqual(
    (await clean(parts)).packs.map(({ action }) => action),
    ['delete'],
  );
});

test('a clock that jumps does not shorten the delay', async () => {
  const parts = await harness();
  const { platform, mine } = parts;
  await twoBackups(parts);
  await clean(parts);
  // Here file system and machine have one clock; a second machine whose clock is two days behind sees the jump as it is.
  platform.clock.jump(2 * dayMs);
  const slow = { nowMs: () => platform.clock.nowMs() - 2 * dayMs, monotonicMs: () => platform.clock.monotonicMs() };
  const vault = await parts.open({ platform: { ...platform, clock: slow } });
  const report = await vault.clean(mine.safe, { keep, shareMax: 1 });
  assert.deepEqual(
    report.packs.map(({ reason }) => reason),
    ['delay'],
  );
  assert.equal(
    report.records.every(({ action }) => action === 'keep'),
    true,
  );
});

test('a receipt is never older than the one before it, so a clock set back retires nothing', async () => {
  const parts = await harness();
  await backup(parts);
  parts.platform.clock.jump(-400 * dayMs);
  await backup(parts);
  const times = (await parts.safe.records()).map(({ receivedMs }) => receivedMs);
  assert.equal(times[0], times[1]);
  parts.platform.clock.jump(400 * dayMs);
  await backup(parts);
  const rules = { others: { days: 30, copies: 0, intraday: false } };
  const report = await parts.vault.clean(parts.mine.safe, { keep: rules });
  assert.deepEqual(
    report.records.map(({ action }) => action),
    ['keep', 'keep', 'keep'],
  );
});

test('checkpoints go when the next record of their job is there', async () => {
  const parts = await harness();
  const { mine, computer, platform } = parts;
  const [sent, unused] = [mine.pack(computer), mine.pack(computer)];
  {
    await using session = await sessionOf(parts.safe, mine, computer);
    for (const { name, bytes } of [sent, unused]) await session.putPack(name, bytes);
    await session.commit(mine.record(computer, { kind: 'checkpoint', packs: [sent] }).bytes);
    await session.commit(mine.record(computer, { kind: 'checkpoint', packs: [sent, unused] }).bytes);
  }
  await platform.clock.advance(9 * dayMs);
  const first = await clean(parts);
  assert.deepEqual(
    first.records.map(({ action, reason }) => [action, reason]),
    [['retire', 'replaced']],
  );
  assert.deepEqual(first.packs, []);
  await backup(parts, { packs: [], reused: [sent] });
  const second = await clean(parts);
  assert.deepEqual(
    second.records.map(({ action, kind }) => [action, kind]),
    [
      ['keep', 'safeset'],
      ['retire', 'checkpoint'],
    ],
  );
  assert.deepEqual(
    second.packs.map(({ pack }) => pack),
    [toHex(unused.name)],
  );
});

test('flags, holds and rules of the ledger count', async () => {
  const parts = await harness();
  const { mine, safe, platform } = parts;
  const operator = mine.prng.bytes(32);
  const { primitives } = await import('@twinvault/std');
  await safe.appendLedger(
    mine.append({ kind: 'party', key: primitives.ed25519PublicKey(operator), name: 'operator', role: 'operator' }),
  );
  const records = [];
  for (let index = 0; index < 4; index += 1) {
    records.push(await backup(parts));
    await platform.clock.advance(dayMs);
  }
  await safe.appendLedger(mine.append({ kind: 'hold', note: '', on: true, record: records[0]!.digest }, operator));
  await safe.appendLedger(mine.append({ kind: 'flag', note: 'odd', on: true, record: records[3]!.digest }, operator));
  await safe.appendLedger(mine.append({ kind: 'retention', type: 'daily', days: 0, copies: 0, intraday: false }, operator));
  const report = await parts.vault.clean(mine.safe, { keep: {}, shareMax: 1 });
  assert.deepEqual(
    report.records.map(({ reason }) => reason),
    ['held', 'before-flagged', 'before-flagged', 'flagged'],
  );
  await safe.appendLedger(mine.append({ kind: 'flag', note: 'fine', on: false, record: records[3]!.digest }, operator));
  await safe.appendLedger(mine.append({ kind: 'lock', note: '', on: true, record: records[1]!.digest }, operator));
  await safe.appendLedger(mine.append({ kind: 'hold', note: '', on: false, record: records[0]!.digest }, operator));
  // The safe's own rule goes before what a clean-up is told.
  const types = new Map([['daily', { days: 99, copies: 99, intraday: false }]]);
  const cleared = await parts.vault.clean(mine.safe, { keep: { types }, shareMax: 1 });
  assert.deepEqual(
    cleared.records.map(({ reason }) => reason),
    ['retention', 'held', 'retention', 'newest-good'],
  );
});

test('nothing is deleted while a record cannot be read', async () => {
  const parts = await harness();
  const { platform } = parts;
  const { live } = await twoBackups(parts);
  const [, newest] = await parts.safe.records();
  const path = `${root}/safes/${toHex(parts.mine.safe)}/records/${toHex(newest!.digest)}`;
  const bytes = (await platform.files.read(path, 1e6))!;
  bytes[bytes.length - 300] = (bytes.at(-300) ?? 0) ^ 1;
  await platform.files.replace(path, [bytes]);
  const before = await tree(parts);
  await rejectsWith(clean(parts), 'vault-damaged');
  assert.deepEqual(await tree(parts), before);
  assert.ok(await readsBack(parts.safe, [live]));
});

test('old temporary files, lapsed leases and unnamed slots are swept; fresh ones stay', async () => {
  const parts = await harness();
  const { platform, mine } = parts;
  const safeFolder = `${root}/safes/${toHex(mine.safe)}`;
  await backup(parts);
  const put = (name: string): Promise<boolean> => platform.files.create(`${safeFolder}/${name}`, [new Uint8Array(9)]);
  await put('records/.tv-old.tmp');
  await put(`slots/${'ab'.repeat(32)}`);
  await platform.files.makeDirectory(`${root}/safes/.tv-safe.tmp/slots`);
  await put('leases/read-00');
  await platform.clock.advance(25 * hourMs);
  await put('records/.tv-new.tmp');
  const { swept } = await clean(parts);
  assert.equal(swept, 3);
  assert.equal(await platform.files.stat(`${root}/safes/.tv-safe.tmp`), null);
  assert.notEqual(await platform.files.stat(`${safeFolder}/records/.tv-new.tmp`), null);
  assert.deepEqual(await platform.files.list(`${safeFolder}/leases`), []);
});

test('one clean-up at a time; one that died lets go after two minutes', async () => {
  const parts = await harness();
  const { platform, mine } = parts;
  await backup(parts);
  const lock = `${root}/safes/${toHex(mine.safe)}/locks/clean`;
  await platform.files.makeDirectory(`${root}/safes/${toHex(mine.safe)}/locks`);
  await platform.files.create(lock, [new Uint8Array(1)]);
  await rejectsWith(clean(parts), 'vault-busy');
  await platform.clock.advance(3 * minuteMs);
  await clean(parts);
});

test('an agent whose job went on elsewhere is told so', async () => {
  const parts = await harness();
  const { mine, computer, safe } = parts;
  const first = await sessionOf(safe, mine, computer);
  const stale = following(first);
  await first[Symbol.asyncDispose]();
  await backup(parts);
  await using session = await sessionOf(safe, mine, computer);
  await rejectsWith(session.commit(mine.record(computer, { ...stale }).bytes), 'head-moved');
});
