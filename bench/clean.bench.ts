/*
 * What do mark and plan of a clean-up cost in a safe of 1 TiB: a million chunks in 65,536 packs, 44 safesets?
 *
 * Sketch: the index has 150 bytes a row and 1.5 KB a pack, 250 MB: read once from the page cache and hashed once, 0.3 s. Refs have 35 bytes a
 * pack and safeset, 100 MB where each stands whole: read once in the life of a record, then from the cache as differences. In memory stay 150
 * bytes a pack, the pool, and names.
 *
 * Each safeset replaces one row in 500 of the one before it, anywhere: 2 GiB a night. Each line is a process of its own, started with the options
 * that the command starts with; the first finds no cache.
 *
 *   npm run bench -- clean                    1 TiB
 *   BENCH_GIB=64 npm run bench -- clean
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import type { RecordDigest } from '@twinvault/format';
import { TestSafe } from '@twinvault/testkit';
import { openDirectoryVault } from '@twinvault/vault';
import type { CleanReport } from '@twinvault/vault';
import { Blocks } from './support/blocks.ts';
import { commandEnvironment, commandOptions, peakMiB } from './support/command.ts';
import { makeLargeSafe, nightlyRefs, packCount, rowsPerPack } from './support/large-safe.ts';
import type { LargeSafe } from './support/large-safe.ts';

const safesets = 44;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Records with refs in full. */
function makeRecords({ mine, computer, folder, names }: LargeSafe): void {
  let previous: RecordDigest[] = [];
  const nights = nightlyRefs(names, 0.6);
  for (let sequence = 1; sequence <= safesets; sequence += 1) {
    const record = mine.record(computer, { sequence, previous, refs: nights.next().value });
    writeFileSync(join(folder, 'records', toHex(record.digest)), record.bytes);
    previous = [record.digest];
  }
}

interface Measured {
  readonly wallMs: number;
  /** Of all threads. */
  readonly cpuMs: number;
  /** CPU time of the longest turn of the main thread's event loop: so long a site answers nobody. */
  readonly turnMs: number;
  /** Of the main thread: on a quiet machine, with what the disk takes, the wall time. */
  readonly mainMs: number;
  readonly peakMiB: number;
  readonly report: CleanReport;
}

async function measure(path: string, mine: TestSafe, copies: number): Promise<Measured> {
  await using vault = await openDirectoryVault({ path, platform: nodePlatform() });
  const keep = { others: { days: 0, copies, intraday: true } };
  const start = performance.now();
  const cpu = process.cpuUsage();
  const main = process.threadCpuUsage();
  const turns = new Blocks();
  const report = await vault.clean(mine.safe, { dryRun: true, keep, shareMax: 1 });
  const turnMs = turns.end();
  const { user, system } = process.cpuUsage(cpu);
  const own = process.threadCpuUsage(main);
  return {
    wallMs: performance.now() - start,
    cpuMs: (user + system) / 1000,
    mainMs: (own.user + own.system) / 1000,
    turnMs,
    peakMiB: peakMiB(),
    report,
  };
}

async function child(path: string, copies: number): Promise<void> {
  const { wallMs, cpuMs, mainMs, turnMs, peakMiB: peak, report } = await measure(path, new TestSafe('bench'), copies);
  const { sources, liveBytes, deadBytes } = report.compaction;
  const dead = report.packs.filter(({ reason }) => reason === 'dead').length;
  say(
    `${String(copies).padStart(8)} ${wallMs.toFixed(0).padStart(10)} ${cpuMs.toFixed(0).padStart(10)} ${mainMs.toFixed(0).padStart(10)} ${turnMs.toFixed(0).padStart(10)} ${peak.toFixed(0).padStart(10)}   ` +
      `${dead} dead packs, ${sources} to compact: ${(liveBytes / 1e9).toFixed(1)} GB live, ${(deadBytes / 1e9).toFixed(1)} GB dead`,
  );
}

const [, , given, copies] = process.argv;
if (given !== undefined) await child(given, Number(copies));
else {
  const path = mkdtempSync(join(tmpdir(), 'twinvault-clean-bench-'));
  try {
    makeRecords(await makeLargeSafe(path));
    say(
      `${packCount} packs, ${packCount * rowsPerPack} chunks, ${safesets} safesets; ${cpus()[0]?.model ?? 'unknown processor'}`,
    );
    say('    kept    wall ms     CPU ms    main ms    turn ms   peak MiB of the whole process');
    for (const kept of [safesets, safesets, safesets, safesets / 2]) {
      const words = [...commandOptions, import.meta.filename, path, String(kept)];
      const { status } = spawnSync(process.execPath, words, { stdio: 'inherit', env: commandEnvironment(path) });
      if (status !== 0) process.exitCode = status ?? 1;
    }
  } finally {
    rmSync(path, { recursive: true });
  }
}
