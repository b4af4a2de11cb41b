/*
 * How long does the commit of a million chunks keep the event loop of its process from everything else, in a safe of 1 TiB?
 *
 * Sketch: refs have 35 bytes a pack, 2.3 MB; they are parsed, hashed and held against an index of 160 MB, and again for the measure of the run. That
 * is half a second of work; a server that does it on its event loop answers nobody meanwhile.
 *
 * Each commit is a process of its own, on the same safe, one after the other. A block is the CPU time that the main thread used between two
 * turns of a timer of 1 ms: time in which others had the processor is no block.
 *
 *   npm run bench -- commit                    1 TiB
 *   BENCH_GIB=64 npm run bench -- commit
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { toHex } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { encodeRecordDifference, parseRecord, parseRefs } from '@twinvault/format';
import type { ParsedRecord } from '@twinvault/format';
import { sessionOf, TestSafe } from '@twinvault/testkit';
import { openDirectoryVault } from '@twinvault/vault';
import { Blocks } from './support/blocks.ts';
import { commandEnvironment, commandOptions, peakMiB } from './support/command.ts';
import { makeLargeSafe, nightlyRefs, packCount } from './support/large-safe.ts';

const forms = ['whole', 'difference'] as const;
/** Where refs are looked up. */
const places = ['here', 'thread'] as const;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The first record stands; those that follow it are put down in the order in which they are to be committed. */
async function makeOffered(path: string): Promise<string[]> {
  const { mine, computer, folder, names } = await makeLargeSafe(join(path, 'vault'));
  const nights = nightlyRefs(names, 0.95);
  let last: ParsedRecord = parseRecord(mine.record(computer, { refs: nights.next().value }).bytes);
  const first = mine.record(computer, { refs: last.refs });
  writeFileSync(join(folder, 'records', toHex(first.digest)), first.bytes);
  last = parseRecord(first.bytes);
  say(`${packCount} packs, ${parseRefs(last.refs).count} chunks in a safeset; ${cpus()[0]?.model ?? 'unknown processor'}`);
  const kinds = places.flatMap((place) => forms.map((form) => [place, form] as const));
  return kinds.map(([place, form], index) => {
    const { bytes } = mine.record(computer, { sequence: index + 2, previous: [last.digest], refs: nights.next().value });
    const record = parseRecord(bytes);
    const file = join(path, `offered-${index}-${place}-${form}`);
    writeFileSync(file, form === 'whole' ? bytes : encodeRecordDifference(record, last));
    last = record;
    return file;
  });
}

async function commitOnce(path: string, file: string): Promise<void> {
  const [, , place = '', form = ''] = basename(file).split('-');
  const platform = nodePlatform();
  const threads = place === 'thread' ? { threads: platform.threads } : {};
  await using vault = await openDirectoryVault({ path: join(path, 'vault'), platform, ...threads });
  const mine = new TestSafe('bench');
  const safe = await vault.openSafe(mine.safe);
  await using session = await sessionOf(safe, mine, mine.enrol());
  const offered = new Uint8Array(readFileSync(file));
  const start = performance.now();
  const cpu = process.cpuUsage();
  const blocks = new Blocks();
  await session.commit(offered);
  const longestMs = blocks.end();
  const { user, system } = process.cpuUsage(cpu);
  const columns = [offered.length / 1e6, performance.now() - start, (user + system) / 1000, longestMs];
  say(
    `${columns.map((column) => column.toFixed(1).padStart(10)).join('')}${peakMiB().toFixed(0).padStart(10)}   ${form}, looked up ${place === 'thread' ? 'in a thread' : 'here'}`,
  );
}

const [, , given, file] = process.argv;
if (given !== undefined && file !== undefined) await commitOnce(given, file);
else {
  const path = mkdtempSync(join(tmpdir(), 'twinvault-commit-bench-'));
  try {
    const files = await makeOffered(path);
    say('   MB sent   wall ms    CPU ms  block ms  peak MiB');
    for (const offered of files) {
      const words = [...commandOptions, import.meta.filename, path, offered];
      const { status } = spawnSync(process.execPath, words, { stdio: 'inherit', env: commandEnvironment(path) });
      if (status !== 0) process.exitCode = status ?? 1;
    }
  } finally {
    rmSync(path, { recursive: true });
  }
}
