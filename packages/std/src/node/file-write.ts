/*
 * Durable writing. The order is what makes a name atomic: data under a temporary name, fsync, the final name, fsync of the
 * directory. A temporary file left by a crash is called `.tv-<random>.tmp` (`isTemporaryFileName`); nothing reads it and its owner may remove it.
 */

import { randomFillSync } from 'node:crypto';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { concatBytes, toHex } from '../bytes.ts';
import { writeDirectly } from './direct-write.ts';
import { systemCode } from './file-errors.ts';
import { nameExclusively, removeQuietly } from './file-name.ts';

export const fileModeDefault = 0o600;
export const directoryModeDefault = 0o700;

/** Smaller parts are joined before writing, so that thousands of them cost few calls. */
const joinBytes: number = 1024 * 1024;
/** IOV_MAX of Linux and macOS. */
const vectorCountMax = 1024;

/** Windows has no fsync for directories; NTFS keeps names in its journal. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using directory = await open(path, 'r');
  await directory.sync();
}

/** The same bytes in fewer pieces: small neighbours are copied together, large parts stay as they are. */
function joinSmall(parts: readonly Uint8Array[]): Uint8Array[] {
  const joined: Uint8Array[] = [];
  let run: Uint8Array[] = [];
  let runBytes = 0;
  const close = (): void => {
    if (run.length > 0) joined.push(run.length === 1 ? (run[0] ?? new Uint8Array(0)) : concatBytes(...run));
    run = [];
    runBytes = 0;
  };
  for (const part of parts) {
    if (part.length === 0) continue;
    if (runBytes + part.length > joinBytes) close();
    run.push(part);
    runBytes += part.length;
  }
  close();
  return joined;
}

/** Writes at the offset, by default where the last write ended, until everything is written: writev may take less than it is given. */
async function writeParts(file: FileHandle, parts: readonly Uint8Array[], offsetBytes?: number): Promise<void> {
  let at = offsetBytes;
  const pieces = parts.length > vectorCountMax ? joinSmall(parts) : parts.filter((part) => part.length > 0);
  let rest = pieces;
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest.slice(0, vectorCountMax), at);
    if (at !== undefined) at += bytesWritten;
    let done = 0;
    while (done < rest.length && bytesWritten >= (rest[done]?.length ?? 0)) {
      bytesWritten -= rest[done]?.length ?? 0;
      done += 1;
    }
    const [partial, ...later] = rest.slice(done);
    rest = partial === undefined ? [] : [partial.subarray(bytesWritten), ...later];
  }
}

/** Into an empty file; a large one past the page cache where it can be. */
async function writeWhole(file: FileHandle, path: string, parts: readonly Uint8Array[]): Promise<void> {
  const [first] = parts;
  const doneBytes = first === undefined || parts.length > 1 ? 0 : await writeDirectly(path, first);
  if (first === undefined || doneBytes === 0) await writeParts(file, parts);
  else await writeParts(file, [first.subarray(doneBytes)], doneBytes);
}

interface Contents {
  readonly parts: readonly Uint8Array[];
  readonly mode: number;
}

function temporaryName(path: string): string {
  return join(dirname(path), `.tv-${toHex(randomFillSync(new Uint8Array(8)))}.tmp`);
}

/** Writes and syncs a new file; leaves nothing behind when that fails. */
async function writeNew(path: string, { parts, mode }: Contents): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    // The umask takes bits away from what open() is given.
    if ((mode & 0o077) !== 0 && process.platform !== 'win32') await file.chmod(mode);
    await writeWhole(file, path, parts);
    await file.sync();
    await file.close();
  } catch (error) {
    await file.close().catch(() => undefined);
    await removeQuietly(path);
    throw error;
  }
}

/** False, and nothing changed, when the name is taken. */
export async function createDurably(path: string, contents: Contents): Promise<boolean> {
  const temporary = temporaryName(path);
  await writeNew(temporary, contents);
  const created = await nameExclusively(temporary, path);
  // Also when another writer was first: it may not have come to this yet, and our caller relies on the file.
  await syncDirectory(dirname(path));
  return created;
}

export async function replaceDurably(path: string, contents: Contents): Promise<void> {
  const temporary = temporaryName(path);
  await writeNew(temporary, contents);
  try {
    await rename(temporary, path);
  } catch (error) {
    await removeQuietly(temporary);
    throw error;
  }
  await syncDirectory(dirname(path));
}

export async function appendDurably(path: string, bytes: Uint8Array): Promise<void> {
  let isNew = false;
  let file: FileHandle;
  try {
    file = await open(path, 'ax', fileModeDefault);
    isNew = true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    file = await open(path, 'a', fileModeDefault);
  }
  try {
    await writeParts(file, [bytes]);
    await file.sync();
  } finally {
    await file.close();
  }
  if (isNew) await syncDirectory(dirname(path));
}

/** Makes the directory and its parents; every new name is durable. */
export async function makeDirectoryDurably(path: string, mode: number): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode });
  if (first === undefined) return;
  const stop = dirname(first);
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    await syncDirectory(parent);
    if (parent === stop || parent === dirname(parent)) return;
  }
}
