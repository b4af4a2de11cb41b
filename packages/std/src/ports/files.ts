/**
 * Files as a port, for what Twinvault itself keeps on disk (a vault's directory, an agent's state): paths are strings that we
 * chose ourselves. Files that users protect are read and written through the ports of `sources`, never through this one.
 *
 * "Durable" means: data and name survive a power cut when the promise resolves (fsync of the file, then of its directory).
 * Errors: `file-missing`, `file-exists`, `file-denied`, `file-disk-full`, `file-read-only`, `file-failed` (StdError; the path
 * is in the context under `localPath`, which never leaves the device).
 */
export type FileKind = 'file' | 'directory' | 'link' | 'other';

export interface FileEntry {
  readonly name: string;
  readonly kind: FileKind;
}

export interface FileStat {
  readonly kind: FileKind;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Permission bits; 0 where the platform has none. */
  readonly mode: number;
}

export interface OpenFile extends AsyncDisposable {
  readonly sizeBytes: number;
  /** Exactly `lengthBytes` bytes from `offsetBytes`; `file-failed` when the file is shorter. */
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
}

export interface WriteOptions {
  /** Permission bits of a new file; 0o600 when omitted. */
  readonly mode?: number;
}

export interface SpaceInfo {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** File system type where known: 'nfs', 'smb', 'ext4', …; '' when not. */
  readonly type: string;
}

export interface Overwritten {
  readonly sizeBytes: number;
  /** Where each pass was read back from to be compared: past the page cache, or perhaps out of it. */
  readonly readBack: 'disk' | 'cache';
}

/** Whether it is the name of a file that a write was killed in, before it had its own: of `create` and `replace`. Whoever writes to the folder may remove it. */
export function isTemporaryFileName(name: string): boolean {
  return /^\.tv-[0-9a-f]{16}\.tmp$/u.test(name);
}

export interface Files {
  /** Null when nothing is there. Does not follow a final symbolic link. */
  stat(path: string): Promise<FileStat | null>;
  /** Entries in no order, without "." and ".."; an empty list when the directory is missing. */
  list(path: string): Promise<FileEntry[]>;
  /** Makes the directory and its parents; fine when it is there. */
  makeDirectory(path: string, options?: WriteOptions): Promise<void>;
  /** Null when missing; `file-too-large` above `maxBytes`. */
  read(path: string, maxBytes: number): Promise<Uint8Array | null>;
  open(path: string): Promise<OpenFile | null>;
  /**
   * Durable and atomic: readers see no file or the whole file. False, and nothing changed, when the name is taken; what
   * has it is durable then.
   */
  create(path: string, parts: readonly Uint8Array[], options?: WriteOptions): Promise<boolean>;
  /** Durable and atomic; replaces what was there. */
  replace(path: string, parts: readonly Uint8Array[], options?: WriteOptions): Promise<void>;
  /** Appends and makes durable; not atomic: a reader must detect a torn end. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /** Atomic within one file system; replaces a file. False when `from` is missing. Durable. */
  rename(from: string, to: string): Promise<boolean>;
  /** False when it was not there. Empty directories too. */
  remove(path: string): Promise<boolean>;
  /** Removes a directory and all below it; fine when missing. */
  removeTree(path: string): Promise<void>;
  /**
   * Overwrites a file where it lies, once for each pattern, laid end to end; its length divides 64 KiB. Each pass is durable and was read back before
   * the next; `file-failed` where it does not read back. Null when missing. Whether old bytes are gone is the file system's matter: see `space`.
   */
  overwrite(path: string, patterns: readonly Uint8Array[]): Promise<Overwritten | null>;
  /** Sets the modification time to the file system's now; false when missing. */
  touch(path: string): Promise<boolean>;
  space(path: string): Promise<SpaceInfo>;
}
