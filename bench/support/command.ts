/* How the command starts Node, read from its start script: a bench that runs a part of it in a process of its own starts that alike. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const script: string = readFileSync(join(import.meta.dirname, '../../apps/twinvault/bin/twinvault'), 'utf8');
const start: string = script.split('\n').find((line) => line.startsWith('exec "$node"')) ?? '';

/** Options of Node and V8. */
export const commandOptions: readonly string[] = start.match(/--[a-z-]+=\d+/g) ?? [];
if (commandOptions.length === 0) throw new Error('the start script of the command is not what this reads');

/** With a cache of compiled modules in this folder, as the command has one. */
export function commandEnvironment(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, MALLOC_ARENA_MAX: '2', NODE_COMPILE_CACHE: join(folder, 'node') };
}

/** The largest resident set of this process so far. The kernel's usage counts what its parent had when it forked, so that is not asked. */
export function peakMiB(): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kib ?? NaN) / 1024;
}
