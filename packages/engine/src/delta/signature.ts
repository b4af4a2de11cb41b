/*
 * Page signatures as bytes (docs/format/delta.md, "Page signature"): what the agent keeps of a file's newest version, to send
 * only what changed. A signature belongs to one list of extents and is checked against it: chunks are named by their
 * content, so what it says of that list is true for ever, and of any other list it says nothing.
 *
 *   offset  0  magic "TVSG" | u8 version 2 | u8 s: a segment has 2^s pages | zero (2)
 *           8  u32 multiplier | SipHash key (16)
 *          28  u32 number of pages | u32 number of stored extents
 *          36  first 16 bytes of SHA-256(list of extents | bytes 0…35 | bytes from 52 on)
 *          52  for each stored extent: u32 bytes of the whole chunk | u32 bytes of its first page; then 16 bytes for each
 *              segment but the last, its name; then 20 bytes for each page of the last
 *
 * Little-endian. Only a cache: whatever is doubtful about one makes it null, which costs sending chunks again.
 */
import { assert, equalBytes, primitives } from '@twinvault/std';
import { pageKeyBytes, pagesOf, wordsPerPage } from '@twinvault/seal';
import { ExtentList, bodyExtentBytes } from '../entries/entry-body.ts';

const headBytes = 52;
const checkOffset = 36;
const checkBytes = 16;
/** Of a segment's name. */
export const segmentNameBytes = 16;
const wordsPerPiece = 2;
const version = 2;
const magic = [0x54, 0x56, 0x53, 0x47] as const;

/** Pages of one file that are signed: 16 TiB of data. What lies behind is cut by content instead. */
export const signedPagesMax: number = 2 ** 32 - 1;
/** A segment has two to the power of this many pages: 1 GiB of data, 5.2 MB. Tests make smaller ones. */
export const segmentBitsMax = 18;

export interface Signature {
  /** Bytes of the list of extents as it stands in a body. */
  readonly list: Uint8Array;
  /** For each extent that is no hole, the bytes of its whole chunk and those of its first page. */
  readonly pieces: Uint32Array;
  readonly segmentBits: number;
  /** Names of all segments but the last. */
  readonly names: readonly Uint8Array[];
  /** The last segment: `wordsPerPage` words a page. */
  readonly lastWords: Uint32Array;
}

/** What a signature is kept under. */
export function extentListDigest(list: Uint8Array): Uint8Array {
  return primitives.sha256(list);
}

/** What a segment with these hashes is kept under. */
export function segmentName(words: Uint32Array): Uint8Array {
  return primitives.sha256(asBytes(words)).slice(0, segmentNameBytes);
}

/** The hashes of a segment that has this name; null for other bytes. A view where they are aligned. */
export function segmentWords(name: Uint8Array, bytes: Uint8Array): Uint32Array | null {
  if (bytes.length === 0 || bytes.length % (4 * wordsPerPage) !== 0) return null;
  return equalBytes(primitives.sha256(bytes).subarray(0, segmentNameBytes), name) ? asWords(bytes) : null;
}

/** Pages that are signed. */
export function signedPages({ names, segmentBits, lastWords }: Omit<Signature, 'list' | 'pieces'>): number {
  return names.length * 2 ** segmentBits + lastWords.length / wordsPerPage;
}

export function encodeSignature(signature: Signature, key: Uint8Array): Uint8Array<ArrayBuffer> {
  const { list, pieces, names, lastWords, segmentBits } = signature;
  assert(segmentBits <= segmentBitsMax, 'a segment has a bounded size');
  const namesAt = headBytes + pieces.byteLength;
  const lastAt = namesAt + segmentNameBytes * names.length;
  const bytes = new Uint8Array(lastAt + lastWords.byteLength);
  const view = new DataView(bytes.buffer);
  bytes.set(magic);
  view.setUint8(4, version);
  view.setUint8(5, segmentBits);
  bytes.set(key, 8);
  view.setUint32(28, signedPages(signature), true);
  view.setUint32(32, pieces.length / wordsPerPiece, true);
  bytes.set(asBytes(pieces), headBytes);
  for (const [index, name] of names.entries()) bytes.set(name, namesAt + segmentNameBytes * index);
  bytes.set(asBytes(lastWords), lastAt);
  bytes.set(checkOf(list, bytes), checkOffset);
  return bytes;
}

/** Null when it is damaged, of another version or key, or belongs to another list of extents. What it gives are views of `bytes` where these are aligned. */
export function decodeSignature(bytes: Uint8Array, list: Uint8Array, key: Uint8Array): Signature | null {
  if (bytes.length < headBytes || key.length !== pageKeyBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes);
  const segmentBits = view.getUint8(5);
  if (!magic.every((byte, index) => bytes[index] === byte) || view.getUint8(4) !== version) return null;
  if (segmentBits > segmentBitsMax || view.getUint16(6) !== 0) return null;
  if (!equalBytes(bytes.subarray(8, 8 + pageKeyBytes), key)) return null;
  const [pages, stored] = [view.getUint32(28, true), view.getUint32(32, true)];
  const segments = namedSegments(pages, segmentBits);
  const namesAt = headBytes + 4 * wordsPerPiece * stored;
  const lastAt = namesAt + segmentNameBytes * segments;
  if (bytes.length !== lastAt + 4 * wordsPerPage * (pages - segments * 2 ** segmentBits)) return null;
  if (list.length % bodyExtentBytes !== 0) return null;
  if (!equalBytes(bytes.subarray(checkOffset, headBytes), checkOf(list, bytes))) return null;
  const words = asWords(bytes.subarray(headBytes));
  const pieces = words.subarray(0, wordsPerPiece * stored);
  if (!fits(list, pieces, pages)) return null;
  const names = namesIn(bytes, { pages, stored, segmentBits });
  return { list, pieces, segmentBits, names, lastWords: words.subarray((lastAt - headBytes) / 4) };
}

/** Names of the segments that a signature has beside itself, without a look at whether it is sound. */
export function segmentNamesIn(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length < headBytes || bytes[4] !== version) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes);
  return namesIn(bytes, { pages: view.getUint32(28, true), stored: view.getUint32(32, true), segmentBits: view.getUint8(5) });
}

interface Counts {
  readonly pages: number;
  readonly stored: number;
  readonly segmentBits: number;
}

function namesIn(bytes: Uint8Array, { pages, stored, segmentBits }: Counts): Uint8Array[] {
  const namesAt = headBytes + 4 * wordsPerPiece * stored;
  const count = Math.min(namedSegments(pages, segmentBits), Math.max(0, bytes.length - namesAt) / segmentNameBytes);
  return Array.from({ length: Math.floor(count) }, (_, index) => {
    const at = namesAt + segmentNameBytes * index;
    return bytes.subarray(at, at + segmentNameBytes);
  });
}

/** All but the last, which has at least one page. */
function namedSegments(pages: number, segmentBits: number): number {
  return Math.max(0, Math.ceil(pages / 2 ** segmentBits) - 1);
}

function checkOf(list: Uint8Array, bytes: Uint8Array): Uint8Array {
  const hash = primitives.sha256Stream();
  hash.update(list);
  hash.update(bytes.subarray(0, checkOffset));
  hash.update(bytes.subarray(headBytes));
  return hash.digest().subarray(0, checkBytes);
}

function fits(list: Uint8Array, pieces: Uint32Array, signed: number): boolean {
  let [pages, piece] = [0, 0];
  const extents = new ExtentList(list);
  for (let index = 0; index < extents.count; index += 1) {
    if (extents.isHole(index)) continue;
    pages += pagesOf(extents.lengthBytes(index), pieces[piece * wordsPerPiece + 1]);
    piece += 1;
  }
  return piece * wordsPerPiece === pieces.length && Math.min(pages, signedPagesMax) === signed;
}

/** Signatures are large: they are copied only where they begin at no multiple of four. */
function asWords(bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(buffer, byteOffset, bytes.length / 4);
}

function asBytes(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
