/*
 * How far a twin's feed of a safe was taken in: a note in the safe's own folder. It says less than is true where it was not written in
 * time, never more: a position is written when everything up to it is durable here.
 */

import type { SafeId, SiteId } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import { bytesOfName, SafeLayout } from '../store/layout.ts';
import { decodeNote, encodeNote, noteBytesMax, noteNumber, noteText } from '../store/notes.ts';
import type { ObjectStore } from '../store/object-store.ts';

export interface TwinProgress {
  /** Of the twin, 16 bytes: the position is one of it. */
  readonly generation: Uint8Array;
  /** Of its feed: everything up to it was taken in, or is gone there. */
  readonly position: number;
  /** Our time, in that of the leases, when we asked for the newest page that was the last; null: none was yet. Only where nothing up to it was refused. */
  readonly endAskedMs: number | null;
  /** The twin's clock less ours, by the newest page. */
  readonly skewMs: number;
}

/** Null where nothing was read yet, and for a note that is not what was written: the feed is read from its beginning then. */
export async function readTwinProgress(
  store: Pick<ObjectStore, 'get'>,
  safe: SafeId,
  twin: SiteId,
): Promise<TwinProgress | null> {
  const bytes = await store.get(nameOf(safe, twin), noteBytesMax);
  const note = bytes === null ? null : decodeNote(bytes);
  if (note === null) return null;
  const generation = bytesOfName(noteText(note, 'generation') ?? '', 16);
  const position = noteNumber(note, 'position');
  const skewMs = noteNumber(note, 'skew');
  const endAskedMs = noteNumber(note, 'asked');
  if (generation === null || position === null || skewMs === null) return null;
  return { generation, position, endAskedMs, skewMs };
}

/** Durable when it resolves. */
export async function writeTwinProgress(
  store: Pick<ObjectStore, 'replace'>,
  { safe, twin }: { readonly safe: SafeId; readonly twin: SiteId },
  { generation, position, endAskedMs, skewMs }: TwinProgress,
): Promise<void> {
  const asked = endAskedMs === null ? null : Math.floor(endAskedMs);
  const note = { asked, generation: toHex(generation), position, skew: Math.round(skewMs) };
  await store.replace(nameOf(safe, twin), [encodeNote(note)]);
}

function nameOf(safe: SafeId, twin: SiteId): string {
  return new SafeLayout(safe).twinProgress(toHex(twin));
}
