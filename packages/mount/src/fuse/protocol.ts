/*
 * The kernel's FUSE protocol, as far as a read-only file system needs it (linux/fuse.h of Linux 6.1; numbers and structures are the kernel's
 * interface and do not change). Little endian, as all processors are that Twinvault runs on.
 *
 *   request   u32 length, u32 opcode, u64 unique, u64 node, u32 uid, u32 gid, u32 pid, u32 padding | arguments
 *   reply     u32 length, i32 -errno, u64 unique | result
 *
 * Invariant: what the kernel sends is looked at within its length only.
 */
import { nodeTypes } from '../tree/file-tree.ts';
import type { NodeStat, NodeType } from '../tree/file-tree.ts';

export const opcodes = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  readlink: 5,
  open: 14,
  read: 15,
  statfs: 17,
  release: 18,
  getxattr: 22,
  listxattr: 23,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  access: 34,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
  readdirplus: 44,
  lseek: 46,
} as const;

/** Bytes of arguments that are looked at; of the others none. */
export const argumentBytes: ReadonlyMap<number, number> = new Map([
  [opcodes.forget, 8],
  [opcodes.batchForget, 8],
  [opcodes.init, 16],
  [opcodes.read, 20],
  [opcodes.readdir, 20],
  [opcodes.readdirplus, 20],
  [opcodes.getxattr, 8],
  [opcodes.listxattr, 4],
  [opcodes.lseek, 20],
]);

export const errnos = { ENOENT: 2, EIO: 5, ENXIO: 6, EINVAL: 22, ERANGE: 34, ENOSYS: 38, ENODATA: 61 } as const;

/** Bytes of a request that is no write, with much room: the kernel wants at least 8 KiB and what INIT says of writes. */
export const requestBytesMax: number = 256 * 1024;
const writeBytesMax = 128 * 1024;
const requestHeaderBytes = 40;
const replyHeaderBytes = 16;
export const attrBytes = 88;
/** fuse_entry_out: node, generation, two times, two times' nanoseconds, attributes. */
export const entryBytes: number = 40 + attrBytes;

const protocolMajor = 7;
/** structures are those of this minor version: 64 bytes of INIT's answer, READDIRPLUS, LSEEK. */
const protocolMinor = 31;
const pageBytes = 4096;
/** So many pages make reads of 1 MiB. */
const pagesMax = 256;
/** Nothing ever changes: what the kernel knows it may keep. */
const validSeconds = 3600n;

const initFlags = {
  asyncRead: 1 << 0,
  exportSupport: 1 << 4,
  doReaddirplus: 1 << 13,
  readdirplusAuto: 1 << 14,
  noOpenSupport: 1 << 17,
  parallelDirops: 1 << 18,
  posixAcl: 1 << 20,
  maxPages: 1 << 22,
  cacheSymlinks: 1 << 23,
  noOpendirSupport: 1 << 24,
} as const;

export interface Request {
  readonly opcode: number;
  readonly unique: bigint;
  readonly node: number;
  readonly body: DataView;
}

/** Null for what is no request, or one without its arguments. */
export function parseRequest(bytes: Uint8Array): Request | null {
  if (bytes.length < requestHeaderBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== bytes.length) return null;
  const opcode = view.getUint32(4, true);
  if (bytes.length < requestHeaderBytes + (argumentBytes.get(opcode) ?? 0)) return null;
  return {
    opcode,
    unique: view.getBigUint64(8, true),
    node: Number(view.getBigUint64(16, true)),
    body: new DataView(bytes.buffer, bytes.byteOffset + requestHeaderBytes, bytes.length - requestHeaderBytes),
  };
}

/** Up to the NUL that ends it. */
export function nameOf(body: DataView, offsetBytes = 0): Uint8Array {
  const bytes = new Uint8Array(body.buffer, body.byteOffset + offsetBytes, Math.max(0, body.byteLength - offsetBytes));
  const end = bytes.indexOf(0);
  return bytes.slice(0, end < 0 ? bytes.length : end);
}

export function replyOf(unique: bigint, payload: Uint8Array): Uint8Array {
  const reply = new Uint8Array(replyHeaderBytes + payload.length);
  writeReplyHeader(reply, unique, 0);
  reply.set(payload, replyHeaderBytes);
  return reply;
}

export function errorReply(unique: bigint, errno: number): Uint8Array {
  const reply = new Uint8Array(replyHeaderBytes);
  writeReplyHeader(reply, unique, errno);
  return reply;
}

function writeReplyHeader(reply: Uint8Array, unique: bigint, errno: number): void {
  const view = new DataView(reply.buffer, reply.byteOffset);
  view.setUint32(0, reply.length, true);
  view.setInt32(4, -errno, true);
  view.setBigUint64(8, unique, true);
}

/** The answer to INIT; null when the kernel speaks another protocol. */
export function initReply(body: DataView): Uint8Array | null {
  if (body.byteLength < 16 || body.getUint32(0, true) !== protocolMajor) return null;
  const wanted = Object.values(initFlags).reduce((all, flag) => all | flag, 0);
  const reply = new Uint8Array(64);
  const view = new DataView(reply.buffer);
  view.setUint32(0, protocolMajor, true);
  view.setUint32(4, Math.min(protocolMinor, body.getUint32(4, true)), true);
  view.setUint32(8, Math.max(body.getUint32(8, true), pagesMax * pageBytes), true);
  view.setUint32(12, body.getUint32(12, true) & wanted, true);
  // Requests that may wait in the background, and when the kernel begins to hold back.
  view.setUint16(16, 16, true);
  view.setUint16(18, 12, true);
  view.setUint32(20, writeBytesMax, true);
  view.setUint32(24, 1, true);
  view.setUint16(28, pagesMax, true);
  return reply;
}

const typeBits: Readonly<Record<NodeType, number>> = {
  [nodeTypes.file]: 0o100000,
  [nodeTypes.directory]: 0o040000,
  [nodeTypes.link]: 0o120000,
  [nodeTypes.fifo]: 0o010000,
  [nodeTypes.socket]: 0o140000,
  [nodeTypes.character]: 0o020000,
  [nodeTypes.block]: 0o060000,
};

export function writeAttr(view: DataView, at: number, stat: NodeStat): void {
  view.setBigUint64(at, stat.inode, true);
  view.setBigUint64(at + 8, BigInt(stat.sizeBytes), true);
  view.setBigUint64(at + 16, BigInt(stat.blocks), true);
  for (const offset of [24, 32, 40]) view.setBigInt64(at + offset, BigInt(stat.mtimeSeconds), true);
  for (const offset of [48, 52, 56]) view.setUint32(at + offset, stat.mtimeNanos, true);
  view.setUint32(at + 60, typeBits[stat.type] | stat.mode, true);
  view.setUint32(at + 64, stat.linkCount, true);
  view.setUint32(at + 68, stat.uid, true);
  view.setUint32(at + 72, stat.gid, true);
  view.setUint32(at + 76, deviceNumber(stat), true);
  view.setUint32(at + 80, pageBytes, true);
}

/** The kernel's 32 bits: 12 of the major number, 20 of the minor around them. */
function deviceNumber({ deviceMajor, deviceMinor }: NodeStat): number {
  return ((deviceMinor & 0xff) | ((deviceMajor & 0xfff) << 8) | ((deviceMinor & ~0xff) << 12)) >>> 0;
}

export function attrReply(stat: NodeStat): Uint8Array {
  const reply = new Uint8Array(16 + attrBytes);
  const view = new DataView(reply.buffer);
  view.setBigUint64(0, validSeconds, true);
  writeAttr(view, 16, stat);
  return reply;
}

export function entryReply(node: number, stat: NodeStat): Uint8Array {
  const reply = new Uint8Array(entryBytes);
  writeEntry(new DataView(reply.buffer), 0, { node, stat });
  return reply;
}

/** That there is nothing of the name, to be remembered as well. */
export function noEntryReply(): Uint8Array {
  const reply = new Uint8Array(entryBytes);
  new DataView(reply.buffer).setBigUint64(16, validSeconds, true);
  return reply;
}

export function writeEntry(view: DataView, at: number, { node, stat }: { readonly node: number; readonly stat: NodeStat }): void {
  view.setBigUint64(at, BigInt(node), true);
  view.setBigUint64(at + 16, validSeconds, true);
  view.setBigUint64(at + 24, validSeconds, true);
  writeAttr(view, at + 40, stat);
}

/** Of READDIR, without the entry that READDIRPLUS puts in front: inode, next offset, length of the name, type, name, to a multiple of 8. */
export function direntBytes(name: Uint8Array): number {
  return (24 + name.length + 7) & ~7;
}

export interface Dirent {
  readonly inode: bigint;
  readonly nextOffset: number;
  readonly type: NodeType;
  readonly name: Uint8Array;
}

export function writeDirent(into: Uint8Array, at: number, { inode, nextOffset, type, name }: Dirent): void {
  const view = new DataView(into.buffer, into.byteOffset);
  view.setBigUint64(at, inode, true);
  view.setBigUint64(at + 8, BigInt(nextOffset), true);
  view.setUint32(at + 16, name.length, true);
  view.setUint32(at + 20, typeBits[type] >>> 12, true);
  into.set(name, at + 24);
}

export function statfsReply(files: number): Uint8Array {
  const reply = new Uint8Array(80);
  const view = new DataView(reply.buffer);
  view.setBigUint64(24, BigInt(files), true);
  view.setUint32(40, pageBytes, true);
  view.setUint32(44, 255, true);
  view.setUint32(48, pageBytes, true);
  return reply;
}
