/*
 * What does the way through a site cost, against the same work without it: a first backup over TLS on loopback against one into a directory, and the
 * taking in of packs against the SHA-256 over them on one core?
 *
 *   npm run bench -- service [FOLDER]     a folder to protect; /usr/share/doc and /usr/include when left out
 *
 * Sketch: each byte is sealed once (client), encrypted, copied and decrypted on its way (both), hashed and written (site). On two cores client and site
 * share them, so the ratio says what TLS and the copies cost. Taking in: one pass of SHA-256 in a thread beside TLS and the disk, so half
 * the speed of SHA-256 alone is the least that is expected.
 */

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openRemoteVault, parseTokenFile } from '@twinvault/protocol/wire';
import { MiB, primitives } from '@twinvault/std';
import { nodeNetwork, systemClock, systemRandom, systemTimers } from '@twinvault/std/node';
import { TestSafe } from '@twinvault/testkit';

const launcher = fileURLToPath(new URL('../apps/twinvault/bin/twinvault', import.meta.url));
const place = mkdtempSync(join(tmpdir(), 'twinvault-service-bench-'));
const rounds = 3;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function run(words: readonly string[]): number {
  const begin = performance.now();
  const { status, stderr, stdout } = spawnSync(launcher, [...words, '--json'], { encoding: 'utf8', maxBuffer: 1e9 });
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}: ${stdout.slice(-500)} ${stderr}`);
  return (performance.now() - begin) / 1000;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Site {
  readonly child: ChildProcess;
  readonly address: string;
  readonly tokenFile: string;
}

/** `vault run` by itself: one process ends TLS and stores, as a provider runs it. */
async function startSite(name: string): Promise<Site> {
  const folder = join(place, name);
  mkdirSync(folder);
  const port = await freePort();
  const address = `https://localhost:${port}`;
  const config = join(folder, 'site.yaml');
  writeFileSync(config, `address: ${address}\nlisten: 127.0.0.1:${port}\nstate: state\nstore: { directory: vault }\nlog: info\n`);
  const tokenFile = join(folder, 'token');
  run(['vault', 'token', '--config', config, '--all-safes', '--verbs', 'create,write', '--token-file', tokenFile]);
  const child = spawn(launcher, ['vault', 'run', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (bytes: Buffer) => {
      if (bytes.includes('"serving"')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the site ended with ${code}`)));
  });
  return { child, address, tokenFile };
}

async function stopSite({ child }: Site): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function sampleFolder(): string {
  const folder = join(place, 'documents');
  const given = process.argv[2];
  const sources = given === undefined ? ['/usr/share/doc', '/usr/include'].filter((path) => existsSync(path)) : [given];
  for (const [index, source] of sources.entries()) {
    cpSync(source, join(folder, String(index)), { recursive: true, verbatimSymlinks: true });
  }
  return folder;
}

function backup(vault: readonly string[], state: string, folder: string): number {
  const base = [...vault, '--safe', 'bench', '--state', join(place, state)];
  const secret = ['--password-file', join(place, 'password'), '--kit-file', join(place, `${state}.kit`)];
  run(['init', ...base, ...secret, '--no-check']);
  return run(['backup', ...base, folder]);
}

async function firstBackups(): Promise<void> {
  const folder = sampleFolder();
  writeFileSync(join(place, 'password'), 'seven wet ponies at noon\n', { mode: 0o600 });
  const [local, remote]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    local.push(backup(['--vault', join(place, `local-${round}`)], `local-state-${round}`, folder));
    const site = await startSite(`site-${round}`);
    remote.push(backup(['--vault', site.address, '--token-file', site.tokenFile], `state-${round}`, folder));
    await stopSite(site);
  }
  line('first backup into a directory', median(local), 's', '');
  line('first backup over TLS on loopback', median(remote), 's', `${(median(local) / median(remote)).toFixed(2)} of the speed`);
}

/** Packs of 16 MiB, several at once as an agent sends them; the client is in this process. */
async function ingest(): Promise<void> {
  const site = await startSite('ingest');
  const { pins, capability } = parseTokenFile(readFileSync(site.tokenFile));
  using network = nodeNetwork({ pins });
  const ports = { network, clock: systemClock, timers: systemTimers, random: systemRandom };
  await using vault = await openRemoteVault({ address: site.address, capability, ports });
  const made = new TestSafe('ingest');
  const computer = made.enrol();
  await vault.createSafe(made.newSafe);
  const safe = await vault.openSafe(made.safe);
  await using session = await safe.openSession({ ...computer, job: 'bench', ledger: made.head });
  const packs = Array.from({ length: 24 }, () => made.pack(computer, { blobCount: 16, blobBytes: MiB }));
  const bytes = packs.reduce((sum, pack) => sum + pack.bytes.length, 0);
  const hashBegin = performance.now();
  for (const pack of packs) primitives.sha256(pack.bytes);
  const hashSeconds = (performance.now() - hashBegin) / 1000;
  const begin = performance.now();
  const queue = [...packs];
  const send = async (): Promise<void> => {
    for (let pack = queue.pop(); pack !== undefined; pack = queue.pop()) await session.putPack(pack.name, pack.bytes);
  };
  await Promise.all([send(), send(), send(), send()]);
  const seconds = (performance.now() - begin) / 1000;
  line('SHA-256 over the same bytes, one core', bytes / 1e6 / hashSeconds, 'MB/s', '');
  line('packs taken in, durable and verified', bytes / 1e6 / seconds, 'MB/s', `${(hashSeconds / seconds).toFixed(2)} of SHA-256`);
  await session[Symbol.asyncDispose]();
  await stopSite(site);
}

function line(label: string, value: number, unit: string, note: string): void {
  process.stdout.write(`${label.padEnd(44)} ${value.toFixed(2).padStart(10)} ${unit.padEnd(5)} ${note}\n`);
}

try {
  await ingest();
  await firstBackups();
} finally {
  rmSync(place, { recursive: true, force: true });
}
