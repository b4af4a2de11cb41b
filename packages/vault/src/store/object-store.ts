/*
 * Where immutable objects lie: the port that a directory, and later a bucket, implements. A name is a relative path with "/";
 * the caller makes it of fixed words and hexadecimal digits. Names that begin with a dot are temporary files of the store.
 *
 * Promise of every implementation: an object is there whole or not at all, and durable when `put` resolves.
 */

import { equalBytes } from '@twinvault/std';
import type { Files, OpenFile } from '@twinvault/std';
import { isMissingFile } from './vault-files.ts';

export interface ObjectStore {
  /** False, and nothing changed, when the name is taken. */
  put(name: string, parts: readonly Uint8Array[]): Promise<boolean>;
  /** Puts the object in place of what is there: for the mending of damaged objects and for notes. */
  replace(name: string, parts: readonly Uint8Array[]): Promise<void>;
  /** Null when missing; `vault-damaged` above `maxBytes`. */
  get(name: string, maxBytes: number): Promise<Uint8Array | null>;
  /** For ranges; null when missing. */
  open(name: string): Promise<OpenFile | null>;
  /** Size in bytes, null when missing. */
  size(name: string): Promise<number | null>;
  /** Last parts of the names below `folder/`, of objects alone, in no order. */
  list(folder: string): Promise<string[]>;
  /** The same of folders. */
  folders(folder: string): Promise<string[]>;
  /** False when it was not there. */
  remove(name: string): Promise<boolean>;
}

/**
 * Puts an object whose name follows from its content. One that is there already is compared, and mended when it is not the
 * same: a torn file of a file system without hard links, or bytes that have rotted.
 */
export async function ensureObject(store: ObjectStore, name: string, bytes: Uint8Array): Promise<'stored' | 'present'> {
  if (await store.put(name, [bytes])) return 'stored';
  if ((await store.size(name)) === bytes.length) {
    const there = await store.get(name, bytes.length);
    if (there !== null && equalBytes(there, bytes)) return 'present';
  }
  await store.replace(name, [bytes]);
  return 'stored';
}

export function isTemporaryName(name: string): boolean {
  return name.startsWith('.');
}

/** Objects below the directory `root`, which must be there. Directories are made when the first object in them is put. */
export class FileStore implements ObjectStore {
  readonly #files: Files;
  readonly #root: string;

  constructor(files: Files, root: string) {
    this.#files = files;
    this.#root = root;
  }

  path(name: string): string {
    return `${this.#root}/${name}`;
  }

  async put(name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    const path = this.path(name);
    return this.#inDirectory(path, () => this.#files.create(path, parts));
  }

  async replace(name: string, parts: readonly Uint8Array[]): Promise<void> {
    const path = this.path(name);
    await this.#inDirectory(path, () => this.#files.replace(path, parts));
  }

  get(name: string, maxBytes: number): Promise<Uint8Array | null> {
    return this.#files.read(this.path(name), maxBytes);
  }

  open(name: string): Promise<OpenFile | null> {
    return this.#files.open(this.path(name));
  }

  async size(name: string): Promise<number | null> {
    const stat = await this.#files.stat(this.path(name));
    return stat?.kind === 'file' ? stat.sizeBytes : null;
  }

  async list(folder: string): Promise<string[]> {
    const entries = await this.#files.list(this.path(folder));
    return entries.filter(({ name, kind }) => kind === 'file' && !isTemporaryName(name)).map(({ name }) => name);
  }

  async folders(folder: string): Promise<string[]> {
    const entries = await this.#files.list(this.path(folder));
    return entries.filter(({ name, kind }) => kind === 'directory' && !isTemporaryName(name)).map(({ name }) => name);
  }

  remove(name: string): Promise<boolean> {
    return this.#files.remove(this.path(name));
  }

  async #inDirectory<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isMissingFile(error)) throw error;
      await this.#files.makeDirectory(path.slice(0, path.lastIndexOf('/')));
      return work();
    }
  }
}
