/*
 * What each step from the plaintext of a chunk to a sealed pack costs, and the way back, for chunks of 1 MiB: random data,
 * which is stored raw, and machine code (the program that runs this), which compresses.
 */

import { readFileSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { primitives } from '@twinvault/std';
import { certificateId, packKinds, packTailBytes, PackTable, parsePackHeader, safeId } from '@twinvault/format';
import type { Suite } from '@twinvault/format';
import {
  chunkSecret,
  decodePayload,
  encodePayload,
  kindKeys,
  newRootSecret,
  newSealingSession,
  openChunk,
  PackBuilder,
  PackKeyring,
  readSeed,
  sealBlob,
  SelfCheck,
  writeSecret,
} from '@twinvault/seal';
import { measure, printTable } from './support/cpu.ts';

const chunkBytes = 1024 * 1024;
const count = 12;
const rounds = 9;

const random = { bytes: (length: number): Uint8Array => randomFillSync(new Uint8Array(length)) };
const rs = newRootSecret(random);
const keys = kindKeys(writeSecret(rs), packKinds.data);
const safe = safeId(random.bytes(16));
const certificate = certificateId(random.bytes(16));
const kem = { epoch: 1, key: primitives.xwingPublicKey(readSeed(rs, 1)) };

const program = readFileSync(process.execPath);
const contents: Readonly<Record<string, readonly Uint8Array[]>> = {
  random: Array.from({ length: count }, () => random.bytes(chunkBytes)),
  program: Array.from(
    { length: count },
    (_, index) => new Uint8Array(program.subarray((20 + index) * chunkBytes, (21 + index) * chunkBytes)),
  ),
};

const rows: string[][] = [['MB of plaintext per CPU second', 'random', 'program']];

async function row(name: string, work: (chunks: readonly Uint8Array[]) => () => unknown): Promise<void> {
  const cells = [name];
  for (const chunks of Object.values(contents)) {
    const { cpuSeconds } = await measure(rounds, work(chunks));
    cells.push(((count * chunkBytes) / cpuSeconds / 1e6).toFixed(0));
  }
  rows.push(cells);
}

function packOf(suite: Suite, chunks: readonly Uint8Array[]): () => Uint8Array {
  const session = newSealingSession({ kem, suite, safe, certificate });
  const selfCheck = new SelfCheck();
  const ready = chunks.map((chunk) => ({ ...chunkSecret(keys, chunk), payload: encodePayload(chunk) }));
  return () => {
    const builder = new PackBuilder({ session, kind: packKinds.data, keys, random, selfCheck });
    for (const { id, m, payload } of ready) builder.add(id, m, payload);
    return builder.finish().bytes;
  };
}

function opening(suite: Suite, chunks: readonly Uint8Array[]): () => void {
  const bytes = packOf(suite, chunks)();
  const table = new PackTable(bytes.subarray(bytes.length - packTailBytes(bytes.subarray(-40))));
  const header = parsePackHeader(bytes);
  const keyring = new PackKeyring({ readSeedOf: () => readSeed(rs, 1) });
  return () => {
    for (let index = 0; index < table.count; index += 1) {
      const found = table.row(index);
      const blob = bytes.subarray(found.offsetBytes, found.offsetBytes + found.lengthBytes);
      openChunk({ row: found, header, keyring, blob, keys });
    }
  };
}

await row('chunk id', (chunks) => () => chunks.forEach((chunk) => chunkSecret(keys, chunk)));
for (const level of [1, 3] as const) {
  await row(`payload, level ${level}`, (chunks) => () => chunks.forEach((chunk) => encodePayload(chunk, { level })));
}
await row(
  'payload, level 3, without sample',
  (chunks) => () => chunks.forEach((chunk) => encodePayload(chunk, { sample: false })),
);
for (const suite of [1, 2] as const) {
  await row(`suite ${suite}: blob`, (chunks) => {
    const ready = chunks.map((chunk) => ({ ...chunkSecret(keys, chunk), payload: encodePayload(chunk), salt: random.bytes(16) }));
    return () => ready.forEach((chunk) => sealBlob({ suite, safe, kind: packKinds.data, ...chunk }));
  });
  await row(`suite ${suite}: pack (blobs, hashes, slips, self-check)`, (chunks) => packOf(suite, chunks));
  await row(`suite ${suite}: opening and checking ids`, (chunks) => opening(suite, chunks));
}
await row('payload decoded', (chunks) => {
  const payloads = chunks.map((chunk) => encodePayload(chunk));
  return () => payloads.forEach((payload) => decodePayload(payload));
});
await row('suite 1: all, id to pack', (chunks) => {
  const session = newSealingSession({ kem, suite: 1, safe, certificate });
  const selfCheck = new SelfCheck();
  return () => {
    const builder = new PackBuilder({ session, kind: packKinds.data, keys, random, selfCheck });
    for (const chunk of chunks) {
      const { id, m } = chunkSecret(keys, chunk);
      builder.add(id, m, encodePayload(chunk));
    }
    return builder.finish();
  };
});
printTable(rows);

const sessions = await measure(rounds, () => newSealingSession({ kem, suite: 1, safe, certificate }));
const { kem: ciphertext } = newSealingSession({ kem, suite: 1, safe, certificate });
const decapsulations = await measure(rounds, () => primitives.xwingDecapsulate(readSeed(rs, 1), ciphertext));
printTable([
  ['', 'ms of CPU'],
  ['new session (one encapsulation)', (sessions.cpuSeconds * 1e3).toFixed(2)],
  ['its decapsulation', (decapsulations.cpuSeconds * 1e3).toFixed(2)],
]);
