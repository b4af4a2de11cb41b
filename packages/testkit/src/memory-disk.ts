/*
 * A disk in memory that forgets what was not synced: the files port for tests and the simulator.
 *
 * Files and names are each in two states, current and durable. Writing changes the current state; an fsync of a file makes its
 * bytes durable, an fsync of a directory its names. Every operation of the port goes through the same steps as on a real
 * file system (temporary file, fsync, name, fsync of the directory), with a step between each where others run and where
 * `crash()` may come. A crash throws away what is not durable, or, given a Prng, keeps an arbitrary part of it, as a disk does.
 *
 * Invariants: an operation that has resolved survives every crash, but for remove, removeTree and touch, which promise
 * nothing; an operation under way when the crash comes never settles, nor does any later one of the same mount: its
 * process is dead.
 */

import { type Clock, type Files, type Prng, StdError, TiB } from '@twinvault/std';
import { memoryFiles } from './memory-files.ts';
import {
  type DiskState,
  type MemoryDirectory,
  type MemoryFile,
  type MemoryNode,
  type NameChange,
  newDirectory,
  type Steps,
} from './memory-nodes.ts';

export interface MemoryDiskOptions {
  readonly clock: Clock;
  /** `file-disk-full` above that; unlimited when omitted. */
  readonly capacityBytes?: number;
  /** What `space` reports as type; 'memory' when omitted. */
  readonly type?: string;
  /** Called before each step of each operation with its name, `create: sync`; may call crash(). */
  readonly onStep?: (step: string) => void;
}

/** Bytes in the files below, each counted once. */
function bytesBelow(directory: MemoryDirectory): number {
  let sum = 0;
  for (const node of directory.current.values()) {
    sum += node.kind === 'file' ? node.current.length : bytesBelow(node);
  }
  return sum;
}

/** What the disk holds of a file whose last write was not synced. */
function tornBytes({ current, durable }: MemoryFile, prng: Prng | undefined): Uint8Array {
  if (prng === undefined || current === durable || prng.chance(1 / 3)) return durable;
  if (prng.chance(0.5)) return current;
  // The length arrived, the last blocks did not.
  const kept = prng.between(Math.min(durable.length, current.length), current.length);
  const torn = new Uint8Array(current.length);
  torn.set(current.subarray(0, kept));
  return prng.chance(0.5) ? torn : torn.slice(0, kept);
}

/** What a disk held at some moment. */
export type DiskImage = MemoryDirectory;

function copyOf(directory: MemoryDirectory): MemoryDirectory {
  const current = new Map(
    Array.from(directory.current, ([name, node]): [string, MemoryNode] => [
      name,
      node.kind === 'directory' ? copyOf(node) : { ...node, durable: node.current },
    ]),
  );
  return { ...directory, current, durable: new Map(current) };
}

export class MemoryDisk implements DiskState {
  readonly clock: Clock;
  readonly type: string;
  readonly root: MemoryDirectory;
  readonly #capacityBytes: number | null;
  readonly #onStep: ((step: string) => void) | undefined;
  /** Unsynced changes of names, oldest first; those of one entry take effect together. */
  #unsynced: (readonly NameChange[])[] = [];
  /** Counts crashes. A mount of an earlier time is dead. */
  #boot = 0;
  #nextTemporary = 0;

  constructor({ clock, capacityBytes, type, onStep }: MemoryDiskOptions) {
    this.clock = clock;
    this.type = type ?? 'memory';
    this.root = newDirectory(0o755, clock.nowMs());
    this.#capacityBytes = capacityBytes ?? null;
    this.#onStep = onStep;
  }

  /** The files port for one life of a process; dead after the next crash. */
  mount(): Files {
    const boot = this.#boot;
    return memoryFiles(this, (operation) => this.run(boot, operation));
  }

  get totalBytes(): number {
    return this.#capacityBytes ?? TiB;
  }

  get freeBytes(): number {
    return Math.max(this.totalBytes - bytesBelow(this.root), 0);
  }

  /**
   * Power fails: everything under way dies. Without `prng` all that was not synced is gone; with one, each part of it is
   * kept, lost or torn by chance. Mount again afterwards.
   */
  crash(prng?: Prng): void {
    this.#boot += 1;
    for (const changes of this.#unsynced) {
      if (prng?.chance(0.5) === true) for (const change of changes) applyDurably(change);
    }
    this.#unsynced = [];
    restoreDurable(this.root, prng);
  }

  /** Everything as it is now, whether it was synced or not. */
  image(): DiskImage {
    return copyOf(this.root);
  }

  /** An image takes the place of everything: all that is under way dies, and what came since is gone. Mount again afterwards. */
  putBack(image: DiskImage): void {
    this.#boot += 1;
    this.#unsynced = [];
    const { current } = copyOf(image);
    this.root.current.clear();
    for (const [name, node] of current) this.root.current.set(name, node);
    this.root.durable = new Map(current);
  }

  /** Throws `file-disk-full` unless so many bytes more have room. */
  reserve(countBytes: number, path: string): void {
    if (this.#capacityBytes === null || countBytes <= this.freeBytes) return;
    throw new StdError('file-disk-full', { context: { localPath: path } });
  }

  temporaryName(): string {
    this.#nextTemporary += 1;
    return `.tv-${this.#nextTemporary}.tmp`;
  }

  change(...changes: readonly NameChange[]): void {
    for (const { directory, name, node } of changes) {
      if (node === null) directory.current.delete(name);
      else directory.current.set(name, node);
      directory.modifiedMs = this.clock.nowMs();
    }
    this.#unsynced.push(changes);
  }

  /** fsync of a directory: its own names, and whatever belongs to the same change. */
  syncDirectory(directory: MemoryDirectory): void {
    const touches = (changes: readonly NameChange[]): boolean => changes.some((one) => one.directory === directory);
    for (const changes of this.#unsynced) if (touches(changes)) for (const change of changes) applyDurably(change);
    this.#unsynced = this.#unsynced.filter((changes) => !touches(changes));
  }

  /** Runs an operation: others run at each of its steps, and after a crash it never goes on. */
  async run<T>(boot: number, operation: Steps<T>): Promise<T> {
    for (;;) {
      const { value, done } = operation.next();
      if (done === true) return value;
      await Promise.resolve();
      if (boot === this.#boot) this.#onStep?.(value);
      // Checked here, since from here to the next step nothing else runs.
      if (boot !== this.#boot) await new Promise<never>(() => undefined);
    }
  }
}

function applyDurably({ directory, name, node }: NameChange): void {
  if (node === null) directory.durable.delete(name);
  else directory.durable.set(name, node);
}

function restoreDurable(directory: MemoryDirectory, prng: Prng | undefined): void {
  directory.current.clear();
  for (const [name, node] of directory.durable) {
    directory.current.set(name, node);
    if (node.kind === 'directory') restoreDurable(node, prng);
    else {
      node.durable = tornBytes(node, prng);
      node.current = node.durable;
    }
  }
}
