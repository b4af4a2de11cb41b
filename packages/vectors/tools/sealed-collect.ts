/*
 * Collects vectors of seal and makes sure that each is what it says: a valid one is taken, an invalid one is refused with its
 * code and, where one is given, its defect.
 */

import { CodedError, toHex } from '@twinvault/std';
import type { FormatErrorCode } from '@twinvault/format';
import type { SealErrorCode } from '@twinvault/seal';
import { plain } from '../tests/parsers.ts';
import { sealParserNamed } from '../tests/sealed-parsers.ts';
import type { Vector, VectorFile } from '../src/vector.ts';
import type { Context } from './collect.ts';

export interface Refusal {
  readonly code: SealErrorCode | FormatErrorCode;
  /** As the error has it; the vector's name stands for it otherwise. */
  readonly defect?: string;
  readonly context?: Context;
}

export class SealedCollector {
  readonly #vectors: Vector[] = [];
  readonly #file: Omit<VectorFile, 'vectors'>;
  readonly #context: Context;

  /** `context`: of every vector, beside its own. */
  constructor(file: Omit<VectorFile, 'vectors' | 'format'>, context: Context = {}) {
    this.#file = { format: 1, ...file };
    this.#context = context;
  }

  async valid(name: string, bytes: Uint8Array, context: Context = {}): Promise<void> {
    const vector = { name, ...this.#contextWith(context), bytes: toHex(bytes), value: null };
    this.#add({ ...vector, value: plain(await this.#read(vector)) });
  }

  async invalid(name: string, bytes: Uint8Array, refusal: Refusal): Promise<void> {
    const { code, defect = name, context = {} } = refusal;
    const vector = { name, ...this.#contextWith(context), bytes: toHex(bytes), code, defect };
    const error = await this.#errorOf(vector);
    if (!(error instanceof CodedError)) throw new Error(`${this.#file.parser}: ${name} is taken`, { cause: error });
    if (error.code !== code || (refusal.defect !== undefined && error.context['defect'] !== defect)) {
      throw new Error(`${this.#file.parser}: ${name} is refused for another reason`, { cause: error });
    }
    this.#add(vector);
  }

  finish(): VectorFile {
    return { ...this.#file, vectors: this.#vectors };
  }

  #contextWith(context: Context): { context?: Context } {
    const joined = { ...this.#context, ...context };
    return Object.keys(joined).length === 0 ? {} : { context: joined };
  }

  async #read(vector: Vector): Promise<unknown> {
    return await sealParserNamed(this.#file.parser)(this.finish(), vector);
  }

  async #errorOf(vector: Vector): Promise<unknown> {
    try {
      await this.#read(vector);
      return null;
    } catch (error) {
      return error;
    }
  }

  #add(vector: Vector): void {
    if (this.#vectors.some(({ name }) => name === vector.name)) throw new Error(`${vector.name} twice`);
    this.#vectors.push(vector);
  }
}
