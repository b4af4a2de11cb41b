/*
 * Checks the types of every project of the repository in one build of the native compiler: each package's source, its
 * node part where it has one, its tests, and the tools. A new package is found by its tsconfig files.
 *
 * TypeScript 7.0.2 repeats errors out of an earlier build when only a shared tsconfig or an installed package changed
 * since; so a build that fails is done again from nothing, and only that one's errors are shown.
 */

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const projects = globSync(['{packages,apps}/*/tsconfig*.json', '{tools,bench}/tsconfig.json'], { cwd: root });
const build = ['node_modules/ts7/bin/tsc', '-b', ...projects.sort()];

const quick = spawnSync(process.execPath, build, { cwd: root, stdio: 'ignore' });
if (quick.status !== 0) {
  const whole = spawnSync(process.execPath, [...build, '--force'], { cwd: root, stdio: 'inherit' });
  process.exitCode = whole.status ?? 1;
}
