/* What a MemoryDisk consists of, and what the operations on it may ask of it. See memory-disk.ts. */

import type { Clock } from '@twinvault/std';

export interface MemoryFile {
  readonly kind: 'file';
  current: Uint8Array;
  durable: Uint8Array;
  modifiedMs: number;
  readonly mode: number;
}

export interface MemoryDirectory {
  readonly kind: 'directory';
  readonly current: Map<string, MemoryNode>;
  durable: Map<string, MemoryNode>;
  modifiedMs: number;
  readonly mode: number;
}

export type MemoryNode = MemoryFile | MemoryDirectory;

/** An operation cut into steps; yields the name of the step that comes next. */
export type Steps<T> = Generator<string, T, void>;

/** A change of one name, made but not yet durable. */
export interface NameChange {
  readonly directory: MemoryDirectory;
  readonly name: string;
  /** Null: the name goes away. */
  readonly node: MemoryNode | null;
}

export function newDirectory(mode: number, modifiedMs: number): MemoryDirectory {
  return { kind: 'directory', current: new Map(), durable: new Map(), modifiedMs, mode };
}

/** The disk as the operations of memory-files.ts see it. */
export interface DiskState {
  readonly clock: Clock;
  readonly root: MemoryDirectory;
  readonly type: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Changes names together; not durable before syncDirectory(). */
  change(...changes: readonly NameChange[]): void;
  syncDirectory(directory: MemoryDirectory): void;
  /** Throws `file-disk-full` unless so many bytes more have room. */
  reserve(countBytes: number, path: string): void;
  temporaryName(): string;
}
