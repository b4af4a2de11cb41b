/*
 * What does a vault pay to check a pack on arrival, and to read the tail of one from its live list?
 *
 * Sketch: the name covers header and tail, the table covers the blobs, so one pass of SHA-256 over the pack is the floor; the
 * rest must not show. A tail is read in place: a few loads for each row.
 */

import { compareBytes, concatBytes, MiB, primitives, Prng } from '@twinvault/std';
import {
  certificateId,
  chunkId,
  encodePackHeader,
  encodePackTail,
  packKinds,
  PackTable,
  parsePackTail,
  safeId,
  verifyPackTable,
} from '@twinvault/format';
import type { PackName, PackRow } from '@twinvault/format';

const random = new Prng('packs bench');
const safe = safeId(random.bytes(16));

function madePack(count: number, blobBytes: number): { name: PackName; bytes: Uint8Array; tail: Uint8Array } {
  const certificate = certificateId(random.bytes(16));
  const kind = packKinds.data;
  const header = encodePackHeader({
    suite: 1,
    kind,
    safe,
    epoch: 1,
    certificate,
    nonce: random.bytes(32),
    kem: random.bytes(1120),
  });
  const ids = Array.from({ length: count }, () => chunkId(random.bytes(32))).sort(compareBytes);
  const blobs = ids.map(() => random.bytes(blobBytes));
  const rows = ids.map((id, position): PackRow => {
    const blobHash = primitives.sha256(blobs[position] ?? new Uint8Array());
    const offsetBytes = header.length + position * blobBytes;
    const place = { section: 0, position, offsetBytes, lengthBytes: blobBytes };
    return { ...place, id, salt: random.bytes(16), blobHash, slip: random.bytes(48), slipOnly: false };
  });
  const sections = [{ origin: null, header: null }];
  const { tail, name } = encodePackTail({ header, rows, sections, blobsBytes: count * blobBytes });
  return { name, tail, bytes: concatBytes(header, ...blobs, tail) };
}

/** Median of 15 runs after 3, in ms. */
function timed(run: () => unknown): number {
  const times: number[] = [];
  for (let count = 0; count < 18; count += 1) {
    const start = performance.now();
    run();
    if (count >= 3) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[7] ?? Number.NaN;
}

function line(label: string, ms: number, note: string): void {
  process.stdout.write(`${label.padEnd(44)} ${ms.toFixed(3).padStart(9)} ms   ${note}\n`);
}

const large = madePack(16, MiB);
const hashMs = timed(() => primitives.sha256(large.bytes));
const verifyMs = timed(() => verifyPackTable(large.name, large.bytes, { safe }));
line('SHA-256 over a pack of 16 MiB', hashMs, `${(large.bytes.length / 1e6 / hashMs).toFixed(2)} GB/s`);
line('all checks of that pack', verifyMs, `${(verifyMs / hashMs).toFixed(2)} times the SHA-256`);

const many = madePack(1000, 20);
line(
  'PackTable of 1,000 rows',
  timed(() => new PackTable(many.tail)),
  'in place',
);
line(
  'parsePackTail of 1,000 rows',
  timed(() => parsePackTail(many.tail)),
  'an object for each row',
);
