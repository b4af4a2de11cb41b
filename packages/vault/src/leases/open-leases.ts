/* The leases of a safe that somebody else holds now, and the removal of those that nobody holds any more. */

import type { SafeContext } from '../context.ts';
import { noteNumber } from '../store/notes.ts';
import { isTemporaryName } from '../store/object-store.ts';
import { discardLease, isOver, leaseLapseMs, readLease } from './lease.ts';

export interface OpenLease {
  readonly name: string;
  /** The file system's time of taking; null when the note cannot be read. */
  readonly sinceMs: number | null;
}

/** Leases in the folder that have neither ended nor lapsed. */
export async function openLeases({ store, layout, ports, leases }: SafeContext, nowMs: number): Promise<OpenLease[]> {
  const open: OpenLease[] = [];
  for (const name of await store.list(layout.inFolder('leases'))) {
    if (isTemporaryName(name)) continue;
    const state = await readLease(ports.files, store.path(layout.inFolder('leases', name)));
    if (state === null || isOver(state, { nowMs, lapseMs: leaseLapseMs, processes: leases.processes })) continue;
    open.push({ name, sinceMs: state.note === null ? null : noteNumber(state.note, 'since') });
  }
  return open;
}

/** Removes leases that lapsed; their holders, should they still live, find that out at their next check. The number removed. */
export async function discardLapsed(context: SafeContext, nowMs: number): Promise<number> {
  const { store, layout, ports, leases } = context;
  let count = 0;
  for (const name of await store.list(layout.inFolder('leases'))) {
    const path = store.path(layout.inFolder('leases', name));
    const state = await readLease(ports.files, path);
    if (state === null || !isOver(state, { nowMs, lapseMs: leaseLapseMs, processes: leases.processes })) continue;
    if (await discardLease(context.leases, path, state)) count += 1;
  }
  return count;
}
