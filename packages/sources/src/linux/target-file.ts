/*
 * A file that is being restored. Until it is finished it has no name (O_TMPFILE), so that a restore that is killed leaves
 * nothing half written behind; where the file system has no nameless files, it has a passing name.
 *
 * In a directory that the restore itself made and has not finished, it has its own name from the start and a mode that
 * says it is not whole: naming it afterwards costs a quarter of the kernel's time for a small file (ext4, November 2026:
 * 39 us against 52). The mode is set last, so that the next restore knows what it may do again.
 */
import type { ConflictRule, EntryError, EntryMetadata, Placed, TargetFile } from '@twinvault/engine';
import { joinName } from '../paths.ts';
import { errnos, openFlags } from './constants.ts';
import { writeError } from './failures.ts';
import type { MetadataWriter } from './metadata.ts';
import { firstFree, moveAside, moveOver, passingName, place } from './placing.ts';
import type { System } from './system.ts';

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_TMPFILE } = openFlags;
const here = new Uint8Array([0x2e]);

/** What new entries of a directory get without being asked. */
export interface Inherited {
  readonly uid: number;
  readonly gid: number;
  readonly hasDefaultAcl: boolean;
}

/** The part of a target that its files need. */
export interface FileHome {
  readonly system: System;
  readonly metadata: MetadataWriter;
  /** Descriptor of the directory, valid until the next call. Throws TargetWriteError. */
  directoryFd(directory: Uint8Array): number;
  /** `fd`: a file just made in the directory. */
  inherited(directory: Uint8Array, fd: number): Inherited;
}

export interface FilePlace {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly rule: ConflictRule;
}

/** What a file that is made under its own name has until it is finished: nobody gives a file the sticky bit. */
export const unfinishedFileMode = 0o1600;

/** Makes the file under its own name; null when something has that. Throws TargetWriteError. */
export function newFileInPlace(home: FileHome, where: FilePlace, sizeBytes: number): TargetFile | null {
  const directoryFd = home.directoryFd(where.directory);
  const flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
  const fd = home.system.openAt(directoryFd, where.name, flags, unfinishedFileMode);
  if (fd === -errnos.EEXIST) return null;
  if (fd < 0) throw writeError('openat', fd);
  return new LinuxTargetFile(home, where, { fd, passing: where.name, sizeBytes });
}

/** Makes the file. Throws TargetWriteError. */
export function newTargetFile(home: FileHome, where: FilePlace, sizeBytes: number): TargetFile {
  const { system } = home;
  const directoryFd = home.directoryFd(where.directory);
  let fd = system.openAt(directoryFd, here, O_RDWR | O_TMPFILE);
  if (fd >= 0) return new LinuxTargetFile(home, where, { fd, passing: null, sizeBytes });
  // EISDIR: a kernel or file system that does not know the flag, and took it for an attempt to write a directory.
  if (fd !== -errnos.EOPNOTSUPP && fd !== -errnos.EISDIR && fd !== -errnos.EINVAL && fd !== -errnos.ENOENT) {
    throw writeError('openat', fd);
  }
  const make = (name: Uint8Array): number => {
    fd = system.openAt(directoryFd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
    return fd;
  };
  const passing = firstFree(make, 'openat', passingName);
  return new LinuxTargetFile(home, where, { fd, passing, sizeBytes });
}

interface WriteAt {
  readonly fd: number;
  readonly bytes: Uint8Array;
  readonly fileOffsetBytes: number;
}

/** Throws TargetWriteError. */
export function writeAt(system: System, { fd, bytes, fileOffsetBytes }: WriteAt): void {
  const answer = system.write(fd, bytes, fileOffsetBytes);
  if (answer < 0) throw writeError('pwrite', answer);
}

class LinuxTargetFile implements TargetFile {
  readonly #home: FileHome;
  readonly #where: FilePlace;
  readonly #sizeBytes: number;
  readonly #fd: number;
  readonly #inherited: Inherited;
  /** Null: the file has no name yet. The name that it is to have: it was made in place. */
  readonly #passing: Uint8Array | null;
  #name: Uint8Array | null;
  /** Of what was written here; others may have written through the handle. */
  #endBytes = 0;
  #isOpen = true;

  constructor(home: FileHome, where: FilePlace, made: { fd: number; passing: Uint8Array | null; sizeBytes: number }) {
    this.#home = home;
    this.#where = where;
    this.#name = where.name;
    this.#fd = made.fd;
    this.#passing = made.passing;
    this.#sizeBytes = made.sizeBytes;
    try {
      this.#inherited = home.inherited(where.directory, made.fd);
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Final once the file is finished: until then somebody else may take the name. */
  get placed(): Placed {
    return { name: this.#name };
  }

  /** Its descriptor, which all threads of the process share. */
  get handle(): number {
    return this.#fd;
  }

  write(bytes: Uint8Array, fileOffsetBytes: number): void {
    writeAt(this.#home.system, { fd: this.#fd, bytes, fileOffsetBytes });
    this.#endBytes = Math.max(this.#endBytes, fileOffsetBytes + bytes.length);
  }

  finish(metadata: EntryMetadata): readonly EntryError[] {
    const { system, metadata: writer } = this.#home;
    const { uid, gid, hasDefaultAcl } = this.#inherited;
    try {
      if (this.#endBytes < this.#sizeBytes) {
        const answer = system.truncate(this.#fd, this.#sizeBytes);
        if (answer < 0) throw writeError('ftruncate', answer);
      }
      const path = joinName(this.#where.directory, this.#where.name);
      const errors = writer.apply({
        fd: this.#fd,
        isPath: false,
        path,
        metadata,
        owner: { uid, gid },
        mayHaveAcls: hasDefaultAcl,
      });
      this.#name = this.#giveName();
      this.#close();
      return errors;
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Null: skipped, because somebody took the name since the file was begun. */
  #giveName(): Uint8Array | null {
    const { system } = this.#home;
    const { directory, name, rule } = this.#where;
    const directoryFd = this.#home.directoryFd(directory);
    const passing = this.#passing;
    if (passing === name) return name;
    if (passing === null) {
      const make = (to: Uint8Array): number => system.hardLinkFd(this.#fd, { directoryFd, name: to });
      return place(system, { directoryFd, name, rule, call: 'linkat', make });
    }
    if (rule === 'overwrite') {
      moveOver(system, directoryFd, { from: passing, to: name });
      return name;
    }
    const make = (to: Uint8Array): number => moveAside(system, directoryFd, { from: passing, to });
    const given = place(system, { directoryFd, name, rule, call: 'renameat2', make });
    if (given === null) system.unlink(directoryFd, passing);
    return given;
  }

  abandon(): void {
    if (!this.#isOpen) return;
    this.#close();
    this.#name = null;
    if (this.#passing === null) return;
    this.#home.system.unlink(this.#home.directoryFd(this.#where.directory), this.#passing);
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#home.system.close(this.#fd);
  }
}
