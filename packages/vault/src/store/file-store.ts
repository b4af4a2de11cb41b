/*
 * Objects as files below a directory, docs/format/directory-vault.md. Directories are made when the first object in them is put. What
 * removes or replaces does so by renaming, so that nobody finds half an object under its name.
 */

import type { Files, OpenFile, Random } from '@twinvault/std';
import type { FileTime } from '../leases/file-time.ts';
import type { Cache } from './cache.ts';
import { concurrently } from './concurrently.ts';
import type { ErasedObject, ErasedRemains, ErasureMeans, ObjectStat, ObjectStore, SweepOptions } from './object-store.ts';
import { erasedName, isErasedName, isTemporaryName, temporaryName } from './temporary-name.ts';
import { isMissingFile } from './vault-files.ts';

const foldersAtOnce = 16;
const patternBytes = 65_536;
/** File systems that write into the blocks that a file has; their journals hold names and sizes, unless they were set to hold data. */
const inPlace: ReadonlySet<string> = new Set(['ext4', 'xfs', 'tmpfs', 'vfat', 'exfat', 'ntfs']);
/** Those that never write into used blocks. Of overlay nobody can tell what lies below. */
const elsewhere: ReadonlySet<string> = new Set(['btrfs', 'zfs', 'bcachefs', 'overlay', 'f2fs']);
/** Times that a file is overwritten where that means something. */
export const erasePasses = 3;

export interface FileStoreParts {
  /** With the errors of the vault port: `vaultFiles`. */
  readonly files: Files;
  readonly random: Random;
  readonly time: FileTime;
  /** Absolute path of a directory that is there. */
  readonly root: string;
}

export class FileStore implements ObjectStore, Cache {
  readonly #files: Files;
  readonly #random: Random;
  readonly #time: FileTime;
  readonly #root: string;

  constructor({ files, random, time, root }: FileStoreParts) {
    this.#files = files;
    this.#random = random;
    this.#time = time;
    this.#root = root;
  }

  async put(name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    const path = this.#path(name);
    return this.#inDirectory(path, () => this.#files.create(path, parts));
  }

  async replace(name: string, parts: readonly Uint8Array[]): Promise<void> {
    const path = this.#path(name);
    await this.#inDirectory(path, () => this.#files.replace(path, parts));
  }

  get(name: string, maxBytes: number): Promise<Uint8Array | null> {
    return this.#files.read(this.#path(name), maxBytes);
  }

  open(name: string): Promise<OpenFile | null> {
    return this.#files.open(this.#path(name));
  }

  async stat(name: string): Promise<ObjectStat | null> {
    const stat = await this.#files.stat(this.#path(name));
    return stat?.kind === 'file' ? { sizeBytes: stat.sizeBytes, modifiedMs: stat.modifiedMs } : null;
  }

  async list(folder: string): Promise<string[]> {
    const entries = await this.#files.list(this.#path(folder));
    return entries.filter(({ name, kind }) => kind === 'file' && !isTemporaryName(name)).map(({ name }) => name);
  }

  async folders(folder: string): Promise<string[]> {
    const entries = await this.#files.list(this.#path(folder));
    return entries.filter(({ name, kind }) => kind === 'directory' && !isTemporaryName(name)).map(({ name }) => name);
  }

  async listDeep(folder: string): Promise<string[]> {
    const entries = (await this.#files.list(this.#path(folder))).filter(({ name }) => !isTemporaryName(name));
    const names = entries.filter(({ kind }) => kind === 'file').map(({ name }) => name);
    const folders = entries.filter(({ kind }) => kind === 'directory');
    const below = await concurrently(folders, foldersAtOnce, async ({ name }) => {
      return (await this.listDeep(`${folder}/${name}`)).map((each) => `${name}/${each}`);
    });
    return [...names, ...below.flat()];
  }

  async entries(folder: string): Promise<string[]> {
    const entries = await this.#files.list(this.#path(folder));
    return entries.map(({ name }) => name).filter((name) => !isTemporaryName(name));
  }

  remove(name: string): Promise<boolean> {
    return this.#files.remove(this.#path(name));
  }

  /** Renamed aside it is absent for everybody, and what is removed then can never be what somebody put again meanwhile. */
  async removeThis(name: string, demand: () => Promise<void>): Promise<boolean> {
    const path = this.#path(name);
    const aside = `${path.slice(0, path.lastIndexOf('/'))}/${temporaryName(this.#random)}`;
    if (!(await this.#files.rename(path, aside))) return false;
    try {
      await demand();
    } catch (error) {
      await this.#files.rename(aside, path);
      throw error;
    }
    await this.#files.remove(aside);
    return true;
  }

  async move(from: string, to: string): Promise<boolean> {
    const path = this.#path(to);
    await this.#files.makeDirectory(path.slice(0, path.lastIndexOf('/')));
    return this.#files.rename(this.#path(from), path);
  }

  clear(folder: string): Promise<void> {
    return this.#files.removeTree(this.#path(folder));
  }

  readonly locks: boolean = false;

  lock(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** Temporary files and directories. */
  async sweep(folder: string, { beforeMs, deep }: SweepOptions): Promise<number> {
    let count = 0;
    for (const { name, kind } of await this.#files.list(this.#path(folder))) {
      if (!isTemporaryName(name)) {
        if (deep && kind === 'directory') count += await this.sweep(`${folder}/${name}`, { beforeMs, deep });
        continue;
      }
      const path = this.#path(`${folder}/${name}`);
      const stat = await this.#files.stat(path);
      if (stat === null || stat.modifiedMs > beforeMs) continue;
      if (kind === 'directory') await this.#files.removeTree(path);
      else await this.#files.remove(path);
      count += 1;
    }
    return count;
  }

  async erasure(): Promise<ErasureMeans> {
    const { type } = await this.#files.space(this.#root);
    const overwriting = inPlace.has(type) ? 'in-place' : elsewhere.has(type) ? 'elsewhere' : 'unknown';
    return { type: 'files', fileSystem: type, overwriting };
  }

  /** Renamed aside first, as by `removeThis`; what is left of that by a crash is a remain. */
  async erase(name: string, demand: () => Promise<void>): Promise<ErasedObject | null> {
    const path = this.#path(name);
    const aside = `${path.slice(0, path.lastIndexOf('/'))}/${erasedName(this.#random)}`;
    if (!(await this.#files.rename(path, aside))) return null;
    try {
      await demand();
    } catch (error) {
      await this.#files.rename(aside, path);
      throw error;
    }
    return this.#eraseFile(aside);
  }

  async eraseRemains(folder: string, beforeMs: number): Promise<ErasedRemains> {
    const done: { objects: number; bytes: number; readBack: ErasedObject['readBack'] } = { objects: 0, bytes: 0, readBack: null };
    const add = (part: typeof done): void => {
      done.objects += part.objects;
      done.bytes += part.bytes;
      done.readBack = done.readBack === 'cache' ? 'cache' : (part.readBack ?? done.readBack);
    };
    for (const { name, kind } of await this.#files.list(this.#path(folder))) {
      if (kind === 'directory') {
        add(await this.eraseRemains(`${folder}/${name}`, beforeMs));
        if (isTemporaryName(name)) await this.#files.removeTree(this.#path(`${folder}/${name}`));
      } else if (isTemporaryName(name)) {
        const path = this.#path(`${folder}/${name}`);
        const stat = await this.#files.stat(path);
        if (stat === null || (stat.modifiedMs > beforeMs && !isErasedName(name))) continue;
        add({ objects: 1, ...(await this.#eraseFile(path)) });
      }
    }
    return { ...done, locked: [] };
  }

  /** DoD 5220.22-M's three passes: a character, its complement, random bytes. */
  async #eraseFile(path: string): Promise<ErasedObject> {
    const { type } = await this.#files.space(this.#root);
    const patterns = [new Uint8Array(patternBytes), new Uint8Array(patternBytes).fill(0xff), this.#random.bytes(patternBytes)];
    const overwritten = elsewhere.has(type) ? null : await this.#files.overwrite(path, patterns);
    const bytes = overwritten?.sizeBytes ?? (await this.#files.stat(path))?.sizeBytes ?? 0;
    await this.#files.remove(path);
    return { bytes, readBack: overwritten?.readBack ?? null, lockedMs: null };
  }

  nowMs(): Promise<number> {
    return this.#time.nowMs();
  }

  #path(name: string): string {
    return name === '' ? this.#root : `${this.#root}/${name}`;
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
