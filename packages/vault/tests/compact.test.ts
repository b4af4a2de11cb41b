/*
 * Compaction on memory files and a fake clock: which packs are made anew, that nothing is lost or held up by it, and that a clean-up that
 * was broken off anywhere is carried on.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePackHeader, encodePackTail, parsePackHeader, planNonce, RefsBuilder } from '@twinvault/format';
import type { PackName } from '@twinvault/format';
import { concatBytes, dayMs, fromHex, hourMs, minuteMs, toHex } from '@twinvault/std';
import { following, liveNames, refsOf, rejectsWith, sessionOf } from '@twinvault/testkit';
import type { StoredPack, TestPack, TestSafe } from '@twinvault/testkit';
import type { CleanOptions, CleanReport } from '../src/index.ts';
import { assertBlobs } from './blobs.ts';
import { backup, harness, packOfHex, root } from './harness.ts';
import type { Harness } from './harness.ts';

const keep = { others: { days: 0, copies: 1, intraday: true } };

function clean(parts: Harness, options: CleanOptions = {}): Promise<CleanReport> {
  return parts.vault.clean(parts.mine.safe, { keep, shareMax: 1, ...options });
}

/** Refs to some positions of packs. */
function some(...packs: readonly (readonly [TestPack, readonly number[]])[]): Uint8Array {
  const refs = new RefsBuilder();
  for (const [{ name }, positions] of packs) for (const position of positions) refs.add(name, position);
  return refs.finish();
}

/** A run that refers to exactly these positions. */
async function refer({ safe, mine, computer }: Harness, refs: Uint8Array, job: string = 'job'): Promise<void> {
  await using session = await sessionOf(safe, mine, computer, job);
  await session.commit(mine.record(computer, { ...following(session), job, refs }).bytes);
}

async function packNamesIn({ platform, mine }: Harness): Promise<string[]> {
  const folder = `${root}/safes/${toHex(mine.safe)}/packs`;
  const names: string[] = [];
  for (const { name } of await platform.files.list(folder)) {
    names.push(...(await platform.files.list(`${folder}/${name}`)).map((entry) => entry.name));
  }
  return names.sort();
}

function actions(report: CleanReport): string[] {
  return report.packs.map(({ action, reason }) => `${action} ${reason}`).sort();
}

interface Forgery {
  readonly origin: TestPack;
  readonly other: TestPack;
  readonly nonce?: Uint8Array;
}

/** A compacted pack that holds the rows of `other` as if they were those of `origin`. */
function forgedPack({ safe }: TestSafe, { origin, other, nonce = new Uint8Array(32).fill(5) }: Forgery): StoredPack {
  const own = parsePackHeader(other.bytes);
  const header = encodePackHeader({ ...own, safe, nonce });
  const ends = other.rows.map(({ offsetBytes, lengthBytes }) => offsetBytes + lengthBytes);
  const blobs = other.bytes.slice(header.length, Math.max(...ends));
  const sections = [{ origin: origin.name, header: own }];
  const { tail, name } = encodePackTail({ header, rows: other.rows, sections, blobsBytes: blobs.length });
  return { name, bytes: concatBytes(header, blobs, tail) };
}

function packPath({ mine }: Harness, pack: PackName): string {
  const hex = toHex(pack);
  return `${root}/safes/${toHex(mine.safe)}/packs/${hex.slice(0, 2)}/${hex}`;
}

/** Puts a pack into the directory, past the vault. */
async function putPack(parts: Harness, { name, bytes }: StoredPack): Promise<string> {
  const path = packPath(parts, name);
  await parts.platform.files.makeDirectory(path.slice(0, path.lastIndexOf('/')));
  await parts.platform.files.create(path, [bytes]);
  return path;
}

/** A pack of ten blobs of which the standing safeset needs two, and a whole one. */
async function sparse(): Promise<
  Harness & { readonly thin: TestPack; readonly full: TestPack; readonly needed: readonly number[] }
> {
  const parts = await harness('sparse');
  const { mine, computer, platform } = parts;
  const thin = mine.pack(computer, { blobCount: 10, blobBytes: 5000 });
  const full = mine.pack(computer, { blobCount: 10, blobBytes: 5000 });
  await backup(parts, { packs: [thin, full] });
  await platform.clock.advance(dayMs);
  const needed = [3, 7];
  await refer(parts, some([thin, needed], [full, full.rows.map(({ position }) => position)]));
  await platform.clock.advance(dayMs);
  return { ...parts, thin, full, needed };
}

test('a sparse pack is made anew without what is dead, and goes when its delay is over', async () => {
  const parts = await sparse();
  const { thin, full, needed, safe, platform } = parts;
  const first = await clean(parts);
  assert.deepEqual(actions(first), ['quarantine superseded']);
  const { plans, packs, sources, damaged, stopped } = first.compaction;
  assert.deepEqual([plans, packs, sources, damaged, stopped], [1, 1, 1, [], null]);
  assert.ok(first.compaction.deadBytes > 40_000 && first.compaction.liveBytes < 11_000);
  const made = (await packNamesIn(parts)).find((name) => ![thin, full].some((pack) => toHex(pack.name) === name));
  assert.ok(made);
  {
    await using reading = await safe.openReading();
    assert.deepEqual(await reading.holdersOf([thin.name, full.name]), [[packOfHex(made)], [full.name]]);
    await assertBlobs(reading, thin, needed);
    await assertBlobs(reading, full);
  }
  // Every night's commit refers to rows of the old pack: that does not bring it back.
  await refer(parts, some([thin, needed], [full, [0]]), 'other job');
  await platform.clock.advance(25 * hourMs);
  const second = await clean(parts);
  assert.deepEqual(actions(second), ['delete superseded']);
  assert.deepEqual(await packNamesIn(parts), [made, toHex(full.name)].sort());
  assert.deepEqual((await parts.vault.check({ readData: true })).problems, []);
  await refer(parts, some([thin, needed], [full, [0]]));
  await using reading = await safe.openReading();
  await assertBlobs(reading, thin, needed);
});

test('the same plan makes the same pack; a dry run tells and writes nothing', async () => {
  const [one, two] = [await sparse(), await sparse()];
  const before = await packNamesIn(one);
  const report = await clean(one, { dryRun: true });
  assert.deepEqual(actions(report), ['compact sparse']);
  assert.deepEqual([report.compaction.sources, report.compaction.packs], [1, 0]);
  assert.deepEqual(await packNamesIn(one), before);
  await clean(one);
  await clean(two);
  const plans = async ({ platform, mine }: Harness): Promise<string[]> =>
    (await platform.files.list(`${root}/safes/${toHex(mine.safe)}/plans`)).map(({ name }) => name);
  // Two sites with one key and one safe, as twins have.
  assert.equal((await plans(one)).length, 1);
  assert.deepEqual(await plans(one), await plans(two));
  assert.deepEqual(await packNamesIn(one), await packNamesIn(two));
});

test('many small packs of a kind become one; kinds stay apart', async () => {
  const parts = await harness('small');
  const { mine, computer, safe, platform, vault } = parts;
  const packs: TestPack[] = [];
  for (let night = 0; night < 17; night += 1) {
    const fresh = [mine.pack(computer), mine.pack(computer, { kind: 2 })];
    packs.push(...fresh);
    await backup(parts, { packs: fresh, reused: packs.slice(0, -2) });
    await platform.clock.advance(dayMs);
    if (night === 13) assert.deepEqual((await clean(parts)).compaction.sources, 0);
  }
  const report = await clean(parts);
  assert.deepEqual([report.compaction.sources, report.compaction.packs], [34, 2]);
  await platform.clock.advance(25 * hourMs);
  assert.equal((await clean(parts)).deletedPacks, 34);
  assert.equal((await packNamesIn(parts)).length, 2);
  await using reading = await safe.openReading();
  for (const pack of packs) await assertBlobs(reading, pack);
  assert.deepEqual((await vault.check({ readData: true })).problems, []);
  await using session = await sessionOf(safe, mine, computer);
  const live = await liveNames(session);
  assert.deepEqual(live, await packNamesIn(parts));
  const rebuilt = await vault.rebuild({ voidLeases: true });
  assert.deepEqual(
    rebuilt.safes
      .filter(({ packs: count }) => count > 0)
      .map(({ packs: count, differing, damaged }) => [count, differing, damaged]),
    [[2, 0, 0]],
  );
});

test('what was compacted is compacted again, and sections never nest', async () => {
  const parts = await sparse();
  const { thin, full, platform, safe } = parts;
  await clean(parts);
  await platform.clock.advance(25 * hourMs);
  await clean(parts);
  await refer(parts, some([thin, [3]], [full, full.rows.map(({ position }) => position)]));
  const report = await clean(parts, { compact: { unusedMax: 0 } });
  assert.deepEqual(actions(report), ['quarantine superseded']);
  await platform.clock.advance(25 * hourMs);
  assert.deepEqual(actions(await clean(parts)), ['delete superseded']);
  assert.equal((await packNamesIn(parts)).length, 2);
  await using reading = await safe.openReading();
  await assertBlobs(reading, thin, [3]);
  const [[holder] = []] = await reading.holdersOf([thin.name]);
  assert.ok(holder);
  assert.notDeepEqual(holder, thin.name);
  assert.deepEqual((await parts.vault.check({ readData: true })).problems, []);
  const plans = await platform.files.list(`${root}/safes/${toHex(parts.mine.safe)}/plans`);
  assert.equal(plans.length, 1, 'a plan of which no pack is left is removed, the newest stays');
});

test('a session that saw a dead row may still use it: its commit takes the old pack back', async () => {
  const parts = await sparse();
  const { thin, mine, computer, safe, platform } = parts;
  await using early = await sessionOf(safe, mine, computer, 'early');
  assert.ok((await liveNames(early)).includes(toHex(thin.name)));
  await clean(parts);
  await platform.clock.advance(2 * dayMs);
  assert.deepEqual(actions(await clean(parts)), ['wait lease']);
  await early.commit(mine.record(computer, { job: 'early', refs: some([thin, [5]]) }).bytes);
  await early[Symbol.asyncDispose]();
  const next = await clean(parts);
  assert.deepEqual(next.deletedPacks, 0);
  await platform.clock.advance(2 * dayMs);
  await clean(parts);
  await platform.clock.advance(2 * dayMs);
  await clean(parts);
  await using reading = await safe.openReading();
  await assertBlobs(reading, thin, [3, 5, 7]);
  assert.equal((await packNamesIn(parts)).includes(toHex(thin.name)), false);
});

test('a row that came to be needed after the first mark stops the second', async () => {
  const parts = await sparse();
  const { thin, mine, computer, safe, platform } = parts;
  {
    await using early = await sessionOf(safe, mine, computer, 'early');
    await clean(parts);
    await early.commit(mine.record(computer, { job: 'early', refs: some([thin, [5]]) }).bytes);
  }
  await platform.clock.advance(2 * dayMs);
  const report = await clean(parts);
  assert.equal(report.deletedPacks, 0);
  await using reading = await safe.openReading();
  await assertBlobs(reading, thin, [3, 5, 7]);
});

test('packs that an open session put are not compacted', async () => {
  const parts = await harness('young');
  const { mine, computer, safe, platform } = parts;
  await backup(parts);
  await using session = await sessionOf(safe, mine, computer, 'long run');
  const pack = mine.pack(computer, { blobCount: 10, blobBytes: 5000 });
  await session.putPack(pack.name, pack.bytes);
  await session.commit(mine.record(computer, { job: 'long run', kind: 'checkpoint', refs: some([pack, [1]]) }).bytes);
  await platform.clock.advance(minuteMs);
  assert.deepEqual(actions(await clean(parts)), []);
  await session.commit(mine.record(computer, { job: 'long run', refs: refsOf([pack]) }).bytes);
  assert.deepEqual((await clean(parts)).compaction.sources, 0);
});

test('a blob that rotted is not copied: its pack stays, the rest is compacted', async () => {
  const parts = await sparse();
  const { thin, needed, platform, mine } = parts;
  const hex = toHex(thin.name);
  const path = `${root}/safes/${toHex(mine.safe)}/packs/${hex.slice(0, 2)}/${hex}`;
  const bytes = (await platform.files.read(path, 1e6))?.slice();
  assert.ok(bytes);
  const at = (thin.rows[needed[0] ?? 0]?.offsetBytes ?? 0) + 9;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await platform.files.replace(path, [bytes]);
  const report = await clean(parts);
  assert.deepEqual(report.compaction.damaged, [hex]);
  assert.deepEqual(actions(report), []);
  await platform.clock.advance(2 * dayMs);
  assert.deepEqual((await clean(parts)).deletedPacks, 0);
  assert.ok((await packNamesIn(parts)).includes(hex));
});

test('a copy that is not the same row supersedes nothing', async () => {
  const parts = await sparse();
  const { thin, mine, platform } = parts;
  await clean(parts);
  const names = await packNamesIn(parts);
  // Somebody with the directory puts a compacted pack there that claims the rows of an origin with others of its own.
  const forged = forgedPack(mine, { origin: thin, other: mine.pack(parts.computer, { blobCount: 10, blobBytes: 5000 }) });
  const hex = toHex(forged.name);
  await putPack(parts, forged);
  for (let day = 0; day < 4; day += 1) {
    await platform.clock.advance(25 * hourMs);
    await clean(parts);
  }
  const left = await packNamesIn(parts);
  assert.ok(
    names.some((name) => left.includes(name) && name !== hex && name !== toHex(parts.full.name)),
    'the good rows stay',
  );
  await using reading = await parts.safe.openReading();
  const [holders = []] = await reading.holdersOf([thin.name]);
  assert.ok(holders.some((holder) => toHex(holder) !== hex));
});

test('more than its share of dead bytes at once stops it before anything is compacted', async () => {
  const parts = await sparse();
  await rejectsWith(clean(parts, { shareMax: 0.2 }), 'clean-stopped');
  assert.equal((await packNamesIn(parts)).length, 2);
  assert.deepEqual(actions(await clean(parts, { shareMax: 0.2, compact: null })), []);
});

test('check proves plans and their packs', async () => {
  const parts = await sparse();
  const { thin, mine, computer, platform, vault } = parts;
  await clean(parts);
  const codes = async (): Promise<string[]> => (await vault.check({ readData: true })).problems.map((problem) => problem.code);
  assert.deepEqual(await codes(), []);
  const folder = `${root}/safes/${toHex(mine.safe)}`;
  const [plan] = await platform.files.list(`${folder}/plans`);
  assert.ok(plan);
  const path = `${folder}/plans/${plan.name}`;
  const bytes = (await platform.files.read(path, 1e6))?.slice() ?? new Uint8Array(0);
  // A pack with the plan's own nonce and other rows.
  const nonce = planNonce(fromHex(plan.name) ?? new Uint8Array(0), 0);
  const forged = forgedPack(mine, { origin: thin, other: mine.pack(computer, { blobCount: 10 }), nonce });
  const forgedPath = await putPack(parts, forged);
  const { problems } = await vault.check();
  assert.deepEqual(
    problems.map(({ code, object }) => `${code} ${root}/${object}`),
    [`plan-broken ${forgedPath}`],
  );
  await platform.files.remove(forgedPath);
  const stray = await putPack(parts, forgedPack(mine, { origin: thin, other: mine.pack(computer, { blobCount: 10 }) }));
  assert.deepEqual(await codes(), ['pack-unplanned']);
  await platform.files.remove(stray);
  const flipped = bytes.slice();
  flipped[40] = (flipped[40] ?? 0) ^ 1;
  await platform.files.replace(path, [flipped]);
  assert.deepEqual(await codes(), ['plan-damaged']);
  await platform.files.replace(path, [bytes]);
  assert.deepEqual(await codes(), []);
});

test('check tells which safesets a damaged compacted pack hurts, and no others', async () => {
  const parts = await sparse();
  const { thin, full, platform, vault, safe } = parts;
  await refer(parts, some([full, [0]]), 'unhurt');
  await clean(parts);
  let holder: PackName | undefined;
  {
    await using reading = await safe.openReading();
    holder = (await reading.holdersOf([thin.name]))[0]?.[0];
  }
  assert.ok(holder);
  const path = packPath(parts, holder);
  const bytes = (await platform.files.read(path, 1e6))?.slice() ?? new Uint8Array(0);
  bytes[1300] = (bytes[1300] ?? 0) ^ 1;
  await platform.files.replace(path, [bytes]);
  // The old pack still waits out its delay: it has the rows.
  assert.deepEqual(
    (await vault.check({ readData: true })).problems.map((problem) => problem.code),
    ['pack-damaged'],
  );
  await platform.files.remove(packPath(parts, thin.name));
  assert.deepEqual(
    (await vault.check({ readData: true })).problems.map((problem) => `${problem.code} ${problem.detail}`),
    ['pack-damaged hash of a blob', 'record-at-risk missing positions: 2'],
  );
});

test('a compacted pack that is damaged at its end stays as long as what it held is nowhere else', async () => {
  const parts = await sparse();
  const { thin, platform, safe, mine } = parts;
  await clean(parts);
  let holder: PackName | undefined;
  {
    await using reading = await safe.openReading();
    holder = (await reading.holdersOf([thin.name]))[0]?.[0];
  }
  assert.ok(holder);
  for (let day = 0; day < 3; day += 1) {
    await platform.clock.advance(25 * hourMs);
    await clean(parts);
  }
  assert.ok(!(await packNamesIn(parts)).includes(toHex(thin.name)), 'the old pack has gone');
  const path = packPath(parts, holder);
  const bytes = (await platform.files.read(path, 1e6)) ?? new Uint8Array(0);
  await platform.files.replace(path, [bytes.subarray(0, bytes.length - 10)]);
  await platform.files.removeTree(`${root}/cache/${toHex(mine.safe)}`);
  for (let day = 0; day < 3; day += 1) {
    await platform.clock.advance(25 * hourMs);
    await clean(parts);
  }
  assert.ok((await packNamesIn(parts)).includes(toHex(holder)));
  // What was cut off comes back from a copy: all is well again.
  await platform.files.replace(path, [bytes]);
  await platform.files.removeTree(`${root}/cache/${toHex(mine.safe)}`);
  assert.deepEqual((await parts.vault.check({ readData: true })).problems, []);
});
