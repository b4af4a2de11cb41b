/*
 * Builds what is published, for the platform it runs on:
 *
 *   npm run build [-- FOLDER]      default: build/twinvault
 *
 *   bin/twinvault    the launcher, and the Node that it starts
 *   *.cjs, *.node    the command (docs/adr/0033-what-is-published-is-one-bundle.md)
 *   *.code           V8's code of what runs usually
 *   decoder/         the independent reader in Python
 *
 * The folder can be moved and copied anywhere; nothing of the repository is needed to run it.
 */

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const isWindows = process.platform === 'win32';

/** The folder is made anew: what was in it is lost. */
async function buildInto(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'bin'), { recursive: true });
  for (const { name, bytes } of await bundle(root)) writeFileSync(join(folder, name), bytes);
  const templates = join(root, 'tools/build/published');
  for (const name of ['load.cjs', 'thread.cjs']) copyFileSync(join(templates, name), join(folder, name));
  for (const name of ['LICENSE', 'NOTICE', 'THIRD-PARTY-NOTICES.md']) copyFileSync(join(root, name), join(folder, name));
  cpSync(join(root, 'tools/decoder'), join(folder, 'decoder'), {
    recursive: true,
    filter: (path) => !path.includes('__pycache__'),
  });
  const launcher = isWindows ? 'twinvault.cmd' : 'twinvault';
  copyFileSync(join(root, 'apps/twinvault/bin', launcher), join(folder, 'bin', launcher));
  linkOrCopy(process.execPath, join(folder, 'bin', isWindows ? 'node.exe' : 'node'));
  warmUp(folder);
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

/** What the launcher gives Node, whatever the platform. */
function launcherOptions(): string[] {
  const text = readFileSync(join(root, 'apps/twinvault/bin/twinvault'), 'utf8');
  const line = /^exec "\$node" (.*) "\$main" "\$@"$/m.exec(text);
  if (line?.[1] === undefined) throw new Error('The launcher does not start Node as the build expects');
  return line[1].split(' ');
}

/** V8 takes the code only under the options that it was made under: the launcher's. */
function warmUp(folder: string): void {
  const scratch = mkdtempSync(join(tmpdir(), 'twinvault-build-'));
  try {
    const script = join(root, 'tools/build/warm-up/main.cjs');
    const done = spawnSync(process.execPath, [...launcherOptions(), script, folder, scratch], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`The published command does not go through its warm-up:\n${done.stderr}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function listing(folder: string): string {
  const size = (name: string): string => String(statSync(join(folder, name)).size).padStart(12);
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile());
  return names.map((name) => `${size(name)}  ${name}\n`).join('');
}

const folder = resolve(process.argv[2] ?? join(root, 'build/twinvault'));
await buildInto(folder);
process.stdout.write(`${listing(folder)}${folder}\n`);
