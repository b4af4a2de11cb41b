/** Paths from the command line as bytes. Node hands arguments over as text: a name that is not UTF-8 is given by a folder above it. */
import { resolve } from 'node:path';
import { utf8Encode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';

/** Absolute, without "." and "..", as bytes. */
export function absolutePathBytes(path: string): Uint8Array {
  if (path.includes('\uFFFD')) {
    throw new UsageError(
      `The path ${path} is not valid UTF-8, so it cannot be given on the command line. Give the folder above it.`,
    );
  }
  return utf8Encode(resolve(path));
}

/** A path inside a safeset: components joined by 0x00 (docs/format/catalog.md); the root is empty. */
export function safesetPath(path: string): Uint8Array {
  const parts = resolve('/', path)
    .split('/')
    .filter((part) => part !== '');
  return utf8Encode(parts.join('\0'));
}
