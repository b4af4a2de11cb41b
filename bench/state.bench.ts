/*
 * What do state packs cost each night, and what does a run send after all local state was lost?
 *
 * Sketch: a base has 20 bytes for each page of a large file, a log 30 for each page that changed: 1 % of the pages of a database
 * cost 1.3 % more than without. After a loss the whole file is read, and what changed is sent.
 *
 *   npm run bench -- state                         64 MiB, 10 nights
 *   BENCH_MIB=1024 BENCH_NIGHTS=30 npm run bench -- state
 */

import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { MiB, primitives, Prng, utf8Encode } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { computerId } from '@twinvault/format';
import { backup, openAgentState } from '@twinvault/engine';
import type { BackupOptions, BackupReport } from '@twinvault/engine';
import { enrolHere, makeSafe } from '@twinvault/seal';
import { linuxFileSource } from '@twinvault/sources';
import { createDirectoryVault } from '@twinvault/vault';
import { databasePage, pageBytes } from './inputs/large-files.ts';

const fileBytes = Number(process.env['BENCH_MIB'] ?? 64) * MiB;
const nights = Number(process.env['BENCH_NIGHTS'] ?? 10);
const changedShare = 0.01;
const random = new Prng('state bench');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

function makeFile(path: string): void {
  const file = openSync(path, 'w');
  for (let number = 0; number < fileBytes / pageBytes; number += 1) writeSync(file, databasePage(number, random));
  closeSync(file);
}

/** Bytes that changed, and what they compress to in pieces of 256 KiB at level 1: the least that could be sent. */
function changePages(path: string): { changedBytes: number; compressedBytes: number } {
  const numbers = new Set<number>();
  const count = Math.round((fileBytes / pageBytes) * changedShare);
  while (numbers.size < count) numbers.add(random.below(fileBytes / pageBytes));
  const file = openSync(path, 'r+');
  const pages = [...numbers].sort((a, b) => a - b).map((number) => ({ number, page: databasePage(number, random) }));
  for (const { number, page } of pages) writeSync(file, page, 0, pageBytes, number * pageBytes);
  closeSync(file);
  const changed = Buffer.concat(pages.map(({ page }) => page));
  let compressedBytes = 0;
  for (let at = 0; at < changed.length; at += 256 * 1024) {
    compressedBytes += primitives.zstdCompress(changed.subarray(at, at + 256 * 1024), { level: 1 }).length;
  }
  return { changedBytes: changed.length, compressedBytes };
}

async function prepare(folder: string): Promise<BackupOptions> {
  const platform = nodePlatform();
  const { files, clock, random: entropy } = platform;
  for (const name of ['vault', 'state', 'data']) await files.makeDirectory(join(folder, name));
  const vault = await createDirectoryVault({ path: join(folder, 'vault'), platform });
  const parameters = { passes: 3, memoryKiB: 64 * 1024, lanes: 1 };
  const made = await makeSafe({
    label: 'bench',
    password: 'correct horse battery staple',
    suite: 1,
    random: entropy,
    clock,
    parameters,
  });
  const computer = computerId(entropy.bytes(16));
  const { entry, agent } = enrolHere({ opened: made.opened, clock, computer, name: 'machine', random: entropy });
  await vault.createSafe({ ...made.newSafe, ledger: [...made.newSafe.ledger, entry] });
  const rules = { excludes: [], skipCaches: false, oneFileSystem: false };
  return {
    vault: await vault.openSafe(agent.safe),
    agent,
    job: 'bench',
    retention: 'standard',
    source: linuxFileSource({ roots: [utf8Encode(join(folder, 'data'))], rules }),
    state: openAgentState({ path: join(folder, 'state'), platform }),
    platform,
    siteKey: (await vault.site()).publicKey,
    signal: new AbortController().signal,
  };
}

async function timed(label: string, options: BackupOptions, note: (report: BackupReport) => string): Promise<BackupReport> {
  const startedMs = performance.now();
  const used = process.cpuUsage();
  const report = await backup(options);
  const { user, system } = process.cpuUsage(used);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(2);
  const cpu = ((user + system) / 1e6).toFixed(2);
  say(
    `${label.padEnd(30)} ${seconds.padStart(7)} s  ${cpu.padStart(7)} s cpu  sent ${megabytes(report.uploadedBytes).padStart(11)}  ${note(report)}`,
  );
  return report;
}

const folder = mkdtempSync(join(tmpdir(), 'twinvault-state-'));
try {
  const path = join(folder, 'data', 'database');
  const options = await prepare(folder);
  makeFile(path);
  say(`file of ${fileBytes / MiB} MiB; ${cpus().length} cores, ${cpus()[0]?.model ?? ''}; Node ${process.version}`);
  await timed('first backup', options, () => '');
  let [sent, least] = [0, 0];
  for (let night = 1; night <= nights; night += 1) {
    const { changedBytes, compressedBytes } = changePages(path);
    const report = await timed(`night ${night}: 1 % of pages`, options, ({ uploadedBytes }) => {
      const factor = (uploadedBytes / compressedBytes).toFixed(3);
      return `changed ${megabytes(changedBytes)}, compressed ${megabytes(compressedBytes)}: ${factor} times`;
    });
    sent += report.uploadedBytes;
    least += compressedBytes;
  }
  say(`all nights: ${(sent / least).toFixed(3)} times the compressed changes (aim: 1.25 for one night, 1.35 for many)`);
  rmSync(join(folder, 'state'), { recursive: true });
  await openAgentState({ path: join(folder, 'state'), platform: options.platform })
    .safe(options.agent.safe)
    .saveAgentKeys(options.agent);
  const { compressedBytes } = changePages(path);
  await timed('after the loss of local state', options, ({ uploadedBytes }) => {
    return `1 % of pages changed, compressed ${megabytes(compressedBytes)}: ${(uploadedBytes / compressedBytes).toFixed(3)} times`;
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
