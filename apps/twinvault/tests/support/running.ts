/* When a running command has come how far, seen from outside, so that tests need no waiting by guess. Linux alone. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { RunningCommand } from './command.ts';

/** Resolves as soon as the process has a file open whose path begins like this; rejects when it ends before. */
export async function opensBelow({ child, ended }: RunningCommand, path: string): Promise<void> {
  const over: string[] = [];
  void ended.then((outcome) => over.push(outcome.told));
  while (over.length === 0) {
    if (openFiles(child.pid).some((open) => open.startsWith(path))) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`it ended before it opened anything below ${path}: ${over[0]}`);
}

function openFiles(pid: number | undefined): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((fd) => {
      try {
        return [readlinkSync(`${folder}/${fd}`)];
      } catch {
        // Closed in the meantime.
        return [];
      }
    });
  } catch {
    return [];
  }
}

/** Resolves with all that was said there once `words` were; rejects when it ended before. To be called before it can have said anything. */
export function heard({ child, ended }: RunningCommand, words: RegExp, where: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
  return new Promise((resolve, reject) => {
    let told = '';
    child[where]?.on('data', (bytes: Buffer) => {
      told += bytes.toString();
      if (words.test(told)) resolve(told);
    });
    void ended.then((outcome) => reject(new Error(`it ended: ${outcome.told}`)));
  });
}

/** The one process that this one started. */
export function childOf(pid: number | undefined): number {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  if (child === undefined || child === 0) throw new Error(`${pid} has no child`);
  return child;
}

/** False as well when it has ended and nobody has asked for its status yet. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z /u.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
