/*
 * Overwriting a file where it is. Each pass is written over the whole file, made durable, and read back past the page cache (O_DIRECT) where the
 * file system allows that, so that what is compared came from the disk.
 *
 * O_DIRECT wants memory that begins at a page (paged-memory.ts). Node's own buffers do not, and reads into them fail with EINVAL (measured 2026-11-22,
 * Node 24.21, ext4).
 */

import { constants, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { StdError } from '../errors.ts';
import { pagedMemory } from '../paged-memory.ts';
import type { Overwritten } from '../ports/files.ts';
import { systemCode } from './file-errors.ts';

/** Also the unit in which patterns are laid down: a multiple of each pattern's length. */
const blockBytes: number = 1024 * 1024;

/** `patterns`: one for each pass, laid end to end over the file; each length divides 64 KiB. Throws system errors, `file-failed` where a pass does not read back. */
export async function overwriteFile(path: string, patterns: readonly Uint8Array[]): Promise<Overwritten> {
  await using file = await open(path, constants.O_RDWR | (constants.O_NONBLOCK ?? 0));
  const stat = await file.stat();
  if (!stat.isFile()) throw new StdError('file-failed', { context: { localPath: path, defect: 'not a file' } });
  const sizeBytes = stat.size;
  let readBack: Overwritten['readBack'] = 'disk';
  for (const pattern of patterns) {
    const block = blockOf(pattern);
    for (let at = 0; at < sizeBytes; at += block.length) await writeAll(file, block.subarray(0, sizeBytes - at), at);
    await file.sync();
    if (!(await readsBack({ path, sizeBytes, block }))) readBack = 'cache';
  }
  return { sizeBytes, readBack };
}

function blockOf(pattern: Uint8Array): Uint8Array {
  const block = new Uint8Array(blockBytes);
  for (let at = 0; at < block.length; at += pattern.length) block.set(pattern, at);
  return block;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offsetBytes: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offsetBytes + done);
    done += bytesWritten;
  }
}

interface Written {
  readonly path: string;
  readonly sizeBytes: number;
  readonly block: Uint8Array;
}

/** False where it had to be read through the page cache. */
async function readsBack(written: Written): Promise<boolean> {
  const direct = await openDirect(written.path);
  if (direct !== null) {
    try {
      await compare(direct, written);
      return true;
    } catch (error) {
      // Some file systems take the flag and refuse the read.
      if (systemCode(error) !== 'EINVAL') throw error;
    } finally {
      await direct.close();
    }
  }
  await using cached = await open(written.path, constants.O_RDONLY);
  await compare(cached, written);
  return false;
}

/** Null where the file system has no such thing. */
async function openDirect(path: string): Promise<FileHandle | null> {
  if (constants.O_DIRECT === undefined) return null;
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECT);
  } catch (error) {
    if (systemCode(error) === 'EINVAL') return null;
    throw error;
  }
}

async function compare(file: FileHandle, { path, sizeBytes, block }: Written): Promise<void> {
  const target = pagedMemory(blockBytes);
  for (let at = 0; at < sizeBytes;) {
    const { bytesRead } = await file.read(target, 0, target.length, at);
    const wanted = Math.min(block.length, sizeBytes - at);
    const same = bytesRead >= wanted && Buffer.compare(target.subarray(0, wanted), block.subarray(0, wanted)) === 0;
    if (!same) throw new StdError('file-failed', { context: { localPath: path, defect: 'overwritten bytes do not read back' } });
    at += wanted;
  }
}
