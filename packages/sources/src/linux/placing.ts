/*
 * Giving a new object its name under the conflict rules. Everything is made exclusively, so that nothing that exists is
 * opened, followed or changed on the way: where a name is taken, the rule decides.
 */
import type { ConflictRule } from '@twinvault/engine';
import { utf8Encode } from '@twinvault/std';
import { TargetWriteError } from '../errors.ts';
import { errnos, nameMax, RENAME_NOREPLACE } from './constants.ts';
import { writeError } from './failures.ts';
import { newStatusBuffer } from './status.ts';
import type { System } from './system.ts';

/** After so many taken names something else is wrong. */
const attemptsMax = 10_000;

export interface Placing {
  readonly directoryFd: number;
  readonly name: Uint8Array;
  readonly rule: ConflictRule;
  /** What `make` does, for errors. */
  readonly call: string;
  /** Makes the object under this name, only if nothing has it (-EEXIST); 0 or `-errno`. */
  readonly make: (name: Uint8Array) => number;
}

/** The name that the object got; null when the rule is skip and the name is taken. Throws TargetWriteError. */
export function place(system: System, placing: Placing): Uint8Array | null {
  const { name, rule, call, make } = placing;
  const answer = make(name);
  if (answer >= 0) return name;
  if (answer !== -errnos.EEXIST) throw writeError(call, answer);
  if (rule === 'skip') return null;
  if (rule === 'overwrite') return replace(system, placing);
  if (rule === 'rename-existing') return besides(system, placing);
  return firstFree(make, call, (attempt) => renamed(name, attempt));
}

/** Gives what is there another name, again where something takes the name in between. */
function besides(system: System, { directoryFd, name, call, make }: Placing): Uint8Array {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    renameExisting(system, directoryFd, name);
    const answer = make(name);
    if (answer >= 0) return name;
    if (answer !== -errnos.EEXIST) throw writeError(call, answer);
  }
  throw writeError(call, -errnos.EEXIST);
}

/** `name (before restore)`, or the next that is free. Nothing when nothing has the name. Throws TargetWriteError. */
export function renameExisting(system: System, directoryFd: number, name: Uint8Array): void {
  const make = (to: Uint8Array): number => {
    const answer = moveAside(system, directoryFd, { from: name, to });
    return answer === -errnos.ENOENT ? 0 : answer;
  };
  firstFree(make, 'renameat2', (attempt) => suffixed(name, 'before restore', attempt));
}

/** Makes the object under a passing name and moves it over what is there. A directory in the way stays. */
function replace(system: System, { directoryFd, name, call, make }: Placing): Uint8Array {
  const passing = firstFree(make, call, passingName);
  moveOver(system, directoryFd, { from: passing, to: name });
  return name;
}

/** Moves within one directory, over what is there; the moved name is gone in any case. Throws TargetWriteError. */
export function moveOver(
  system: System,
  directoryFd: number,
  names: { readonly from: Uint8Array; readonly to: Uint8Array },
): void {
  const moved = system.rename({ directoryFd, name: names.from }, { directoryFd, name: names.to });
  // Also after success: the kernel moves nothing when both names are links to one file.
  system.unlink(directoryFd, names.from);
  if (moved === -errnos.EISDIR || moved === -errnos.ENOTEMPTY || moved === -errnos.EEXIST) throw directoryInTheWay();
  if (moved < 0) throw writeError('renameat2', moved);
}

export function directoryInTheWay(): TargetWriteError {
  return new TargetWriteError('entry-not-restored', { call: 'a directory is in the way', errno: '' });
}

/** Makes the object under the first of the names that is free. */
export function firstFree(make: (name: Uint8Array) => number, call: string, nameOf: (attempt: number) => Uint8Array): Uint8Array {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const name = nameOf(attempt);
    const answer = make(name);
    if (answer >= 0) return name;
    if (answer !== -errnos.EEXIST) throw writeError(call, answer);
  }
  throw writeError(call, -errnos.EEXIST);
}

/** A name for the moment between making and moving; left behind only if the process is killed in that moment. */
export function passingName(attempt: number): Uint8Array {
  return utf8Encode(`.twinvault-restore-${process.pid}-${attempt}`);
}

/** `name (restored)`, `name (restored 2)` and so on. */
export function renamed(name: Uint8Array, attempt: number): Uint8Array {
  return suffixed(name, 'restored', attempt);
}

/** The name is cut, at a whole letter, where it would be too long. */
function suffixed(name: Uint8Array, word: string, attempt: number): Uint8Array {
  const suffix = utf8Encode(attempt === 1 ? ` (${word})` : ` (${word} ${attempt})`);
  let length = Math.min(name.length, nameMax - suffix.length);
  if (length < name.length) {
    while (length > 1 && ((name[length] as number) & 0xc0) === 0x80) length -= 1;
  }
  const result = new Uint8Array(length + suffix.length);
  result.set(name.subarray(0, length));
  result.set(suffix, length);
  return result;
}

/** Moves only to a free name. Where the file system cannot promise that, through a hard link, and without those last. */
export function moveAside(
  system: System,
  directoryFd: number,
  names: { readonly from: Uint8Array; readonly to: Uint8Array },
): number {
  const from = { directoryFd, name: names.from };
  const to = { directoryFd, name: names.to };
  const answer = system.rename(from, to, RENAME_NOREPLACE);
  if (!lacks(answer)) return answer;
  const linked = system.hardLink(from, to);
  if (linked === 0) system.unlink(directoryFd, names.from);
  if (!lacks(linked)) return linked;
  const there = system.statAt(directoryFd, names.to, newStatusBuffer());
  return there === -errnos.ENOENT ? system.rename(from, to) : -errnos.EEXIST;
}

/** Whether the answer says that the file system does not know the call. */
function lacks(answer: number): boolean {
  return answer < 0 && [errnos.EINVAL, errnos.ENOSYS, errnos.EPERM, errnos.EOPNOTSUPP].some((errno) => answer === -errno);
}
