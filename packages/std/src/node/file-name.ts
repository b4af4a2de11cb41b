/*
 * Gives a finished temporary file its final name, unless that is taken: exactly one of many writers wins, and no reader sees
 * half a file.
 *
 * The way is link(2): atomic and exclusive, on NFS and SMB too. Where there are no hard links (FAT, exFAT, some SMB servers
 * and FUSE mounts) a small file made with O_EXCL reserves the name, and a rename puts the data in its place. For a
 * moment a reader may then see the reservation, which no format of ours takes for an object. One that a crash has left
 * behind gives way after ten minutes; should two writers find it at the same time, both could win, there alone.
 */

import { link, lstat, open, readFile, rename, unlink } from 'node:fs/promises';
import { equalBytes, utf8Encode } from '../bytes.ts';
import { systemCode } from './file-errors.ts';

const linkUnsupported: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL']);
const reservation: Uint8Array = utf8Encode('Twinvault: name reserved\n');
const reservationAgeMsMax: number = 10 * 60 * 1000;

/** For a file whose loss changes nothing; what matters is the error, or the success, that led here. */
export async function removeQuietly(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch {
    // Left for whoever clears away temporary files.
  }
}

/** False when something has the name. */
async function reserve(path: string): Promise<boolean> {
  try {
    await using file = await open(path, 'wx', 0o600);
    await file.write(reservation);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const { size, mtimeMs } = await lstat(path);
  if (size !== reservation.length || Date.now() - mtimeMs < reservationAgeMsMax) return false;
  return equalBytes(await readFile(path), reservation);
}

async function nameByReservation(temporary: string, path: string): Promise<boolean> {
  if (!(await reserve(path))) {
    if (!(await isAbandoned(path))) return false;
    await unlink(path);
    if (!(await reserve(path))) return false;
  }
  try {
    await rename(temporary, path);
  } catch (error) {
    await removeQuietly(path);
    throw error;
  }
  return true;
}

/** Null: not possible on this file system. */
async function nameByLink(temporary: string, path: string, makeLink: typeof link): Promise<boolean | null> {
  try {
    await makeLink(temporary, path);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (linkUnsupported.has(code)) return null;
    if (code !== 'EEXIST') throw error;
    // Over NFS the answer to a link that was made can get lost, and the repeated request finds it taken, by us.
    return (await lstat(temporary)).nlink > 1;
  }
}

/** False when the name is taken. The temporary name is gone afterwards, whatever happens. `makeLink` is for tests. */
export async function nameExclusively(temporary: string, path: string, makeLink: typeof link = link): Promise<boolean> {
  try {
    return (await nameByLink(temporary, path, makeLink)) ?? (await nameByReservation(temporary, path));
  } finally {
    await removeQuietly(temporary);
  }
}
