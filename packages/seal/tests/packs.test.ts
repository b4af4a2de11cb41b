/* Packs from end to end: sealed by a session, verified as a vault does, opened by whoever holds the reading key. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng, compareBytes, primitives } from '@twinvault/std';
import {
  FormatError,
  PackTable,
  certificateId,
  computerId,
  packHeaderBytesMax,
  packKinds,
  packTailBytes,
  parsePackHeader,
  safeId,
  verifyPack,
} from '@twinvault/format';
import type { PackHeader, PackKind, Suite } from '@twinvault/format';
import {
  PackBuilder,
  PackKeyring,
  SealError,
  SelfCheck,
  blobMatches,
  chunkSecret,
  encodePayload,
  kindKeys,
  newRootSecret,
  newSealingSession,
  openChunk,
  readSeed,
  sealBlob,
  stateKey,
  writeSecret,
} from '../src/index.ts';
import type { BuiltPack, KindKeys, SealingSession } from '../src/index.ts';
import { flipped, item } from './help.ts';

const random = new Prng('packs');
const rs = newRootSecret(random);
const safe = safeId(random.bytes(16));
const certificate = certificateId(random.bytes(16));
const computer = computerId(random.bytes(16));
const kem = { epoch: 1, key: primitives.xwingPublicKey(readSeed(rs, 1)) };
const ws = writeSecret(rs);

function keyring(): PackKeyring {
  return new PackKeyring({
    readSeedOf: (epoch) => (epoch === 1 ? readSeed(rs, 1) : null),
    stateKeyOf: () => stateKey(rs, computer),
  });
}

function session(suite: Suite): SealingSession {
  return newSealingSession({ kem, suite, safe, certificate });
}

function chunksOf(count: number, seed: string): Uint8Array[] {
  const prng = new Prng(seed);
  return Array.from({ length: count }, (_, index) =>
    index % 2 === 0 ? prng.bytes(prng.below(5_000)) : new Uint8Array(prng.below(90_000)).fill(index),
  );
}

interface Built {
  readonly pack: BuiltPack;
  readonly chunks: readonly Uint8Array[];
  readonly keys: KindKeys;
  readonly header: PackHeader;
  readonly table: PackTable;
}

function build(suite: Suite, kind: PackKind, count = 40): Built {
  const keys = kindKeys(ws, kind);
  const state = kind === packKinds.state ? { stateKey: stateKey(rs, computer) } : {};
  const builder = new PackBuilder({ session: session(suite), kind, keys, random, ...state });
  const chunks = chunksOf(count, `chunks ${suite} ${kind}`);
  for (const chunk of chunks) {
    const { id, m } = chunkSecret(keys, chunk);
    assert.equal(builder.has(id), false);
    assert.equal(builder.add(id, m, encodePayload(chunk)), true);
    assert.equal(builder.add(id, m, encodePayload(chunk)), false);
    assert.equal(builder.has(id), true);
  }
  assert.equal(builder.count, count);
  const pack = builder.finish();
  const tailBytes = packTailBytes(pack.bytes.subarray(pack.bytes.length - 40));
  const table = new PackTable(pack.bytes.subarray(pack.bytes.length - tailBytes));
  const header = parsePackHeader(pack.bytes.subarray(0, packHeaderBytesMax));
  return { pack, chunks, keys, header, table };
}

function openAt({ header, table, pack, keys }: Built, row: number, opener: PackKeyring, changed?: Uint8Array): Uint8Array {
  const found = table.row(row);
  const bytes = changed ?? pack.bytes;
  const blob = bytes.subarray(found.offsetBytes, found.offsetBytes + found.lengthBytes);
  return openChunk({ row: found, header, keyring: opener, blob, keys });
}

for (const suite of [1, 2] as const) {
  for (const [name, kind] of Object.entries(packKinds)) {
    test(`suite ${suite}, kind ${name}: the vault's checks hold, every chunk opens, rows are in the order of ids`, () => {
      const built = build(suite, kind);
      const { pack, chunks, keys, header, table } = built;
      verifyPack(pack.name, pack.bytes, { safe, certificate });
      assert.equal(header.epoch, kind === packKinds.state ? 0 : 1);
      assert.equal(table.count, chunks.length);
      assert.equal(pack.bytes.byteOffset, 0);
      assert.equal(pack.bytes.buffer.byteLength, pack.bytes.length);
      const opener = keyring();
      const byId = new Map(chunks.map((chunk) => [chunkSecret(keys, chunk).id.toString(), chunk]));
      for (const [row, { id, position, lengthBytes }] of pack.rows.entries()) {
        assert.equal(position, row);
        assert.equal(lengthBytes, table.lengthAt(row));
        assert.deepEqual(openAt(built, row, opener), byId.get(id.toString()));
        if (row > 0) assert.ok(compareBytes(item(pack.rows, row - 1).id, id) < 0);
      }
    });
  }

  test(`suite ${suite}: every flipped byte of a blob or row is refused with its code`, () => {
    const built = build(suite, 1, 4);
    const opener = keyring();
    const { pack, table } = built;
    for (let row = 0; row < table.count; row += 1) {
      const start = table.offsetAt(row);
      for (let at = start; at < start + table.lengthAt(row); at += 97) {
        const changed = flipped(pack.bytes, at);
        assert.throws(() => openAt(built, row, opener, changed), { code: 'blob-damaged' });
        assert.throws(() => verifyPack(pack.name, changed, { safe }), FormatError);
      }
    }
    const tailStart = pack.bytes.length - table.tailBytes;
    for (let at = 0; at < table.tailBytes; at += 1) {
      const changed = flipped(pack.bytes, tailStart + at);
      assert.throws(() => verifyPack(pack.name, changed, { safe }), FormatError);
    }
  });
}

test('a row of another place, pack or kind does not open', () => {
  const built = build(1, 1, 8);
  const other = build(1, 1, 8);
  const opener = keyring();
  const { header, table, pack, keys } = built;
  const row = table.row(0);
  const blob = pack.bytes.subarray(row.offsetBytes, row.offsetBytes + row.lengthBytes);
  const attempt = (change: Partial<Parameters<typeof openChunk>[0]>): (() => Uint8Array) => {
    return () => openChunk({ row, header, keyring: opener, blob, keys, ...change });
  };
  assert.deepEqual(attempt({})(), openAt(built, 0, opener));
  assert.throws(attempt({ row: { ...row, position: 1 } }), { code: 'slip-damaged' });
  assert.throws(attempt({ row: { ...row, id: table.idAt(1) } }), { code: 'slip-damaged' });
  assert.throws(attempt({ row: { ...row, blobHash: table.blobHashAt(1) } }), { code: 'slip-damaged' });
  assert.throws(attempt({ row: { ...row, slip: table.slipAt(1) } }), { code: 'slip-damaged' });
  assert.throws(attempt({ header: other.header }), { code: 'slip-damaged' });
  assert.throws(attempt({ header: { ...header, nonce: other.header.nonce } }), { code: 'slip-damaged' });
  assert.throws(attempt({ header: { ...header, epoch: 2 }, keyring: keyring() }), { code: 'epoch-unknown' });
  assert.throws(attempt({ blob: blob.subarray(1) }), { code: 'blob-damaged' });
  assert.throws(attempt({ keys: kindKeys(ws, 2) }), { code: 'id-mismatch' });
});

test('a session is decapsulated once for all of its packs', () => {
  const shared = session(1);
  const keys = kindKeys(ws, 1);
  let asked = 0;
  const opener = new PackKeyring({
    readSeedOf: (epoch) => {
      asked += 1;
      return readSeed(rs, epoch);
    },
  });
  for (let count = 0; count < 3; count += 1) {
    const builder = new PackBuilder({ session: shared, kind: 1, keys, random });
    const chunk = Uint8Array.of(count);
    const { id, m } = chunkSecret(keys, chunk);
    builder.add(id, m, encodePayload(chunk));
    const { bytes } = builder.finish();
    opener.packKeyFor(parsePackHeader(bytes));
  }
  assert.equal(asked, 1);
  const given = new PackKeyring({ sessions: [{ kem: shared.kem, secret: shared.secret }] });
  assert.deepEqual(given.sessionSecret(1, shared.kem), opener.sessionSecret(1, shared.kem));
  assert.throws(() => given.sessionSecret(1, session(1).kem), { code: 'epoch-unknown' });
});

test('sealing the same chunks again gives other bytes: salts and nonces are fresh', () => {
  const [a, b] = [build(1, 1, 3), build(1, 1, 3)];
  assert.notDeepEqual(a.pack.name, b.pack.name);
  assert.notDeepEqual(a.table.saltAt(0), b.table.saltAt(0));
  assert.notDeepEqual(a.table.blobHashAt(0), b.table.blobHashAt(0));
});

test('a blob of another computer is reused by a row without a blob, and opens with that row’s slip', () => {
  for (const suite of [1, 2] as const) {
    const stored = build(suite, 1, 2);
    const { keys, table, pack } = stored;
    const chunk = stored.chunks.find((each) => compareBytes(chunkSecret(keys, each).id, table.idAt(0)) === 0)!;
    const { id, m } = chunkSecret(keys, chunk);
    const [salt, blobHash, lengthBytes] = [table.saltAt(0), table.blobHashAt(0), table.lengthAt(0)];
    const place = { suite, safe, kind: 1, id, m, salt, blobHash } as const;
    assert.equal(blobMatches({ ...place, payload: encodePayload(chunk) }), true);
    assert.equal(blobMatches({ ...place, payload: encodePayload(Uint8Array.of(...chunk, 1)) }), false);

    const builder = new PackBuilder({ session: session(1), kind: 1, keys, random });
    assert.equal(builder.addReused({ id, m, suite, salt, blobHash, lengthBytes }), true);
    assert.equal(builder.addReused({ id, m, suite, salt, blobHash, lengthBytes }), false);
    const own = chunkSecret(keys, Uint8Array.of(1));
    builder.add(own.id, own.m, encodePayload(Uint8Array.of(1)));
    const reusing = builder.finish();
    verifyPack(reusing.name, reusing.bytes, { safe, certificate });
    const slipRow = new PackTable(reusing.bytes.subarray(reusing.bytes.length - packTailBytes(reusing.bytes.subarray(-40))));
    const index = reusing.rows.findIndex(({ slipOnly }) => slipOnly);
    const blob = pack.bytes.subarray(table.offsetAt(0), table.offsetAt(0) + lengthBytes);
    const header = parsePackHeader(reusing.bytes);
    const opened = openChunk({ row: slipRow.row(index), header, keyring: keyring(), blob, keys, blobSuite: suite });
    assert.deepEqual(opened, chunk);
  }
});

test('the self-check finds a payload that changed in memory', () => {
  const keys = kindKeys(ws, 1);
  const builder = new PackBuilder({ session: session(1), kind: 1, keys, random });
  const chunk = new Prng('memory').bytes(1_000);
  const { id, m } = chunkSecret(keys, chunk);
  const payload = encodePayload(chunk);
  builder.add(id, m, payload);
  payload.set([(payload[500] ?? 0) ^ 4], 500);
  assert.throws(
    () => builder.finish(),
    (error) => error instanceof SealError && error.code === 'memory-fault',
  );
});

test('one blob in 16 is checked, and all of them after a mismatch that a second sealing mended', () => {
  const keys = kindKeys(ws, 1);
  const chunk = Uint8Array.of(1, 2, 3);
  const { id, m } = chunkSecret(keys, chunk);
  const payload = encodePayload(chunk);
  const place = { suite: 1, safe, kind: 1, id } as const;
  const check = new SelfCheck();
  let sealed = 0;
  let faulty = 0;
  const seal = (): ReturnType<typeof sealBlob> => {
    sealed += 1;
    const made = sealBlob({ ...place, m, salt: random.bytes(16), payload });
    if (faulty > 0) {
      faulty -= 1;
      made.blob.set([(made.blob[5] ?? 0) ^ 1], 5);
    }
    return made;
  };
  for (let count = 0; count < 16; count += 1) check.checked({ place, keys, seal });
  assert.equal(sealed, 16);
  faulty = 1;
  check.checked({ place, keys, seal });
  assert.deepEqual([sealed, check.mismatches], [18, 1]);
  faulty = 1;
  check.checked({ place, keys, seal });
  assert.deepEqual([sealed, check.mismatches], [20, 2]);
  faulty = 2;
  assert.throws(() => check.checked({ place, keys, seal }), { code: 'memory-fault' });
});
