/*
 * What do mark and plan of a clean-up cost in a safe of 1 TiB: a million chunks in 65,536 packs, 44 safesets?
 *
 * Sketch: the index has 150 bytes a row and 1.5 KB a pack, 250 MB: read once from the page cache and hashed once, 0.3 s. Refs have 35 bytes a
 * pack and safeset, 100 MB where each stands whole: read once in the life of a record, then from the cache as differences. In memory stay 150
 * bytes a pack, the pool, and names.
 *
 * The safe has tables, refs and names of packs, but no blobs. Each safeset replaces one row in 500 of the one before it, anywhere: 2 GiB a night.
 * Each line is a process of its own; the first finds no cache.
 *
 *   npm run bench -- clean                    1 TiB
 *   BENCH_GIB=64 npm run bench -- clean
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ByteWriter, GiB, KiB, MiB, primitives, Prng, toHex } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { chunkId, encodePackHeader, encodePackTail, packKinds, RefsBuilder } from '@twinvault/format';
import type { PackName, PackRow, RecordDigest } from '@twinvault/format';
import { TestSafe } from '@twinvault/testkit';
import type { TestComputer } from '@twinvault/testkit';
import { createDirectoryVault, openDirectoryVault } from '@twinvault/vault';
import type { CleanReport } from '@twinvault/vault';

const packCount = Math.round((Number(process.env['BENCH_GIB'] ?? 1024) * GiB) / (16 * MiB));
const rowsPerPack = 16;
const safesets = 44;
/** Rows that a safeset does not need any more. */
const replacedShare = 0.002;
const segmentBytes = 8 * MiB;
const random = new Prng('clean bench');

interface Made {
  readonly mine: TestSafe;
  readonly computer: TestComputer;
  readonly folder: string;
  readonly names: readonly PackName[];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function makeVault(path: string): Promise<Made> {
  await using vault = await createDirectoryVault({ path, platform: nodePlatform() });
  const mine = new TestSafe('bench');
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe);
  const folder = join(path, 'safes', toHex(mine.safe));
  const names = makePacks({ mine, computer, folder }, join(path, 'cache', toHex(mine.safe), 'index'));
  return { mine, computer, folder, names };
}

/** Names as empty files, tables as segments of the index (docs/format/directory-vault.md). */
function makePacks({ mine, computer, folder }: Omit<Made, 'names'>, index: string): PackName[] {
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

/** Records with refs in full, each of one day; of the first nine tenths of the rows some go each day, from the rest as many come. */
function makeRecords({ mine, computer, folder, names }: Made): void {
  const rows = packCount * rowsPerPack;
  const live = new Uint8Array(rows).fill(1, 0, Math.floor(0.6 * rows));
  let next = Math.floor(0.6 * rows);
  let previous: RecordDigest[] = [];
  for (let sequence = 1; sequence <= safesets; sequence += 1) {
    const refs = new RefsBuilder();
    for (let row = 0; row < rows; row += 1) {
      if (live[row] === 1) refs.add(names[Math.floor(row / rowsPerPack)] as PackName, row % rowsPerPack);
    }
    const record = mine.record(computer, { sequence, previous, refs: refs.finish() });
    writeFileSync(join(folder, 'records', toHex(record.digest)), record.bytes);
    previous = [record.digest];
    for (let count = Math.floor(rows * 0.6 * replacedShare); count > 0; count -= 1) live[random.below(next)] = 0;
    const added = Math.min(rows, next + Math.floor(rows * 0.6 * replacedShare));
    live.fill(1, next, added);
    next = added;
  }
}

interface Measured {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMiB: number;
  readonly report: CleanReport;
}

async function measure(path: string, mine: TestSafe, copies: number): Promise<Measured> {
  await using vault = await openDirectoryVault({ path, platform: nodePlatform() });
  const keep = { others: { days: 0, copies, intraday: true } };
  const start = performance.now();
  const cpu = process.cpuUsage();
  const report = await vault.clean(mine.safe, { dryRun: true, keep, shareMax: 1 });
  const { user, system } = process.cpuUsage(cpu);
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000, peakMiB, report };
}

async function child(path: string, copies: number): Promise<void> {
  const { wallMs, cpuMs, peakMiB, report } = await measure(path, new TestSafe('bench'), copies);
  const { sources, liveBytes, deadBytes } = report.compaction;
  const dead = report.packs.filter(({ reason }) => reason === 'dead').length;
  say(
    `${String(copies).padStart(8)} ${wallMs.toFixed(0).padStart(10)} ${cpuMs.toFixed(0).padStart(10)} ${peakMiB.toFixed(0).padStart(10)}   ` +
      `${dead} dead packs, ${sources} to compact: ${(liveBytes / 1e9).toFixed(1)} GB live, ${(deadBytes / 1e9).toFixed(1)} GB dead`,
  );
}

const [, , given, copies] = process.argv;
if (given !== undefined) await child(given, Number(copies));
else {
  const path = mkdtempSync(join(tmpdir(), 'twinvault-clean-bench-'));
  try {
    const made = await makeVault(path);
    mkdirSync(join(made.folder, 'records'), { recursive: true });
    makeRecords(made);
    say(
      `${packCount} packs, ${packCount * rowsPerPack} chunks, ${safesets} safesets; ${cpus()[0]?.model ?? 'unknown processor'}`,
    );
    say('    kept    wall ms     CPU ms   peak MiB of the whole process');
    for (const kept of [safesets, safesets, safesets, safesets / 2]) {
      const { status } = spawnSync(process.execPath, [import.meta.filename, path, String(kept)], { stdio: 'inherit' });
      if (status !== 0) process.exitCode = status ?? 1;
    }
  } finally {
    rmSync(path, { recursive: true });
  }
}
