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
import { printTable } from './support/cpu.ts';
import { measure, median } from './support/measure.ts';
import type { Measurement } from './support/measure.ts';
import { launcher, run, startSite, stopSite, usageOf } from './support/site.ts';

const place = mkdtempSync(join(tmpdir(), 'twinvault-service-bench-'));
const rounds = 3;

function sampleFolder(): string {
  const folder = join(place, 'documents');
  const given = process.argv[2];
  const sources = given === undefined ? ['/usr/share/doc', '/usr/include'].filter((path) => existsSync(path)) : [given];
  for (const [index, source] of sources.entries()) {
    cpSync(source, join(folder, String(index)), { recursive: true, verbatimSymlinks: true });
  }
  return folder;
}

/** Of a new safe; the making of the safe is not measured. */
function backup(vault: readonly string[], state: string, folder: string): Measurement {
  const base = [...vault, '--safe', 'bench', '--state', join(place, state)];
  const secret = ['--password-file', join(place, 'password'), '--kit-file', join(place, `${state}.kit`)];
  run(['init', ...base, ...secret, '--no-check']);
  return measure({ program: launcher, words: ['backup', ...base, folder, '--json'] });
}

async function firstBackups(): Promise<void> {
  const folder = sampleFolder();
  writeFileSync(join(place, 'password'), 'seven wet ponies at noon\n', { mode: 0o600 });
  const local: Measurement[] = [];
  const remote: Measurement[] = [];
  const sites: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    local.push(backup(['--vault', join(place, `local-${round}`)], `local-state-${round}`, folder));
    const site = await startSite(join(place, `site-${round}`));
    const before = usageOf(site).cpuSeconds;
    remote.push(backup(['--vault', site.address, '--token-file', site.tokenFile], `state-${round}`, folder));
    sites.push(usageOf(site).cpuSeconds - before);
    await stopSite(site);
  }
  const cpuOf = ({ userSeconds, systemSeconds }: Measurement): number => userSeconds + systemSeconds;
  const of = (measured: readonly Measurement[], value: (one: Measurement) => number): number => median(measured.map(value));
  const speeds = local.map(({ wallSeconds }, round) => wallSeconds / (remote[round]?.wallSeconds ?? NaN));
  printTable([
    ['first backup', 's', 'CPU s', 'CPU s of the site'],
    ['into a directory', of(local, ({ wallSeconds }) => wallSeconds).toFixed(2), of(local, cpuOf).toFixed(2), ''],
    [
      'over TLS on loopback',
      of(remote, ({ wallSeconds }) => wallSeconds).toFixed(2),
      of(remote, cpuOf).toFixed(2),
      median(sites).toFixed(2),
    ],
  ]);
  process.stdout.write(`${median(speeds).toFixed(2)} of the speed\n`);
}

try {
  await firstBackups();
} finally {
  rmSync(place, { recursive: true, force: true });
}
