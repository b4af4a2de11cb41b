/*
 * Descriptors of directories by path, opened step by step from one base, so that paths of any length work and no
 * component is ever followed where it must not be. The least recently used ones are closed.
 *
 * Invariant: a descriptor handed out stays valid until the next call of `open` or `forget`.
 */
import { bytesOfKey, isComponent, keyOf } from '../paths.ts';
import { errnos, openFlags } from './constants.ts';
import type { System } from './system.ts';

/** Descriptors kept open by one cache. Deep trees need some of the last steps; more would starve other threads. */
export const openDirectoriesMax = 48;

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = openFlags;

export interface DirectoryCacheOptions {
  /** Where paths begin; the cache closes it in the end. */
  readonly baseFd: number;
  /** Whether the directory with this key may be reached through a symbolic link. */
  readonly mayFollow: (key: string) => boolean;
}

export class DirectoryCache {
  readonly #system: System;
  readonly #options: DirectoryCacheOptions;
  /** In order of use, the latest last. */
  readonly #fds = new Map<string, number>();
  #lastPath: Uint8Array = new Uint8Array(0);
  #lastFd: number;

  constructor(system: System, options: DirectoryCacheOptions) {
    this.#system = system;
    this.#options = options;
    this.#lastFd = options.baseFd;
  }

  /** A descriptor of the directory, or `-errno`: ENOTDIR where a component is no directory, EINVAL where it is no component. */
  open(path: Uint8Array): number {
    if (samePath(path, this.#lastPath)) return this.#lastFd;
    const fd = path.length === 0 ? this.#options.baseFd : this.#find(keyOf(path));
    if (fd >= 0) {
      this.#lastPath = path.slice();
      this.#lastFd = fd;
    }
    return fd;
  }

  #find(key: string): number {
    const known = this.#fds.get(key);
    if (known !== undefined) {
      this.#fds.delete(key);
      this.#fds.set(key, known);
      return known;
    }
    let [nearest, fd] = this.#nearest(key);
    while (nearest.length < key.length) {
      const start = nearest.length === 0 ? 0 : nearest.length + 1;
      const end = key.indexOf('\0', start);
      const prefix = end < 0 ? key : key.slice(0, end);
      const next = this.#openStep(fd, prefix, start);
      if (next < 0) return next;
      this.#keep(prefix, next);
      nearest = prefix;
      fd = next;
    }
    return fd;
  }

  /** The longest prefix whose descriptor is open. */
  #nearest(key: string): [string, number] {
    let end = key.lastIndexOf('\0');
    while (end > 0) {
      const prefix = key.slice(0, end);
      const fd = this.#fds.get(prefix);
      if (fd !== undefined) return [prefix, fd];
      end = key.lastIndexOf('\0', end - 1);
    }
    return ['', this.#options.baseFd];
  }

  #openStep(parentFd: number, prefix: string, start: number): number {
    const name = bytesOfKey(prefix.slice(start));
    if (!isComponent(name)) return -errnos.EINVAL;
    const follow = this.#options.mayFollow(prefix) ? 0 : O_NOFOLLOW;
    return this.#system.openAt(parentFd, name, O_RDONLY | O_DIRECTORY | follow);
  }

  #keep(key: string, fd: number): void {
    this.#fds.set(key, fd);
    if (this.#fds.size <= openDirectoriesMax) return;
    // The parent of the step in progress is the second latest, so it is never the one that goes.
    for (const [oldest, oldFd] of this.#fds) {
      this.#close(oldest, oldFd);
      break;
    }
  }

  /** Closes the directory's descriptor, if one is open. */
  forget(path: Uint8Array): void {
    const key = keyOf(path);
    const fd = this.#fds.get(key);
    if (fd !== undefined) this.#close(key, fd);
  }

  #close(key: string, fd: number): void {
    this.#fds.delete(key);
    this.#system.close(fd);
    if (fd !== this.#lastFd) return;
    this.#lastPath = new Uint8Array(0);
    this.#lastFd = this.#options.baseFd;
  }

  /** Closes all descriptors, that of the base too. */
  close(): void {
    for (const fd of this.#fds.values()) this.#system.close(fd);
    this.#fds.clear();
    this.#system.close(this.#options.baseFd);
  }
}

function samePath(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = a.length - 1; index >= 0; index -= 1) if (a[index] !== b[index]) return false;
  return true;
}
