/*
 * Names, paths and keys of a catalog, docs/format/catalog.md: all of them bytes, none of them text. A directory path is its
 * components joined by 0x00; the key of an entry is directory path | 0x00 0x00 | name. Keys compare bytewise; then all
 * entries of a directory are neighbours, and everything below a directory is one range.
 */

import { nameBytesMax, pathBytesMax } from '@twinvault/format';
import { compareBytes, concatBytes } from '@twinvault/std';

const separator = Uint8Array.of(0);
const slash = 0x2f;
const dot = 0x2e;

/** What a path is made of: 1 to 1,024 bytes, none of them 0x00 or "/", not "." and not "..". */
export function isComponent(bytes: Uint8Array): boolean {
  return isComponentAt(bytes, 0, bytes.length);
}

function isComponentAt(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0 || length > nameBytesMax) return false;
  if (length <= 2 && bytes[start] === dot && bytes[end - 1] === dot) return false;
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index];
    if (byte === 0 || byte === slash) return false;
  }
  return true;
}

/** A directory path: empty (the root) or components joined by 0x00, at most `pathBytesMax`. */
export function isDirectoryPath(path: Uint8Array): boolean {
  if (path.length === 0) return true;
  if (path.length > pathBytesMax) return false;
  let start = 0;
  for (;;) {
    const found = path.indexOf(0, start);
    const end = found === -1 ? path.length : found;
    if (!isComponentAt(path, start, end)) return false;
    if (found === -1) return true;
    start = end + 1;
  }
}

/** Components to a directory path; none gives the root. They are not checked: see `isDirectoryPath`. */
export function joinPath(components: readonly Uint8Array[]): Uint8Array {
  const parts = components.flatMap((component, index) => (index === 0 ? [component] : [separator, component]));
  return concatBytes(...parts);
}

/** The components of a directory path, as views of it; none for the root. */
export function splitPath(path: Uint8Array): Uint8Array[] {
  const components: Uint8Array[] = [];
  if (path.length === 0) return components;
  let start = 0;
  for (;;) {
    const end = path.indexOf(0, start);
    components.push(path.subarray(start, end === -1 ? path.length : end));
    if (end === -1) return components;
    start = end + 1;
  }
}

/** The path of an entry, which is its directory path if it is a directory. */
export function entryPath(directory: Uint8Array, name: Uint8Array): Uint8Array {
  return directory.length === 0 ? name.slice() : concatBytes(directory, separator, name);
}

export function entryKey(directory: Uint8Array, name: Uint8Array): Uint8Array {
  const key = new Uint8Array(directory.length + 2 + name.length);
  key.set(directory);
  key.set(name, directory.length + 2);
  return key;
}

/** Order of two keys: negative, zero or positive. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return compareBytes(a, b);
}

export interface Place {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
}

/**
 * The order of the keys of two entries, without making the keys. Directory paths compare as bytes: a component holds no 0x00,
 * so the 0x00 0x00 after a path that is a prefix of another comes before whatever follows there.
 */
export function comparePlaces(a: Place, b: Place): number {
  if (a.directory !== b.directory) {
    const order = compareBytes(a.directory, b.directory);
    if (order !== 0) return order;
  }
  return compareBytes(a.name, b.name);
}

/** What the keys of all entries anywhere below a directory begin with; empty for the root. */
export function belowPrefix(directory: Uint8Array): Uint8Array {
  return directory.length === 0 ? directory : concatBytes(directory, separator);
}

/** What the keys of a directory's own entries begin with. */
export function listPrefix(directory: Uint8Array): Uint8Array {
  return entryKey(directory, new Uint8Array(0));
}

export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (prefix.length > bytes.length) return false;
  for (let index = 0; index < prefix.length; index += 1) if (bytes[index] !== prefix[index]) return false;
  return true;
}
