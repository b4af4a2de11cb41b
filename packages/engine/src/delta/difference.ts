/*
 * The difference between two versions of a large file's content: runs of the old list of extents are named by their pages,
 * what is new is carried, hashes and all (docs/format/delta.md, "State packs"). About 30 bytes for a page that changed.
 *
 *   varint number of ids | ids | varint number of steps | steps | hashes of new pages (20 each), in order
 *   step: varint 0 | varint length                      a hole
 *         varint 1 | varint index in ids | varint offset in the chunk | varint length | varint bytes of the chunk
 *                  | varint bytes of the first page     a new extent
 *         varint n + 1 | svarint page                   n pages of the old version; the page is counted from the one after the last run
 *
 * Invariant: what `applyDifference` gives for the old version is the new one, extent by extent and hash by hash.
 */
import { ByteReader, ByteWriter, StdError, assert, toHex } from '@twinvault/std';
import { pageBytes, pagesOf, wordsPerPage } from '@twinvault/seal';
import type { PlacedExtent } from '../entries/entry-body.ts';
import { OldVersion } from './old-version.ts';
import type { OldExtent } from './old-version.ts';
import { signedPagesMax } from './signature.ts';
import type { SignedVersion } from './signature.ts';

const idBytes = 32;
/** Extents of the old list that are looked at before the map of all is made. */
const neighboursMax = 8;

interface NewExtent {
  readonly id: Uint8Array;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly chunkBytes: number;
  readonly leadBytes: number;
}

export function encodeDifference(before: SignedVersion, after: SignedVersion): Uint8Array<ArrayBuffer> {
  return new Encoder(before, after).encode();
}

class Encoder {
  private readonly after: SignedVersion;
  private readonly old: OldVersion;
  private readonly ids = new Map<string, number>();
  private readonly idList: Uint8Array[] = [];
  private readonly steps = new ByteWriter();
  private readonly hashes = new ByteWriter();
  private stepCount = 0;
  private run = { page: 0, pages: 0 };
  /** The page after the last run. */
  private expected = 0;
  private near = 0;
  private byId: Map<string, number[]> | null = null;

  constructor(before: SignedVersion, after: SignedVersion) {
    this.old = new OldVersion(before);
    this.after = after;
  }

  encode(): Uint8Array<ArrayBuffer> {
    const { extents, pieces, words } = this.after;
    let [piece, page] = [0, 0];
    for (const { id, offsetBytes, lengthBytes } of extents) {
      if (id === null) {
        this.endRun();
        this.step(0).varint(lengthBytes);
        continue;
      }
      const [chunkBytes = 0, leadBytes = pageBytes] = pieces.subarray(2 * piece, 2 * piece + 2);
      const pages = pagesOf(lengthBytes, leadBytes);
      const signedPages = Math.max(0, Math.min(pages, words.length / wordsPerPage - page));
      const extent = { id, offsetBytes, lengthBytes, chunkBytes, leadBytes };
      const from = this.oldPageOf(extent);
      if (from !== null && from + signedPages <= this.old.pageCount) this.take(from, pages);
      else this.carry(extent, words.subarray(page * wordsPerPage, (page + signedPages) * wordsPerPage));
      piece += 1;
      page += pages;
    }
    this.endRun();
    const out = new ByteWriter(this.steps.length + this.hashes.length + idBytes * this.idList.length + 16);
    out.varint(this.idList.length);
    for (const id of this.idList) out.bytes(id);
    return out.varint(this.stepCount).bytes(this.steps.finish()).bytes(this.hashes.finish()).finish();
  }

  private step(code: number): ByteWriter {
    this.stepCount += 1;
    return this.steps.varint(code);
  }

  private take(page: number, pages: number): void {
    const { run, old } = this;
    // Within one old extent a run goes on as one extent: where the new list has two, it ends.
    const goesOn = run.pages > 0 && run.page + run.pages === page && old.extent(old.extentOf(page)).firstPage === page;
    if (goesOn) {
      run.pages += pages;
      return;
    }
    this.endRun();
    this.run = { page, pages };
  }

  private endRun(): void {
    const { page, pages } = this.run;
    if (pages === 0) return;
    this.step(pages + 1).svarint(page - this.expected);
    this.expected = page + pages;
    this.run = { page: 0, pages: 0 };
  }

  private carry({ id, offsetBytes, lengthBytes, chunkBytes, leadBytes }: NewExtent, words: Uint32Array): void {
    this.endRun();
    const name = toHex(id);
    const index = this.ids.get(name) ?? this.idList.length;
    if (index === this.idList.length) this.idList.push(id);
    this.ids.set(name, index);
    this.step(1).varint(index).varint(offsetBytes).varint(lengthBytes).varint(chunkBytes).varint(leadBytes);
    this.hashes.bytes(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  }

  /** First page of the old version's that the extent is made of, whole pages all; null when it is not. */
  private oldPageOf(extent: NewExtent): number | null {
    const { extents } = this.old;
    for (let index = this.near; index < Math.min(this.near + neighboursMax, extents.length); index += 1) {
      const page = pageIn(this.old.extent(index), extent);
      if (page === null) continue;
      this.near = index;
      return page;
    }
    this.byId ??= indexOf(extents);
    for (const index of this.byId.get(toHex(extent.id)) ?? []) {
      const page = pageIn(this.old.extent(index), extent);
      if (page === null) continue;
      this.near = index;
      return page;
    }
    return null;
  }
}

function indexOf(extents: readonly OldExtent[]): Map<string, number[]> {
  const byId = new Map<string, number[]>();
  for (const [index, { id }] of extents.entries()) {
    const name = toHex(id);
    const list = byId.get(name);
    if (list === undefined) byId.set(name, [index]);
    else list.push(index);
  }
  return byId;
}

/** The old extent's page at which the new extent begins, if its pages are that extent's; else null. */
function pageIn(old: OldExtent, next: NewExtent): number | null {
  const from = next.offsetBytes - old.offsetBytes;
  const to = from + next.lengthBytes;
  if (from < 0 || to > old.lengthBytes || !sameId(old.id, next.id) || old.chunkBytes !== next.chunkBytes) return null;
  const isBorder = (at: number): boolean =>
    at === 0 || at === old.lengthBytes || (at >= old.leadBytes && (at - old.leadBytes) % pageBytes === 0);
  if (!isBorder(from) || !isBorder(to)) return null;
  if (next.leadBytes !== (from === 0 ? old.leadBytes : pageBytes)) return null;
  return old.firstPage + (from === 0 ? 0 : 1 + (from - old.leadBytes) / pageBytes);
}

function sameId(a: Uint8Array, b: Uint8Array): boolean {
  for (let index = 0; index < idBytes; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

/** The new version; null when the bytes are no difference to this old one. */
export function applyDifference(before: SignedVersion, bytes: Uint8Array): SignedVersion | null {
  try {
    return new Decoder(before, bytes).decode();
  } catch (error) {
    if (error instanceof StdError || error instanceof RangeError) return null;
    throw error;
  }
}

class Decoder {
  private readonly old: OldVersion;
  private readonly reader: ByteReader;
  private readonly extents: PlacedExtent[] = [];
  private readonly pieces: number[] = [];
  /** For each stored extent: its first page in the old version, or -1 for a new one. */
  private readonly sources: number[] = [];
  private expected = 0;

  constructor(before: SignedVersion, bytes: Uint8Array) {
    this.old = new OldVersion(before);
    this.reader = new ByteReader(bytes);
  }

  decode(): SignedVersion | null {
    const { reader } = this;
    const idCount = reader.varint();
    if (idCount * idBytes > reader.remaining) return null;
    const ids = Array.from({ length: idCount }, () => reader.bytes(idBytes));
    const stepCount = reader.varint();
    if (stepCount > reader.remaining) return null;
    for (let step = 0; step < stepCount; step += 1) {
      const code = reader.varint();
      const lengthBytes = code === 0 ? reader.varint() : 0;
      if (code === 0 && lengthBytes > 0) this.extents.push({ id: null, offsetBytes: 0, lengthBytes });
      else if (code === 1 ? !this.carried(ids) : code === 0 || !this.taken(code - 1)) return null;
    }
    const words = this.words();
    if (words === null || reader.remaining > 0) return null;
    return { extents: this.extents, pieces: Uint32Array.from(this.pieces), words };
  }

  private carried(ids: readonly Uint8Array[]): boolean {
    const { reader } = this;
    const id = ids[reader.varint()];
    const [offsetBytes, lengthBytes] = [reader.varint(), reader.varint()];
    const [chunkBytes, leadBytes] = [reader.varint(), reader.varint()];
    if (id === undefined || lengthBytes === 0 || offsetBytes + lengthBytes > chunkBytes || chunkBytes >= 2 ** 32) return false;
    if (leadBytes === 0 || leadBytes > pageBytes) return false;
    this.put({ id, offsetBytes, lengthBytes }, { chunkBytes, leadBytes, source: -1 });
    return true;
  }

  private taken(pages: number): boolean {
    const { old } = this;
    const last = old.extents.at(-1);
    const pagesOfOld = last === undefined ? 0 : last.firstPage + pagesOf(last.lengthBytes, last.leadBytes);
    const start = this.expected + this.reader.svarint();
    const end = start + pages;
    if (start < 0 || end > pagesOfOld) return false;
    for (let index = old.extentOf(start), page = start; page < end; index += 1) {
      const { id, firstPage, lengthBytes, leadBytes, offsetBytes, chunkBytes } = old.extent(index);
      const next = Math.min(end, firstPage + pagesOf(lengthBytes, leadBytes));
      const at = (number: number): number =>
        number === firstPage ? 0 : Math.min(lengthBytes, leadBytes + (number - firstPage - 1) * pageBytes);
      const extent = { id, offsetBytes: offsetBytes + at(page), lengthBytes: at(next) - at(page) };
      this.put(extent, { chunkBytes, leadBytes: page === firstPage ? leadBytes : pageBytes, source: page });
      page = next;
    }
    this.expected = end;
    return true;
  }

  private put(extent: PlacedExtent, rest: { chunkBytes: number; leadBytes: number; source: number }): void {
    this.extents.push(extent);
    this.pieces.push(rest.chunkBytes, rest.leadBytes);
    this.sources.push(rest.source);
  }

  private words(): Uint32Array | null {
    const { old, reader, pieces } = this;
    const stored = this.extents.filter(({ id }) => id !== null);
    const counts = stored.map(({ lengthBytes }, index) => pagesOf(lengthBytes, pieces[2 * index + 1]));
    const total = counts.reduce((sum, count) => sum + count, 0);
    const words = new Uint32Array(Math.min(total, signedPagesMax) * wordsPerPage);
    const bytes = new Uint8Array(words.buffer);
    let at = 0;
    for (const [index, count] of counts.entries()) {
      const length = Math.min(count * wordsPerPage, words.length - at);
      const source = this.sources[index] ?? -1;
      if (source < 0) bytes.set(reader.bytes(4 * length), 4 * at);
      else if ((source + length / wordsPerPage) * wordsPerPage > old.words.length) return null;
      else words.set(old.words.subarray(source * wordsPerPage, source * wordsPerPage + length), at);
      at += length;
    }
    assert(at === words.length, 'every signed page has its hashes');
    return words;
  }
}
