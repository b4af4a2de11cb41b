/*
 * That a restore began and has not ended, so that the same command goes on after a crash. One small file for each in the state directory,
 * named by a digest of what the command says; it holds the time of the first begin and nothing else.
 */
import { primitives, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import type { Files } from '@twinvault/std';

/** All that makes two restores the same one. */
export interface RestoreIdentity {
  readonly safe: string;
  readonly safeset: string;
  readonly target: string;
  readonly conflict: string;
  readonly strip: string;
  readonly paths: readonly string[];
}

export interface RestoreMark {
  /** When the restore began that was broken off, ms since 1970; null: none was. */
  readonly brokenOffMs: number | null;
  /** This restore has ended by itself. */
  remove(): Promise<void>;
}

const markBytesMax = 64;
/** Clocks of file systems run behind by some ms, and some count in steps of two seconds. */
const clockStepMs = 2000;

/** Leaves the mark, or finds the one of the restore that was broken off. `startsAnew`: that one is forgotten. */
export async function markRestore(
  files: Files,
  where: { readonly stateDirectory: string; readonly identity: RestoreIdentity },
  { nowMs, startsAnew }: { readonly nowMs: number; readonly startsAnew: boolean },
): Promise<RestoreMark> {
  const { safe, safeset, target, conflict, strip, paths } = where.identity;
  const words = JSON.stringify([safe, safeset, target, conflict, strip, [...paths].sort()]);
  const directory = `${where.stateDirectory}/restores`;
  const path = `${directory}/${toHex(primitives.sha256(utf8Encode(words)).subarray(0, 16))}`;
  await files.makeDirectory(directory, { mode: 0o700 });
  const brokenOffMs = startsAnew ? null : await readMark(files, path);
  if (brokenOffMs === null) await files.replace(path, [utf8Encode(String(nowMs))]);
  return {
    brokenOffMs: brokenOffMs === null ? null : brokenOffMs - clockStepMs,
    remove: async () => {
      await files.remove(path);
    },
  };
}

async function readMark(files: Files, path: string): Promise<number | null> {
  const bytes = await files.read(path, markBytesMax);
  const text = bytes === null ? '' : (utf8Decode(bytes) ?? '');
  return /^\d{1,15}$/u.test(text) ? Number(text) : null;
}
