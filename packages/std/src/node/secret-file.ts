/*
 * Files that hold a secret, read only when their permissions keep it one: nobody but the owner may write, nobody but owner and group may
 * read. The open file is judged and not its name, so it cannot be exchanged in between; links are followed.
 */

import { open } from 'node:fs/promises';
import { fileError } from './file-errors.ts';

export type SecretFile =
  | { readonly type: 'secret'; readonly bytes: Uint8Array }
  | { readonly type: 'missing' }
  /** `mode`: its permission bits. */
  | { readonly type: 'exposed'; readonly mode: number };

/** Write for the group, and everything for others. */
const forbiddenMode = 0o027;

/** At most `bytesMax` bytes of it are read. `file-denied`, `file-failed`. */
export async function readSecretFile(path: string, bytesMax: number): Promise<SecretFile> {
  try {
    await using file = await open(path, 'r');
    const mode = (await file.stat()).mode & 0o777;
    if (process.platform !== 'win32' && (mode & forbiddenMode) !== 0) return { type: 'exposed', mode };
    const { bytesRead, buffer } = await file.read(new Uint8Array(bytesMax), 0, bytesMax, 0);
    return { type: 'secret', bytes: buffer.slice(0, bytesRead) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return { type: 'missing' };
    throw fileError(error, path);
  }
}
