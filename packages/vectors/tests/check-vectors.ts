/*
 * Every golden vector against this implementation: valid ones give their value, invalid ones are refused with their code. Isomorphic: Node's tests
 * and the page in the browser run the same.
 */

import { CodedError, primitivesReady } from '@twinvault/std';
import { formatVectors, isValid, sealedVectors } from '../src/index.ts';
import type { Plain, Vector, VectorFile } from '../src/index.ts';
import { parserNamed, plain } from './parsers.ts';
import type { VectorParser } from './parsers.ts';
import { sealParserNamed } from './sealed-parsers.ts';

export interface CheckedFile {
  readonly name: string;
  readonly vectors: number;
  /** One line for each vector that did not do as it says. */
  readonly failures: readonly string[];
}

/** By the name of the file. */
export const vectorFiles: Readonly<Record<string, VectorFile>> = { ...formatVectors, ...sealedVectors };

/** `file`: in the place of the one that stands. */
export async function checkVectorFile(name: string, file: VectorFile | undefined = vectorFiles[name]): Promise<CheckedFile> {
  await primitivesReady;
  if (file === undefined) throw new RangeError('no such file of vectors');
  const parser = Object.hasOwn(formatVectors, name) ? parserNamed(file.parser) : sealParserNamed(file.parser);
  const failures: string[] = [];
  for (const vector of file.vectors) {
    const failure = await failureOf(parser, file, vector);
    if (failure !== null) failures.push(`${vector.name}: ${failure}`);
  }
  const names = new Set(file.vectors.map((vector) => vector.name));
  if (names.size !== file.vectors.length) failures.push('two vectors have one name');
  if (!file.vectors.some(isValid)) failures.push('no valid vector');
  return { name, vectors: file.vectors.length, failures };
}

async function failureOf(parser: VectorParser, file: VectorFile, vector: Vector): Promise<string | null> {
  try {
    const value = plain(await parser(file, vector));
    if (!isValid(vector)) return `taken instead of ${vector.code}`;
    return same(value, vector.value) ? null : `gives ${JSON.stringify(value)}`;
  } catch (error) {
    const told = error instanceof CodedError ? error.code : String(error);
    return !isValid(vector) && told === vector.code ? null : `refused with ${told}`;
  }
}

/** The same JSON, in whatever order keys stand. */
function same(a: Plain, b: Plain): boolean {
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  if (left.size !== right.size) return false;
  return [...left].every(([key, value]) => {
    const other = right.get(key);
    return other !== undefined && same(value, other);
  });
}
