/* What runs that were killed left half written in an agent's state: a file not yet under its own name, which nothing reads. */
import { CodedError, dayMs, isTemporaryFileName } from '@twinvault/std';
import type { Files } from '@twinvault/std';

/** Where several commands may write at once, what is younger may still be somebody's. */
const temporaryAgeMs: number = dayMs;

/** In a folder that the caller alone writes to. Best effort. */
export async function removeTemporaries(files: Files, folder: string): Promise<void> {
  await removeWhere(files, folder, () => Promise.resolve(true));
}

/** In a folder that others may be writing to: those that are a day old. Best effort. */
export async function removeOldTemporaries(files: Files, folder: string, nowMs: number): Promise<void> {
  await removeWhere(files, folder, async (path) => {
    const stat = await files.stat(path);
    return stat !== null && stat.modifiedMs < nowMs - temporaryAgeMs;
  });
}

async function removeWhere(files: Files, folder: string, isLeft: (path: string) => Promise<boolean>): Promise<void> {
  try {
    for (const { name, kind } of await files.list(folder)) {
      const path = `${folder}/${name}`;
      if (kind === 'file' && isTemporaryFileName(name) && (await isLeft(path))) await files.remove(path);
    }
  } catch (error) {
    // It harms nothing where it lies; the next run comes here again.
    if (!(error instanceof CodedError)) throw error;
  }
}
