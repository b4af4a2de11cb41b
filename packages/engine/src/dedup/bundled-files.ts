/*
 * Small files that this run has bundled, for copies of them that come later in it: a table in shared memory from the tag of a file's content to where the
 * content lies. It has one size, whatever the number of files: a newer file takes the slot of an older one, and a copy that is not found is stored again
 * (docs/adr/0054-copies-within-a-run-are-told-by-their-tags.md).
 *
 * Slot, 64 bytes, sixteen i32 words:
 *
 *   word 0      version: odd while a thread writes the slot
 *   word 1-4    the first 16 bytes of the tag
 *   word 5-12   chunk id of the bundle
 *   word 13-14  offset of the content in the bundle; bytes of the bundle
 *
 * Invariants: a bundle is here only when a thread has claimed or found its chunk in the table of chunks; what `find` gives was written by one thread in one
 * go. A tag cut to 16 bytes is still the output of a MAC under a key that nobody else has: contents that agree in them, and in the bits of the next four
 * that choose the slot, are out of reach.
 */
import { bundledBytesMax } from '@twinvault/seal';

/** A smaller file saves next to nothing: naming another bundle than its neighbour's takes 35 bytes of catalog. */
export const copiedBytesMin: number = bundledBytesMax / 32;

const wordsPerSlot = 16;
/** 2 MiB, of which only what is used is there. */
const slots = 1 << 15;
const tagWords = 4;
const idAt = 5;
const offsetAt = 13;
const bundleBytesAt = 14;

export interface BundledFile {
  /** Chunk id of the bundle. */
  readonly id: Uint8Array;
  readonly bundleBytes: number;
  readonly offsetBytes: number;
}

export class BundledFiles {
  readonly shared: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly found = new Int32Array(wordsPerSlot);

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(4 * wordsPerSlot * slots)) {
    this.shared = shared;
    this.words = new Int32Array(shared);
  }

  /** Null when none is known. `tag`: 32 bytes. */
  find(tag: Uint8Array): BundledFile | null {
    const { words, found } = this;
    const at = slotOf(tag);
    const version = Atomics.load(words, at);
    if (version === 0 || version % 2 !== 0) return null;
    for (let word = 0; word < tagWords; word += 1) if (Atomics.load(words, at + 1 + word) !== wordOf(tag, word)) return null;
    for (let word = idAt; word < wordsPerSlot; word += 1) found[word] = Atomics.load(words, at + word);
    if (Atomics.load(words, at) !== version) return null;
    const id = new Uint8Array(found.slice(idAt, offsetAt).buffer);
    return { id, offsetBytes: found[offsetAt] ?? 0, bundleBytes: found[bundleBytesAt] ?? 0 };
  }

  /** Instead of what stood in its slot. Nothing happens while another thread writes there. */
  add(tag: Uint8Array, { id, bundleBytes, offsetBytes }: BundledFile): void {
    const { words } = this;
    const at = slotOf(tag);
    const version = Atomics.load(words, at);
    if (version % 2 !== 0 || Atomics.compareExchange(words, at, version, version + 1) !== version) return;
    for (let word = 0; word < tagWords; word += 1) Atomics.store(words, at + 1 + word, wordOf(tag, word));
    for (let word = idAt; word < offsetAt; word += 1) Atomics.store(words, at + word, wordOf(id, word - idAt));
    Atomics.store(words, at + offsetAt, offsetBytes);
    Atomics.store(words, at + bundleBytesAt, bundleBytes);
    Atomics.store(words, at, (version + 2) | 0);
  }
}

/** Word offset; by bits of the tag that the slot does not hold. */
function slotOf(tag: Uint8Array): number {
  return (wordOf(tag, tagWords) & (slots - 1)) * wordsPerSlot;
}

function wordOf(bytes: Uint8Array, word: number): number {
  const at = 4 * word;
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}
