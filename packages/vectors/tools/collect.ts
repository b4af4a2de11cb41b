/*
 * Collects vectors and makes sure that each is what it says: a valid one is taken, an invalid one is refused by the very check
 * that it is made for.
 */

import { toHex } from '@twinvault/std';
import { FormatError } from '@twinvault/format';
import type { FormatErrorCode } from '@twinvault/format';
import { parserNamed, plain } from '../tests/parsers.ts';
import type { Vector, VectorFile } from '../src/vector.ts';

export type Context = Record<string, string | string[]>;

export class Collector {
  readonly #vectors: Vector[] = [];
  readonly #file: Omit<VectorFile, 'vectors'>;

  constructor(file: Omit<VectorFile, 'vectors' | 'format'>) {
    this.#file = { format: 1, ...file };
  }

  valid(name: string, bytes: Uint8Array, context?: Context): this {
    const vector = { name, ...(context && { context }), bytes: toHex(bytes), value: null };
    const value = plain(parserNamed(this.#file.parser)(this.finish(), vector));
    return this.#add({ ...vector, value });
  }

  /** `expected`: the code and the defect with which format refuses it. */
  invalid(name: string, bytes: Uint8Array, expected: { code: FormatErrorCode; defect?: string; context?: Context }): this {
    const { code, defect, context } = expected;
    const vector = { name, ...(context && { context }), bytes: toHex(bytes), code, defect: defect ?? name };
    const error = this.#errorOf(vector);
    if (!(error instanceof FormatError)) throw new Error(`${this.#file.parser}: ${name} is taken`, { cause: error });
    if (error.code !== code || (defect !== undefined && error.context['defect'] !== defect)) {
      throw new Error(`${this.#file.parser}: ${name} is refused for another reason`, { cause: error });
    }
    return this.#add(vector);
  }

  finish(): VectorFile {
    return { ...this.#file, vectors: this.#vectors };
  }

  #errorOf(vector: Vector): unknown {
    try {
      parserNamed(this.#file.parser)(this.finish(), vector);
      return null;
    } catch (error) {
      return error;
    }
  }

  #add(vector: Vector): this {
    if (this.#vectors.some(({ name }) => name === vector.name)) throw new Error(`${vector.name} twice`);
    this.#vectors.push(vector);
    return this;
  }
}
