/*
 * Page signatures as bytes (docs/format/delta.md, "Page signature"): what the agent keeps of a file's newest version, to send
 * only what changed. A signature belongs to one list of extents and is checked against it: chunks are named by their
 * content, so what it says of that list is true for ever, and of any other list it says nothing.
 *
 *   offset  0  magic "TVSG" | u8 version 1 | zero (3)
 *           8  u32 multiplier | SipHash key (16)
 *          28  u32 number of pages | u32 number of stored extents
 *          36  first 16 bytes of SHA-256(list of extents | bytes 0…35 | bytes from 52 on)
 *          52  for each stored extent: u32 bytes of the whole chunk | u32 bytes of its first page; then 20 bytes a page
 *
 * Little-endian. Only a cache: whatever is doubtful about one makes it null, which costs sending chunks again.
 */
import { equalBytes, primitives } from '@twinvault/std';
import { pageKeyBytes, pagesOf, wordsPerPage } from '@twinvault/seal';
import { bodyExtentBytes, readExtentBytes } from '../entries/entry-body.ts';
import type { PlacedExtent } from '../entries/entry-body.ts';

const headBytes = 52;
const checkOffset = 36;
const checkBytes = 16;
const wordsPerPiece = 2;
const version = 1;
const magic = [0x54, 0x56, 0x53, 0x47] as const;

/** Pages of one file that are signed: 16 GiB of data, 80 MiB of signature. What lies behind is cut by content instead. */
export const signedPagesMax: number = 2 ** 22;

/** A version of a file's content: where its data lies, and the hashes of its pages, in the order of its stored extents. */
export interface SignedVersion {
  /** In file order, holes included. */
  readonly extents: readonly PlacedExtent[];
  /** For each extent that is no hole, the bytes of its whole chunk and those of its first page. */
  readonly pieces: Uint32Array;
  /** `wordsPerPage` words a page, for the first `signedPagesMax` pages. */
  readonly words: Uint32Array;
}

/** What a signature is kept under. */
export function extentListDigest(list: Uint8Array): Uint8Array {
  return primitives.sha256(list);
}

export interface SignatureParts {
  /** Bytes of the list of extents as it stands in a body. */
  readonly list: Uint8Array;
  readonly key: Uint8Array;
  readonly pieces: Uint32Array;
  /** One after another. */
  readonly words: readonly Uint32Array[];
}

export function encodeSignature({ list, key, pieces, words }: SignatureParts): Uint8Array<ArrayBuffer> {
  const wordCount = words.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(headBytes + pieces.byteLength + 4 * wordCount);
  const view = new DataView(bytes.buffer);
  bytes.set(magic);
  view.setUint8(4, version);
  bytes.set(key, 8);
  view.setUint32(28, wordCount / wordsPerPage, true);
  view.setUint32(32, pieces.length / wordsPerPiece, true);
  bytes.set(asBytes(pieces), headBytes);
  let at = headBytes + pieces.byteLength;
  for (const part of words) {
    bytes.set(asBytes(part), at);
    at += part.byteLength;
  }
  bytes.set(checkOf(list, bytes), checkOffset);
  return bytes;
}

/** Null when it is damaged, of another version or key, or belongs to another list of extents. What it gives are views of `bytes` where these are aligned. */
export function decodeSignature(bytes: Uint8Array, list: Uint8Array, key: Uint8Array): SignedVersion | null {
  if (bytes.length < headBytes || key.length !== pageKeyBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes);
  if (!magic.every((byte, index) => bytes[index] === byte) || view.getUint32(4, true) !== version) return null;
  if (!equalBytes(bytes.subarray(8, 8 + pageKeyBytes), key)) return null;
  const [pages, stored] = [view.getUint32(28, true), view.getUint32(32, true)];
  const wordsAt = headBytes + 4 * wordsPerPiece * stored;
  if (bytes.length !== wordsAt + 4 * wordsPerPage * pages || list.length % bodyExtentBytes !== 0) return null;
  if (!equalBytes(bytes.subarray(checkOffset, headBytes), checkOf(list, bytes))) return null;
  const extents = readExtentBytes(list);
  const words = asWords(bytes.subarray(headBytes));
  const pieces = words.subarray(0, wordsPerPiece * stored);
  if (extents.filter(({ id }) => id !== null).length !== stored || signedPages(extents, pieces) !== pages) return null;
  return { extents, pieces, words: words.subarray(pieces.length) };
}

function checkOf(list: Uint8Array, bytes: Uint8Array): Uint8Array {
  const hash = primitives.sha256Stream();
  hash.update(list);
  hash.update(bytes.subarray(0, checkOffset));
  hash.update(bytes.subarray(headBytes));
  return hash.digest().subarray(0, checkBytes);
}

function signedPages(extents: readonly PlacedExtent[], pieces: Uint32Array): number {
  let [pages, piece] = [0, 0];
  for (const { id, lengthBytes } of extents) {
    if (id === null) continue;
    pages += pagesOf(lengthBytes, pieces[piece * wordsPerPiece + 1]);
    piece += 1;
  }
  return Math.min(pages, signedPagesMax);
}

/** Signatures are large: they are copied only where they begin at no multiple of four. */
function asWords(bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(buffer, byteOffset, bytes.length / 4);
}

function asBytes(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
