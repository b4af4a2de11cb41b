/** Errors of single files, as people and programs read them. Paths are local: this output stays on the device. */
import type { EntryError, EntryErrorCode } from '@twinvault/engine';
import type { JsonObject } from './output.ts';
import { formatCount, printableName } from './table.ts';

const shownMax = 50;

const sentences: Readonly<Record<EntryErrorCode, string>> = {
  'entry-denied': 'may not be read: run as a user who may, for example root',
  'entry-vanished': 'was deleted while the run went on',
  'entry-unreadable': 'could not be read; its last version is kept',
  'entry-changed': 'changed while it was read: what was kept may be torn',
  'entry-name-invalid': 'has a name that cannot be kept',
  'entry-unsupported': 'is of a kind that cannot be kept',
  'entry-not-restored': 'was not restored',
  'metadata-not-restored': 'was restored, but not with everything: run as root to get owners and attributes back',
};

/** `/usr/share/x` from components joined by 0x00. */
export function shownPath(path: Uint8Array): string {
  const parts: string[] = [];
  let start = 0;
  for (let index = 0; index <= path.length; index += 1) {
    if (index < path.length && path[index] !== 0) continue;
    parts.push(printableName(path.subarray(start, index)));
    start = index + 1;
  }
  return `/${parts.join('/')}`;
}

export function entryErrorJson(error: EntryError): JsonObject {
  return { path: shownPath(error.path), code: error.code, message: sentences[error.code], detail: error.detail };
}

/** Lines for people, and an empty one; nothing when there is no error. `total` may be more than are listed. */
export function entryErrorLines(errors: readonly EntryError[], total: number): string[] {
  if (total === 0) return [];
  const lines = errors.slice(0, shownMax).map((error) => {
    const detail = error.detail === '' ? '' : ` (${error.detail})`;
    return `  ${shownPath(error.path)} ${sentences[error.code]}${detail}`;
  });
  const more = total - lines.length;
  return [
    `${formatCount(total)} ${total === 1 ? 'entry' : 'entries'} with errors:`,
    ...lines,
    ...(more > 0 ? [`  and ${formatCount(more)} more; --json lists them`] : []),
    '',
  ];
}
