/*
 * Order of entries. The key of an entry is `directory path | 0x00 0x00 | name` (docs/format/catalog.md, Keys); comparing
 * the directories first and the names after gives the same order without joining them: a directory that is a prefix of
 * another continues with 0x00 0x00, the other with 0x00 and a byte of a component, or with a byte above 0x00.
 */
import { compareBytes, equalBytes } from '@twinvault/std';

/** Negative, zero or positive. Entries of one listing share their directory's array, which makes the usual case cheap. */
export function compareDirectories(a: Uint8Array, b: Uint8Array): number {
  return a === b ? 0 : compareBytes(a, b);
}

/** `path` is the directory itself or lies below it. The root is above all. */
export function isWithin(path: Uint8Array, directory: Uint8Array): boolean {
  if (directory.length === 0) return true;
  if (path.length < directory.length) return false;
  if (path.length > directory.length && path[directory.length] !== 0) return false;
  return equalBytes(path.subarray(0, directory.length), directory);
}

/** FNV-1a over some bytes: nothing secret. */
export function nameHash(bytes: Uint8Array, start: number = 0, end: number = bytes.length): number {
  let hash = 0x811c9dc5;
  for (let index = start; index < end; index += 1) hash = Math.imul(hash ^ (bytes[index] ?? 0), 0x01000193);
  return hash >>> 0;
}

/** Components joined by 0x00, with the name. */
export function pathOf(directory: Uint8Array, name: Uint8Array): Uint8Array {
  if (directory.length === 0) return name;
  const path = new Uint8Array(directory.length + 1 + name.length);
  path.set(directory);
  path.set(name, directory.length + 1);
  return path;
}
