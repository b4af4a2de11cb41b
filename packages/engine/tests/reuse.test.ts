/*
 * Two computers of one safe with the same files: the second one proves what the first one stored and sends slips alone. What a
 * hacked computer puts in the way (wrong blobs under right ids, wrong slips, slips without blobs) costs room, never content.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePackTail, packKinds, parseRefs, verifyPack } from '@twinvault/format';
import type { PackName, PackRow } from '@twinvault/format';
import { revokeEntry } from '@twinvault/seal';
import { concatBytes, dayMs, primitives, Prng, toHex } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';
import { assertSame, join, newWorld, over, readBack, run } from './world.ts';
import type { World } from './world.ts';

function someTree(seed: string): MemoryTree {
  const prng = new Prng(seed);
  const tree = new MemoryTree();
  for (let index = 0; index < 60; index += 1) tree.file(`root/small/${index}`, prng.bytes(prng.below(40_000)));
  tree.file('root/large', prng.bytes(6_000_000));
  tree.file('root/text', 'a line of text, again and again\n'.repeat(100_000));
  return tree;
}

/** Packs of the record's refs that another certificate made. */
async function packsOfOthers(world: World, digest: Parameters<typeof readBack>[1]): Promise<number> {
  const { record } = await readBack(world, digest);
  let count = 0;
  const reading = await world.safe.openReading();
  await using held = new AsyncDisposableStack();
  held.use(reading);
  for (const { pack } of parseRefs(record.refs).packs()) {
    const header = await reading.readPack(pack, 28, 16);
    if (toHex(header) !== toHex(world.agent.certificate)) count += 1;
  }
  return count;
}

test('a second computer with the same files sends slips alone, and restores alone when the first one has let go', async () => {
  const first = await newWorld();
  const tree = someTree('shared');
  const stored = await run(first, tree);
  const second = await join(first, 'second');
  const report = await run(second, tree);
  assert.equal(report.chunks.stored, 0);
  assert.ok(report.chunks.reused > 5);
  assert.ok(report.uploadedBytes < 65_536 && report.uploadedBytes < stored.uploadedBytes / 50, `${report.uploadedBytes} bytes`);
  assertSame(await readBack(second, report.record), tree);
  assert.ok((await packsOfOthers(second, report.record)) > 0);

  const other = new MemoryTree();
  other.file('root/other', 'all that the first computer still has');
  await run(first, other);
  await first.platform.clock.advance(2 * dayMs);
  for (let round = 0; round < 2; round += 1) {
    const keep = { others: { days: 0, copies: 1, intraday: true } };
    await first.vault.clean(first.safe.safe, { keep, shareMax: 1, quarantineMs: 0 });
  }
  await assert.rejects(first.safe.record(stored.record), /record-unknown/);
  assertSame(await readBack(second, report.record), tree);
  assert.deepEqual((await first.vault.check({ readData: true })).problems, []);
});

test('later runs know their slips, with local state and without it', async () => {
  const first = await newWorld();
  const tree = someTree('later');
  await run(first, tree);
  const second = await join(first, 'second');
  await run(second, tree);
  await second.platform.files.removeTree('/state-second/safes');
  await second.state.safe(second.agent.safe).saveAgentKeys(second.agent);
  const anew = await run(second, tree);
  assert.equal(anew.chunks.stored, 0);
  assert.equal(anew.chunks.reused, 0);
  assertSame(await readBack(second, anew.record), tree);
  tree.touch('root/large');
  tree.file('root/small/3', 'new content');
  const touched = await run(second, tree);
  assert.ok(touched.chunks.storedPlainBytes < 100);
  assert.equal(touched.chunks.reused, 0);
  assertSame(await readBack(second, touched.record), tree);
  // A third one finds blobs of both.
  const third = await join(second, 'third');
  const last = await run(third, tree);
  assert.ok(last.chunks.reused > 5);
  assert.ok(last.chunks.storedPlainBytes < 2_000_000, 'bundles that nobody made before');
  assertSame(await readBack(third, last.record), tree);
});

test('a computer that is to stand alone sends its own, and does not use slips that it made before', async () => {
  const first = await newWorld();
  const tree = someTree('alone');
  const stored = await run(first, tree);
  const second = await join(first, 'second');
  await run(second, tree);
  using state = second.state.safe(second.agent.safe);
  await state.saveSettings({ reuse: 'computer' });
  const alone = await run(second, tree);
  assert.equal(alone.chunks.reused, 0);
  assert.equal(alone.chunks.storedPlainBytes, stored.chunks.storedPlainBytes);
  assert.equal(await packsOfOthers(second, alone.record), 0);
  assertSame(await readBack(second, alone.record), tree);
});

test('another compression level is another payload: what it changes is sent, what it leaves alone is shared', async () => {
  const first = await newWorld();
  const tree = someTree('level');
  await run(first, tree, { level: 1 });
  const second = await join(first, 'second');
  const report = await run(second, tree, { level: 19 });
  assert.ok(report.chunks.reused > 0, 'random bytes are stored as they are');
  assert.ok(report.chunks.stored > 0, 'text is not');
  assertSame(await readBack(second, report.record), tree);
});

test('a stopped run keeps its slips', async () => {
  const first = await newWorld();
  const tree = someTree('stopped');
  await run(first, tree);
  const second = await join(first, 'second');
  const abort = new AbortController();
  tree.whileRead.set('root/text', () => abort.abort());
  await assert.rejects(run(second, tree, { signal: abort.signal, workers: 1 }), /run-aborted/);
  tree.whileRead.clear();
  const checkpoints = await second.safe.records({ kind: 'checkpoint', computer: second.agent.computer });
  assert.equal(checkpoints.length, 1);
  const report = await run(second, tree);
  assert.equal(report.chunks.stored, 0);
  assertSame(await readBack(second, report.record), tree);
});

/** A pack with each row changed, under the name that follows. Blobs are as long as they were, or left out. */
function changedPack(bytes: Uint8Array, world: World, change: (row: PackRow, blob: Uint8Array) => Change): Changed {
  const header = bytes.subarray(0, 1200);
  const { rows } = verifyPack(nameOf(bytes), bytes, { safe: world.agent.safe });
  const blobs: Uint8Array[] = [];
  let offsetBytes = header.length;
  const changedRows = rows.map((row) => {
    const { blob, slip = row.slip } = change(row, bytes.subarray(row.offsetBytes, row.offsetBytes + row.lengthBytes));
    if (blob === null) return { ...row, slip, offsetBytes: 0, slipOnly: true };
    const changed = { ...row, slip, offsetBytes, blobHash: primitives.sha256(blob) };
    blobs.push(blob);
    offsetBytes += blob.length;
    return changed;
  });
  const blobsBytes = offsetBytes - header.length;
  const sections = [{ origin: null, header: null }];
  const { tail, name } = encodePackTail({ header, rows: changedRows, sections, blobsBytes });
  return { name, bytes: concatBytes(header, ...blobs, tail) };
}

interface Change {
  readonly blob: Uint8Array | null;
  readonly slip?: Uint8Array;
}

interface Changed {
  readonly name: PackName;
  readonly bytes: Uint8Array;
}

const names = new WeakMap<Uint8Array, PackName>();
function nameOf(bytes: Uint8Array): PackName {
  const name = names.get(bytes);
  assert.ok(name);
  return name;
}

const prng = new Prng('hacked');
const attacks: Readonly<Record<string, (row: PackRow, blob: Uint8Array) => Change>> = {
  'a wrong blob under a right id': (_, blob) => ({ blob: prng.bytes(blob.length) }),
  'a blob with one bit changed': (_, blob) => ({ blob: blob.map((byte, index) => (index === 20 ? byte ^ 1 : byte)) }),
  'a wrong slip for a right blob': (_, blob) => ({ blob, slip: prng.bytes(48) }),
  'slips without blobs': () => ({ blob: null }),
};

for (const [title, change] of Object.entries(attacks)) {
  test(`what a hacked computer stores does not reach another one: ${title}`, async () => {
    const hacked = await newWorld();
    const tree = someTree('poison');
    const lying = over(hacked.safe, {
      openSession: async (request) => {
        const session = await hacked.safe.openSession(request);
        return over(session, {
          putPack: async (name, bytes) => {
            names.set(bytes, name);
            if (bytes[6] !== packKinds.data) return await session.putPack(name, bytes);
            const wrong = changedPack(bytes, hacked, change);
            return await session.putPack(wrong.name, wrong.bytes);
          },
        });
      },
    });
    // The vault takes the packs, which hold together, but no record that needs others.
    await assert.rejects(run(hacked, tree, { vault: lying }), /origin-missing/);
    const victim = await join(hacked, 'victim');
    const report = await run(victim, tree);
    if (title === 'a wrong slip for a right blob') assert.ok(report.chunks.reused > 0);
    else assert.equal(report.chunks.stored, report.chunks.seen, 'nothing of it is used');
    assertSame(await readBack(victim, report.record), tree);
    const again = await run(victim, tree, { readAll: true });
    assert.equal(again.chunks.stored, 0);
    assertSame(await readBack(victim, again.record), tree);
  });
}

test('what a session under suspicion stored is not used any more, and sent again', async () => {
  const first = await newWorld();
  const tree = someTree('suspect');
  const stored = await run(first, tree);
  const second = await join(first, 'second');
  await run(second, tree);
  const { record } = await readBack(first, stored.record);
  const { opened, platform } = second;
  const suspect = [primitives.sha256(record.public.kem)];
  await second.safe.appendLedger(revokeEntry({ opened, clock: platform.clock, certificate: first.agent.certificate, suspect }));
  const report = await run(second, tree);
  assert.equal(report.chunks.reused, 0);
  assert.equal(await packsOfOthers(second, report.record), 0);
  assertSame(await readBack(second, report.record), tree);
});

test('a blob that is damaged at the vault is sent again by whoever still has it, and both read it then', async () => {
  const first = await newWorld();
  const tree = someTree('damaged blob');
  await run(first, tree);
  const second = await join(first, 'second');
  await run(second, tree);
  const { files } = first.platform;
  const folder = `/vault/safes/${toHex(first.agent.safe)}/packs`;
  for (const { name: shard } of await files.list(folder)) {
    for (const { name } of await files.list(`${folder}/${shard}`)) {
      const path = `${folder}/${shard}/${name}`;
      const bytes = (await files.read(path, 1 << 26)) ?? new Uint8Array(0);
      if (bytes[6] !== packKinds.data || bytes.length < 1_000_000) continue;
      bytes[5000] = (bytes[5000] ?? 0) ^ 1;
      await files.replace(path, [bytes]);
    }
  }
  await first.vault.check({ readData: true, setAside: true });
  const healed = await run(second, tree);
  assert.ok(healed.chunks.stored > 0);
  assertSame(await readBack(second, healed.record), tree);
  const again = await run(first, tree);
  assert.equal(again.chunks.stored, 0, 'what the second computer sent is shared');
  assert.ok(again.chunks.reused > 0);
  assertSame(await readBack(first, again.record), tree);
});
