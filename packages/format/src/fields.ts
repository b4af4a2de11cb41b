/*
 * Picks the fields of a decoded CBOR map strictly: each with its type and limit, and no others. A parser takes all that it
 * knows and then calls `end`, which refuses keys that nobody took.
 */

import { utf8Encode } from '@twinvault/std';
import { FormatError, refuse } from './errors.ts';
import type { FormatErrorCode } from './errors.ts';
import { labelBytesMax } from './limits.ts';

export interface TextLimits {
  /** UTF-8; `labelBytesMax` when absent. */
  readonly bytesMax?: number;
  readonly mayBeEmpty?: boolean;
}

/** Every method throws the code given to the constructor; `key` is named in the defect since keys are ours. */
export class Fields {
  readonly #map: ReadonlyMap<unknown, unknown>;
  readonly #code: FormatErrorCode;
  #taken = 0;

  /** `value` must be a map. */
  constructor(value: unknown, code: FormatErrorCode) {
    if (!(value instanceof Map)) refuse(code, 'not a map');
    this.#map = value;
    this.#code = code;
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  /** Exactly this many bytes. */
  bytes(key: string, lengthBytes: number): Uint8Array {
    const value = this.#take(key);
    if (!(value instanceof Uint8Array) || value.length !== lengthBytes) this.#refuse(key);
    return value;
  }

  bytesUpTo(key: string, bytesMax: number): Uint8Array {
    const value = this.#take(key);
    if (!(value instanceof Uint8Array) || value.length > bytesMax) this.#refuse(key);
    return value;
  }

  /** Exactly this many bytes, or null when the key is absent. */
  bytesOptional(key: string, lengthBytes: number): Uint8Array | null {
    return this.#map.has(key) ? this.bytes(key, lengthBytes) : null;
  }

  text(key: string, limits: TextLimits = {}): string {
    const value = this.#take(key);
    if (!isText(value, limits)) this.#refuse(key);
    return value;
  }

  /** 0 to `max`. */
  uint(key: string, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#take(key);
    if (typeof value !== 'number' || value < 0 || value > max) this.#refuse(key);
    return value;
  }

  bool(key: string): boolean {
    const value = this.#take(key);
    if (typeof value !== 'boolean') this.#refuse(key);
    return value;
  }

  oneOf<const T extends string | number>(key: string, values: readonly T[]): T {
    const value = this.#take(key);
    const found = values.find((candidate) => candidate === value);
    if (found === undefined) this.#refuse(key);
    return found;
  }

  list(key: string, countMax: number): readonly unknown[] {
    const value = this.#take(key);
    if (!Array.isArray(value) || value.length > countMax) this.#refuse(key);
    return value;
  }

  listOrNull(key: string, countMax: number): readonly unknown[] | null {
    if (this.#map.get(key) !== null) return this.list(key, countMax);
    this.#taken += 1;
    return null;
  }

  /** A list of byte strings of one length, each once. */
  bytesList(key: string, { lengthBytes, countMax }: { lengthBytes: number; countMax: number }): Uint8Array[] {
    return this.list(key, countMax).map((item) => {
      if (!(item instanceof Uint8Array) || item.length !== lengthBytes) this.#refuse(key);
      return item;
    });
  }

  fields(key: string): Fields {
    return new Fields(this.#take(key), this.#code);
  }

  /** Refuses a map with keys that were not taken. Every key is taken at most once. */
  end(): void {
    if (this.#taken !== this.#map.size) refuse(this.#code, 'unknown key');
  }

  #take(key: string): unknown {
    const value = this.#map.get(key);
    if (value === undefined) throw new FormatError(this.#code, { context: { defect: 'key missing', key } });
    this.#taken += 1;
    return value;
  }

  #refuse(key: string): never {
    throw new FormatError(this.#code, { context: { defect: 'value of a key', key } });
  }
}

/** Text of 1 (or 0) to `bytesMax` bytes of UTF-8. */
export function isText(value: unknown, { bytesMax = labelBytesMax, mayBeEmpty = false }: TextLimits = {}): value is string {
  if (typeof value !== 'string' || value.length > bytesMax) return false;
  return (mayBeEmpty || value !== '') && utf8Encode(value).length <= bytesMax;
}

export function isBytes(value: unknown, lengthBytes: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === lengthBytes;
}
