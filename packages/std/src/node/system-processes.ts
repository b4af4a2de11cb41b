/*
 * The processes port on Linux. A process is named by a hash of the machine's boot and the pid namespace, by its number, and by the
 * clock tick in which it started: so neither a reboot, nor a number that was given again, nor another container is mistaken for it.
 * Elsewhere the name is empty, and nobody is ever told to be gone.
 */

import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import type { Processes } from '../ports/processes.ts';
import { systemCode } from './file-errors.ts';

/** proc_pid_stat(5): fields after the name in parentheses, which may hold anything; state is field 3, start time field 22. */
function statOf(pid: number | 'self'): { readonly state: string; readonly startTicks: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state = '', startTicks = ''] = [fields[0], fields[19]];
    return /^\d+$/.test(startTicks) ? { state, startTicks } : null;
  } catch {
    return null;
  }
}

/** Of this boot and this pid namespace; empty where /proc does not tell. */
function machineTag(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const namespace = readlinkSync('/proc/self/ns/pid');
    return createHash('sha256').update(`${boot} ${namespace}`).digest('hex').slice(0, 16);
  } catch {
    return '';
  }
}

/** Signal 0 tells of other users' processes too, which /proc may hide. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

function makeProcesses(): Processes {
  const tag = machineTag();
  const own = statOf('self');
  if (tag === '' || own === null) return { self: '', isGone: () => false };
  return {
    self: `${tag}:${process.pid}:${own.startTicks}`,
    isGone: (name) => {
      const [otherTag, pid, startTicks] = /^([0-9a-f]{16}):([1-9]\d{0,9}):(\d+)$/.exec(name)?.slice(1) ?? [];
      if (otherTag !== tag || pid === undefined) return false;
      if (!exists(Number(pid))) return true;
      const there = statOf(Number(pid));
      return there !== null && (there.startTicks !== startTicks || there.state === 'Z' || there.state === 'X');
    },
  };
}

/** Processes of the local machine. */
export const systemProcesses: Processes = makeProcesses();
