/*
 * Paths as the ports know them: components as bytes, joined by 0x00 (docs/format/catalog.md). A key is the same bytes as
 * a string of one char per byte, so that maps can find it.
 */

/** The longest path that the format allows (docs/format/README.md), in bytes, separators included. */
export const pathBytesMax = 32_768;
/** The longest component that the format allows, in bytes. */
export const nameBytesMax = 1024;

const slash = 0x2f;
const dot = 0x2e;

/** Whether the bytes may be one component: not empty, not "." or "..", without "/" and NUL, and not too long. */
export function isComponent(name: Uint8Array): boolean {
  const { length } = name;
  if (length === 0 || length > nameBytesMax) return false;
  if (name[0] === dot && (length === 1 || (length === 2 && name[1] === dot))) return false;
  for (let index = 0; index < length; index += 1) {
    const byte = name[index];
    if (byte === 0 || byte === slash) return false;
  }
  return true;
}

/** Components of a joined path; null when one of them is not a component. The empty path has none. */
export function componentsOf(path: Uint8Array): Uint8Array[] | null {
  const components: Uint8Array[] = [];
  if (path.length === 0) return components;
  let start = 0;
  for (let index = 0; index <= path.length; index += 1) {
    if (index < path.length && path[index] !== 0) continue;
    const component = path.subarray(start, index);
    if (!isComponent(component)) return null;
    components.push(component);
    start = index + 1;
  }
  return components;
}

/** `directory | 0x00 | name`, without the separator when the directory is the root. */
export function joinName(directory: Uint8Array, name: Uint8Array): Uint8Array {
  if (directory.length === 0) return name;
  const joined = new Uint8Array(directory.length + 1 + name.length);
  joined.set(directory);
  joined.set(name, directory.length + 1);
  return joined;
}

/**
 * An absolute path of the file system, as bytes, to components joined by 0x00. Repeated and final slashes fall away;
 * null when the path is not absolute, is too long, or holds ".", ".." or NUL: those are for the caller to resolve.
 */
export function parseAbsolutePath(path: Uint8Array): Uint8Array | null {
  if (path[0] !== slash) return null;
  const components: Uint8Array[] = [];
  let start = 1;
  for (let index = 1; index <= path.length; index += 1) {
    if (index < path.length && path[index] !== slash) continue;
    if (index > start) components.push(path.subarray(start, index));
    start = index + 1;
  }
  if (!components.every(isComponent)) return null;
  const joined = components.reduce(joinName, new Uint8Array(0));
  return joined.length > pathBytesMax ? null : joined;
}

/** One char per byte: equal keys, equal paths. */
export function keyOf(path: Uint8Array): string {
  return Buffer.from(path.buffer, path.byteOffset, path.length).toString('latin1');
}

/** The bytes of a key. */
export function bytesOfKey(key: string): Uint8Array {
  return new Uint8Array(Buffer.from(key, 'latin1'));
}

/** Order of unsigned bytes; a prefix comes first. */
export function compareNames(a: Uint8Array, b: Uint8Array): number {
  const length = a.length < b.length ? a.length : b.length;
  for (let index = 0; index < length; index += 1) {
    const difference = (a[index] as number) - (b[index] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
