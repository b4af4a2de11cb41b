/* Headless Chromium of the system, for one page. No driver: the page itself tells its server what it found. */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Null when this machine has none. */
export const chromiumPath: string | null = places.find((path) => existsSync(path)) ?? null;

const flags = [
  '--headless',
  // Only our own page is opened, and root has no sandbox.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
  '--enable-logging=stderr',
];

export interface RunningChromium extends AsyncDisposable {
  /** Rejects, with the end of what Chromium wrote, when it ends by itself. */
  readonly ended: Promise<never>;
}

export function openChromium(path: string, url: string): RunningChromium {
  const profile = mkdtempSync(join(tmpdir(), 'twinvault-chromium-'));
  const child = spawn(path, [...flags, `--user-data-dir=${profile}`, url], { stdio: ['ignore', 'ignore', 'pipe'] });
  let written = '';
  child.stderr.on('data', (data: Buffer) => (written = (written + data.toString()).slice(-4000)));
  const exit = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
    child.once('error', (error) => {
      written += error.message;
      resolve(null);
    });
  });
  const ended = exit.then((status) => Promise.reject(new Error(`Chromium ended with ${status}: ${written}`)));
  ended.catch(() => undefined);
  return {
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exit;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
