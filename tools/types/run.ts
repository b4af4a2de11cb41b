/*
 * Checks the types of every project of the repository in one build of the native compiler: each package's source, its
 * node part where it has one, its tests, and the tools. A new package is found by its tsconfig files.
 */

import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const projects = globSync(['packages/*/tsconfig*.json', 'apps/*/tsconfig*.json', 'tools/tsconfig.json'], { cwd: root })
const compiler = 'node_modules/ts7/bin/tsc'
const words = [compiler, '-b', ...projects.sort(), ...process.argv.slice(2)]

process.exitCode = spawnSync(process.execPath, words, { cwd: root, stdio: 'inherit' }).status ?? 1
