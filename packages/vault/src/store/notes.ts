/*
 * Small JSON files of the vault that are no objects of the format: the marker, leases, quarantine. Each is one line with a check
 * over its fields, so that a flipped byte is noticed; a note that does not check out reads as null.
 *
 *     {"…":…,"check":"<first 8 bytes of SHA-256("twinvault note" | 0x00 | JSON without check)>"}
 *
 * Invariant: encode(decode(bytes)) equals the bytes.
 */

import { equalBytes, primitives, toHex, utf8Decode, utf8Encode } from '@twinvault/std';

export type NoteValue = string | number | boolean | null | readonly NoteValue[];
export type Note = Readonly<Record<string, NoteValue>>;

export const noteBytesMax = 65_536;

function checkOf(text: string): string {
  return toHex(primitives.sha256(utf8Encode(`twinvault note\0${text}`)).subarray(0, 8));
}

export function encodeNote(fields: Note): Uint8Array {
  const check = checkOf(JSON.stringify(fields));
  return utf8Encode(`${JSON.stringify({ ...fields, check })}\n`);
}

/** Null unless the bytes are exactly what `encodeNote` writes. */
export function decodeNote(bytes: Uint8Array): Note | null {
  const text = bytes.length > noteBytesMax ? null : utf8Decode(bytes);
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { check: _, ...fields } = value as Record<string, NoteValue>;
  return equalBytes(encodeNote(fields), bytes) ? fields : null;
}

export function noteText(note: Note, key: string): string | null {
  const value = note[key];
  return typeof value === 'string' ? value : null;
}

/** Whole numbers only. */
export function noteNumber(note: Note, key: string): number | null {
  const value = note[key];
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}

export function noteTexts(note: Note, key: string): string[] | null {
  const value = note[key];
  if (!Array.isArray(value)) return null;
  const texts = (value as readonly NoteValue[]).filter((item) => typeof item === 'string');
  return texts.length === value.length ? texts : null;
}
