/*
 * Which entries a restore takes, and where each goes. Paths are components joined by 0x00 (docs/format/catalog.md).
 */
import { compareBytes, concatBytes } from '@twinvault/std';

export interface Selection {
  /** Paths of files and folders to take; empty: everything. */
  readonly paths: readonly Uint8Array[];
  /** Beginning of the path that is left out below the target; empty: nothing. */
  readonly strip: Uint8Array;
}

const separator = new Uint8Array([0]);

/** `a` is `b`, or an ancestor of it. The root (empty) is an ancestor of all. */
export function isWithin(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length === 0) return true;
  if (b.length < a.length || compareBytes(a, b.subarray(0, a.length)) !== 0) return false;
  return b.length === a.length || b[a.length] === 0;
}

export function joinName(directory: Uint8Array, name: Uint8Array): Uint8Array {
  return directory.length === 0 ? name : concatBytes(directory, separator, name);
}

export function splitName(path: Uint8Array): { readonly directory: Uint8Array; readonly name: Uint8Array } {
  const at = path.lastIndexOf(0);
  return at < 0
    ? { directory: path.subarray(0, 0), name: path }
    : { directory: path.subarray(0, at), name: path.subarray(at + 1) };
}

export class Selector {
  readonly #paths: readonly Uint8Array[];
  readonly #strip: Uint8Array;

  constructor({ paths, strip }: Selection) {
    this.#strip = strip;
    this.#paths = paths.length > 0 ? withoutNested(paths) : [strip];
  }

  /** Paths to walk from, sorted by their bytes, none inside another. */
  get starts(): readonly Uint8Array[] {
    return this.#paths;
  }

  /** Taken itself, and not only on the way to what is. */
  isSelected(path: Uint8Array): boolean {
    return this.#paths.some((start) => isWithin(start, path));
  }

  /** What is stripped has no place below the target. */
  isPlaced(path: Uint8Array): boolean {
    return this.#strip.length === 0 || (path.length > this.#strip.length && isWithin(this.#strip, path));
  }

  /** Path below the target, of one that is placed. */
  placed(path: Uint8Array): Uint8Array {
    return this.#strip.length === 0 ? path : path.subarray(this.#strip.length + 1);
  }

  /** The same of a directory in which something is placed: empty for the target itself. */
  placedDirectory(path: Uint8Array): Uint8Array {
    return path.subarray(Math.min(path.length, this.#strip.length === 0 ? 0 : this.#strip.length + 1));
  }

  /** Selected paths that lie outside what is stripped: a mistake of the caller's. */
  outsideStrip(): readonly Uint8Array[] {
    return this.#paths.filter((path) => !isWithin(this.#strip, path));
  }
}

/** In this order what lies below a path follows it at once. */
function withoutNested(paths: readonly Uint8Array[]): Uint8Array[] {
  const kept: Uint8Array[] = [];
  for (const path of paths.toSorted(compareBytes)) {
    const last = kept.at(-1);
    if (last === undefined || !isWithin(last, path)) kept.push(path);
  }
  return kept;
}

/** Every path from the top down to this one, itself included. */
export function pathsDownTo(path: Uint8Array): Uint8Array[] {
  const paths: Uint8Array[] = [];
  for (let index = 0; index <= path.length; index += 1) {
    if (index === path.length || path[index] === 0) paths.push(path.subarray(0, index));
  }
  return paths;
}

/** For messages on this device only. */
export function showPath(path: Uint8Array): string {
  return `/${new TextDecoder().decode(path).replaceAll('\0', '/')}`;
}
