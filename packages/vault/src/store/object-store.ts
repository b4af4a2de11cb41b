/*
 * Where a site keeps its objects: the port that a directory and a bucket implement. A name is a relative path with "/"; the caller
 * makes it of fixed words and hexadecimal digits. Names that begin with a dot belong to the store and are never given.
 *
 * Promise of every implementation: an object is there whole or not at all, durable when `put` or `replace` resolves, and seen by every
 * node of the site from then on. Times are the store's own, so that clocks of machines do not matter. Errors: `vault-denied`,
 * `vault-full`, `vault-read-only`, `vault-failed`, `store-away` (ProtocolError).
 */

import { equalBytes } from '@twinvault/std';
import type { OpenFile } from '@twinvault/std';

export interface ObjectStat {
  readonly sizeBytes: number;
  /** When it was put, ms since 1970 in the store's time. */
  readonly modifiedMs: number;
}

export interface ObjectStore {
  /** False, and nothing changed, when the name is taken; what has it is durable then. Of several puts of a name one is told true. */
  put(name: string, parts: readonly Uint8Array[], options?: PutOptions): Promise<boolean>;
  /** Puts the object in place of what is there: for the mending of damaged objects and for notes. */
  replace(name: string, parts: readonly Uint8Array[]): Promise<void>;
  /** Null when missing; `vault-damaged` above `maxBytes`. The bytes are the caller's, who may give their memory away. */
  get(name: string, maxBytes: number): Promise<Uint8Array | null>;
  /** For ranges; null when missing. Reads give bytes of what was opened, or fail when that was removed or replaced meanwhile. */
  open(name: string): Promise<OpenFile | null>;
  /** Null when missing. */
  stat(name: string): Promise<ObjectStat | null>;
  /** Last parts of the names below `folder/`, of objects alone, in no order. */
  list(folder: string): Promise<string[]>;
  /** The same of folders: of whatever has objects below it. */
  folders(folder: string): Promise<string[]>;
  /** Names of the objects at any depth below `folder/`, without it, in no order. */
  listDeep(folder: string): Promise<string[]>;
  /** Last parts of all that lies in the folder, whatever it is: for whoever looks for what does not belong there. */
  entries(folder: string): Promise<string[]>;
  /** False when it was not there. What is locked is absent afterwards all the same, and the store keeps its bytes until the lock is over. */
  remove(name: string): Promise<boolean>;
  /**
   * Removes exactly what has the name now: what is put under it later stays, however late the removal comes. `demand` is asked when
   * that is certain, and nothing is removed when it throws. False when nothing was there; `vault-denied` when it is locked.
   */
  removeThis(name: string, demand: () => Promise<void>): Promise<boolean>;
  /** Gives the object another name and replaces what has it. False when it was not there. It is never without both names. Locked or not, as `remove`. */
  move(from: string, to: string): Promise<boolean>;
  /** Removes all below `folder/`; fine when nothing is there. */
  clear(folder: string): Promise<void>;
  /** Removes what writes left in the folder that were broken off or replaced; the number of such things. */
  sweep(folder: string, options: SweepOptions): Promise<number>;
  /** Whether `lock` keeps objects. */
  readonly locks: boolean;
  /**
   * From now on until `untilMs`, in the store's time, the store itself refuses to remove what has the name now, whoever asks; never
   * shortens. False where the store has no locks, or nothing is there.
   */
  lock(name: string, untilMs: number): Promise<boolean>;
  /** What `erase` does to bytes here, told before the first of them goes. */
  erasure(): Promise<ErasureMeans>;
  /**
   * Removes exactly what has the name now, for good: overwritten first where that means something, with all its versions and all that was begun to be
   * uploaded under its name. `demand` as of `removeThis`. Null when nothing has the name. `vault-failed` where it cannot be overwritten.
   */
  erase(name: string, demand: () => Promise<void>): Promise<ErasedObject | null>;
  /** The same for what is left below the folder, at any depth, of earlier objects, removals and broken-off writes that ended before `beforeMs`. */
  eraseRemains(folder: string, beforeMs: number): Promise<ErasedRemains>;
  /** The store's time, ms since 1970. */
  nowMs(): Promise<number>;
}

export type ErasureMeans =
  | { readonly type: 'bucket' }
  | {
      readonly type: 'files';
      /** '' where unknown. */
      readonly fileSystem: string;
      /** As in the certificate of an erase order: docs/format/records.md. */
      readonly overwriting: 'in-place' | 'elsewhere' | 'unknown';
    };

export interface ErasedObject {
  readonly bytes: number;
  /** Where overwritten bytes were read back from; null where nothing was overwritten. */
  readonly readBack: 'disk' | 'cache' | null;
  /** It is absent, and the store keeps its bytes until then; null: nothing is left. */
  readonly lockedMs: number | null;
}

export interface LockedRemain {
  /** In the store. */
  readonly name: string;
  readonly bytes: number;
  readonly lockedMs: number;
}

export interface ErasedRemains {
  readonly objects: number;
  readonly bytes: number;
  /** As of an ErasedObject, the lesser of all. */
  readonly readBack: ErasedObject['readBack'];
  readonly locked: readonly LockedRemain[];
}

export interface PutOptions {
  /** The name follows from the content, so that it is no matter which of several puts stands: more than one may be told true. */
  readonly byContent?: boolean;
}

export interface SweepOptions {
  /** In the store's time: what is younger may still be in the making. */
  readonly beforeMs: number;
  /** In the folders below it too. */
  readonly deep: boolean;
}

/**
 * Puts an object whose name follows from its content. One that is there already is compared, and mended when it is not the
 * same: a torn file of a file system without hard links, or bytes that have rotted.
 */
export async function ensureObject(store: ObjectStore, name: string, bytes: Uint8Array): Promise<'stored' | 'present'> {
  if (await store.put(name, [bytes], { byContent: true })) return 'stored';
  if ((await store.stat(name))?.sizeBytes === bytes.length) {
    const there = await store.get(name, bytes.length);
    if (there !== null && equalBytes(there, bytes)) return 'present';
  }
  await store.replace(name, [bytes]);
  return 'stored';
}
