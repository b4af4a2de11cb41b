/*
 * The times of clean-ups, docs/format/records.md, Clocks: what is old is told by clocks, so a clock that moved where it should not have
 * stops a clean-up before it changes anything.
 */

import { ProtocolError } from '@twinvault/protocol';
import { dayMs, hourMs } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import { decodeNote, encodeNote, noteBytesMax, noteNumber } from '../store/notes.ts';
import type { MarkTimes } from './mark.ts';

export const clockBackMsMax: number = hourMs;
export const clockAheadMsMax: number = 62 * dayMs;

type Times = Pick<MarkTimes, 'nowMs' | 'clockMs'>;

/** `clock-jumped`, unless a person said that the clock is right. A note that is not what was written says nothing. */
export async function demandClocks({ store, layout }: SafeContext, times: Times, isRight: boolean): Promise<void> {
  const bytes = isRight ? null : await store.get(layout.cleaned, noteBytesMax);
  const note = bytes === null ? null : decodeNote(bytes);
  if (note === null) return;
  const moved = [
    [noteNumber(note, 'time'), times.nowMs],
    [noteNumber(note, 'clock'), times.clockMs],
  ] as const;
  for (const [before, now] of moved) {
    if (before === null) continue;
    const movedMs = Math.round(now - before);
    const direction = movedMs < -clockBackMsMax ? 'back' : movedMs > clockAheadMsMax ? 'ahead by more than two months' : null;
    if (direction !== null) throw new ProtocolError('clock-jumped', { context: { safe: layout.safeHex, direction, movedMs } });
  }
}

/** Durable when it resolves. */
export async function noteClocks({ store, layout }: SafeContext, { nowMs, clockMs }: Times): Promise<void> {
  await store.replace(layout.cleaned, [encodeNote({ clock: Math.floor(clockMs), time: Math.floor(nowMs) })]);
}
