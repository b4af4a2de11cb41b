/*
 * What does a site need to take packs in over TLS, verified and durable, against the SHA-256 over the same bytes on one core?
 *
 *   npm run bench -- service-ingest [FOLDER...]     folders to put the vault in; the one for temporary files and /dev/shm when left out
 *
 * Sketch, CPU seconds a GB on this machine: SHA-256 0.64, AES-GCM 0.27, the kernel's copies from the socket 0.25 and into the page cache 0.35 to 0.45, OpenSSL's own 0.13: 1.7 when
 * nothing else costs anything, of which all but hashing and writing is one thread's. The client needs 0.6 at least. So with two cores in all the wall is at
 * (1.7 + 0.6) / 2 s a GB, near 0.55 of SHA-256, and on a disk at what that disk writes, which is measured beside it.
 *
 * Each round hashes, writes to the disk, and sends, one after the other; numbers are medians of the rounds. The client is in this process.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packHeaderBytesMax, packNameOf, packTailBytes } from '@twinvault/format';
import type { PackName } from '@twinvault/format';
import type { VaultSession } from '@twinvault/protocol';
import { openRemoteVault, parseTokenFile } from '@twinvault/protocol/wire';
import { MiB, primitives } from '@twinvault/std';
import { nodeNetwork, systemClock, systemRandom, systemTimers } from '@twinvault/std/node';
import { TestSafe } from '@twinvault/testkit';
import { printTable } from './support/cpu.ts';
import { median } from './support/measure.ts';
import { startSite, stopSite, usageOf } from './support/site.ts';
import type { Site } from './support/site.ts';

const rounds = 5;
const packCount = 32;
/** As an agent sends them. */
const atOnce = 4;
const nonceOffset = 44;

interface Pack {
  readonly name: PackName;
  readonly bytes: Uint8Array;
}

/** Seconds of work on one GB. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/** The same packs under other names: the site must not have them yet. */
function renamed({ bytes }: Pack): Pack {
  bytes.set(systemRandom.bytes(32), nonceOffset);
  const tail = bytes.subarray(bytes.length - packTailBytes(bytes.subarray(-40)));
  return { name: packNameOf(bytes.subarray(0, packHeaderBytesMax), tail), bytes };
}

async function costOf(packs: readonly Pack[], cpuSeconds: () => number, work: () => Promise<void>): Promise<Cost> {
  const gigabytes = packs.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1e9;
  const [cpuBefore, begin] = [cpuSeconds(), performance.now()];
  await work();
  return { wall: (performance.now() - begin) / 1000 / gigabytes, cpu: (cpuSeconds() - cpuBefore) / gigabytes };
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Several at once. */
async function each(packs: readonly Pack[], work: (pack: Pack, index: number) => Promise<unknown>): Promise<void> {
  const queue = [...packs.entries()];
  const one = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) await work(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** What the disk does when nothing is asked of it but to have the bytes: O_DSYNC, no names made durable. */
async function writeRaw(folder: string, packs: readonly Pack[]): Promise<void> {
  mkdirSync(folder);
  await each(packs, async ({ bytes }, index) => {
    await using file = await open(join(folder, String(index)), constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC);
    for (let offset = 0; offset < bytes.length;) offset += (await file.write(bytes, offset)).bytesWritten;
  });
  rmSync(folder, { recursive: true });
}

interface Round {
  readonly sha: Cost;
  readonly raw: Cost;
  readonly site: Cost;
  readonly client: number;
}

interface Sending {
  readonly site: Site;
  readonly session: VaultSession;
  readonly place: string;
}

async function round(made: readonly Pack[], { site, session, place }: Sending): Promise<Round> {
  const packs = made.map(renamed);
  const sha = await costOf(packs, ownCpu, async () => {
    for (const { bytes } of packs) primitives.sha256(bytes);
    return Promise.resolve();
  });
  const raw = await costOf(packs, ownCpu, () => writeRaw(join(place, 'raw'), packs));
  const before = ownCpu();
  const taken = await costOf(
    packs,
    () => usageOf(site).cpuSeconds,
    () => each(packs, ({ name, bytes }) => session.putPack(name, bytes)),
  );
  return { sha, raw, site: taken, client: (ownCpu() - before) / (packs.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1e9) };
}

async function ingest(folder: string): Promise<void> {
  const place = mkdtempSync(join(folder, 'twinvault-ingest-bench-'));
  try {
    const site = await startSite(join(place, 'site'));
    const { pins, capability } = parseTokenFile(readFileSync(site.tokenFile));
    using network = nodeNetwork({ pins });
    const ports = { network, clock: systemClock, timers: systemTimers, random: systemRandom };
    await using vault = await openRemoteVault({ address: site.address, capability, ports });
    const made = new TestSafe('ingest');
    const computer = made.enrol();
    await vault.createSafe(made.newSafe);
    const safe = await vault.openSafe(made.safe);
    const packs = Array.from({ length: packCount }, () => made.pack(computer, { blobCount: 16, blobBytes: MiB }));
    const results: Round[] = [];
    {
      await using session = await safe.openSession({ ...computer, job: 'bench', ledger: made.head });
      const sending = { site, session, place };
      // Once for warming up.
      await round(packs.slice(0, 8), sending);
      for (let index = 0; index < rounds; index += 1) results.push(await round(packs, sending));
    }
    report(folder, results, usageOf(site).peakMiB);
    await stopSite(site);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function report(folder: string, results: readonly Round[], peakMiB: number): void {
  const of = (value: (round: Round) => number): number => median(results.map(value));
  const row = (label: string, wall: (round: Round) => number, cpu: (round: Round) => number): string[] => [
    label,
    (1000 / of(wall)).toFixed(0),
    of((one) => one.sha.wall / wall(one)).toFixed(2),
    of(cpu).toFixed(2),
    of((one) => one.sha.cpu / cpu(one)).toFixed(2),
  ];
  printTable([
    [folder, 'MB/s', 'of SHA-256', 'CPU s a GB', 'of SHA-256'],
    row(
      'SHA-256, one core',
      ({ sha }) => sha.wall,
      ({ sha }) => sha.cpu,
    ),
    row(
      'written with O_DSYNC, four at once',
      ({ raw }) => raw.wall,
      ({ raw }) => raw.cpu,
    ),
    row(
      'taken in: the site',
      ({ site }) => site.wall,
      ({ site }) => site.cpu,
    ),
    row(
      'taken in: client and site',
      ({ site }) => site.wall,
      ({ site, client }) => site.cpu + client,
    ),
  ]);
  process.stdout.write(`peak memory of the site ${peakMiB.toFixed(0)} MiB\n\n`);
}

const given = process.argv.slice(2);
for (const folder of given.length > 0 ? given : [tmpdir(), '/dev/shm']) await ingest(folder);
