/*
 * A growing buffer for the engine's own compact messages and cache blocks: little-endian, no range checks beyond what the
 * types say, since it stands on the way of every entry. Nothing of it is part of the format.
 */
import { utf8Encode } from '@twinvault/std';

const bytesMin = 4096;

export class PackedWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  #length = 0;

  constructor(capacityBytes: number = bytesMin) {
    this.#bytes = new Uint8Array(Math.max(capacityBytes, bytesMin));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** Room for `count` bytes at the end, whose content is undefined; the offset at which it begins. */
  reserve(count: number): number {
    const at = this.#length;
    const wanted = at + count;
    if (wanted > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = wanted;
    return at;
  }

  /** Valid until the next call that grows the buffer. */
  get view(): DataView<ArrayBuffer> {
    return this.#view;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    const at = this.reserve(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.reserve(4);
    this.#view.setUint32(at, value, true);
  }

  bytes(value: Uint8Array): void {
    const at = this.reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** u8 length | UTF-8, cut at 255 bytes. Most texts here are short and ASCII: "root" is written 100,000 times, without an array for each. */
  shortText(text: string): void {
    const at = this.reserve(1 + text.length);
    const into = this.#bytes;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code >= 0x80 || index === 255) {
        this.#length = at;
        this.shortBytes(utf8Encode(text));
        return;
      }
      into[at + 1 + index] = code;
    }
    into[at] = text.length;
  }

  /** u8 length | bytes, cut at 255. */
  shortBytes(value: Uint8Array): void {
    this.u8(Math.min(value.length, 255));
    this.bytes(value.length > 255 ? value.subarray(0, 255) : value);
  }

  setBytes(at: number, value: Uint8Array): void {
    this.#bytes.set(value, at);
  }

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** What was written, not copied. The writer must not be used afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written; the writer starts again with an empty buffer of the same capacity. */
  flush(): Uint8Array<ArrayBuffer> {
    const copy = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return copy;
  }
}
