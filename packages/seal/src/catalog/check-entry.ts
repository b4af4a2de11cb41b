/*
 * What a writer may be given: everything that the format can hold, and nothing else. A file system can show more (a name of
 * 2,000 bytes, a time in the year 10^9), so the answer is an error, not an assertion; its context names the field alone.
 */

import { nameBytesMax, xattrBytesMax } from '@twinvault/format';
import { utf8Encode } from '@twinvault/std';
import { isAclKind } from './attribute-items.ts';
import { chunkIdBytes, linkBytesMax, ownerNameBytesMax, timeSecondsMax } from './catalog-limits.ts';
import { entryTypes } from './entry.ts';
import type { CatalogEntry, Extent, NamedStream, Time } from './entry.ts';
import { extentsBytes, isExtent } from './extents-codec.ts';
import { SealError } from '../errors.ts';

/** What a writer throws: `field` is a word of the format, never a value. */
export function entryDefect(field: string): SealError {
  return new SealError('catalog-entry-invalid', { context: { field } });
}

const modeMax = 0o7777;
const nanosMax = 999_999_999;

function isUint(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Checks all of an entry but its place, which the writer compares with the one before, and the sum of its extents. */
export function checkEntry(entry: CatalogEntry): void {
  const { type, mode } = entry;
  if (!Number.isInteger(type) || type < entryTypes.file || type > entryTypes.block) throw entryDefect('type');
  if (!Number.isInteger(mode) || mode < 0 || mode > modeMax) throw entryDefect('mode');
  if (!isUint(entry.uid)) throw entryDefect('uid');
  if (!isUint(entry.gid)) throw entryDefect('gid');
  if (!isTime(entry.mtimeSeconds, entry.mtimeNanos)) throw entryDefect('mtime');
  if (type === entryTypes.file) {
    if (!isUint(entry.sizeBytes)) throw entryDefect('size');
    checkRope(entry);
  } else {
    if (entry.extents.length > 0 || entry.rope) throw entryDefect('extents');
    if (entry.torn) throw entryDefect('torn');
  }
  checkOwnerNames(entry);
  checkKind(entry);
  checkOptional(entry);
}

function isTime(seconds: number, nanos: number): boolean {
  if (!Number.isInteger(seconds) || Math.abs(seconds) > timeSecondsMax) return false;
  return Number.isInteger(nanos) && nanos >= 0 && nanos <= nanosMax;
}

function checkRope({ extents, rope }: { extents: readonly Extent[]; rope?: Uint8Array | null }): void {
  if (!rope) return;
  if (rope.length !== chunkIdBytes) throw entryDefect('rope');
  if (extents.length > 0) throw entryDefect('extents');
}

function checkOwnerNames({ user, group }: CatalogEntry): void {
  for (const name of [user, group]) {
    if (name === null || name === undefined) continue;
    if (name.length * 3 > ownerNameBytesMax && utf8Encode(name).length > ownerNameBytesMax) throw entryDefect('owner name');
    if (!name.isWellFormed()) throw entryDefect('owner name');
  }
}

/** What only some types have, and those must have unless they could not be read. */
function checkKind(entry: CatalogEntry): void {
  const { type, link, device, hardlink } = entry;
  if (type === entryTypes.link) {
    if (link ? link.length === 0 || link.length > linkBytesMax : !entry.unread) throw entryDefect('link');
  } else if (link) {
    throw entryDefect('link');
  }
  const isDevice = type === entryTypes.character || type === entryTypes.block;
  if (isDevice !== Boolean(device)) throw entryDefect('device');
  if (device && !(isUint(device.major) && isUint(device.minor))) throw entryDefect('device');
  if (hardlink) {
    if (type === entryTypes.directory || !isUint(hardlink.device) || !isInode(hardlink.inode)) throw entryDefect('hardlink');
  }
}

const inodeDigits = /^[1-9][0-9]{15,38}$/;

/** A number below 2^53, or the decimal text of one from 2^53 on (up to 128 bits). */
export function isInode(inode: number | string): boolean {
  if (typeof inode === 'number') return isUint(inode);
  return inodeDigits.test(inode) && BigInt(inode) > Number.MAX_SAFE_INTEGER;
}

function checkOptional(entry: CatalogEntry): void {
  const { atime, btime, windows, carried } = entry;
  for (const time of [atime, btime]) checkTime(time);
  if (typeof windows === 'number' && (!isUint(windows) || windows > 0xffff_ffff)) throw entryDefect('windows');
  if (typeof carried === 'number' && !(isUint(carried) && carried > 0)) throw entryDefect('carried');
  if (entry.acls) for (const { kind, value } of entry.acls) checkAcl(kind, value);
  if (entry.xattrs) for (const { name, value } of entry.xattrs) checkXattr(name, value);
  if (entry.streams) for (const stream of entry.streams) checkStream(stream);
  if (entry.attributes) {
    if (entry.attributes.some((id) => id.length !== chunkIdBytes)) throw entryDefect('attributes');
    const inline = (entry.acls?.length ?? 0) + (entry.xattrs?.length ?? 0) + (entry.streams?.length ?? 0);
    if (entry.attributes.length > 0 && inline > 0) throw entryDefect('attributes');
  }
}

function checkTime(time: Time | null | undefined): void {
  if (time && !isTime(time.seconds, time.nanos)) throw entryDefect('time');
}

function checkAcl(kind: string, value: Uint8Array): void {
  if (!isAclKind(kind) || value.length > xattrBytesMax) throw entryDefect('acl');
}

function checkXattr(name: Uint8Array, value: Uint8Array): void {
  if (name.length === 0 || name.length > nameBytesMax || value.length > xattrBytesMax) throw entryDefect('xattrs');
}

function checkStream(stream: NamedStream): void {
  if (stream.name.length === 0 || stream.name.length > nameBytesMax || !isUint(stream.sizeBytes)) throw entryDefect('streams');
  checkRope(stream);
  checkExtents(stream.extents);
  if (!stream.rope && extentsBytes(stream.extents) !== stream.sizeBytes) throw entryDefect('streams');
}

/** Each one by itself. */
export function checkExtents(extents: readonly Extent[]): void {
  for (const extent of extents) {
    if (!isExtent(extent) || (extent.chunk !== null && extent.chunk.length !== chunkIdBytes)) throw entryDefect('extents');
  }
}

/** Extents cover 0…size; only what could not be read may end sooner. */
export function checkCoverage(entry: CatalogEntry, coveredBytes: number): void {
  const fits = entry.unread ? coveredBytes <= entry.sizeBytes : coveredBytes === entry.sizeBytes;
  if (!fits) throw entryDefect('extents');
}
