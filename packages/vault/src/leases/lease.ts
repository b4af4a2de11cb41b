/*
 * Leases as files, docs/format/directory-vault.md. A lease is a note; its modification time is the renewal. An exclusive one is
 * taken by exclusive creation; a lapsed one is moved aside (one mover wins) and made anew with the next fence number.
 *
 * Invariants: a holder that lost its lease finds that out at `check`, since the note there has another token or is gone; a lease
 * that was moved aside by mistake (renewed between judging and moving) is put back with its token.
 */

import { ProtocolError } from '@twinvault/protocol';
import { equalBytes, minuteMs, secondMs, toHex } from '@twinvault/std';
import type { Files, Processes, Random, Timer, Timers } from '@twinvault/std';
import { decodeNote, encodeNote, noteBytesMax, noteNumber, noteText } from '../store/notes.ts';
import type { Note } from '../store/notes.ts';
import { temporaryName } from './file-time.ts';
import type { FileTime } from './file-time.ts';

export const leaseRenewMs: number = 30 * secondMs;
export const leaseLapseMs: number = 5 * minuteMs;
export const lockLapseMs: number = 2 * minuteMs;
const attemptsMax = 16;

export interface LeasePorts {
  readonly files: Files;
  readonly time: FileTime;
  readonly timers: Timers;
  readonly random: Random;
  readonly processes: Processes;
}

export interface LeaseRequest {
  /** Absolute. */
  readonly path: string;
  readonly lapseMs: number;
  /** The site's generation: a rebuild voids what was taken under another. */
  readonly generation: string;
  /** What others may see of the holder: ids alone. */
  readonly about?: Note;
}

export type LeaseAnswer = { readonly type: 'taken'; readonly lease: Lease } | { readonly type: 'held'; readonly by: LeaseState };

/** What stands in a lease that somebody else holds. */
export interface LeaseState {
  readonly bytes: Uint8Array;
  /** Null: the note cannot be read. */
  readonly note: Note | null;
  readonly renewedMs: number;
}

export async function readLease(files: Files, path: string): Promise<LeaseState | null> {
  const bytes = await files.read(path, noteBytesMax);
  // After the reading, since opening a file makes an NFS client ask the server for its times.
  const stat = bytes === null ? null : await files.stat(path);
  if (bytes === null || stat === null) return null;
  return { bytes, note: decodeNote(bytes), renewedMs: stat.modifiedMs };
}

/** Lapsed, or held by a process that is known to be gone. */
export function isOver(state: LeaseState, options: { nowMs: number; lapseMs: number; processes: Processes }): boolean {
  const holder = state.note === null ? null : noteText(state.note, 'holder');
  if (holder !== null && holder !== '' && options.processes.isGone(holder)) return true;
  return options.nowMs - state.renewedMs > options.lapseMs;
}

/** Takes the lease, or says who holds it. */
export async function takeLease(ports: LeasePorts, request: LeaseRequest): Promise<LeaseAnswer> {
  const { files, processes } = ports;
  let fence = 1;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const lease = await createLease(ports, request, fence);
    if (lease !== null) return { type: 'taken', lease };
    const held = await readLease(files, request.path);
    if (held === null) continue;
    const nowMs = await ports.time.nowMs();
    if (!isOver(held, { nowMs, lapseMs: request.lapseMs, processes })) return { type: 'held', by: held };
    if (await discardLease(ports, request.path, held)) fence = ((held.note && noteNumber(held.note, 'fence')) ?? 0) + 1;
  }
  throw new ProtocolError('vault-busy', { context: { defect: 'lease changes hands too often' } });
}

async function createLease(ports: LeasePorts, request: LeaseRequest, fence: number): Promise<Lease | null> {
  const { files, time, random, processes } = ports;
  const sinceMs = await time.nowMs();
  const fields = {
    ...request.about,
    fence,
    generation: request.generation,
    holder: processes.self,
    since: sinceMs,
    token: toHex(random.bytes(16)),
  };
  const bytes = encodeNote(fields);
  try {
    if (!(await files.create(request.path, [bytes]))) return null;
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.code !== 'vault-failed') throw error;
    await files.makeDirectory(request.path.slice(0, request.path.lastIndexOf('/')));
    if (!(await files.create(request.path, [bytes]))) return null;
  }
  return new Lease(ports, { path: request.path, bytes, fence, sinceMs, lapseMs: request.lapseMs });
}

/** Removes a lease that was judged to be over. False when another mover won, or the lease turned out to be alive. */
export async function discardLease(ports: LeasePorts, path: string, held: LeaseState): Promise<boolean> {
  const { files, random } = ports;
  const aside = `${path.slice(0, path.lastIndexOf('/'))}/${temporaryName(random)}`;
  if (!(await files.rename(path, aside))) return false;
  const moved = await files.read(aside, noteBytesMax);
  const same = moved !== null && equalBytes(moved, held.bytes);
  if (!same && moved !== null) await files.create(path, [moved]);
  await files.remove(aside);
  return same;
}

interface LeaseParts {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly fence: number;
  readonly sinceMs: number;
  readonly lapseMs: number;
}

/** A lease that this process took. It is renewed until it is disposed of. */
export class Lease implements AsyncDisposable {
  readonly fence: number;
  /** The file system's time of taking. */
  readonly sinceMs: number;
  readonly #files: Files;
  readonly #path: string;
  readonly #bytes: Uint8Array;
  readonly #timer: Timer;
  #lost = false;

  constructor({ files, timers }: LeasePorts, { path, bytes, fence, sinceMs, lapseMs }: LeaseParts) {
    this.#files = files;
    this.#path = path;
    this.#bytes = bytes;
    this.fence = fence;
    this.sinceMs = sinceMs;
    const periodMs = Math.min(leaseRenewMs, Math.floor(lapseMs / 4));
    this.#timer = timers.every(periodMs, () => void this.renew().catch(() => undefined));
  }

  /** Reads the lease again and renews it; `lease-lost` when it is another's or gone. */
  async check(): Promise<void> {
    if (!(await this.renew())) throw new ProtocolError('lease-lost', { context: { fence: this.fence } });
  }

  /** False when the lease was lost. A failure to reach the file is not yet a loss: it throws. */
  async renew(): Promise<boolean> {
    if (this.#lost) return false;
    const there = await this.#files.read(this.#path, noteBytesMax);
    if (there === null || !equalBytes(there, this.#bytes) || !(await this.#files.touch(this.#path))) this.#lost = true;
    return !this.#lost;
  }

  /** Gives the lease back; idempotent. What cannot be removed lapses. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer.cancel();
    try {
      if (await this.renew()) await this.#files.remove(this.#path);
    } catch {
      // The directory cannot be reached; the lease lapses there.
    }
    this.#lost = true;
  }
}
