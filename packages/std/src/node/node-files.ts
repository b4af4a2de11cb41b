/*
 * The files port on node:fs. Every error leaves as a StdError (file-errors.ts); file-write.ts holds what "durable" means.
 */

import { constants, type FileHandle, lstat, open, readdir, rename, rm, rmdir, unlink, utimes } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StdError } from '../errors.ts';
import type { FileEntry, FileKind, Files, FileStat, OpenFile, Overwritten } from '../ports/files.ts';
import { fileError, systemCode } from './file-errors.ts';
import { overwriteFile } from './file-overwrite.ts';
import { fileSystemSpace } from './file-space.ts';
import {
  appendDurably,
  createDurably,
  directoryModeDefault,
  fileModeDefault,
  makeDirectoryDurably,
  replaceDurably,
  syncDirectory,
} from './file-write.ts';

interface Kinds {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

function kindOf(entry: Kinds): FileKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

/** Runs one operation; errors become StdError. */
async function guarded<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw fileError(error, path);
  }
}

/** The same, but `absent` when the name, or a directory on the way to it, is not there. */
async function guardedOr<T>(path: string, absent: T, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return absent;
    throw fileError(error, path);
  }
}

/** A pipe in the place of a file is not waited for. */
const readFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Fills `target` from `offsetBytes`; fewer bytes when the file ends first. */
async function readFully(file: FileHandle, target: Uint8Array, offsetBytes: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await file.read(target, done, target.length - done, offsetBytes + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

class NodeOpenFile implements OpenFile {
  readonly sizeBytes: number;
  readonly #file: FileHandle;
  readonly #path: string;

  constructor(file: FileHandle, path: string, sizeBytes: number) {
    this.#file = file;
    this.#path = path;
    this.sizeBytes = sizeBytes;
  }

  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    return guarded(this.#path, async () => {
      const target = new Uint8Array(lengthBytes);
      const done = await readFully(this.#file, target, offsetBytes);
      if (done === lengthBytes) return target;
      throw new StdError('file-failed', {
        context: { localPath: this.#path, offsetBytes, lengthBytes, readBytes: done },
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await guarded(this.#path, () => this.#file.close());
  }
}

async function read(path: string, maxBytes: number): Promise<Uint8Array> {
  await using file = await open(path, readFlags);
  const stat = await file.stat();
  const { size } = stat;
  if (!stat.isFile()) throw new StdError('file-failed', { context: { localPath: path, kind: kindOf(stat) } });
  if (size > maxBytes) throw new StdError('file-too-large', { context: { localPath: path, sizeBytes: size, maxBytes } });
  const target = new Uint8Array(size);
  const done = await readFully(file, target, 0);
  return done === size ? target : target.slice(0, done);
}

async function openFile(path: string): Promise<OpenFile> {
  const file = await open(path, readFlags);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new StdError('file-failed', { context: { localPath: path, kind: kindOf(stat) } });
    return new NodeOpenFile(file, path, stat.size);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function renameDurably(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
  } catch (error) {
    // ENOENT also stands for a missing target directory, which is the caller's error.
    if (systemCode(error) === 'ENOENT' && (await statOrNull(from)) === null) return false;
    throw error;
  }
  await syncDirectory(dirname(to));
  if (resolve(dirname(from)) !== resolve(dirname(to))) await syncDirectory(dirname(from));
  return true;
}

function statOrNull(path: string): Promise<FileStat | null> {
  return guardedOr(path, null, async () => {
    const stat = await lstat(path);
    return { kind: kindOf(stat), sizeBytes: stat.size, modifiedMs: stat.mtimeMs, mode: stat.mode & 0o7777 };
  });
}

async function remove(path: string): Promise<boolean> {
  try {
    await unlink(path);
  } catch (error) {
    // Linux says EISDIR for a directory, POSIX and Windows EPERM.
    const code = systemCode(error);
    if (code !== 'EISDIR' && (code !== 'EPERM' || !(await lstat(path)).isDirectory())) throw error;
    await rmdir(path);
  }
  return true;
}

/** Files on the local machine; every path as the caller gives it. */
export const nodeFiles: Files = {
  stat: statOrNull,
  list: (path) =>
    guardedOr<FileEntry[]>(path, [], async () => {
      const entries = await readdir(path, { withFileTypes: true });
      return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
    }),
  makeDirectory: (path, options) =>
    guarded(path, () => makeDirectoryDurably(resolve(path), options?.mode ?? directoryModeDefault)),
  read: (path, maxBytes) => guardedOr<Uint8Array | null>(path, null, () => read(path, maxBytes)),
  open: (path) => guardedOr<OpenFile | null>(path, null, () => openFile(path)),
  create: (path, parts, options) => guarded(path, () => createDurably(path, { parts, mode: options?.mode ?? fileModeDefault })),
  replace: (path, parts, options) => guarded(path, () => replaceDurably(path, { parts, mode: options?.mode ?? fileModeDefault })),
  append: (path, bytes) => guarded(path, () => appendDurably(path, bytes)),
  rename: (from, to) => guarded(from, () => renameDurably(from, to)),
  remove: (path) => guardedOr(path, false, () => remove(path)),
  removeTree: (path) => guarded(path, () => rm(path, { recursive: true, force: true })),
  overwrite: (path, patterns) => guardedOr<Overwritten | null>(path, null, () => overwriteFile(path, patterns)),
  touch: (path) =>
    guardedOr(path, false, async () => {
      // libuv turns an infinite time into UTIME_NOW, so that a file server's clock counts; the types of Node take it as text alone.
      await utimes(path, 'Infinity', 'Infinity');
      return true;
    }),
  space: (path) => guarded(path, () => fileSystemSpace(path)),
};
