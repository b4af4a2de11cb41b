/* A site that serves over TLS in a process of its own, as a provider runs it, for benches to send to; and what that process has used. */

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The command, from the source. */
export const launcher: string = fileURLToPath(new URL('../../apps/twinvault/bin/twinvault', import.meta.url));

/** Runs a verb of the command; wall seconds. */
export function run(words: readonly string[]): number {
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

export interface Site {
  readonly child: ChildProcess;
  readonly address: string;
  readonly tokenFile: string;
}

/** `vault run` by itself, with everything below `folder`, which is made. */
export async function startSite(folder: string): Promise<Site> {
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

export async function stopSite({ child }: Site): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** So many ticks of the kernel's accounts are a second (USER_HZ of Linux). */
const ticksPerSecond = 100;

/** CPU seconds of all its threads so far, and its largest resident set. Linux. */
export function usageOf({ child }: Site): { readonly cpuSeconds: number; readonly peakMiB: number } {
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  return { cpuSeconds: ((user ?? NaN) + (system ?? NaN)) / ticksPerSecond, peakMiB: kib / 1024 };
}
