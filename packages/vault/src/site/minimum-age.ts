/*
 * The minimum age of a vault: nothing younger is retired or deleted, whoever asks and whatever with, an erase order apart. It stands in the store, beside what
 * it protects, so that a service and commands on the same store go by it alike.
 *
 * Each age that was ever set is an object whose name is the age, and the highest counts: so it can be raised by several nodes at once, and no program lowers
 * it. Who may remove files of the store can (docs/operating/configuration.md).
 */

import { ProtocolError } from '@twinvault/protocol';
import { minimumAgesFolder } from '../store/layout.ts';
import { decodeNote, encodeNote, noteBytesMax, noteNumber } from '../store/notes.ts';
import type { ObjectStore } from '../store/object-store.ts';

const digits = 16;

/** In ms; 0: there is none. `vault-damaged` for what is not what was written: a vault that cannot tell deletes nothing. */
export async function readMinimumAge(store: Pick<ObjectStore, 'get' | 'list'>): Promise<number> {
  let ageMs = 0;
  for (const name of await store.list(minimumAgesFolder)) {
    const object = `${minimumAgesFolder}/${name}`;
    const bytes = await store.get(object, noteBytesMax);
    const noted = bytes === null ? null : noteNumber(decodeNote(bytes) ?? {}, 'age');
    if (noted === null || nameOf(noted) !== object) throw new ProtocolError('vault-damaged', { context: { object } });
    ageMs = Math.max(ageMs, noted);
  }
  return ageMs;
}

/** Durable when it resolves; nothing happens where it is as high already. */
export async function raiseMinimumAge(store: Pick<ObjectStore, 'get' | 'list' | 'put'>, ageMs: number): Promise<void> {
  if (ageMs > (await readMinimumAge(store))) await store.put(nameOf(ageMs), [encodeNote({ age: ageMs })]);
}

function nameOf(ageMs: number): string {
  return `${minimumAgesFolder}/${String(ageMs).padStart(digits, '0')}`;
}
