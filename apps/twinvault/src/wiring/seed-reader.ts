/**
 * What makes a disk with safesets readable by itself: the published program with its Node, and a page of text in English and German that says how
 * to restore with nothing but the disk and the password or the kit.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MiB, utf8Encode } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import { onDisk } from '@twinvault/vault';
import { UsageError } from '../errors/usage-error.ts';
import { restoreTextEnglish, restoreTextGerman } from './seed-text.ts';

/** False: none, as --no-reader says; true or left out: this program. */
export type ReaderChoice = string | boolean | undefined;

const launcher = fileURLToPath(new URL('../../bin/twinvault', import.meta.url));
/** Node is the largest file of it. */
const readerFileBytesMax: number = 512 * MiB;

/** The folder of the program to put on a disk; null where none is wanted. */
export async function readerFolder({ files }: Platform, choice: ReaderChoice): Promise<string | null> {
  if (choice === false) return null;
  const folder = typeof choice === 'string' ? resolve(choice) : resolve(launcher, '../..');
  if ((await files.stat(`${folder}/main.cjs`)) !== null && (await files.stat(`${folder}/bin/node`)) !== null) return folder;
  if (typeof choice === 'string')
    throw new UsageError(`${folder} does not hold a built Twinvault. npm run build makes one in build/twinvault.`);
  throw new UsageError(
    'This Twinvault runs from its source, and a disk needs one that was built. Run npm run build and give --reader build/twinvault, or --no-reader if whoever restores has Twinvault.',
  );
}

export interface ReaderToPut {
  /** Of the disk. */
  readonly path: string;
  readonly reader: string | null;
  /** Label of the safe. */
  readonly safe: string;
}

/** What is there in its size stays. `seed-full`, `seed-away`. */
export async function putReader({ files }: Platform, { path, reader, safe }: ReaderToPut): Promise<void> {
  if (reader !== null) await copyFolder(files, reader, { path, to: `${path}/twinvault` });
  await files.replace(`${path}/READ-ME.txt`, [utf8Encode(restoreTextEnglish({ safe, hasReader: reader !== null }))]);
  await files.replace(`${path}/LIES-MICH.txt`, [utf8Encode(restoreTextGerman({ safe, hasReader: reader !== null }))]);
}

async function copyFolder(
  files: Platform['files'],
  from: string,
  { path, to }: { readonly path: string; readonly to: string },
): Promise<void> {
  await onDisk(path, () => files.makeDirectory(to));
  for (const { name, kind } of await files.list(from)) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    if (kind === 'directory') await copyFolder(files, source, { path, to: target });
    if (kind !== 'file' || (await files.stat(target))?.sizeBytes === (await files.stat(source))?.sizeBytes) continue;
    const bytes = await files.read(source, readerFileBytesMax);
    if (bytes !== null) await files.replace(target, [bytes], { mode: from.endsWith('/bin') ? 0o755 : 0o644 });
  }
}
