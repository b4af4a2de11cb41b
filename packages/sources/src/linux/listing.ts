/*
 * The names in a directory, from getdents64(2).
 *
 * struct linux_dirent64, the same on every processor: u64 inode, s64 offset, u16 length of this record, u8 type, then the
 * name and a NUL.
 *
 * Names stay where the kernel wrote them, in one run of bytes; what is sorted are numbers.
 */
import type { NamePart } from './name-part.ts';
import type { System } from './system.ts';

/** d_type of a directory and of a regular file; 0 where the file system does not tell. */
export const listedKinds = { unknown: 0, directory: 4, file: 8 } as const;

const recordLengthOffset = 16;
const kindOffset = 18;
const nameOffset = 19;
const bufferBytes = 128 * 1024;

/** Names sorted bytewise. */
export class Listing {
  /** Offsets of records, in the order of their names. */
  private readonly records: readonly number[];
  private readonly bytes: Uint8Array;
  private readonly part: NamePart;

  constructor(bytes: Uint8Array, records: readonly number[]) {
    this.bytes = bytes;
    this.records = records;
    this.part = { bytes, start: 0, end: 0 };
  }

  /** Directories of these names, which are sorted. */
  static ofDirectories(names: readonly Uint8Array[]): Listing {
    const records: number[] = [];
    const bytes = new Uint8Array(names.reduce((total, name) => total + nameOffset + name.length + 1, 0));
    let at = 0;
    for (const name of names) {
      records.push(at);
      bytes[at + kindOffset] = listedKinds.directory;
      bytes.set(name, at + nameOffset);
      at += nameOffset + name.length + 1;
    }
    return new Listing(bytes, records);
  }

  get count(): number {
    return this.records.length;
  }

  kind(index: number): number {
    return this.bytes[(this.records[index] as number) + kindOffset] as number;
  }

  /** Valid until the next call. */
  partOf(index: number): NamePart {
    const { part, bytes } = this;
    part.start = (this.records[index] as number) + nameOffset;
    part.end = nameEnd(bytes, part.start);
    return part;
  }

  /** A copy. */
  name(index: number): Uint8Array {
    const { bytes, start, end } = this.partOf(index);
    return bytes.slice(start, end);
  }

  /** The index of a name, or -1. */
  find(name: Uint8Array): number {
    return this.records.findIndex((record) => {
      const start = record + nameOffset;
      return name.every((byte, index) => this.bytes[start + index] === byte) && this.bytes[start + name.length] === 0;
    });
  }

  /** One name alone. */
  only(index: number): Listing {
    return new Listing(this.bytes, this.records.slice(index, index + 1));
  }
}

export class DirectoryLister {
  readonly #system: System;
  readonly #buffer: Uint8Array = new Uint8Array(bufferBytes);

  constructor(system: System) {
    this.#system = system;
  }

  /** All names but "." and ".."; or `-errno`. Reads from where the descriptor stands: list once. */
  list(fd: number): Listing | number {
    const blocks: Uint8Array[] = [];
    let total = 0;
    for (;;) {
      const length = this.#system.getDirectoryEntries(fd, this.#buffer);
      if (length < 0) return length;
      if (length === 0) break;
      blocks.push(this.#buffer.slice(0, length));
      total += length;
    }
    const [first] = blocks;
    const bytes = blocks.length === 1 && first !== undefined ? first : joined(blocks, total);
    return new Listing(bytes, sorted(bytes, recordsIn(bytes)));
  }
}

function joined(blocks: readonly Uint8Array[], total: number): Uint8Array {
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const block of blocks) {
    bytes.set(block, at);
    at += block.length;
  }
  return bytes;
}

function recordsIn(bytes: Uint8Array): number[] {
  const records: number[] = [];
  for (let at = 0; at < bytes.length;) {
    if (!isDots(bytes, at + nameOffset)) records.push(at);
    at += (bytes[at + recordLengthOffset] as number) | ((bytes[at + recordLengthOffset + 1] as number) << 8);
  }
  return records;
}

/** Bytewise. A NUL ends each name and is less than every byte of another, so that a prefix comes first. */
function sorted(bytes: Uint8Array, records: number[]): number[] {
  return records.sort((a, b) => {
    for (let left = a + nameOffset, right = b + nameOffset; ; left += 1, right += 1) {
      const byte = bytes[left] as number;
      const difference = byte - (bytes[right] as number);
      if (difference !== 0 || byte === 0) return difference;
    }
  });
}

function nameEnd(bytes: Uint8Array, start: number): number {
  let end = start;
  while (bytes[end] !== 0) end += 1;
  return end;
}

function isDots(bytes: Uint8Array, start: number): boolean {
  if (bytes[start] !== 0x2e) return false;
  return bytes[start + 1] === 0 || (bytes[start + 1] === 0x2e && bytes[start + 2] === 0);
}
