/*
 * Made-up text with the statistics that compression and cutting see in real text: few words that are frequent, many that are
 * rare, lines that begin alike. All of it follows from the generator that is handed in.
 */

import { createCipheriv, createHash } from 'node:crypto';
import type { Prng } from '@twinvault/std';

const consonants = 'bcdfghklmnprstvw';
const vowels = 'aeiou';
const wordsOfPool = 6000;

function newWord(random: Prng): string {
  let word = '';
  for (let left = random.between(1, 4); left > 0; left -= 1) {
    word += consonants[random.below(consonants.length)] ?? '';
    word += vowels[random.below(vowels.length)] ?? '';
    if (random.chance(0.3)) word += consonants[random.below(consonants.length)] ?? '';
  }
  return word;
}

/** Words of one language; `next` draws the frequent ones often, about as Zipf's law has it. */
export class Words {
  readonly #words: readonly string[];
  readonly #random: Prng;

  /** `random`: what the words are made of and drawn with. */
  constructor(random: Prng) {
    this.#random = random;
    const language = random.fork('language');
    this.#words = Array.from({ length: wordsOfPool }, () => newWord(language));
  }

  next(): string {
    // The product of two even draws falls off about as ranks of words do.
    const at = Math.floor(this.#words.length * this.#random.fraction() ** 3);
    return this.#words[at] ?? '';
  }

  /** Sentences, one to a line, together at least `sizeBytes` long. */
  prose(sizeBytes: number): string {
    const lines: string[] = [];
    for (let length = 0; length < sizeBytes;) {
      const words = Array.from({ length: this.#random.between(5, 14) }, () => this.next());
      const line = `${words.join(' ')}.`;
      lines.push(line);
      length += line.length + 1;
    }
    return lines.join('\n');
  }

  /** What looks like source code, at least `sizeBytes` long: indented lines, names that come again within one file. */
  code(sizeBytes: number): string {
    const names = Array.from({ length: 40 }, () => `${this.next()}_${this.next()}`);
    const name = (): string => names[Math.floor(names.length * this.#random.fraction() ** 2)] ?? '';
    const lines = ['/* This file is part of a made-up source tree. It may be used by everybody for everything. */', ''];
    for (let length = 100; length < sizeBytes;) {
      const indent = '\t'.repeat(this.#random.between(0, 3));
      const kind = this.#random.below(6);
      let line = `${indent}if (${name()} == ${this.#random.below(1000)}) return ${name()};`;
      if (kind === 1) line = `${indent}/* ${this.next()} ${this.next()} the ${this.next()} of ${this.next()} */`;
      if (kind === 2) line = `${indent}${name()}(${name()}, ${name()} + ${this.#random.below(64)});`;
      if (kind === 3) line = `${indent}const int ${this.next()} = ${name()}->${this.next()};`;
      if (kind === 4) line = `${indent}for (i = 0; i < ${name()}; i++) {`;
      if (kind === 5) line = `${indent}}`;
      lines.push(line);
      length += line.length + 1;
    }
    return lines.join('\n');
  }
}

const noiseChunk = new Uint8Array(1024 * 1024);

/** Bytes that nothing compresses, quickly: AES in counter mode under a key drawn from `random`. */
export class Noise {
  readonly #stream;

  constructor(random: Prng) {
    const key = createHash('sha256').update(random.bytes(32)).digest();
    this.#stream = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
  }

  bytes(count: number): Uint8Array {
    if (count <= noiseChunk.length) return this.#stream.update(noiseChunk.subarray(0, count));
    return this.#stream.update(new Uint8Array(count));
  }
}
