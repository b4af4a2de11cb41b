/* Inputs of many files: a source tree, the documents of an office, a folder of media. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import type { Prng } from '@twinvault/std';
import type { Input } from './input.ts';
import { Noise, Words } from './text.ts';

/** A size as files have it: most are small, some are large. */
function skewedSize(random: Prng, { medianBytes, mostBytes }: { medianBytes: number; mostBytes: number }): number {
  const bell = random.fraction() + random.fraction() + random.fraction() + random.fraction() - 2;
  return Math.min(mostBytes, Math.max(40, Math.round(medianBytes * Math.exp(2.1 * bell))));
}

export const sourceTree: Input = {
  name: 'source-tree',
  about: 'many small files of text in deep directories',
  traits: ['tree'],
  make(folder, scale, random) {
    const words = new Words(random);
    const count = Math.max(60, Math.round(8000 * scale));
    const filesOfDirectory = 14;
    const directories: string[] = [];
    for (let top = 0; top < 12; top += 1) directories.push(`${words.next()}-${top}`);
    while (directories.length < count / filesOfDirectory) {
      const parent = random.pick(directories);
      const depth = parent.split('/').length;
      if (depth < 7) directories.push(`${parent}/${words.next()}-${directories.length}`);
    }
    for (const directory of directories) mkdirSync(join(folder, directory), { recursive: true });
    for (let number = 0; number < count; number += 1) {
      const directory = directories[number % directories.length] ?? '';
      const size = skewedSize(random, { medianBytes: 4500, mostBytes: 400_000 });
      const path = join(folder, directory, `${words.next()}-${number}.c`);
      // Built objects lie about in source trees too.
      if (random.chance(0.03))
        writeFileSync(path, Buffer.concat([random.bytes(size >> 1), Buffer.alloc(size >> 1, words.next())]));
      else writeFileSync(path, words.code(size));
    }
  },
};

interface Part {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A container as office programs write them: a header and a compressed stream for each part, then the directory. */
function container(parts: readonly Part[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  for (const { name, bytes } of parts) {
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt32LE(bytes.length, 18);
    head.writeUInt16LE(name.length, 26);
    pieces.push(head, Buffer.from(name), bytes);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt32LE(bytes.length, 20);
    directory.push(entry, Buffer.from(name));
  }
  return Buffer.concat([...pieces, ...directory]);
}

/** Documents of which some are versions of others: one part differs, the rest is the same stream of bytes. */
class Office {
  readonly #random: Prng;
  readonly #words: Words;
  readonly #noise: Noise;
  readonly #documents: Part[][] = [];

  constructor(random: Prng) {
    this.#random = random;
    this.#words = new Words(random);
    this.#noise = new Noise(random);
  }

  #text(sizeBytes: number): Uint8Array {
    return deflateRawSync(this.#words.prose(sizeBytes), { level: 6 });
  }

  document(): Uint8Array {
    const random = this.#random;
    const old = this.#documents.length > 5 && random.chance(0.3) ? random.pick(this.#documents) : null;
    const pictures = random.chance(0.5) ? random.between(1, 4) : 0;
    const parts = old?.slice() ?? [
      { name: 'word/document.xml', bytes: this.#text(skewedSize(random, { medianBytes: 45_000, mostBytes: 2_000_000 })) },
      { name: 'word/styles.xml', bytes: this.#text(30_000) },
      ...Array.from({ length: pictures }, (_, number) => ({
        name: `word/media/image${number}.jpeg`,
        bytes: this.#noise.bytes(skewedSize(random, { medianBytes: 60_000, mostBytes: 3_000_000 })),
      })),
    ];
    if (old !== null) parts[0] = { name: 'word/document.xml', bytes: this.#text(random.between(20_000, 160_000)) };
    if (this.#documents.length < 400) this.#documents.push(parts);
    return container(parts);
  }

  /** A name's ending and what such a file holds. */
  file(): { ending: string; bytes: Uint8Array | string } {
    const random = this.#random;
    const kind = random.below(10);
    if (kind < 5) return { ending: 'docx', bytes: this.document() };
    if (kind < 7)
      return { ending: 'txt', bytes: this.#words.prose(skewedSize(random, { medianBytes: 9000, mostBytes: 4_000_000 })) };
    if (kind < 8) return { ending: 'csv', bytes: this.#sheet(random.between(50, 5000)) };
    return { ending: 'jpeg', bytes: this.#noise.bytes(skewedSize(random, { medianBytes: 150_000, mostBytes: 6_000_000 })) };
  }

  #sheet(rows: number): string {
    const line = (): string =>
      `${this.#random.below(90_000)};${this.#words.next()} ${this.#words.next()};${this.#random.below(1e6) / 100}`;
    return Array.from({ length: rows }, line).join('\r\n');
  }
}

export const office: Input = {
  name: 'office',
  about: 'documents in containers, text, tables, pictures; a tenth are copies, more are versions of others',
  traits: ['tree'],
  make(folder, scale, random) {
    const words = new Words(random.fork('names'));
    const made = new Office(random);
    const directories = Array.from(
      { length: Math.max(4, Math.round(40 * scale)) },
      (_, number) => `${words.next()}/${words.next()}-${number}`,
    );
    for (const directory of directories) mkdirSync(join(folder, directory), { recursive: true });
    const earlier: (Uint8Array | string)[] = [];
    let bytes = 0;
    for (let number = 0; bytes < 80e6 * scale; number += 1) {
      const { ending, bytes: fresh } = made.file();
      const content = earlier.length > 10 && random.chance(0.1) ? random.pick(earlier) : fresh;
      if (earlier.length < 300) earlier.push(content);
      writeFileSync(join(folder, random.pick(directories), `${words.next()}-${number}.${ending}`), content);
      bytes += content.length;
    }
  },
};

export const media: Input = {
  name: 'media',
  about: 'large files that do not compress',
  traits: ['compressed'],
  make(folder, scale, random) {
    const noise = new Noise(random);
    const target = 100e6 * scale;
    for (let [number, bytes] = [0, 0]; bytes < target; number += 1) {
      const size = Math.round(Math.min(random.between(1_000_000, 48_000_000), Math.max(500_000, target - bytes)));
      const directory = join(folder, `2026-${String(1 + (number % 12)).padStart(2, '0')}`);
      mkdirSync(directory, { recursive: true });
      writeFileSync(
        join(directory, `film-${number}.mp4`),
        Buffer.concat([Buffer.from('\0\0\0\u0018ftypmp42'), noise.bytes(size)]),
      );
      bytes += size;
    }
  },
};
