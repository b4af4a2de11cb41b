/*
 * The demo: serves a vault over HTTPS, protects a folder of real files there, changes it, protects it again, shows what changed and what
 * that cost, restores into a new place and proves it equal.
 *
 *   npm run demo                    a folder found on this machine
 *   npm run demo -- FOLDER          this folder (it is copied first: nothing of yours is touched)
 *   npm run demo -- --keep FOLDER   and leave everything there to look at
 *
 * It calls the command as a user would; what it prints with "$" can be typed.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compareTrees } from '@twinvault/testkit';
import { changeSomeFiles } from './change-files.ts';

const launcher = fileURLToPath(new URL('../bin/twinvault', import.meta.url));
const sampleFolders = ['/usr/share/doc', '/usr/include', '/usr/share', '/Library/Documentation'];

function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function shownCommand(words: readonly string[]): string {
  return `\n$ twinvault ${words.map((word) => (/\s/u.test(word) ? `'${word}'` : word)).join(' ')}`;
}

/** Serves until it is disposed of; resolves when it has said what to do next. */
async function serve(words: readonly string[]): Promise<AsyncDisposableStack> {
  say(shownCommand(['serve', ...words]));
  const serving = spawn(launcher, ['serve', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((ready, failed) => {
    let told = '';
    serving.stdout.on('data', (bytes: Buffer) => {
      process.stdout.write(bytes);
      told += bytes.toString();
      if (/^Next, .*\n/mu.test(told)) ready();
    });
    serving.once('exit', (code) => failed(new Error(`serve ended with ${code}`)));
  });
  const stack = new AsyncDisposableStack();
  stack.defer(async () => {
    serving.kill('SIGINT');
    if (serving.exitCode === null) await once(serving, 'exit');
  });
  return stack;
}

/** Runs the command with its output on our own, and its last JSON line returned when asked for. */
function twinvault(words: readonly string[]): void {
  say(shownCommand(words));
  const { status } = spawnSync(launcher, words, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`the command ended with ${status}`);
}

function twinvaultJson(words: readonly string[]): Record<string, unknown> {
  const { status, stdout } = spawnSync(launcher, [...words, '--json'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`twinvault ${words.join(' ')} ended with ${status}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
}

function chooseFolder(words: readonly string[]): string {
  const given = words.find((word) => !word.startsWith('--'));
  if (given !== undefined) {
    if (!existsSync(given) || !statSync(given).isDirectory()) throw new Error(`${given} is not a folder`);
    return resolve(given);
  }
  const found = sampleFolders.find((folder) => existsSync(folder));
  if (found === undefined) throw new Error('no folder to show with was found: name one');
  return found;
}

async function demo(words: readonly string[]): Promise<void> {
  const source = chooseFolder(words);
  const place = mkdtempSync(join(tmpdir(), 'twinvault-demo-'));
  const folder = join(place, 'documents');
  const sites = join(place, 'sites');
  const address = `https://localhost:${await freePort()}`;
  const vault = ['--vault', `${address}/a`, '--token-file', join(sites, 'a', 'token')];
  const base = [...vault, '--safe', 'demo', '--state', join(place, 'state')];
  const secret = ['--password-file', join(place, 'password')];
  try {
    say(`Copying ${source} to ${folder}, so that nothing of yours is touched.`);
    cpSync(source, folder, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    writeFileSync(join(place, 'password'), 'seven wet ponies at noon\n', { mode: 0o600 });

    say('\n--- A vault for every computer that has its token file');
    await using _serving = await serve([sites, '--address', address]);

    say('\n--- A new safe');
    twinvault(['init', ...base, ...secret, '--kit-file', join(place, 'kit.txt')]);
    say('\n--- The first backup; no password is needed to back up');
    twinvault(['backup', ...base, folder]);
    say('\n--- Some files change');
    for (const line of changeSomeFiles(folder)) say(`  ${line}`);
    say('\n--- The second backup sends only what changed');
    twinvault(['backup', ...base, folder]);
    twinvault(['safesets', ...base]);
    say('\n--- Everything comes back into a new place; this needs the password');
    const restored = join(place, 'restored');
    twinvault(['restore', ...base, ...secret, '--safeset', 'latest', '--to', restored, '--strip', place]);
    say('\n--- Proof');
    const differences = compareTrees(folder, join(restored, 'documents'));
    for (const difference of differences.slice(0, 20)) say(`  ${difference}`);
    if (differences.length > 0) throw new Error(`the restored folder differs in ${differences.length} places`);
    say('Compared every name, byte, time, owner, mode, link and attribute: 0 differences.');
    const beside = ['--vault', join(sites, 'a', 'vault'), '--safe', 'demo', '--state', join(place, 'state')];
    twinvault(['check', ...beside, ...secret, '--read-data']);
    const listed = twinvaultJson(['safesets', ...base]);
    const [first, second] = (listed['safesets'] as { counts: { bytesUploaded: number } }[]) ?? [];
    if (first === undefined || second === undefined) throw new Error('two safesets should be there');
    const share = (100 * second.counts.bytesUploaded) / Math.max(1, first.counts.bytesUploaded);
    say(
      `\nThe first backup sent ${(first.counts.bytesUploaded / 1e6).toFixed(1)} MB, the second ${(second.counts.bytesUploaded / 1e6).toFixed(2)} MB (${share.toFixed(1)} %).`,
    );
    say('Demo: ok');
  } finally {
    if (words.includes('--keep')) say(`Everything is left in ${place}.`);
    else rmSync(place, { recursive: true, force: true });
  }
}

await demo(process.argv.slice(2));
