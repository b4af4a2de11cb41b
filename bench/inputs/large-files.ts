/* Inputs of one large file that is written by page: a virtual disk and a database. */

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Prng } from '@twinvault/std';
import { MiB, utf8Encode } from '@twinvault/std';
import type { Input } from './input.ts';
import { Noise, Words } from './text.ts';

export const pageBytes = 4096;

/** A page as databases have them: a header, rows of text and numbers, free space. zstd brings it to a little above half. */
export function databasePage(number: number, random: Prng): Uint8Array {
  const page = new Uint8Array(pageBytes);
  new DataView(page.buffer).setUint32(0, number);
  let at = 64;
  while (at < 3500) {
    const row = utf8Encode(`user-${random.below(1_000_000)}@example.org;Street ${random.below(500)};active;`);
    page.set(row.subarray(0, 3500 - at), at);
    at += row.length;
    page.set(random.bytes(40), at);
    at += 40;
  }
  return page;
}

/** A database file of `bytes`, written to the path. */
export function writeDatabase(path: string, bytes: number, random: Prng): void {
  const file = openSync(path, 'w');
  const pagesOfWrite = 256;
  for (let number = 0; number < bytes / pageBytes; number += pagesOfWrite) {
    const count = Math.min(pagesOfWrite, bytes / pageBytes - number);
    writeSync(file, Buffer.concat(Array.from({ length: count }, (_, index) => databasePage(number + index, random))));
  }
  closeSync(file);
}

/** Whole pages, so that a scale below 1 makes a whole number of them. */
export function scaledBytes(bytes: number, scale: number): number {
  return Math.max(64, Math.round((bytes * scale) / pageBytes)) * pageBytes;
}

export const database: Input = {
  name: 'database',
  about: 'one file of 4 KiB pages that compress to a little above half',
  traits: ['pages', 'database'],
  make(folder, scale, random) {
    writeDatabase(join(folder, 'database'), scaledBytes(64 * MiB, scale), random);
  },
};

/** A run of blocks as a file system lays them out: tables of structures, files of text and of noise, copies of files. */
class DiskBlocks {
  readonly #random: Prng;
  readonly #words: Words;
  readonly #noise: Noise;
  readonly #files: Uint8Array[] = [];

  constructor(random: Prng) {
    this.#random = random;
    this.#words = new Words(random);
    this.#noise = new Noise(random);
  }

  /** Inodes of 256 bytes: small numbers, times that lie near each other, block numbers that follow. */
  inodes(count: number): Uint8Array {
    const table = Buffer.alloc(count * 256);
    for (let at = 0; at < table.length; at += 256) {
      table.writeUInt16LE(0x81a4, at);
      table.writeUInt32LE(this.#random.below(200_000), at + 4);
      for (const offset of [8, 12, 16]) table.writeUInt32LE(1_790_000_000 + this.#random.below(3_000_000), at + offset);
      table.writeUInt32LE(this.#random.below(2 ** 26), at + 40);
    }
    return table;
  }

  /** A file on whole blocks; every eighth is one that was there before. */
  file(): Uint8Array {
    if (this.#files.length > 3 && this.#random.chance(0.125)) return this.#random.pick(this.#files);
    const size = this.#random.between(2000, 600_000);
    const bytes = this.#random.chance(0.5) ? utf8Encode(this.#words.code(size)) : this.#noise.bytes(size);
    const whole = new Uint8Array(Math.ceil(bytes.length / pageBytes) * pageBytes);
    whole.set(bytes);
    if (this.#files.length < 64) this.#files.push(whole);
    return whole;
  }
}

export const diskImage: Input = {
  name: 'disk-image',
  about: 'a sparse virtual disk, half of it holes, with the content of a file system',
  traits: ['pages'],
  make(folder, scale, random) {
    const blocks = new DiskBlocks(random);
    const groupBytes = 8 * MiB;
    const groups = Math.max(1, Math.round(16 * scale));
    const file = openSync(join(folder, 'disk.raw'), 'w');
    ftruncateSync(file, groups * groupBytes);
    for (let group = 0; group < groups; group += 1) {
      const start = group * groupBytes;
      writeSync(file, blocks.inodes(1024), 0, null, start);
      const end = start + groupBytes * (0.3 + 0.4 * random.fraction());
      for (let at = start + MiB; at < end;) {
        const content = blocks.file();
        if (at + content.length > start + groupBytes) break;
        writeSync(file, content, 0, content.length, at);
        at += content.length;
      }
    }
    closeSync(file);
  },
};
