/* Reading safesets: what was backed up comes back, and a vault that lies, lacks or damages anything is found out. */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { concatBytes, primitives, toHex, utf8Encode } from '@twinvault/std';
import { computerId, encodePackHeader, encodePackTail, packHeaderBytesMax, packKinds, parseRefs } from '@twinvault/format';
import type { ChunkId, ParsedRecord } from '@twinvault/format';
import {
  PackBuilder,
  chunkSecret,
  encodePayload,
  enrolHere,
  kindKeys,
  newSealingSession,
  openChunkWithKeys,
  openSafeReader,
  packKeyOf,
  revokeEntry,
  sealBlob,
  sealSlip,
} from '../src/index.ts';
import type { SafesetReader } from '../src/index.ts';
import { compactedPack } from '@twinvault/testkit';
import { flipped, item } from './help.ts';
import { backUp, clock, makeMemorySafe, random, someFiles } from './memory-safe.ts';
import type { MemorySafe } from './memory-safe.ts';

let safe: MemorySafe;
before(async () => {
  safe = await makeMemorySafe(1);
});

async function open(record: ParsedRecord, from: MemorySafe = safe): Promise<SafesetReader> {
  return await openSafeReader({ vaultSafe: from.vault, opened: from.opened }).open(record.digest);
}

async function contentOf(reader: SafesetReader, name: string): Promise<Uint8Array> {
  const entry = await reader.catalog.entry(utf8Encode('data'), utf8Encode(name));
  const chunk = item(entry?.extents ?? [], 0).chunk;
  assert.ok(chunk);
  return await reader.chunks.read(chunk, packKinds.data);
}

for (const suite of [1, 2] as const) {
  test(`suite ${suite}: every file comes back, one by one and in one sweep`, async () => {
    const own = await makeMemorySafe(suite);
    const files = someFiles(60, 'sweep');
    const record = backUp(own, { files });
    const reader = await open(record, own);
    assert.equal(own.vault.openReadings, 1);
    const ids: ChunkId[] = [];
    for await (const entry of reader.catalog.walk()) {
      const name = new TextDecoder().decode(entry.name);
      assert.deepEqual(await contentOf(reader, name), files.get(name));
      ids.push(item(entry.extents, 0).chunk!);
    }
    assert.equal(ids.length, files.size);
    const contents = new Set([...files.values()].map(toHex));
    let count = 0;
    for await (const { plaintext } of reader.chunks.readMany(ids)) {
      assert.ok(contents.has(toHex(plaintext)));
      count += 1;
    }
    assert.equal(count, files.size);
    assert.deepEqual(reader.part.host, 'pc');
  });
}

test('a pack whose tail is longer than the first read is read all the same', async () => {
  const own = await makeMemorySafe(1);
  const files = someFiles(700, 'long tail');
  const record = backUp(own, { files, chunksPerPack: 700 });
  const reader = await open(record, own);
  assert.equal((await reader.recomputeRefs()).ok, true);
  assert.deepEqual(await contentOf(reader, 'file-699'), files.get('file-699'));
});

test('a safeset whose packs were compacted comes back, and its refs hold', async () => {
  const own = await makeMemorySafe(1);
  const files = someFiles(40, 'compacted');
  const record = backUp(own, { files });
  const stored = [...parseRefs(record.refs).packs()].map(({ pack: name }) => ({
    name,
    bytes: own.vault.packs.get(toHex(name))!,
  }));
  for (const kind of [packKinds.data, packKinds.catalog]) {
    const packs = stored.filter(({ bytes }) => bytes[6] === kind);
    const { name, bytes } = compactedPack(own.opened.safe, packs);
    own.vault.packs.set(toHex(name), bytes);
    for (const pack of packs) {
      own.vault.packs.delete(toHex(pack.name));
      own.vault.moved.set(toHex(pack.name), [name]);
    }
  }
  assert.equal(own.vault.packs.size, 2);
  const reader = await open(record, own);
  const report = await reader.recomputeRefs();
  assert.deepEqual([report.ok, report.surplus], [true, 0]);
  assert.deepEqual(report.refs, record.refs);
  for (const [name, content] of files) assert.deepEqual(await contentOf(reader, name), content);
});

test('blobs open from plain data that can be posted to a thread', async () => {
  const record = backUp(safe, { files: someFiles(3, 'posted') });
  const reader = await open(record);
  const entry = await reader.catalog.entry(utf8Encode('data'), utf8Encode('file-1'));
  const place = await reader.chunks.locate(item(entry?.extents ?? [], 0).chunk!);
  const opening = structuredClone(await reader.chunks.openingOf(place));
  const blob = await reader.reading.readPack(place.pack, place.row.offsetBytes, place.row.lengthBytes);
  const plaintext = openChunkWithKeys({ ...opening, blob }, kindKeys(safe.agent.writeSecret, opening.kind));
  assert.deepEqual(plaintext, someFiles(3, 'posted').get('file-1'));
  const leases = safe.vault.openReadings;
  await reader[Symbol.asyncDispose]();
  assert.equal(safe.vault.openReadings, leases - 1);
});

test('listing leaves out checkpoints and what was retired', async () => {
  const own = await makeMemorySafe(1);
  const first = backUp(own, { files: someFiles(2, 'a') });
  backUp(own, { files: someFiles(2, 'b'), public: { kind: 'checkpoint' } });
  const last = backUp(own, { files: someFiles(2, 'c'), previous: first });
  own.vault.retired.add(toHex(first.digest));
  const reader = openSafeReader({ vaultSafe: own.vault, opened: own.opened });
  assert.deepEqual(
    (await reader.safesets()).map(({ digest }) => toHex(digest)),
    [toHex(last.digest)],
  );
});

test('recomputed refs are the record’s own', async () => {
  const record = backUp(safe, { files: someFiles(60, 'refs') });
  const reader = await open(record);
  const report = await reader.recomputeRefs();
  assert.equal(report.ok, true);
  assert.deepEqual(report.refs, record.refs);
  assert.equal(report.chunks, parseRefs(record.refs).count);
});

test('refs that name too much are found', async () => {
  const other = backUp(safe, { files: someFiles(5, 'surplus') });
  const record = backUp(safe, {
    files: someFiles(5, 'enough'),
    refs: (builder) => {
      for (const { pack, position } of parseRefs(other.refs)) builder.add(pack, position);
    },
  });
  const reader = await open(record);
  const report = await reader.recomputeRefs();
  assert.equal(report.ok, false);
  assert.equal(report.surplus, parseRefs(other.refs).count);
  assert.deepEqual(report.missing, []);
});

test('a missing pack is counted, its chunks are named, the others come back', async () => {
  const own = await makeMemorySafe(1);
  const files = someFiles(12, 'missing');
  const record = backUp(own, { files });
  const data = [...parseRefs(record.refs).packs()].find(({ pack }) => own.vault.packs.get(toHex(pack))?.[6] === packKinds.data)!;
  own.vault.packs.delete(toHex(data.pack));
  const reader = await open(record, own);
  const report = await reader.recomputeRefs();
  assert.equal(report.ok, false);
  assert.equal(report.missing.length, 3);
  assert.equal(report.surplus, 0);
  assert.equal(reader.chunks.missingPacks.length, 1);
  let lost = 0;
  for (const [name, content] of files) {
    try {
      assert.deepEqual(await contentOf(reader, name), content);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'chunk-missing');
      lost += 1;
    }
  }
  assert.equal(lost, 3);
});

test('a vault that does not answer is no missing chunk, and is asked again', async () => {
  const own = await makeMemorySafe(1);
  const files = someFiles(12, 'silent');
  const record = backUp(own, { files });
  const reader = await open(record, own);
  for (let failing = 12; failing > 0; failing -= 1) {
    own.vault.failReads = failing;
    await assert.rejects(contentOf(reader, 'file-3'), { code: 'network-timeout' });
    own.vault.failReads = 0;
  }
  for (const [name, content] of files) assert.deepEqual(await contentOf(reader, name), content);
  assert.equal((await reader.recomputeRefs()).ok, true);
});

test('state packs of the refs are not surplus', async () => {
  const { agent, vault } = safe;
  const keys = kindKeys(agent.writeSecret, packKinds.state);
  const { safe: id, certificate, suite, stateKey, kem } = agent;
  const session = newSealingSession({ kem, suite, safe: id, certificate });
  const builder = new PackBuilder({ session, kind: packKinds.state, keys, random, stateKey });
  const state = random.bytes(1_000);
  const secret = chunkSecret(keys, state);
  builder.add(secret.id, secret.m, encodePayload(state));
  const pack = builder.finish();
  vault.packs.set(toHex(pack.name), pack.bytes);
  const record = backUp(safe, { files: someFiles(5, 'state'), refs: (refs) => refs.add(pack.name, 0) });
  const reader = await open(record);
  const report = await reader.recomputeRefs();
  assert.deepEqual([report.ok, report.surplus], [true, 0]);
  assert.deepEqual(report.refs, record.refs);
  assert.deepEqual(await reader.chunks.read(secret.id, packKinds.state), state);
});

test('no flipped byte of a pack gives wrong bytes', async () => {
  const own = await makeMemorySafe(1);
  const files = someFiles(4, 'flips');
  const record = backUp(own, { files, chunksPerPack: 2 });
  let refused = 0;
  let good = 0;
  for (const [name, bytes] of own.vault.packs) {
    const step = Math.max(1, Math.floor(bytes.length / 90));
    for (let at = 0; at < bytes.length; at += at < packHeaderBytesMax ? 17 : step) {
      own.vault.packs.set(name, flipped(bytes, at));
      const reader = await open(record, own);
      for (const [file, content] of files) {
        try {
          assert.deepEqual(await contentOf(reader, file), content);
          good += 1;
        } catch (error) {
          assert.equal(typeof (error as { code?: unknown }).code, 'string', String(error));
          assert.notEqual((error as { code?: unknown }).code, 'ERR_ASSERTION');
          refused += 1;
        }
      }
    }
    own.vault.packs.set(name, bytes);
  }
  assert.ok(refused > 200 && good > 200, `${refused} refused, ${good} good`);
});

test('exchanged, forged and rolled-back records are refused', async () => {
  const own = await makeMemorySafe(1);
  const a = backUp(own, { files: someFiles(2, 'a') });
  const b = backUp(own, { files: someFiles(2, 'b') });
  const bytesA = own.vault.stored.get(toHex(a.digest))!;
  const reader = openSafeReader({ vaultSafe: own.vault, opened: own.opened });
  own.vault.stored.set(toHex(a.digest), own.vault.stored.get(toHex(b.digest))!);
  await assert.rejects(reader.open(a.digest), { code: 'record-mismatch' });
  for (let at = 0; at < bytesA.length; at += 29) {
    own.vault.stored.set(toHex(a.digest), flipped(bytesA, at));
    await assert.rejects(reader.open(a.digest), (error) => 'code' in (error as object), `byte ${at}`);
  }
  own.vault.stored.set(toHex(a.digest), bytesA);
  await reader.open(a.digest);

  const foreign = backUp(await makeMemorySafe(1), { files: someFiles(2, 'x') });
  const elsewhere = await makeMemorySafe(1);
  const stranger = backUp(elsewhere, { files: someFiles(2, 'y') });
  own.vault.stored.set(toHex(stranger.digest), elsewhere.vault.stored.get(toHex(stranger.digest))!);
  await assert.rejects(reader.open(stranger.digest), { code: 'safe-mismatch' });
  await assert.rejects(reader.open(foreign.digest), { code: 'record-unknown' });
  const claims = backUp(own, { files: someFiles(2, 'z'), public: { ledger: { ...a.public.ledger, digest: random.bytes(32) } } });
  await assert.rejects(reader.open(claims.digest), { code: 'ledger-foreign-head' });
});

test('a record of a computer that enrolled later is read after the new entries', async () => {
  const own = await makeMemorySafe(1);
  const reader = openSafeReader({ vaultSafe: own.vault, opened: own.opened });
  const { entry, agent, opened } = enrolHere({
    opened: own.opened,
    computer: computerId(random.bytes(16)),
    name: 'late',
    random,
    clock,
  });
  const record = backUp({ vault: own.vault, opened, agent }, { files: someFiles(2, 'late') });
  await assert.rejects(reader.open(record.digest), { code: 'ledger-foreign-head' });
  own.vault.entries.push(entry);
  const safeset = await reader.open(record.digest);
  assert.equal(safeset.record.public.computerName, 'late');
  assert.equal(reader.opened.ledger.head.number, 4);
});

test('of a revoked certificate, the last named record and those before it stand', async () => {
  const own = await makeMemorySafe(1);
  const first = backUp(own, { files: someFiles(2, 'first') });
  const second = backUp(own, { files: someFiles(2, 'second'), previous: first });
  const stolen = backUp(own, { files: someFiles(2, 'stolen'), previous: second });
  const { certificate, computer } = own.agent;
  const last = [{ computer, job: 'files', record: second.digest }];
  const opened = own.opened.withEntry(revokeEntry({ opened: own.opened, clock, certificate, last }));
  const reader = openSafeReader({ vaultSafe: own.vault, opened });
  for (const { digest } of [first, second]) await (await reader.open(digest))[Symbol.asyncDispose]();
  await assert.rejects(reader.open(stolen.digest), { code: 'certificate-revoked' });
});

test('a poisoned slip costs nothing while another for the same blob is there', async () => {
  const own = await makeMemorySafe(1);
  const { suite, kem, safe: id, certificate, writeSecret } = own.agent;
  const keys = kindKeys(writeSecret, packKinds.data);
  const content = random.bytes(5_000);
  const { id: chunk, m } = chunkSecret(keys, content);
  const salt = random.bytes(16);
  const place = { suite, safe: id, kind: packKinds.data, id: chunk } as const;
  const { blob } = sealBlob({ ...place, m, salt, payload: encodePayload(content) });
  const blobHash = primitives.sha256(blob);

  // A hacked agent stores the right blob, with a slip that holds a wrong key.
  const session = newSealingSession({ kem, suite, safe: id, certificate });
  const nonce = random.bytes(32);
  const header = encodePackHeader({ suite, kind: 1, safe: id, epoch: 1, certificate, nonce, kem: session.kem });
  const packKey = packKeyOf({ kind: 1, header, secret: session.secret });
  const slip = sealSlip(packKey, { suite, position: 0, id: chunk, blobHash }, random.bytes(32));
  const lengthBytes = blob.length;
  const row = {
    section: 0,
    position: 0,
    id: chunk,
    offsetBytes: header.length,
    lengthBytes,
    salt,
    blobHash,
    slip,
    slipOnly: false,
  };
  const { tail, name } = encodePackTail({
    header,
    rows: [row],
    sections: [{ origin: null, header: null }],
    blobsBytes: lengthBytes,
  });
  own.vault.packs.set(toHex(name), concatBytes(header, blob, tail));

  const files = new Map([['file', content]]);
  const reused = { id: chunk, m, suite, salt, blobHash, lengthBytes };
  const record = backUp(own, { files, reused, refs: (refs) => refs.add(name, 0) });
  const reader = await open(record, own);
  assert.deepEqual(await contentOf(reader, 'file'), content);
  const found = await reader.chunks.locate(chunk);
  assert.equal((await reader.chunks.openingOf(found)).keys.length, 2);
  assert.equal((await reader.recomputeRefs()).ok, true);

  const without = backUp(own, { files, reused });
  const blind = await open(without, own);
  await assert.rejects(contentOf(blind, 'file'), { code: 'chunk-missing' });
  assert.deepEqual((await blind.recomputeRefs()).missing, [chunk]);
});
