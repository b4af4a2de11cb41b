/*
 * What check finds: nothing in a sound vault, and every damage that can be done to a file of it. Rebuild makes the same index again.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayMs, toHex, utf8Encode } from '@twinvault/std';
import { liveNames, rejectsWith, sessionOf } from '@twinvault/testkit';
import { createDirectoryVault, openDirectoryVault, problemKinds } from '../src/index.ts';
import type { CheckReport } from '../src/index.ts';
import { backup, code, harness, readsBack, root } from './harness.ts';
import type { Harness } from './harness.ts';

/** All files below a folder, sorted. */
async function filesOf({ platform }: Pick<Harness, 'platform'>, folder: string = root): Promise<string[]> {
  const paths: string[] = [];
  for (const { name, kind } of await platform.files.list(folder)) {
    const path = `${folder}/${name}`;
    if (kind === 'directory') paths.push(...(await filesOf({ platform }, path)));
    else paths.push(path);
  }
  return paths.sort();
}

/** Two backups, one retired, its pack compacted and in quarantine, an open session: every kind of file. */
async function everything(): Promise<Harness> {
  const parts = await harness();
  const { mine, platform, vault, computer } = parts;
  await vault.assignCustomer(mine.safe, 'Ada & Co');
  const first = mine.pack(computer);
  await backup(parts, { packs: [first] });
  await platform.clock.advance(dayMs);
  const part = { ...first, rows: first.rows.slice(1) };
  await backup(parts, { packs: [mine.pack(computer), mine.pack(computer, { kind: 2 })], reused: [part] });
  await platform.clock.advance(dayMs);
  const keep = { others: { days: 0, copies: 1, intraday: false } };
  await vault.clean(mine.safe, { keep, shareMax: 1, compact: { unusedMax: 0 } });
  await sessionOf(parts.safe, mine, parts.computer, 'open');
  await createDirectoryVault({ path: root, platform, minimumAgeMs: 1 });
  return parts;
}

async function checkAgain({ platform }: Harness): Promise<CheckReport | string> {
  try {
    await using vault = await openDirectoryVault({ path: root, platform });
    return await vault.check({ readData: true });
  } catch (error) {
    return code(error);
  }
}

function codesOf(report: CheckReport | string): string[] {
  return typeof report === 'string' ? [report] : report.problems.map((problem) => problem.code);
}

test('a sound vault has no findings', async () => {
  const parts = await everything();
  const steps: string[] = [];
  const report = await parts.vault.check({ readData: true, progress: ({ step }) => steps.push(step) });
  assert.deepEqual(report.problems, []);
  assert.equal(report.safes, 2);
  assert.equal(report.packs, 4);
  assert.ok(report.readBytes > 4 * 1300);
  assert.ok(steps.includes('packs') && steps.includes('records'));
  assert.equal((await parts.vault.check({ safe: parts.mine.safe })).safes, 1);
});

test('a flipped byte in any file is found', async () => {
  const parts = await everything();
  const { files } = parts.platform;
  for (const path of await filesOf(parts)) {
    if (/\/\.tv-|\/reserve$/.test(path)) continue;
    const bytes = (await files.read(path, 1e8))!;
    const stepBytes = Math.max(1, Math.floor(bytes.length / 14));
    for (let offset = 0; offset < bytes.length; offset += stepBytes) {
      const flipped = bytes.slice();
      flipped[offset] = (flipped[offset] ?? 0) ^ (1 << (offset % 8));
      await files.replace(path, [flipped]);
      assert.notDeepEqual(codesOf(await checkAgain(parts)), [], `${path} at ${offset}`);
    }
    await files.replace(path, [bytes]);
  }
  assert.deepEqual(codesOf(await checkAgain(parts)), []);
});

test('a file that is missing, cut or emptied is found, and named', async () => {
  const parts = await everything();
  const { files } = parts.platform;
  for (const path of await filesOf(parts)) {
    if (/\/(\.tv-|leases\/|quarantine\/|cache\/|reserve)/.test(path)) continue;
    const bytes = (await files.read(path, 1e8))!;
    const name = path.slice(root.length + 1);
    for (const rest of [null, new Uint8Array(0), bytes.slice(0, -1), new Uint8Array([...bytes, 0])]) {
      if (rest === null) await files.remove(path);
      else await files.replace(path, [rest]);
      const report = await checkAgain(parts);
      const what = `${name} ${rest?.length ?? 'missing'}: ${JSON.stringify(codesOf(report))}`;
      // A pack that nothing refers to may be missing; a receipt without its record stands for it. That a clean-up ran, whose the safe is, and how old all has to be, nothing else tells.
      const orphan = rest === null && /\/(packs|stubs|plans|minimum-age)\/|\/(cleaned|customer)$/u.test(name);
      if (!orphan) assert.notDeepEqual(codesOf(report), [], what);
      if (typeof report !== 'string' && rest !== null) {
        assert.ok(
          report.problems.some(({ object }) => name.startsWith(object) || object.startsWith(name)),
          what,
        );
      }
    }
    await files.create(path, [bytes]);
    await files.replace(path, [bytes]);
  }
  assert.deepEqual(codesOf(await checkAgain(parts)), []);
});

test('every finding says what to do', () => {
  for (const [name, { meaning, advice }] of Object.entries(problemKinds)) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/);
    assert.match(meaning, /^[A-Z].*\.$/);
    assert.match(advice, /^[A-Z].*\.$/);
  }
});

test('a missing pack names the safesets that need it', async () => {
  const parts = await harness();
  const { mine, computer, platform } = parts;
  const [lost, kept] = [mine.pack(computer), mine.pack(computer)];
  const record = await backup(parts, { packs: [lost, kept] });
  await backup(parts, { packs: [], reused: [kept] });
  const hex = toHex(lost.name);
  await platform.files.remove(`${root}/safes/${toHex(mine.safe)}/packs/${hex.slice(0, 2)}/${hex}`);
  const { problems } = await parts.vault.check();
  assert.deepEqual(
    problems.map((problem) => [problem.code, problem.object, problem.detail]),
    [['record-at-risk', `safes/${toHex(mine.safe)}/records/${toHex(record.digest)}`, `missing positions: ${lost.rows.length}`]],
  );
  await using session = await sessionOf(parts.safe, mine, computer);
  assert.deepEqual(await liveNames(session), [toHex(kept.name)]);
});

test('one damaged record or receipt keeps nobody from the others', async () => {
  const parts = await harness();
  const { mine, platform, safe } = parts;
  const [first, second] = [await backup(parts), await backup(parts)];
  const folder = `${root}/safes/${toHex(mine.safe)}`;
  await platform.files.replace(`${folder}/receipts/${toHex(second.digest)}`, [new Uint8Array(9)]);
  assert.equal((await safe.records()).length, 2);
  await platform.files.replace(`${folder}/records/${toHex(first.digest)}`, [new Uint8Array(9)]);
  const again = await (await parts.open()).openSafe(mine.safe);
  assert.deepEqual(
    (await again.records()).map(({ digest }) => digest),
    [second.digest],
  );
  await backup({ ...parts, safe: again });
  assert.deepEqual(codesOf(await parts.vault.check()).sort(), ['chain-broken', 'receipt-damaged', 'record-damaged']);
});

test('a record of a newer version keeps no reader from the others, but every writer from the safe', async () => {
  const parts = await harness();
  const { mine, computer, platform } = parts;
  const [first, second] = [await backup(parts), await backup(parts)];
  const folder = `${root}/safes/${toHex(mine.safe)}`;
  const newer = second.bytes.slice();
  newer[4] = 2;
  await platform.files.replace(`${folder}/records/${toHex(second.digest)}`, [newer]);
  const again = await (await parts.open()).openSafe(mine.safe);
  assert.deepEqual(
    (await again.records()).map(({ digest }) => digest),
    [first.digest],
  );
  await rejectsWith(sessionOf(again, mine, computer), 'vault-newer');
  // A receipt proves no data: one that cannot be read is signed again.
  await platform.files.replace(`${folder}/records/${toHex(second.digest)}`, [second.bytes]);
  await platform.files.replace(`${folder}/receipts/${toHex(first.digest)}`, [newer.slice(0, 208)]);
  const sound = await (await parts.open()).openSafe(mine.safe);
  assert.equal((await sound.records()).length, 2);
});

test('a damaged generation keeps nobody from reading', async () => {
  const parts = await harness();
  const pack = parts.mine.pack(parts.computer);
  await backup(parts, { packs: [pack] });
  await parts.platform.files.replace(`${root}/site/generation`, [utf8Encode('nothing')]);
  assert.ok(await readsBack(parts.safe, [pack]));
  await rejectsWith(sessionOf(parts.safe, parts.mine, parts.computer), 'vault-damaged');
});

test('a damaged pack kept aside leaves the live list, is still read from, and is healed by the next backup', async () => {
  const parts = await harness();
  const { mine, computer, platform } = parts;
  const pack = mine.pack(computer);
  await backup(parts, { packs: [pack] });
  const hex = toHex(pack.name);
  const path = `${root}/safes/${toHex(mine.safe)}/packs/${hex.slice(0, 2)}/${hex}`;
  const torn = pack.bytes.slice();
  torn[1250] = (torn[1250] ?? 0) ^ 1;
  await platform.files.replace(path, [torn]);
  assert.deepEqual((await parts.vault.check()).problems, []);
  assert.deepEqual(codesOf(await parts.vault.check({ readData: true, setAside: true })), ['pack-damaged', 'record-at-risk']);
  assert.deepEqual(codesOf(await parts.vault.check()).sort(), ['pack-aside', 'record-at-risk']);
  {
    await using session = await sessionOf(parts.safe, mine, computer);
    assert.deepEqual(await liveNames(session), []);
    await using reading = await parts.safe.openReading();
    assert.equal(await reading.packSize(pack.name), torn.length);
    assert.equal(await session.putPack(pack.name, pack.bytes), 'stored');
  }
  assert.ok(await readsBack(parts.safe, [pack]));
  assert.deepEqual(codesOf(await parts.vault.check({ readData: true })), ['pack-aside']);
});

test('a pack whose stored bytes have rotted is mended when it is put again', async () => {
  const parts = await harness();
  const { mine, computer, platform } = parts;
  const pack = mine.pack(computer);
  await backup(parts, { packs: [pack] });
  const hex = toHex(pack.name);
  const path = `${root}/safes/${toHex(mine.safe)}/packs/${hex.slice(0, 2)}/${hex}`;
  for (const bytes of [
    new Uint8Array(0),
    pack.bytes.slice(0, 100),
    pack.bytes.map((byte, index) => (index === 1300 ? byte ^ 1 : byte)),
  ]) {
    await platform.files.replace(path, [bytes]);
    await using session = await sessionOf(parts.safe, mine, computer);
    assert.equal(await session.putPack(pack.name, pack.bytes), 'stored');
    assert.ok(await readsBack(parts.safe, [pack]));
  }
});

test('rebuild makes the same index, a new generation and missing receipts, and voids leases', async () => {
  const parts = await harness();
  const { mine, computer, vault, platform, safe } = parts;
  const packs = Array.from({ length: 12 }, () => mine.pack(computer));
  const record = await backup(parts, { packs });
  const session = await sessionOf(safe, mine, computer);
  await rejectsWith(vault.rebuild(), 'vault-busy');
  const before = await vault.site();
  await platform.files.remove(`${root}/safes/${toHex(mine.safe)}/receipts/${toHex(record.digest)}`);
  const report = await vault.rebuild({ voidLeases: true });
  const after = await vault.site();
  assert.notDeepEqual(after.generation, before.generation);
  assert.deepEqual(after.generation, report.generation);
  const own = report.safes.find((row) => row.safe === toHex(mine.safe));
  assert.deepEqual(own, { safe: toHex(mine.safe), packs: 12, differing: 0, damaged: 0, receipts: 1, leases: 2 });
  await rejectsWith(session.commit(mine.record(computer, { sequence: 2, previous: [record.digest], packs }).bytes), 'lease-lost');
  assert.deepEqual((await vault.check({ readData: true })).problems, []);
  await using later = await sessionOf(safe, mine, computer);
  assert.deepEqual(await liveNames(later), packs.map(({ name }) => toHex(name)).sort());
  const stats = (await vault.stats()).map(({ packs: count, safesets }) => `${count} ${safesets}`);
  assert.deepEqual(stats.sort(), ['0 0', '12 1']);
});

test('directories that are no vault, or not one for us, are told apart', async () => {
  const { platform } = await harness();
  const { files } = platform;
  const open = (path: string): Promise<unknown> => openDirectoryVault({ path, platform });
  await rejectsWith(open('/nothing'), 'vault-missing');
  await files.makeDirectory('/empty');
  await rejectsWith(open('/empty'), 'vault-missing');
  await files.makeDirectory('/photos');
  await files.create('/photos/cat', [new Uint8Array(3)]);
  await rejectsWith(open('/photos'), 'vault-foreign');
  await files.makeDirectory('/newer');
  await files.create('/newer/twinvault-vault.json', [utf8Encode('{"twinvault":"vault","format":2,"more":true}\n')]);
  await rejectsWith(open('/newer'), 'vault-newer');
  await files.replace('/newer/twinvault-vault.json', [utf8Encode('{"twinvault":"vault","format":1}\n')]);
  await rejectsWith(open('/newer'), 'vault-damaged');
});
