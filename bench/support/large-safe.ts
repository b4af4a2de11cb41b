/*
 * A synthetic safe of 1 TiB: a million chunks in 65,536 packs, and records whose refs change a little from night to night. It has tables, refs
 * and names of packs, but no blobs.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ByteWriter, GiB, KiB, MiB, primitives, Prng, toHex } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { chunkId, encodePackHeader, encodePackTail, packKinds, RefsBuilder } from '@twinvault/format';
import type { PackName, PackRow } from '@twinvault/format';
import { TestSafe } from '@twinvault/testkit';
import type { TestComputer } from '@twinvault/testkit';
import { createDirectoryVault } from '@twinvault/vault';

/** 65,536 of 16 MiB, or as many as `BENCH_GIB` says. */
export const packCount: number = Math.round((Number(process.env['BENCH_GIB'] ?? 1024) * GiB) / (16 * MiB));
export const rowsPerPack = 16;
/** Rows that a safeset does not need any more. */
const replacedShare = 0.002;
const segmentBytes = 8 * MiB;
const random = new Prng('clean bench');

export interface LargeSafe {
  readonly mine: TestSafe;
  readonly computer: TestComputer;
  readonly folder: string;
  readonly names: readonly PackName[];
}

/** In an empty directory; without records. */
export async function makeLargeSafe(path: string): Promise<LargeSafe> {
  await using vault = await createDirectoryVault({ path, platform: nodePlatform() });
  const mine = new TestSafe('bench');
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe);
  const folder = join(path, 'safes', toHex(mine.safe));
  mkdirSync(join(folder, 'records'), { recursive: true });
  const names = makePacks({ mine, computer, folder }, join(path, 'cache', toHex(mine.safe), 'index'));
  return { mine, computer, folder, names };
}

/** Names as empty files, tables as segments of the index (docs/format/directory-vault.md). */
function makePacks({ mine, computer, folder }: Omit<LargeSafe, 'names'>, index: string): PackName[] {
  mkdirSync(index, { recursive: true });
  for (let first = 0; first < 256; first += 1)
    mkdirSync(join(folder, 'packs', toHex(new Uint8Array([first]))), { recursive: true });
  const names: PackName[] = [];
  let entries: Uint8Array[] = [];
  let bytes = 0;
  for (let number = 0; number < packCount; number += 1) {
    const { name, entry } = makePack(mine, computer);
    names.push(name);
    const hex = toHex(name);
    writeFileSync(join(folder, 'packs', hex.slice(0, 2), hex), '');
    entries.push(entry);
    bytes += entry.length;
    if (bytes < segmentBytes && number < packCount - 1) continue;
    writeSegment(index, entries);
    entries = [];
    bytes = 0;
  }
  return names;
}

function makePack(mine: TestSafe, { certificate, kem }: TestComputer): { readonly name: PackName; readonly entry: Uint8Array } {
  const nonce = random.bytes(32);
  const header = encodePackHeader({ suite: 1, kind: packKinds.data, safe: mine.safe, epoch: 1, certificate, nonce, kem });
  const lengthBytes = MiB - 8 * KiB;
  const rows = Array.from({ length: rowsPerPack }, (_, position): PackRow => {
    const id = random.bytes(32);
    id[0] = 16 * position;
    const place = { section: 0, position, offsetBytes: header.length + position * lengthBytes, lengthBytes };
    const fields = { salt: random.bytes(16), blobHash: random.bytes(32), slip: random.bytes(48), slipOnly: false };
    return { ...place, id: chunkId(id), ...fields };
  });
  const blobsBytes = rowsPerPack * lengthBytes;
  const { name, tail } = encodePackTail({ header, rows, sections: [{ origin: null, header: null }], blobsBytes });
  const entry = new ByteWriter(152 + tail.length)
    .bytes(name)
    .bytes(header.subarray(0, 80))
    .bytes(primitives.sha256(kem))
    .u32(header.length + blobsBytes + tail.length)
    .u32(tail.length)
    .bytes(tail)
    .finish();
  return { name, entry };
}

function writeSegment(index: string, entries: readonly Uint8Array[]): void {
  const writer = new ByteWriter(segmentBytes + MiB);
  writer.bytes(new Uint8Array([0x54, 0x56, 0x49, 0x58, 2, 0, 0, 0])).u32(entries.length);
  for (const entry of entries) writer.bytes(entry);
  const bytes = writer.finish();
  writeFileSync(join(index, toHex(primitives.sha256(bytes))), bytes);
}

/**
 * Refs of one night after the other: of the rows that a night names some go, anywhere, and as many come from those that none named yet.
 * `liveShare` of all rows stand in each.
 */
export function* nightlyRefs(names: readonly PackName[], liveShare: number): Generator<Uint8Array, never, undefined> {
  const rows = packCount * rowsPerPack;
  const named = Math.floor(liveShare * rows);
  const live = new Uint8Array(rows).fill(1, 0, named);
  for (let next = named; ;) {
    const refs = new RefsBuilder();
    for (let row = 0; row < rows; row += 1) {
      if (live[row] === 1) refs.add(names[Math.floor(row / rowsPerPack)] as PackName, row % rowsPerPack);
    }
    yield refs.finish();
    for (let count = Math.floor(named * replacedShare); count > 0; count -= 1) live[random.below(next)] = 0;
    const added = Math.min(rows, next + Math.floor(named * replacedShare));
    live.fill(1, next, added);
    next = added;
  }
}
