/* The vault's ObjectStore port in memory: each operation happens in one step, in the time of the clock that was handed in. */

import { ProtocolError } from '@twinvault/protocol';
import { concatBytes } from '@twinvault/std';
import type { Clock, OpenFile } from '@twinvault/std';
import type { ErasedObject, ErasedRemains, ErasureMeans, ObjectStat, ObjectStore } from '@twinvault/vault';

interface Stored {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
  lockedMs: number;
}

export interface MemoryStoreOptions {
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Whether `lock` keeps objects. */
  readonly locks?: boolean;
}

export class MemoryStore implements ObjectStore {
  readonly locks: boolean;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #objects = new Map<string, Stored>();
  /** Locked objects that were set aside: kept, and absent. */
  readonly #hidden: (Stored & { readonly name: string })[] = [];

  constructor({ clock, locks = false }: MemoryStoreOptions) {
    this.#clock = clock;
    this.locks = locks;
  }

  async put(name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    if (this.#objects.has(name)) return false;
    await this.replace(name, parts);
    return true;
  }

  replace(name: string, parts: readonly Uint8Array[]): Promise<void> {
    const before = this.#objects.get(name);
    if (before !== undefined && this.#isLocked(before)) this.#hidden.push({ ...before, name });
    this.#objects.set(name, { bytes: concatBytes(...parts), modifiedMs: this.#clock.nowMs(), lockedMs: 0 });
    return Promise.resolve();
  }

  async get(name: string, maxBytes: number): Promise<Uint8Array | null> {
    const there = this.#objects.get(name);
    if (there === undefined) return Promise.resolve(null);
    const sizeBytes = there.bytes.length;
    if (sizeBytes > maxBytes) throw new ProtocolError('vault-damaged', { context: { sizeBytes, maxBytes } });
    return Promise.resolve(there.bytes.slice());
  }

  open(name: string): Promise<OpenFile | null> {
    const there = this.#objects.get(name);
    if (there === undefined) return Promise.resolve(null);
    const { bytes } = there;
    return Promise.resolve({
      sizeBytes: bytes.length,
      read: async (offsetBytes, lengthBytes) => {
        const context = { offsetBytes, lengthBytes, sizeBytes: bytes.length };
        if (offsetBytes + lengthBytes > bytes.length) throw new ProtocolError('vault-failed', { context });
        return Promise.resolve(bytes.slice(offsetBytes, offsetBytes + lengthBytes));
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  stat(name: string): Promise<ObjectStat | null> {
    const there = this.#objects.get(name);
    return Promise.resolve(there === undefined ? null : { sizeBytes: there.bytes.length, modifiedMs: there.modifiedMs });
  }

  list(folder: string): Promise<string[]> {
    return Promise.resolve(this.#below(folder).filter((name) => !name.includes('/')));
  }

  folders(folder: string): Promise<string[]> {
    const deeper = this.#below(folder).filter((name) => name.includes('/'));
    return Promise.resolve([...new Set(deeper.map((name) => name.slice(0, name.indexOf('/'))))]);
  }

  listDeep(folder: string): Promise<string[]> {
    return Promise.resolve(this.#below(folder));
  }

  async entries(folder: string): Promise<string[]> {
    return [...(await this.list(folder)), ...(await this.folders(folder))];
  }

  remove(name: string): Promise<boolean> {
    const there = this.#objects.get(name);
    if (there !== undefined && this.#isLocked(there)) this.#hidden.push({ ...there, name });
    return Promise.resolve(this.#objects.delete(name));
  }

  async removeThis(name: string, demand: () => Promise<void>): Promise<boolean> {
    const there = this.#objects.get(name);
    if (there === undefined) return false;
    await demand();
    if (this.#isLocked(there)) throw new ProtocolError('vault-denied', { context: { defect: 'locked' } });
    if (this.#objects.get(name) === there) this.#objects.delete(name);
    return true;
  }

  move(from: string, to: string): Promise<boolean> {
    const there = this.#objects.get(from);
    if (there === undefined) return Promise.resolve(false);
    if (this.#isLocked(there)) this.#hidden.push({ ...there, name: from });
    this.#objects.delete(from);
    this.#objects.set(to, { ...there, lockedMs: 0 });
    return Promise.resolve(true);
  }

  clear(folder: string): Promise<void> {
    for (const name of this.#below(folder)) this.#objects.delete(folder === '' ? name : `${folder}/${name}`);
    return Promise.resolve();
  }

  /** Nothing is ever left here. */
  sweep(): Promise<number> {
    return Promise.resolve(0);
  }

  erasure(): Promise<ErasureMeans> {
    return Promise.resolve({ type: 'bucket' });
  }

  async erase(name: string, demand: () => Promise<void>): Promise<ErasedObject | null> {
    const there = this.#objects.get(name);
    if (there === undefined) return null;
    await demand();
    await this.remove(name);
    return { bytes: there.bytes.length, readBack: null, lockedMs: this.#isLocked(there) ? there.lockedMs : null };
  }

  eraseRemains(folder: string): Promise<ErasedRemains> {
    const left = this.#hidden.splice(0);
    const isHere = ({ name }: { readonly name: string }): boolean => name.startsWith(`${folder}/`);
    this.#hidden.push(...left.filter((each) => !isHere(each) || this.#isLocked(each)));
    const locked = this.#hidden.filter(isHere).map(({ name, bytes, lockedMs }) => ({ name, bytes: bytes.length, lockedMs }));
    return Promise.resolve({ objects: left.length - this.#hidden.length, bytes: 0, readBack: null, locked });
  }

  nowMs(): Promise<number> {
    return Promise.resolve(this.#clock.nowMs());
  }

  lock(name: string, untilMs: number): Promise<boolean> {
    const there = this.#objects.get(name);
    if (!this.locks || there === undefined) return Promise.resolve(false);
    there.lockedMs = Math.max(there.lockedMs, untilMs);
    return Promise.resolve(true);
  }

  #isLocked({ lockedMs }: Stored): boolean {
    return lockedMs > this.#clock.nowMs();
  }

  #below(folder: string): string[] {
    const prefix = folder === '' ? '' : `${folder}/`;
    const names = [...this.#objects.keys()].filter((name) => name.startsWith(prefix));
    return names.map((name) => name.slice(prefix.length));
  }
}
