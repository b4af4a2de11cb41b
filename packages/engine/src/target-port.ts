/**
 * Where a restore writes. `sources` implements it for each platform. All calls are synchronous and run in worker threads or in the main thread; a target never follows a
 * symbolic link below its root and refuses components that are empty, ".", "..", or hold "/" or 0x00.
 */
import type { EntryDetails, EntryError, EntryStat, EntryType } from './source-port.ts';

/**
 * What happens where a name is taken. `skip`: what is there stays. `overwrite`: it is replaced, but a directory by nothing but a directory.
 * `rename-incoming`: what is restored gets another name. `rename-existing`: what is there does, whatever it is.
 */
export type ConflictRule = 'skip' | 'overwrite' | 'rename-incoming' | 'rename-existing';

/** Codes of errors of a target that every other file will meet too: the restore ends with them. */
export const stoppingCodes: ReadonlySet<string> = new Set(['target-full', 'target-read-only']);

export interface EntryMetadata {
  readonly type: EntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanos: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly details: EntryDetails;
}

/** `name`: what it became under the target (another one after rename-incoming); null: skipped by the conflict rule. */
export interface Placed {
  readonly name: Uint8Array | null;
}

export interface TargetModule {
  /** Module that exports `openTarget(config): Target`. */
  readonly module: string;
  readonly config: unknown;
}

export interface Target {
  /**
   * Makes the directory if needed; open to its owner alone until `finishDirectory`. An existing directory is fine under every rule, and gets
   * other metadata only under `overwrite`. Throws TargetWriteError.
   */
  makeDirectory(directory: Uint8Array, name: Uint8Array, rule: ConflictRule): Placed;
  /** Writes into a file that another target of this process, over the same place, has begun and neither finished nor abandoned. Throws TargetWriteError. */
  writeInto(handle: number, bytes: Uint8Array, fileOffsetBytes: number): void;
  /** A new file, not yet visible under its final name where the rule is overwrite; exclusive otherwise. Null: skipped. */
  createFile(directory: Uint8Array, name: Uint8Array, sizeBytes: number, rule: ConflictRule): TargetFile | null;
  /** Symbolic links, FIFOs, sockets, devices, with their metadata. Errors that leave the entry usable are returned. */
  makeSpecial(
    directory: Uint8Array,
    name: Uint8Array,
    metadata: EntryMetadata,
    rule: ConflictRule,
  ): { readonly placed: Placed; readonly errors: readonly EntryError[] };
  /** Hard link to an entry that this target placed before. */
  makeHardLink(directory: Uint8Array, name: Uint8Array, toDirectory: Uint8Array, toName: Uint8Array, rule: ConflictRule): Placed;
  /** Owner, mode, xattrs, ACLs, times of a directory: after all that lies in it. */
  finishDirectory(directory: Uint8Array, name: Uint8Array, metadata: EntryMetadata): readonly EntryError[];
  /** Free bytes at the target. */
  freeBytes(): number;
  stat(directory: Uint8Array, name: Uint8Array): EntryStat | null;
  /** The name that `rename-incoming` gives at its n-th attempt, from 1. */
  otherName(name: Uint8Array, attempt: number): Uint8Array;
  close(): void;
}

export interface TargetFile {
  readonly placed: Placed;
  /** For `writeInto`: good in every thread of this process until the file is finished or abandoned, when it may come to mean another file. */
  readonly handle: number;
  write(bytes: Uint8Array, fileOffsetBytes: number): void;
  /** Sets the length (holes at the end), owner, mode, xattrs, ACLs, times, then closes and gives it its name. */
  finish(metadata: EntryMetadata): readonly EntryError[];
  /** Removes what was written. */
  abandon(): void;
}
