/*
 * Durable writing. The order is what makes a name atomic: data under a temporary name, fsync, the final name, fsync of the
 * directory. A temporary file left by a crash is called `.tv-<random>.tmp`; nothing reads it and its owner may remove it.
 */

import { randomFillSync } from 'node:crypto';
import { type FileHandle, link, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { concatBytes, toHex } from '../bytes.ts';
import { systemCode } from './file-errors.ts';

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

/** Writes at the current position, until everything is written: writev may take less than it is given. */
export async function writeParts(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  const pieces = parts.length > vectorCountMax ? joinSmall(parts) : parts.filter((part) => part.length > 0);
  let rest = pieces;
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest.slice(0, vectorCountMax));
    let done = 0;
    while (done < rest.length && bytesWritten >= (rest[done]?.length ?? 0)) {
      bytesWritten -= rest[done]?.length ?? 0;
      done += 1;
    }
    const [partial, ...later] = rest.slice(done);
    rest = partial === undefined ? [] : [partial.subarray(bytesWritten), ...later];
  }
}

interface Contents {
  readonly parts: readonly Uint8Array[];
  readonly mode: number;
}

function temporaryName(path: string): string {
  return join(dirname(path), `.tv-${toHex(randomFillSync(new Uint8Array(8)))}.tmp`);
}

async function removeQuietly(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch {
    // What matters is the error that led here, or that the final name is there.
  }
}

/** Writes and syncs a new file; leaves nothing behind when that fails. */
async function writeNew(path: string, { parts, mode }: Contents): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    // The umask takes bits away from what open() is given.
    if ((mode & 0o077) !== 0 && process.platform !== 'win32') await file.chmod(mode);
    await writeParts(file, parts);
    await file.sync();
    await file.close();
  } catch (error) {
    await file.close().catch(() => undefined);
    await removeQuietly(path);
    throw error;
  }
}

/** File systems without hard links: FAT, exFAT, some SMB servers and FUSE mounts. */
const linkUnsupported: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL']);

/**
 * Gives the temporary file its final name unless that is taken. link(2) is atomic and exclusive, on NFS and SMB too. Where there
 * are no hard links, an empty file made with O_EXCL reserves the name and a rename puts the data there: of two
 * writers one wins, no reader sees half a file, but for a moment one may see an empty file, which every format refuses.
 */
async function nameExclusively(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    await removeQuietly(temporary);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') {
      await removeQuietly(temporary);
      return false;
    }
    if (!linkUnsupported.has(code)) {
      await removeQuietly(temporary);
      throw error;
    }
  }
  try {
    const reserved = await open(path, 'wx', fileModeDefault);
    await reserved.close();
    await rename(temporary, path);
    return true;
  } catch (error) {
    await removeQuietly(temporary);
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** False, and nothing changed, when the name is taken. */
export async function createDurably(path: string, contents: Contents): Promise<boolean> {
  const temporary = temporaryName(path);
  await writeNew(temporary, contents);
  if (!(await nameExclusively(temporary, path))) return false;
  await syncDirectory(dirname(path));
  return true;
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
