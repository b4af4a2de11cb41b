/*
 * Quarantine: packs that a mark found without a live position. A note beside the packs says since when, by both clocks, and which
 * leases were open; while it says "quarantined" a commit takes the pack back, once it says "deleting" the pack is absent for everybody.
 *
 * Moves from "quarantined" to "deleting" happen under the lock "commit" alone.
 */

import type { SafeContext } from '../context.ts';
import type { SafeObjects } from '../safe-objects.ts';
import { bytesOfName } from '../store/layout.ts';
import { decodeNote, encodeNote, noteBytesMax, noteNumber, noteText, noteTexts } from '../store/notes.ts';
import type { Note } from '../store/notes.ts';

export type QuarantineState = 'quarantined' | 'deleting';

export interface QuarantineNote {
  readonly state: QuarantineState;
  /** The file system's time of the first mark. */
  readonly markedMs: number;
  /** The marking machine's clock then: a jump of one clock alone does not shorten the delay. */
  readonly clockMs: number;
  /** Names of the leases that were open after the mark. */
  readonly leases: readonly string[];
}

/** Packs with a note, hexadecimal, whatever it says. */
export async function quarantinedNames({ store, layout }: SafeObjects): Promise<Set<string>> {
  const names = await store.list(layout.inFolder('quarantine'));
  return new Set(names.filter((name) => bytesOfName(name, 32) !== null));
}

/** Null: there is no note. 'unreadable': it is not what was written; the pack is treated as marked just now. */
export async function readQuarantine({ store, layout }: SafeObjects, hex: string): Promise<QuarantineNote | 'unreadable' | null> {
  const bytes = await store.get(layout.inFolder('quarantine', hex), noteBytesMax);
  if (bytes === null) return null;
  const note = decodeNote(bytes);
  return (note === null ? null : quarantineNoteOf(note)) ?? 'unreadable';
}

function quarantineNoteOf(note: Note): QuarantineNote | null {
  const state = noteText(note, 'state');
  const markedMs = noteNumber(note, 'marked');
  const clockMs = noteNumber(note, 'clock');
  const leases = noteTexts(note, 'leases');
  if ((state !== 'quarantined' && state !== 'deleting') || markedMs === null || clockMs === null || leases === null) return null;
  return { state, markedMs, clockMs, leases };
}

export async function writeQuarantine({ store, layout }: SafeContext, hex: string, note: QuarantineNote): Promise<void> {
  const { state, markedMs, clockMs, leases } = note;
  await store.replace(layout.inFolder('quarantine', hex), [encodeNote({ state, marked: markedMs, clock: clockMs, leases })]);
}

/** The pack stands on live lists again. The caller holds the lock "commit" and has seen that it is not "deleting". */
export async function takeBack({ store, layout }: SafeContext, hex: string): Promise<void> {
  await store.remove(layout.inFolder('quarantine', hex));
}
