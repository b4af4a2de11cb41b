/*
 * What does the way through a site cost, against the same work without it: a first backup over TLS on loopback against one into a directory?
 *
 *   npm run bench -- service [FOLDER]     a folder to protect; /usr/share/doc and /usr/include when left out
 *
 * Sketch: each byte is sealed once (client), encrypted, copied and decrypted on its way (both), hashed and written (site). On two cores client and site
 * share them, so the ratio says what TLS and the copies cost. What the site alone needs: service-ingest.bench.ts.
 */

import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, startSite, stopSite } from './support/site.ts';

const place = mkdtempSync(join(tmpdir(), 'twinvault-service-bench-'));
const rounds = 3;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
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
    const site = await startSite(join(place, `site-${round}`));
    remote.push(backup(['--vault', site.address, '--token-file', site.tokenFile], `state-${round}`, folder));
    await stopSite(site);
  }
  line('first backup into a directory', median(local), 's', '');
  line('first backup over TLS on loopback', median(remote), 's', `${(median(local) / median(remote)).toFixed(2)} of the speed`);
}

function line(label: string, value: number, unit: string, note: string): void {
  process.stdout.write(`${label.padEnd(44)} ${value.toFixed(2).padStart(10)} ${unit.padEnd(5)} ${note}\n`);
}

try {
  await firstBackups();
} finally {
  rmSync(place, { recursive: true, force: true });
}
