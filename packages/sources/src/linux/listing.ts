/*
 * The names in a directory, from getdents64(2).
 *
 * struct linux_dirent64, the same on every processor: u64 inode, s64 offset, u16 length of this record, u8 type, then the
 * name and a NUL.
 */
import { compareNames } from '../paths.ts';
import type { System } from './system.ts';

/** d_type of a directory and of a regular file; 0 where the file system does not tell. */
export const listedKinds = { unknown: 0, directory: 4, file: 8 } as const;

export interface Listed {
  readonly name: Uint8Array;
  readonly kind: number;
}

const recordLengthOffset = 16;
const kindOffset = 18;
const nameOffset = 19;
const bufferBytes = 128 * 1024;

export class DirectoryLister {
  readonly #system: System;
  readonly #buffer: Uint8Array = new Uint8Array(bufferBytes);

  constructor(system: System) {
    this.#system = system;
  }

  /** All names but "." and "..", sorted bytewise; or `-errno`. Reads from where the descriptor stands: list once. */
  list(fd: number): Listed[] | number {
    const listed: Listed[] = [];
    for (;;) {
      const length = this.#system.getDirectoryEntries(fd, this.#buffer);
      if (length < 0) return length;
      if (length === 0) break;
      this.#parse(length, listed);
    }
    return listed.sort((a, b) => compareNames(a.name, b.name));
  }

  #parse(length: number, into: Listed[]): void {
    const buffer = this.#buffer;
    for (let at = 0; at < length;) {
      const recordBytes = (buffer[at + recordLengthOffset] as number) | ((buffer[at + recordLengthOffset + 1] as number) << 8);
      const start = at + nameOffset;
      let end = start;
      while (buffer[end] !== 0) end += 1;
      if (!isDots(buffer, start, end)) into.push({ name: buffer.slice(start, end), kind: buffer[at + kindOffset] as number });
      at += recordBytes;
    }
  }
}

function isDots(buffer: Uint8Array, start: number, end: number): boolean {
  if (buffer[start] !== 0x2e) return false;
  return end === start + 1 || (end === start + 2 && buffer[start + 1] === 0x2e);
}
