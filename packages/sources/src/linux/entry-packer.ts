/*
 * Entries as the scan hands them over (ScannedEntries of the source port), straight from what statx(2) wrote: no object is made for one.
 *
 *   item: u32 length of the body (92) | u16 length of the name | u8 1 if a directory follows | [u32 length | directory] | name | body
 *   body: u8 type | u8 0 | u16 mode | u32 uid, gid, mtime nanoseconds | f64 mtime, ctime seconds | u32 ctime nanoseconds, links |
 *         f64 size, device | u64 inode | u32 device node major, minor | f64 blocks | u32 0, 0, 0
 *
 * Little-endian. The same as entries/packed-items.ts and entry-body.ts of the engine, whose types alone this package imports: a test holds them equal.
 */
import type { ScannedEntries } from '@twinvault/engine';
import { deviceOf, entryTypes, typeOf } from './status.ts';
import type { StatusBuffer } from './status.ts';
import type { NamePart } from './name-part.ts';

const itemHeadBytes = 7;
const bodyBytes = 92;
const high = 2 ** 32;
const capacityBytes = 192 * 1024;

export class EntryPacker {
  #bytes: Uint8Array = new Uint8Array(capacityBytes);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = 0;
  #directory: Uint8Array | null = null;
  #count = 0;
  #fileBytes = 0;

  get count(): number {
    return this.#count;
  }

  /** `directory`: the same array for all entries of one. `status`: its type must be known. */
  add(directory: Uint8Array, { bytes, start, end }: NamePart, status: StatusBuffer): void {
    const isNamed = directory !== this.#directory;
    const nameLength = end - start;
    this.#reserve(itemHeadBytes + 4 + directory.length + nameLength + bodyBytes);
    const into = this.#bytes;
    const view = this.#view;
    let at = this.#length;
    view.setUint32(at, bodyBytes, true);
    view.setUint16(at + 4, nameLength, true);
    view.setUint8(at + 6, isNamed ? 1 : 0);
    at += itemHeadBytes;
    if (isNamed) {
      this.#directory = directory;
      view.setUint32(at, directory.length, true);
      into.set(directory, at + 4);
      at += 4 + directory.length;
    }
    for (let index = start; index < end; index += 1, at += 1) into[at] = bytes[index] as number;
    writeStatus(view, at, status);
    this.#length = at + bodyBytes;
    this.#count += 1;
    if (typeOf(status) === entryTypes.file) this.#fileBytes += view.getFloat64(at + 40, true);
  }

  /** What was added since the last call, in a buffer of its own. */
  flush(): ScannedEntries {
    const items = this.#bytes.slice(0, this.#length);
    const all = { type: 'entries', items, count: this.#count, fileBytes: this.#fileBytes } as const;
    this.#length = 0;
    this.#directory = null;
    this.#count = 0;
    this.#fileBytes = 0;
    return all;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Whether a body's head, as far as it tells that an entry changed, is what the last statx wrote: the engine's comparison of two bodies. */
export function isSameAsBody(status: StatusBuffer, body: DataView, at: number): boolean {
  const { words, signed } = status;
  const word = (index: number): number => words[index] as number;
  const type = typeOf(status);
  return (
    body.getUint32(at + 56, true) === word(8) &&
    body.getUint32(at + 32, true) === word(26) &&
    body.getUint32(at + 12, true) === word(30) &&
    body.getFloat64(at + 24, true) === (signed[25] as number) * high + word(24) &&
    body.getFloat64(at + 16, true) === (signed[29] as number) * high + word(28) &&
    body.getUint8(at) === type &&
    (type !== entryTypes.file || body.getFloat64(at + 40, true) === word(11) * high + word(10)) &&
    body.getUint16(at + 2, true) === (word(7) & 0o7777) &&
    body.getUint32(at + 4, true) === word(5) &&
    body.getUint32(at + 8, true) === word(6) &&
    body.getUint32(at + 60, true) === word(9) &&
    body.getFloat64(at + 48, true) === deviceOf(status)
  );
}

function writeStatus(view: DataView, at: number, status: StatusBuffer): void {
  const { words, signed } = status;
  const word = (index: number): number => words[index] as number;
  view.setUint8(at, typeOf(status));
  view.setUint8(at + 1, 0);
  view.setUint16(at + 2, word(7) & 0o7777, true);
  view.setUint32(at + 4, word(5), true);
  view.setUint32(at + 8, word(6), true);
  view.setUint32(at + 12, word(30), true);
  view.setFloat64(at + 16, (signed[29] as number) * high + word(28), true);
  view.setFloat64(at + 24, (signed[25] as number) * high + word(24), true);
  view.setUint32(at + 32, word(26), true);
  view.setUint32(at + 36, word(4), true);
  view.setFloat64(at + 40, word(11) * high + word(10), true);
  view.setFloat64(at + 48, deviceOf(status), true);
  view.setUint32(at + 56, word(8), true);
  view.setUint32(at + 60, word(9), true);
  view.setUint32(at + 64, word(32), true);
  view.setUint32(at + 68, word(33), true);
  view.setFloat64(at + 72, word(13) * high + word(12), true);
  for (let index = 80; index < bodyBytes; index += 4) view.setUint32(at + index, 0, true);
}
