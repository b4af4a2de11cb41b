/*
 * The shape of the files under data: test vectors as data, for every implementation of the format. README.md says how they
 * are read.
 */

/** A value as JSON: bytes are lower-case hexadecimal. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** Hexadecimal, or the name of an item of the file's `shared` after an `@`. */
export type Hex = string;

interface CommonVector {
  /** Once in its file; says what is special about it. */
  readonly name: string;
  /** What else the parser is given; the file's `about` says what each key is. */
  readonly context?: Readonly<Record<string, Hex | readonly Hex[]>>;
  readonly bytes: Hex;
}

/** Must be taken, and give this value. */
export interface ValidVector extends CommonVector {
  readonly value: Plain;
}

/** Must be refused: everything about it is as it should be but for one defect. */
export interface InvalidVector extends CommonVector {
  /** The error code of Twinvault's own implementation. */
  readonly code: string;
  readonly defect: string;
}

export type Vector = ValidVector | InvalidVector;

export interface VectorFile {
  readonly format: number;
  /** What the bytes are, and what the keys of `context` mean. */
  readonly about: string;
  /** Which parser the vectors are for. */
  readonly parser: string;
  /** Bytes that several vectors use. */
  readonly shared?: Readonly<Record<string, string>>;
  readonly vectors: readonly Vector[];
}

export function isValid(vector: Vector): vector is ValidVector {
  return 'value' in vector;
}

/** The hexadecimal digits that a reference stands for. */
export function hexOf(file: VectorFile, reference: Hex): string {
  if (!reference.startsWith('@')) return reference;
  const shared = file.shared?.[reference.slice(1)];
  if (shared === undefined) throw new RangeError('no such shared item');
  return shared;
}
