/*
 * A list of entries in key order as one run of bytes: what goes to a worker, and a block of the catalog cache.
 *
 *   item: u32 length of the body | u16 length of the name | u8 1 if a directory follows | [u32 length | directory] | name | body
 *
 * The first item of a list names its directory; the items after it hold until another is named.
 */
import { assert, compareBytes, equalBytes } from '@twinvault/std';
import type { ScannedEntry } from '../source-port.ts';
import { writeHead } from './entry-body.ts';
import { nameHash } from './entry-keys.ts';
import { PackedWriter } from './packed-writer.ts';

const itemHeadBytes = 7;

export class ItemWriter {
  readonly writer: PackedWriter;
  count = 0;
  private directory: Uint8Array | null = null;
  private bodyStart = 0;
  private itemStart = 0;

  constructor(writer: PackedWriter) {
    this.writer = writer;
  }

  /** Starts an item; the caller writes the body to `writer` and calls `end`. */
  begin(directory: Uint8Array, name: Uint8Array): void {
    const { writer } = this;
    const same = this.directory !== null && (this.directory === directory || equalBytes(this.directory, directory));
    this.itemStart = writer.reserve(itemHeadBytes);
    writer.view.setUint16(this.itemStart + 4, name.length, true);
    writer.view.setUint8(this.itemStart + 6, same ? 0 : 1);
    if (!same) {
      this.directory = directory;
      writer.u32(directory.length);
      writer.bytes(directory);
    }
    writer.bytes(name);
    this.bodyStart = writer.length;
  }

  end(): void {
    this.writer.setU32(this.itemStart, this.writer.length - this.bodyStart);
    this.count += 1;
  }

  /** The list so far as a copy; the next item begins a new list. */
  flush(): Uint8Array<ArrayBuffer> {
    this.directory = null;
    this.count = 0;
    return this.writer.flush();
  }
}

/** A list of one entry, its body a head alone, in a buffer of its own. */
export function packedEntry({ directory, name, stat }: ScannedEntry): Uint8Array<ArrayBuffer> {
  const items = new ItemWriter(new PackedWriter());
  items.begin(directory, name);
  writeHead(items.writer, stat);
  items.end();
  return items.flush();
}

/** Walks a list; makes an array for a directory when it changes, and none for an entry unless asked. */
export class ItemCursor {
  readonly bytes: Uint8Array;
  directory: Uint8Array = new Uint8Array(0);
  /** Where the item begins, and its parts. */
  itemStart = 0;
  nameStart = 0;
  bodyStart = 0;
  bodyEnd = 0;
  readonly view: DataView;
  private offset = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Moves to the next item; false at the end. */
  next(): boolean {
    const { view, bytes } = this;
    let at = this.offset;
    if (at >= bytes.length) return false;
    this.itemStart = at;
    const bodyLength = view.getUint32(at, true);
    const nameLength = view.getUint16(at + 4, true);
    const named = view.getUint8(at + 6) === 1;
    at += itemHeadBytes;
    if (named) {
      const length = view.getUint32(at, true);
      this.directory = bytes.slice(at + 4, at + 4 + length);
      at += 4 + length;
    }
    this.nameStart = at;
    this.bodyStart = at + nameLength;
    this.bodyEnd = this.bodyStart + bodyLength;
    this.offset = this.bodyEnd;
    assert(this.bodyEnd <= bytes.length, 'a packed list ends with an item');
    return true;
  }

  /** To the item that begins there, which lies in this directory. */
  moveTo(itemStart: number, directory: Uint8Array): void {
    this.directory = directory;
    this.offset = itemStart;
    assert(this.next(), 'an item begins there');
  }

  get name(): Uint8Array {
    return this.bytes.slice(this.nameStart, this.bodyStart);
  }

  get nameHash(): number {
    return nameHash(this.bytes, this.nameStart, this.bodyStart);
  }

  get body(): Uint8Array {
    return this.bytes.subarray(this.bodyStart, this.bodyEnd);
  }

  /** Order of this item's name and that of the other cursor's item. */
  compareItemName(other: ItemCursor): number {
    const length = this.bodyStart - this.nameStart;
    const otherLength = other.bodyStart - other.nameStart;
    const shorter = Math.min(length, otherLength);
    for (let index = 0; index < shorter; index += 1) {
      const difference = (this.bytes[this.nameStart + index] ?? 0) - (other.bytes[other.nameStart + index] ?? 0);
      if (difference !== 0) return difference;
    }
    return length - otherLength;
  }

  /** Order of this item's name and another. */
  compareName(name: Uint8Array): number {
    return compareBytes(this.bytes.subarray(this.nameStart, this.bodyStart), name);
  }
}
