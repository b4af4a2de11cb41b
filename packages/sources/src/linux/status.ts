/*
 * struct statx (linux/stat.h), the same on every processor, as the EntryStat of the source port.
 *
 * | offset | field | | offset | field |
 * |---|---|---|---|---|
 * | 16 | u32 links | | 48 | u64 blocks of 512 |
 * | 20 | u32 uid | | 96 | s64, u32 ctime |
 * | 24 | u32 gid | | 112 | s64, u32 mtime |
 * | 28 | u16 type and mode | | 128 | u32, u32 major, minor of a device node |
 * | 32 | u64 inode | | 136 | u32, u32 major, minor of the device it lies on |
 * | 40 | u64 size | | | |
 */
import type { EntryStat, EntryType, entryTypes as EngineEntryTypes } from '@twinvault/engine';
import { fileTypeBits, statusBytes } from './constants.ts';

/** The numbers of the source port, which is imported for its types alone. */
export const entryTypes: typeof EngineEntryTypes = { file: 1, directory: 2, link: 3, fifo: 4, socket: 5, character: 6, block: 7 };

/** Where statx writes; views of the same bytes, so that decoding makes no garbage but its result. */
export interface StatusBuffer {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly signed: Int32Array;
}

export function newStatusBuffer(): StatusBuffer {
  const buffer = new ArrayBuffer(statusBytes);
  return { bytes: new Uint8Array(buffer), words: new Uint32Array(buffer), signed: new Int32Array(buffer) };
}

const high = 2 ** 32;

/** Entry types by the upper four bits of the mode; 0: no type of ours. */
const typesByBits: readonly number[] = Array.from({ length: 16 }, (_, bits) => {
  const types = new Map<number, EntryType>([
    [fileTypeBits.file, entryTypes.file],
    [fileTypeBits.directory, entryTypes.directory],
    [fileTypeBits.link, entryTypes.link],
    [fileTypeBits.fifo, entryTypes.fifo],
    [fileTypeBits.socket, entryTypes.socket],
    [fileTypeBits.character, entryTypes.character],
    [fileTypeBits.block, entryTypes.block],
  ]);
  return types.get(bits << 12) ?? 0;
});

/** The entry's type, or 0 for one that the format does not know. */
export function typeOf({ words }: StatusBuffer): EntryType | 0 {
  return (typesByBits[((words[7] as number) >>> 12) & 0xf] ?? 0) as EntryType | 0;
}

/** Device number of the file system as one number: major * 2^20 + minor, the kernel's own form. */
export function deviceOf({ words }: StatusBuffer): number {
  return (words[34] as number) * 2 ** 20 + (words[35] as number);
}

/** Number while below 2^53, else decimal text. */
export function inodeOf({ words }: StatusBuffer): number | string {
  const upper = words[9] as number;
  const lower = words[8] as number;
  if (upper < 2 ** 21) return upper * high + lower;
  return String((BigInt(upper) << 32n) | BigInt(lower));
}

/** What the last statx into this buffer said. The type must be known: see `typeOf`. */
export function decodeStatus(status: StatusBuffer): EntryStat {
  const { words, signed } = status;
  return {
    type: typeOf(status) as EntryType,
    mode: (words[7] as number) & 0o7777,
    uid: words[5] as number,
    gid: words[6] as number,
    sizeBytes: (words[11] as number) * high + (words[10] as number),
    blocks: (words[13] as number) * high + (words[12] as number),
    mtimeSeconds: (signed[29] as number) * high + (words[28] as number),
    mtimeNanos: words[30] as number,
    ctimeSeconds: (signed[25] as number) * high + (words[24] as number),
    ctimeNanos: words[26] as number,
    device: deviceOf(status),
    inode: inodeOf(status),
    linkCount: words[4] as number,
    deviceMajor: words[32] as number,
    deviceMinor: words[33] as number,
  };
}

/** Whether the last statx into this buffer said the same; device numbers of nodes and blocks are not compared. */
export function isSameStatus(status: StatusBuffer, stat: EntryStat): boolean {
  const { words, signed } = status;
  return (
    words[30] === stat.mtimeNanos &&
    words[26] === stat.ctimeNanos &&
    words[28] === stat.mtimeSeconds - (signed[29] as number) * high &&
    words[24] === stat.ctimeSeconds - (signed[25] as number) * high &&
    words[10] === stat.sizeBytes - (words[11] as number) * high &&
    ((words[7] as number) & 0o7777) === stat.mode &&
    typeOf(status) === stat.type &&
    words[5] === stat.uid &&
    words[6] === stat.gid &&
    words[4] === stat.linkCount &&
    inodeOf(status) === stat.inode &&
    deviceOf(status) === stat.device
  );
}
