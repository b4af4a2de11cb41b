/*
 * What the engine knows of one entry besides its key, as bytes: the same bytes come from a worker, stand in the catalog
 * cache, and are compared with the next run's status. A fixed head, so that a comparison decodes nothing:
 *
 *   offset  type  what
 *        0  u8    entry type
 *        1  u8    marks: 1 torn, 2 unread, 4 carried, 8 a tag stands at the end
 *        2  u16   mode
 *        4  u32   uid
 *        8  u32   gid
 *       12  u32   mtime, nanoseconds
 *       16  f64   mtime, seconds
 *       24  f64   ctime, seconds
 *       32  u32   ctime, nanoseconds
 *       36  u32   number of links
 *       40  f64   size in bytes
 *       48  f64   device
 *       56  u64   inode
 *       64  u32   device major; of a file that lies in a bundle: bytes of the whole bundle, 0 if they are not known
 *       68  u32   device minor
 *       72  f64   blocks of 512 bytes
 *       80  u32   carried: sequence of the safeset that the entry was taken over from
 *       84  u32   number of extents
 *       88  u32   bytes of details
 *       92        details (entry-details.ts), then 44 bytes an extent, then the tag (32)
 *
 * Extent: chunk id (32), u32 offset in the chunk (0xFFFFFFFF: a hole, id zero), f64 length.
 *
 * A private form: it may change with every version, and a cache in another is dropped.
 */
import { assert } from '@twinvault/std';
import { entryTypes } from '../source-port.ts';
import type { EntryDetails, EntryStat, EntryType } from '../source-port.ts';
import { writeDetails } from './entry-details.ts';
import { PackedWriter } from './packed-writer.ts';

export const bodyHeadBytes = 92;
export const bodyExtentBytes = 44;
export const bodyTagBytes = 32;

export const marks = { torn: 1, unread: 2, carried: 4, tag: 8 } as const;

const nothing = new Uint8Array(0);
const holeOffset = 0xffff_ffff;

const offsets = {
  marks: 1,
  mode: 2,
  uid: 4,
  gid: 8,
  mtimeNanos: 12,
  mtimeSeconds: 16,
  ctimeSeconds: 24,
  ctimeNanos: 32,
  linkCount: 36,
  sizeBytes: 40,
  device: 48,
  inodeLow: 56,
  inodeHigh: 60,
  deviceMajor: 64,
  bundleBytes: 64,
  deviceMinor: 68,
  blocks: 72,
  carried: 80,
  extentCount: 84,
  detailsBytes: 88,
} as const;

/** One piece of a file as the worker found it; a null id is a hole. */
export interface PlacedExtent {
  readonly id: Uint8Array | null;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Some, or a list of many as it stands in a body. */
export type Extents = readonly PlacedExtent[] | Uint8Array;

export interface NewBody {
  readonly stat: EntryStat;
  /** Replaces the status' size: what was really read. */
  readonly sizeBytes: number;
  readonly marks: number;
  readonly details: EntryDetails;
  readonly extents: Extents;
  readonly tag: Uint8Array | null;
  /** Of the whole bundle that the content of a file lies in; 0 or left out: in none. */
  readonly bundleBytes?: number;
}

/** Appends a body; returns its length in bytes. */
export function writeBody(writer: PackedWriter, body: NewBody): number {
  const start = writer.length;
  writeHead(writer, body.stat);
  const detailsBytes = writeDetails(writer, body.details);
  const { view } = writer;
  view.setUint8(start + offsets.marks, body.tag === null ? body.marks : body.marks | marks.tag);
  view.setFloat64(start + offsets.sizeBytes, body.sizeBytes, true);
  // Devices have their number there.
  if (body.stat.type === entryTypes.file) view.setUint32(start + offsets.bundleBytes, body.bundleBytes ?? 0, true);
  view.setUint32(start + offsets.extentCount, countOf(body.extents), true);
  view.setUint32(start + offsets.detailsBytes, detailsBytes, true);
  writeExtents(writer, body.extents);
  if (body.tag !== null) writer.bytes(body.tag);
  return writer.length - start;
}

/** Head alone: what a worker is told of an entry that it shall read. */
export function writeHead(writer: PackedWriter, stat: EntryStat): void {
  const at = writer.reserve(bodyHeadBytes);
  const { view } = writer;
  const inode = typeof stat.inode === 'number' ? stat.inode : BigInt(stat.inode);
  view.setUint8(at, stat.type);
  view.setUint8(at + offsets.marks, 0);
  view.setUint16(at + offsets.mode, stat.mode, true);
  view.setUint32(at + offsets.uid, stat.uid, true);
  view.setUint32(at + offsets.gid, stat.gid, true);
  view.setUint32(at + offsets.mtimeNanos, stat.mtimeNanos, true);
  view.setFloat64(at + offsets.mtimeSeconds, stat.mtimeSeconds, true);
  view.setFloat64(at + offsets.ctimeSeconds, stat.ctimeSeconds, true);
  view.setUint32(at + offsets.ctimeNanos, stat.ctimeNanos, true);
  view.setUint32(at + offsets.linkCount, stat.linkCount, true);
  view.setFloat64(at + offsets.sizeBytes, stat.sizeBytes, true);
  view.setFloat64(at + offsets.device, stat.device, true);
  view.setUint32(at + offsets.inodeLow, inodeLow(inode), true);
  view.setUint32(at + offsets.inodeHigh, inodeHigh(inode), true);
  view.setUint32(at + offsets.deviceMajor, stat.deviceMajor, true);
  view.setUint32(at + offsets.deviceMinor, stat.deviceMinor, true);
  view.setFloat64(at + offsets.blocks, stat.blocks, true);
  view.setUint32(at + offsets.carried, 0, true);
  view.setUint32(at + offsets.extentCount, 0, true);
  view.setUint32(at + offsets.detailsBytes, 0, true);
}

function inodeLow(inode: number | bigint): number {
  return typeof inode === 'number' ? inode % 0x1_0000_0000 : Number(inode & 0xffff_ffffn);
}

function inodeHigh(inode: number | bigint): number {
  return typeof inode === 'number' ? Math.floor(inode / 0x1_0000_0000) : Number(inode >> 32n);
}

/** Of device and inode, never 0; as `BodyView.inodeHash`. */
export function inodeHash({ device, inode }: EntryStat): number {
  const wide = typeof inode === 'number' ? inode : BigInt(inode);
  return mixedHash(device, inodeLow(wide), inodeHigh(wide));
}

/** MurmurHash3's finalizer over each word. */
function mixedHash(device: number, low: number, high: number): number {
  let hash = 0;
  for (const word of [low, high, device % 0x1_0000_0000]) {
    hash = Math.imul(hash ^ word, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0 || 1;
}

/** A list of extents as `BodyView.extentBytes` gives it: read where it lies, no object for an extent. */
export class ExtentList {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get count(): number {
    return this.bytes.length / bodyExtentBytes;
  }

  isHole(index: number): boolean {
    return this.view.getUint32(index * bodyExtentBytes + 32, true) === holeOffset;
  }

  /** Not copied; zeros for a hole. */
  id(index: number): Uint8Array {
    return this.bytes.subarray(index * bodyExtentBytes, index * bodyExtentBytes + 32);
  }

  /** Of an extent that is no hole, in its chunk. */
  offsetBytes(index: number): number {
    return this.view.getUint32(index * bodyExtentBytes + 32, true);
  }

  lengthBytes(index: number): number {
    return this.view.getFloat64(index * bodyExtentBytes + 36, true);
  }
}

/** Of a list of few, as objects; ids are views. */
export function readExtents(bytes: Uint8Array): PlacedExtent[] {
  const list = new ExtentList(bytes);
  return Array.from({ length: list.count }, (_, index) => {
    const lengthBytes = list.lengthBytes(index);
    if (list.isHole(index)) return { id: null, offsetBytes: 0, lengthBytes };
    return { id: list.id(index), offsetBytes: list.offsetBytes(index), lengthBytes };
  });
}

function countOf(extents: Extents): number {
  return extents instanceof Uint8Array ? extents.length / bodyExtentBytes : extents.length;
}

function writeExtents(writer: PackedWriter, extents: Extents): void {
  if (extents instanceof Uint8Array) writer.bytes(extents);
  else for (const extent of extents) writeExtent(writer, extent);
}

export function writeExtent(writer: PackedWriter, extent: PlacedExtent): void {
  const at = writer.reserve(bodyExtentBytes);
  const { view } = writer;
  if (extent.id !== null) writer.setBytes(at, extent.id);
  else for (let word = 0; word < 32; word += 4) view.setUint32(at + word, 0, true);
  view.setUint32(at + 32, extent.id === null ? holeOffset : extent.offsetBytes, true);
  view.setFloat64(at + 36, extent.lengthBytes, true);
}

/**
 * A view of one body at an offset of a buffer; moved from body to body with `at` and `over`, so that walking a block, or a list of bodies most of
 * which lie in one buffer, makes no object for an entry.
 */
export class BodyView {
  private bytes: Uint8Array;
  private view: DataView;
  private start = 0;
  /** Of where `at` counts from. */
  private origin = 0;

  constructor(bytes: Uint8Array = nothing, start = 0) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.start = start;
  }

  at(start: number): this {
    this.start = this.origin + start;
    return this;
  }

  /** Another body, wherever it lies. */
  over(body: Uint8Array): this {
    const { buffer, byteOffset } = body;
    if (this.bytes.buffer !== buffer || this.bytes.length !== buffer.byteLength) {
      this.bytes = new Uint8Array(buffer);
      this.view = new DataView(buffer);
    }
    this.origin = byteOffset;
    this.start = byteOffset;
    return this;
  }

  get type(): EntryType {
    return this.view.getUint8(this.start) as EntryType;
  }

  get marks(): number {
    return this.view.getUint8(this.start + offsets.marks);
  }

  get mode(): number {
    return this.view.getUint16(this.start + offsets.mode, true);
  }

  get uid(): number {
    return this.view.getUint32(this.start + offsets.uid, true);
  }

  get gid(): number {
    return this.view.getUint32(this.start + offsets.gid, true);
  }

  get mtimeSeconds(): number {
    return this.view.getFloat64(this.start + offsets.mtimeSeconds, true);
  }

  get mtimeNanos(): number {
    return this.view.getUint32(this.start + offsets.mtimeNanos, true);
  }

  get ctimeNanos(): number {
    return this.view.getUint32(this.start + offsets.ctimeNanos, true);
  }

  get sizeBytes(): number {
    return this.view.getFloat64(this.start + offsets.sizeBytes, true);
  }

  get linkCount(): number {
    return this.view.getUint32(this.start + offsets.linkCount, true);
  }

  /** Of the whole bundle that the file lies in; 0: none, or not known. */
  get bundleBytes(): number {
    return this.type === entryTypes.file ? this.view.getUint32(this.start + offsets.bundleBytes, true) : 0;
  }

  get carried(): number {
    return this.view.getUint32(this.start + offsets.carried, true);
  }

  get extentCount(): number {
    return this.view.getUint32(this.start + offsets.extentCount, true);
  }

  get details(): Uint8Array {
    const start = this.start + bodyHeadBytes;
    return this.bytes.subarray(start, start + this.detailsBytes);
  }

  get hasTag(): boolean {
    return (this.marks & marks.tag) !== 0;
  }

  /** Null when none was kept. */
  get tag(): Uint8Array | null {
    if (!this.hasTag) return null;
    const start = this.extentsStart + this.extentCount * bodyExtentBytes;
    return this.bytes.subarray(start, start + bodyTagBytes);
  }

  private get detailsBytes(): number {
    return this.view.getUint32(this.start + offsets.detailsBytes, true);
  }

  private get extentsStart(): number {
    return this.start + bodyHeadBytes + this.detailsBytes;
  }

  /** All extents as they stand in the body, not copied. */
  get extentBytes(): Uint8Array {
    const start = this.extentsStart;
    return this.bytes.subarray(start, start + this.extentCount * bodyExtentBytes);
  }

  /** The id of an extent, not copied; null for a hole. */
  extentId(index: number): Uint8Array | null {
    const at = this.extentsStart + index * bodyExtentBytes;
    return this.view.getUint32(at + 32, true) === holeOffset ? null : this.bytes.subarray(at, at + 32);
  }

  /** Whether this is the extent's id: makes no view. */
  hasExtentId(index: number, id: Uint8Array): boolean {
    const { bytes } = this;
    const at = this.extentsStart + index * bodyExtentBytes;
    for (let byte = 0; byte < 32; byte += 1) if (bytes[at + byte] !== id[byte]) return false;
    return true;
  }

  extentOffset(index: number): number {
    const offset = this.view.getUint32(this.extentsStart + index * bodyExtentBytes + 32, true);
    return offset === holeOffset ? 0 : offset;
  }

  extentLength(index: number): number {
    return this.view.getFloat64(this.extentsStart + index * bodyExtentBytes + 36, true);
  }

  /** Device, inode, size, both times, mode, owner and type are those of `stat`. */
  sameStat(stat: EntryStat): boolean {
    const { view, start } = this;
    return (
      view.getFloat64(start + offsets.mtimeSeconds, true) === stat.mtimeSeconds &&
      view.getUint32(start + offsets.mtimeNanos, true) === stat.mtimeNanos &&
      view.getFloat64(start + offsets.ctimeSeconds, true) === stat.ctimeSeconds &&
      view.getUint32(start + offsets.ctimeNanos, true) === stat.ctimeNanos &&
      (stat.type !== 1 || view.getFloat64(start + offsets.sizeBytes, true) === stat.sizeBytes) &&
      view.getUint8(start) === stat.type &&
      view.getUint16(start + offsets.mode, true) === stat.mode &&
      view.getUint32(start + offsets.uid, true) === stat.uid &&
      view.getUint32(start + offsets.gid, true) === stat.gid &&
      this.sameInode(stat)
    );
  }

  /** The same of two bodies: owner and both times, then device and inode, word by word. */
  sameStatAs({ view: other, start: otherStart }: BodyView): boolean {
    const { view, start } = this;
    for (let at: number = offsets.uid; at < offsets.linkCount; at += 4) {
      if (view.getUint32(start + at, true) !== other.getUint32(otherStart + at, true)) return false;
    }
    for (let at: number = offsets.device; at < offsets.deviceMajor; at += 4) {
      if (view.getUint32(start + at, true) !== other.getUint32(otherStart + at, true)) return false;
    }
    const type = view.getUint8(start);
    return (
      type === other.getUint8(otherStart) &&
      view.getUint16(start + offsets.mode, true) === other.getUint16(otherStart + offsets.mode, true) &&
      (type !== entryTypes.file ||
        view.getFloat64(start + offsets.sizeBytes, true) === other.getFloat64(otherStart + offsets.sizeBytes, true))
    );
  }

  sameInode(stat: EntryStat): boolean {
    const inode = typeof stat.inode === 'number' ? stat.inode : BigInt(stat.inode);
    const { view, start } = this;
    return (
      view.getUint32(start + offsets.inodeLow, true) === inodeLow(inode) &&
      view.getUint32(start + offsets.inodeHigh, true) === inodeHigh(inode) &&
      view.getFloat64(start + offsets.device, true) === stat.device
    );
  }

  get inodeHash(): number {
    const { view, start } = this;
    const [low, high] = [view.getUint32(start + offsets.inodeLow, true), view.getUint32(start + offsets.inodeHigh, true)];
    return mixedHash(view.getFloat64(start + offsets.device, true), low, high);
  }

  /** Both times lie before the given moment. */
  olderThan(seconds: number, nanos: number): boolean {
    const { view, start } = this;
    const mtime = view.getFloat64(start + offsets.mtimeSeconds, true);
    const ctime = view.getFloat64(start + offsets.ctimeSeconds, true);
    const older = (time: number, timeNanos: number): boolean => time < seconds || (time === seconds && timeNanos < nanos);
    return (
      older(mtime, view.getUint32(start + offsets.mtimeNanos, true)) &&
      older(ctime, view.getUint32(start + offsets.ctimeNanos, true))
    );
  }

  /** The status as an object; what `blocks` and `linkCount` were at the time. */
  stat(): EntryStat {
    const { view, start } = this;
    const low = view.getUint32(start + offsets.inodeLow, true);
    const high = view.getUint32(start + offsets.inodeHigh, true);
    const inode = high < 0x20_0000 ? high * 0x1_0000_0000 + low : ((BigInt(high) << 32n) | BigInt(low)).toString();
    return {
      type: this.type,
      mode: view.getUint16(start + offsets.mode, true),
      uid: view.getUint32(start + offsets.uid, true),
      gid: view.getUint32(start + offsets.gid, true),
      sizeBytes: this.sizeBytes,
      blocks: view.getFloat64(start + offsets.blocks, true),
      mtimeSeconds: view.getFloat64(start + offsets.mtimeSeconds, true),
      mtimeNanos: view.getUint32(start + offsets.mtimeNanos, true),
      ctimeSeconds: view.getFloat64(start + offsets.ctimeSeconds, true),
      ctimeNanos: view.getUint32(start + offsets.ctimeNanos, true),
      device: view.getFloat64(start + offsets.device, true),
      inode,
      linkCount: this.linkCount,
      deviceMajor: this.type === entryTypes.file ? 0 : view.getUint32(start + offsets.deviceMajor, true),
      deviceMinor: view.getUint32(start + offsets.deviceMinor, true),
    };
  }
}

/** Clears in the body at `start` what is only compared with a status: device, inode (unless links tell it), ctime, blocks. */
export function clearForState(view: DataView, start: number): void {
  const isLinked = view.getUint8(start) !== entryTypes.directory && view.getUint32(start + offsets.linkCount, true) > 1;
  view.setFloat64(start + offsets.ctimeSeconds, 0, true);
  view.setUint32(start + offsets.ctimeNanos, 0, true);
  view.setFloat64(start + offsets.blocks, 0, true);
  if (isLinked) return;
  view.setUint32(start + offsets.linkCount, 1, true);
  view.setFloat64(start + offsets.device, 0, true);
  view.setUint32(start + offsets.inodeLow, 0, true);
  view.setUint32(start + offsets.inodeHigh, 0, true);
}

/** Asked of every entry, so without a view. */
export function hasTag(body: Uint8Array): boolean {
  return ((body[offsets.marks] ?? 0) & marks.tag) !== 0;
}

/** The bytes are as long as their head says: what is read out of a body lies in it. */
export function isWholeBody(bytes: Uint8Array): boolean {
  if (bytes.length < bodyHeadBytes) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tagBytes = (view.getUint8(offsets.marks) & marks.tag) === 0 ? 0 : bodyTagBytes;
  const extentsBytes = view.getUint32(offsets.extentCount, true) * bodyExtentBytes;
  return bytes.length === bodyHeadBytes + view.getUint32(offsets.detailsBytes, true) + extentsBytes + tagBytes;
}

/** The body of a file without a tag, less its extents; `withContent` gives them back. */
export function withoutExtents(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = new BodyView(body);
  assert(view.tag === null, 'content with a tag is not taken out');
  const copy = body.slice(0, body.length - view.extentCount * bodyExtentBytes);
  new DataView(copy.buffer).setUint32(offsets.extentCount, 0, true);
  return copy;
}

/** A copy of the body with a mark set, and the sequence that it was carried from where that is the mark. */
export function remark(body: Uint8Array, mark: number, carried: number): Uint8Array {
  const copy = body.slice();
  const view = new DataView(copy.buffer);
  view.setUint8(offsets.marks, view.getUint8(offsets.marks) | mark);
  if (mark === marks.carried && view.getUint32(offsets.carried, true) === 0) view.setUint32(offsets.carried, carried, true);
  return copy;
}

export interface ReadContents {
  /** As they stand in a body. */
  readonly extents: Uint8Array;
  readonly sizeBytes: number;
  readonly marks: number;
}

/** The body, which has no extents and no tag, with content. */
export function withContent(body: Uint8Array, content: ReadContents): Uint8Array {
  const writer = new PackedWriter(body.length + content.extents.length);
  writer.bytes(body);
  writer.bytes(content.extents);
  writer.view.setUint8(offsets.marks, content.marks);
  writer.view.setFloat64(offsets.sizeBytes, content.sizeBytes, true);
  writer.view.setUint32(offsets.extentCount, countOf(content.extents), true);
  return writer.take();
}

/** The body with the one extent of the last version: its content is the same. The body has a tag and no extents. */
export function completeWithLast(body: Uint8Array, last: Uint8Array): Uint8Array {
  const lastView = new BodyView(last);
  assert(lastView.extentCount === 1, 'only content of one piece is taken over');
  const extentAt = bodyHeadBytes + lastView.details.length;
  const tagAt = body.length - bodyTagBytes;
  const complete = new Uint8Array(body.length + bodyExtentBytes);
  complete.set(body.subarray(0, tagAt));
  complete.set(last.subarray(extentAt, extentAt + bodyExtentBytes), tagAt);
  complete.set(body.subarray(tagAt), tagAt + bodyExtentBytes);
  const view = new DataView(complete.buffer);
  view.setUint32(offsets.extentCount, 1, true);
  view.setUint32(offsets.bundleBytes, lastView.bundleBytes, true);
  return complete;
}
