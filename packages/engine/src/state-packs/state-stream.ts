/*
 * The stream of a base or a log: entries in key order, each with what its content's signature follows from (docs/format/delta.md,
 * "State packs"). A base is a log on nothing.
 *
 *   head    "TVST" | u8 version | zero (3) | u32 sequence of the safeset | u32 bytes of the job's name | job | page key (20)
 *   record  u8 what | u32 length | key (seal, entryKey) | for what > 0: u32 length | body | for what > 1: the difference
 *   difference  u32 length | part, as often as it takes | u32 zero
 *
 * The bodies' own form belongs to the version: when that changes, this does.
 */
import { equalBytes, utf8Decode, utf8Encode } from '@twinvault/std';
import { labelBytesMax, nameBytesMax, pathBytesMax } from '@twinvault/format';
import { pageKeyBytes } from '@twinvault/seal';
import { clearForState } from '../entries/entry-body.ts';
import type { PackedWriter } from '../entries/packed-writer.ts';
import { differencePartBytesMax } from '../delta/difference.ts';
import { cacheBlockBytesMax } from '../state/catalog-cache.ts';

const version = 2;
const magic = utf8Encode('TVST');
const headFixedBytes = 16;

export const stateRecords = { gone: 0, put: 1, changed: 2, created: 3 } as const;

export interface StateHead {
  readonly sequence: number;
  readonly job: string;
  readonly pageKey: Uint8Array;
}

/** What an entry is from now on. */
export interface StateRecord {
  readonly what: (typeof stateRecords)[keyof typeof stateRecords];
  readonly key: Uint8Array;
  /** Of 'changed' and 'created': without extents, and a difference follows (delta/difference.ts). Empty of 'gone'. */
  readonly body: Uint8Array;
}

/** A part of the difference of the record before; null: its end. */
export interface StateDifference {
  readonly what: 'difference';
  readonly part: Uint8Array | null;
}

export function writeHead(writer: PackedWriter, { sequence, job, pageKey }: StateHead): void {
  const name = utf8Encode(job);
  writer.bytes(magic);
  writer.u32(version);
  writer.u32(sequence);
  writer.u32(name.length);
  writer.bytes(name);
  writer.bytes(pageKey);
}

/** What state packs leave out of a body is cleared. */
export function writeRecord(writer: PackedWriter, { what, key, body }: StateRecord): void {
  writer.u8(what);
  writer.u32(key.length);
  writer.bytes(key);
  if (what === stateRecords.gone) return;
  writer.u32(body.length);
  const at = writer.length;
  writer.bytes(body);
  clearForState(writer.view, at);
}

/** After a record that has a difference; null ends it. */
export function writeDifference(writer: PackedWriter, part: Uint8Array | null): void {
  writer.u32(part?.length ?? 0);
  if (part !== null) writer.bytes(part);
}

/** What was read so far is not of this form: nothing after it can be read. */
export class StateStreamError extends Error {
  override name = 'StateStreamError';
}

/** Takes the bytes of a stream as they come and gives what is whole of them. */
export class StateStreamReader {
  head: StateHead | null = null;
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private inDifference = false;

  /** Records that the bytes complete; throws StateStreamError. Their bytes are views, valid until the next call. */
  *take(bytes: Uint8Array): Generator<StateRecord | StateDifference, void, undefined> {
    const rest = this.bytes.subarray(this.at);
    const joined = new Uint8Array(rest.length + bytes.length);
    joined.set(rest);
    joined.set(bytes, rest.length);
    this.bytes = joined;
    this.at = 0;
    if (this.head === null && !this.readHead()) return;
    for (;;) {
      const record = this.inDifference ? this.readPart() : this.readRecord();
      if (record === null) return;
      yield record;
    }
  }

  /** Nothing of a record is left over. */
  get ended(): boolean {
    return this.head !== null && !this.inDifference && this.at === this.bytes.length;
  }

  private readHead(): boolean {
    const { bytes } = this;
    if (bytes.length < headFixedBytes) return false;
    const view = new DataView(bytes.buffer);
    const nameBytes = view.getUint32(12, true);
    if (!equalBytes(bytes.subarray(0, 4), magic) || view.getUint32(4, true) !== version || nameBytes > labelBytesMax) {
      throw new StateStreamError('head');
    }
    const end = headFixedBytes + nameBytes + pageKeyBytes;
    if (bytes.length < end) return false;
    const job = utf8Decode(bytes.subarray(headFixedBytes, headFixedBytes + nameBytes));
    if (job === null) throw new StateStreamError('job');
    this.head = { sequence: view.getUint32(8, true), job, pageKey: bytes.slice(headFixedBytes + nameBytes, end) };
    this.at = end;
    return true;
  }

  private readRecord(): StateRecord | null {
    const start = this.at;
    const { bytes } = this;
    if (start >= bytes.length) return null;
    const what = bytes[start];
    if (what === undefined || !isRecord(what)) throw new StateStreamError('record');
    this.at += 1;
    const key = this.lengthPrefixed(pathBytesMax + nameBytesMax + 2);
    const body = key === null || what === stateRecords.gone ? nothing : this.lengthPrefixed(cacheBlockBytesMax);
    if (key === null || body === null) {
      this.at = start;
      return null;
    }
    this.inDifference = what === stateRecords.changed || what === stateRecords.created;
    return { what, key, body };
  }

  private readPart(): StateDifference | null {
    const part = this.lengthPrefixed(differencePartBytesMax);
    if (part === null) return null;
    this.inDifference = part.length > 0;
    return { what: 'difference', part: part.length > 0 ? part : null };
  }

  private lengthPrefixed(lengthMax: number): Uint8Array | null {
    const { bytes, at } = this;
    if (bytes.length < at + 4) return null;
    const length = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
    if (length > lengthMax) throw new StateStreamError('length');
    if (bytes.length < at + 4 + length) return null;
    this.at = at + 4 + length;
    return bytes.subarray(at + 4, at + 4 + length);
  }
}

const nothing = new Uint8Array(0);

function isRecord(what: number): what is StateRecord['what'] {
  return what <= stateRecords.created;
}
