/* The measure of a run against what packs say by themselves: sums are exact, wherever rows lie and whichever receipts are there. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { churnOf } from '../src/commit/measure.ts';
import { primitives, Prng, toHex } from '@twinvault/std';
import { compactedPack } from '@twinvault/testkit';
import type { TestPack } from '@twinvault/testkit';
import { backup, harness, root } from './harness.ts';
import type { Harness } from './harness.ts';

function bytesOf(packs: readonly TestPack[]): number {
  return packs.flatMap(({ rows }) => rows).reduce((sum, { slipOnly, lengthBytes }) => sum + (slipOnly ? 0 : lengthBytes), 0);
}

function countOf(packs: readonly TestPack[]): number {
  return packs.reduce((sum, { rows }) => sum + rows.length, 0);
}

async function newest({ safe }: Harness): Promise<{ measure: unknown }> {
  const record = (await safe.records()).at(-1);
  return { measure: record?.measure };
}

test('sums follow from refs alone, through random lives of a job', async () => {
  for (let round = 0; round < 6; round += 1) {
    const seed = `life ${round}`;
    const parts = await harness(seed);
    const { mine, computer, vault, platform } = parts;
    const prng = new Prng(seed);
    let last: readonly TestPack[] = [];
    for (let night = 0; night < 6; night += 1) {
      // A slip needs its blob: packs that hold one are used once.
      const kept = last.filter(({ rows }) => !rows.some(({ slipOnly }) => slipOnly) && prng.chance(0.7));
      const packs = Array.from({ length: 1 + prng.below(2) }, () => mine.pack(computer, { blobCount: 1 + prng.below(9) }));
      const [some] = kept;
      if (some !== undefined && prng.chance(0.5))
        packs.push(mine.pack(computer, { blobCount: 1, reuses: some.rows.slice(0, 1) }));
      await backup(parts, { packs, reused: kept });
      const all = [...packs, ...kept];
      const expected = {
        bytes: bytesOf(all),
        bytesNew: bytesOf(packs),
        origins: countOf(last),
        originsReused: countOf(kept),
        suspect: false,
      };
      assert.deepEqual(await newest(parts), { measure: expected }, `${seed}, night ${night}`);
      if (prng.chance(0.3)) await loseReceipts(parts);
      last = all;
      await platform.clock.advance(60_000);
    }
    await vault.rebuild();
    assert.deepEqual((await vault.check()).problems, []);
  }
});

/** Then bytes are summed anew, not counted on. */
async function loseReceipts({ platform, mine }: Harness): Promise<void> {
  const folder = `${root}/safes/${toHex(mine.safe)}/receipts`;
  for (const { name } of await platform.files.list(folder)) await platform.files.remove(`${folder}/${name}`);
}

test('rows count once wherever compaction put them', async () => {
  const parts = await harness('compacted');
  const { mine, computer, platform } = parts;
  const old = [mine.pack(computer, { blobCount: 12 }), mine.pack(computer, { blobCount: 12 })];
  await backup(parts, { packs: old });
  const made = compactedPack(mine.safe, old);
  const pathOf = (name: Uint8Array): string =>
    `${root}/safes/${toHex(mine.safe)}/packs/${toHex(name).slice(0, 2)}/${toHex(name)}`;
  await platform.files.makeDirectory(pathOf(made.name).slice(0, -65));
  await platform.files.create(pathOf(made.name), [made.bytes]);
  const [gone, kept] = old;
  assert.ok(gone && kept);
  await platform.files.remove(pathOf(gone.name));
  await loseReceipts(parts);
  const added = mine.pack(computer, { blobCount: 3 });
  await backup(parts, { packs: [added], reused: old });
  assert.deepEqual(await newest(parts), {
    measure: { bytes: bytesOf([...old, added]), bytesNew: bytesOf([added]), origins: 24, originsReused: 24, suspect: false },
  });
  await backup(parts, { packs: [mine.pack(computer, { blobCount: 2 })], reused: [kept] });
  const { measure } = await newest(parts);
  assert.ok(measure !== null && typeof measure === 'object' && 'bytes' in measure && 'originsReused' in measure);
  assert.equal(measure.originsReused, 12);
});

test('what was looked at once is not usual yet, what was looked at twice is', async () => {
  const parts = await harness('usual');
  const { mine, computer, safe, platform } = parts;
  const owner = mine.prng.bytes(32);
  const key = primitives.ed25519PublicKey(owner);
  await safe.appendLedger(mine.append({ kind: 'party', key, name: 'owner', role: 'customer' }));
  let base = mine.pack(computer, { blobCount: 20 });
  await backup(parts, { packs: [base] });
  const answers: boolean[] = [];
  for (let event = 0; event < 3; event += 1) {
    for (let night = 0; night < 3; night += 1) {
      await backup(parts, { packs: [mine.pack(computer, { blobCount: 1 })], reused: [base] });
      await platform.clock.advance(60_000);
    }
    base = mine.pack(computer, { blobCount: 20 });
    const { digest } = await backup(parts, { packs: [base] });
    answers.push((await safe.records()).at(-1)?.measure?.suspect === true);
    await safe.appendLedger(mine.append({ kind: 'flag', note: '', on: false, record: digest }, owner));
    await platform.clock.advance(60_000);
  }
  assert.deepEqual(answers, [true, true, false]);
});

test('churn is what was both lost and replaced', () => {
  const measure = { bytes: 1000, bytesNew: 1000, origins: 0, originsReused: 0 };
  assert.equal(churnOf(measure), 0, 'a first safeset');
  assert.equal(churnOf({ ...measure, origins: 20, originsReused: 20 }), 0, 'nothing was lost');
  assert.equal(churnOf({ ...measure, bytesNew: 0, origins: 20, originsReused: 5 }), 0, 'nothing is new');
  assert.equal(churnOf({ ...measure, bytesNew: 600, origins: 20, originsReused: 10 }), 0.5);
  assert.equal(churnOf({ ...measure, bytesNew: 100, origins: 20, originsReused: 0 }), 0.1);
});
