/*
 * Segments of the index: many tails of packs in one file, so that a live list is a few large reads. A cache: whatever is wrong with
 * a segment, it is left out and its packs are read by their tails. docs/format/directory-vault.md, Index cache.
 *
 *     offset bytes
 *     0      8     "TVIX" 0x02 0x00 0x00 0x00
 *     8      4     number of entries
 *     then each entry:
 *     0      32    pack name
 *     32     80    the pack's header without its KEM ciphertext
 *     112    32    session name: SHA-256 of the KEM ciphertext
 *     144    4     size of the pack
 *     148    4     length of the tail
 *     152          tail: table | sections | trailer
 *
 * A segment is named by its SHA-256 and never changes.
 */

import { certificateId, packBytesMax, packHeaderFixedBytes, packName } from '@twinvault/format';
import type { CertificateId, PackName } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { ByteReader, ByteWriter, equalBytes, MiB, primitives, releaseBytes, StdError, toHex } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import type { PackNumbers } from './pack-numbers.ts';

export const segmentsMax = 64;
/** A segment is closed when it has so many bytes; one entry may take it over. */
const segmentBytesTarget: number = 8 * MiB;
const segmentBytesMax: number = segmentBytesTarget + packBytesMax;
const magic = new Uint8Array([0x54, 0x56, 0x49, 0x58, 2, 0, 0, 0]);
/** Of an entry without its tail. */
const entryFixedBytes = 152;
const kindOffset = 6;
const certificateOffset = 28;
const nonceOffset = 44;

export interface IndexEntry {
  readonly pack: PackName;
  readonly hex: string;
  /** The header without its KEM ciphertext: `entryCertificate`, `entryKind`, `entryNonce` read it. */
  readonly header: Uint8Array;
  readonly session: Uint8Array;
  readonly packBytes: number;
  readonly tail: Uint8Array;
}

/** Of the agent that stored the pack; of a compacted one, its first section. */
export function entryCertificate({ header }: IndexEntry): CertificateId {
  return certificateId(header.slice(certificateOffset, certificateOffset + 16));
}

/** As the number of a PackKind. */
export function entryKind({ header }: IndexEntry): number {
  return header[kindOffset] ?? 0;
}

export function entryNonce({ header }: IndexEntry): Uint8Array {
  return header.subarray(nonceOffset, nonceOffset + 32);
}

export async function segmentNames({ cache, layout }: SafeObjects): Promise<string[]> {
  return (await cache.list(layout.index)).sort();
}

/** Null when it is gone or not what its name says. */
export async function readSegment({ cache, layout }: SafeObjects, name: string): Promise<Segment | null> {
  try {
    const bytes = await cache.get(`${layout.index}/${name}`, segmentBytesMax);
    return bytes === null || toHex(primitives.sha256(bytes)) !== name ? null : parseSegment(bytes);
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof StdError) return null;
    throw error;
  }
}

function parseSegment(bytes: Uint8Array): Segment | null {
  const reader = new ByteReader(bytes);
  if (!equalBytes(reader.bytes(8), magic)) return null;
  const count = reader.u32();
  if (count * entryFixedBytes > reader.remaining) return null;
  const offsets = new Uint32Array(count);
  for (let index = 0; index < count; index += 1) {
    offsets[index] = reader.offset;
    reader.skip(entryFixedBytes - 4);
    reader.skip(reader.u32());
  }
  reader.expectEnd();
  return new Segment(bytes, offsets);
}

/** Entries of a segment as views of its bytes, each made when it is asked for. */
export class Segment implements Iterable<IndexEntry> {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #offsets: Uint32Array;

  /** Only readSegment makes one. */
  constructor(bytes: Uint8Array, offsets: Uint32Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offsets = offsets;
  }

  get count(): number {
    return this.#offsets.length;
  }

  /** `index` from 0 to `count` - 1. */
  at(index: number): IndexEntry {
    return new SegmentEntry(this.#bytes, this.#view, this.#offsets[index] ?? 0);
  }

  /** The number of the entry's pack among these; -1 when it is not there. */
  numberAt(index: number, names: PackNumbers): number {
    return names.find(this.#bytes, this.#offsets[index] ?? 0);
  }

  *[Symbol.iterator](): Generator<IndexEntry, void, undefined> {
    for (let index = 0; index < this.count; index += 1) yield this.at(index);
  }

  /** Gives the memory back; no entry may be used afterwards. */
  release(): void {
    releaseBytes(this.#bytes);
  }
}

class SegmentEntry implements IndexEntry {
  readonly pack: PackName;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #offset: number;

  constructor(bytes: Uint8Array, view: DataView, offset: number) {
    this.#bytes = bytes;
    this.#view = view;
    this.#offset = offset;
    this.pack = packName(this.#part(0, 32));
  }

  get hex(): string {
    return toHex(this.pack);
  }

  get header(): Uint8Array {
    return this.#part(32, packHeaderFixedBytes);
  }

  get session(): Uint8Array {
    return this.#part(112, 32);
  }

  get packBytes(): number {
    return this.#view.getUint32(this.#offset + 144, true);
  }

  get tail(): Uint8Array {
    return this.#part(entryFixedBytes, this.#view.getUint32(this.#offset + 148, true));
  }

  #part(start: number, lengthBytes: number): Uint8Array {
    const offset = this.#offset + start;
    return this.#bytes.subarray(offset, offset + lengthBytes);
  }
}

function encodeSegment(entries: readonly IndexEntry[]): Uint8Array {
  const writer = new ByteWriter(entries.reduce((sum, { tail }) => sum + entryFixedBytes + tail.length, 16));
  writer.bytes(magic).u32(entries.length);
  for (const { pack, header, session, packBytes, tail } of entries) {
    writer.bytes(pack).bytes(header).bytes(session).u32(packBytes).u32(tail.length).bytes(tail);
  }
  return writer.finish();
}

/** Gathers entries and writes them as segments. A cache that cannot be written is none: errors of the vault are dropped. */
export class SegmentWriter {
  readonly #context: SafeObjects;
  /** Names of what was written. */
  readonly written: Set<string> = new Set();
  /** Whether something could not be written. */
  failed: boolean = false;
  #entries: IndexEntry[] = [];
  #bytes = 0;

  constructor(context: SafeObjects) {
    this.#context = context;
  }

  /** Keeps the tail, not a copy. */
  async add(entry: IndexEntry): Promise<void> {
    this.#entries.push(entry);
    this.#bytes += entryFixedBytes + entry.tail.length;
    if (this.#bytes >= segmentBytesTarget) await this.flush();
  }

  async flush(): Promise<void> {
    const entries = this.#entries;
    if (entries.length === 0) return;
    this.#entries = [];
    this.#bytes = 0;
    const { cache, layout } = this.#context;
    const bytes = encodeSegment(entries.sort((a, b) => (a.hex < b.hex ? -1 : 1)));
    const name = toHex(primitives.sha256(bytes));
    try {
      await cache.put(`${layout.index}/${name}`, [bytes]);
      this.written.add(name);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.failed = true;
    }
  }
}
