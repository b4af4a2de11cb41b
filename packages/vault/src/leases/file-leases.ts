/*
 * Leases as files, docs/format/directory-vault.md. A lease is a note; its modification time is the renewal. It is taken by exclusive
 * creation; a lapsed one is moved aside (one mover wins) and made anew with the next fence number.
 *
 * Invariants: a holder that lost its lease finds that out at `check`, since the note there has another token or is gone; a lease
 * that was moved aside by mistake (renewed between judging and moving) is put back with its token.
 */

import { ProtocolError } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import type { Files, Processes, Random, Timers } from '@twinvault/std';
import { decodeNote, encodeNote, noteBytesMax, noteNumber, noteText } from '../store/notes.ts';
import type { Note } from '../store/notes.ts';
import { isTemporaryName, temporaryName } from '../store/temporary-name.ts';
import type { FileTime } from './file-time.ts';
import { decodeHandle } from './handles.ts';
import { KeptLease } from './kept-lease.ts';
import { leaseLapseMs, leaseRenewMs } from './leases.ts';
import type { Lease, LeaseAnswer, LeaseHolder, LeaseRequest, Leases, OpenLease } from './leases.ts';

const attemptsMax = 16;

export interface FileLeasesParts {
  /** With the errors of the vault port: `vaultFiles`. */
  readonly files: Files;
  readonly time: FileTime;
  readonly timers: Timers;
  readonly random: Random;
  readonly processes: Processes;
  /** Absolute path of the vault's directory. */
  readonly root: string;
}

/** What stands in a lease's file. */
interface LeaseState {
  readonly bytes: Uint8Array;
  /** Null: the note cannot be read. */
  readonly note: Note | null;
  readonly renewedMs: number;
}

export class FileLeases implements Leases {
  readonly #parts: FileLeasesParts;

  constructor(parts: FileLeasesParts) {
    this.#parts = parts;
  }

  nowMs(): Promise<number> {
    return this.#parts.time.nowMs();
  }

  async take(request: LeaseRequest): Promise<LeaseAnswer> {
    const path = this.#path(request.name);
    let fence = 1;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const lease = await this.#create(request, fence);
      if (lease !== null) return { type: 'taken', lease };
      const held = await this.#read(path);
      if (held === null) continue;
      const nowMs = await this.nowMs();
      if (!this.#isOver(held, nowMs, request.lapseMs)) {
        await this.#countFromNow(path, held, nowMs);
        return { type: 'held', by: holderOf(held) };
      }
      if (await this.#discard(path, held)) fence = ((held.note && noteNumber(held.note, 'fence')) ?? 0) + 1;
    }
    throw new ProtocolError('vault-busy', { context: { defect: 'lease changes hands too often' } });
  }

  async resume(handle: string): Promise<Lease | null> {
    const { name, token, lapseMs } = decodeHandle(handle);
    const state = await this.#read(this.#path(name));
    if (state?.note === null || state === null || noteText(state.note, 'token') !== token) return null;
    if (this.#isOver(state, await this.nowMs(), lapseMs)) return null;
    const lease = this.#lease(name, { note: state.note, bytes: state.bytes, lapseMs });
    if (await lease.renew()) return lease;
    lease.detach();
    return null;
  }

  /** Of a folder of shared leases: all of them lapse after `leaseLapseMs`. */
  async open(folder: string, nowMs: number): Promise<OpenLease[]> {
    const open: OpenLease[] = [];
    for (const name of await this.#names(folder)) {
      const state = await this.#read(this.#path(`${folder}/${name}`));
      if (state === null || this.#isOver(state, nowMs, leaseLapseMs)) continue;
      open.push({ name, sinceMs: state.note === null ? null : noteNumber(state.note, 'since') });
    }
    return open;
  }

  async discardLapsed(folder: string, nowMs: number): Promise<number> {
    let count = 0;
    for (const name of await this.#names(folder)) {
      const path = this.#path(`${folder}/${name}`);
      const state = await this.#read(path);
      if (state === null) continue;
      if (!this.#isOver(state, nowMs, leaseLapseMs)) await this.#countFromNow(path, state, nowMs);
      else if (await this.#discard(path, state)) count += 1;
    }
    return count;
  }

  async voidAll(folder: string): Promise<number> {
    let count = 0;
    for (const name of await this.#names(folder)) {
      if (await this.#parts.files.remove(this.#path(`${folder}/${name}`))) count += 1;
    }
    return count;
  }

  async #names(folder: string): Promise<string[]> {
    const entries = await this.#parts.files.list(this.#path(folder));
    return entries.filter(({ name, kind }) => kind === 'file' && !isTemporaryName(name)).map(({ name }) => name);
  }

  async #create(request: LeaseRequest, fence: number): Promise<Lease | null> {
    const { files, random, processes } = this.#parts;
    const note = {
      ...request.about,
      fence,
      generation: request.generation,
      holder: request.carried === true ? '' : processes.self,
      since: await this.nowMs(),
      token: toHex(random.bytes(16)),
    };
    const bytes = encodeNote(note);
    const path = this.#path(request.name);
    try {
      if (!(await files.create(path, [bytes]))) return null;
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'vault-failed') throw error;
      await files.makeDirectory(folderOf(path));
      if (!(await files.create(path, [bytes]))) return null;
    }
    return this.#lease(request.name, { note, bytes, lapseMs: request.lapseMs });
  }

  #lease(name: string, parts: Pick<LeaseFile, 'note' | 'bytes' | 'lapseMs'>): Lease {
    const { files, timers } = this.#parts;
    return keptFile({ files, timers, path: this.#path(name), name, ...parts });
  }

  async #read(path: string): Promise<LeaseState | null> {
    const { files } = this.#parts;
    const bytes = await files.read(path, noteBytesMax);
    // After the reading, since opening a file makes an NFS client ask the server for its times.
    const stat = bytes === null ? null : await files.stat(path);
    if (bytes === null || stat === null) return null;
    return { bytes, note: decodeNote(bytes), renewedMs: stat.modifiedMs };
  }

  /** Lapsed, or held by a process that is known to be gone. */
  #isOver(state: LeaseState, nowMs: number, lapseMs: number): boolean {
    const { holder } = holderOf(state);
    if (holder !== '' && this.#parts.processes.isGone(holder)) return true;
    return nowMs - state.renewedMs > lapseMs;
  }

  /** A renewal that is still to come was made by a clock that was set back since: whoever lives renews again, anybody else lapses from now on. */
  async #countFromNow(path: string, { renewedMs }: LeaseState, nowMs: number): Promise<void> {
    if (renewedMs > nowMs + leaseRenewMs) await this.#parts.files.touch(path);
  }

  /** Removes a lease that was judged to be over. False when another mover won, or the lease turned out to be alive. */
  async #discard(path: string, held: LeaseState): Promise<boolean> {
    const { files, random } = this.#parts;
    const aside = `${folderOf(path)}/${temporaryName(random)}`;
    if (!(await files.rename(path, aside))) return false;
    const moved = await files.read(aside, noteBytesMax);
    const same = moved !== null && equalBytes(moved, held.bytes);
    if (!same && moved !== null) await files.create(path, [moved]);
    await files.remove(aside);
    return same;
  }

  #path(name: string): string {
    return `${this.#parts.root}/${name}`;
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function holderOf({ note, renewedMs }: LeaseState): LeaseHolder {
  if (note === null) return { about: {}, holder: '', sinceMs: null, renewedMs };
  return { about: note, holder: noteText(note, 'holder') ?? '', sinceMs: noteNumber(note, 'since'), renewedMs };
}

interface LeaseFile {
  readonly files: Files;
  readonly timers: Timers;
  readonly path: string;
  readonly name: string;
  readonly note: Note;
  readonly bytes: Uint8Array;
  readonly lapseMs: number;
}

function keptFile({ files, timers, path, name, note, bytes, lapseMs }: LeaseFile): Lease {
  const renew = async (): Promise<boolean> => {
    const there = await files.read(path, noteBytesMax);
    return there !== null && equalBytes(there, bytes) && (await files.touch(path));
  };
  const giveBack = async (): Promise<void> => {
    if (await renew()) await files.remove(path);
  };
  return new KeptLease({
    timers,
    name,
    token: noteText(note, 'token') ?? '',
    fence: noteNumber(note, 'fence') ?? 0,
    sinceMs: noteNumber(note, 'since') ?? 0,
    lapseMs,
    place: { renew, giveBack },
  });
}
