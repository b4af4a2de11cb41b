/*
 * What changed from one version of an entry to the next, in the words of people: the content, or which of the metadata.
 */

import type { CatalogReader } from './catalog-reader.ts';
import { entryTypes, equalEntries, equalExtents } from './entry.ts';
import type { CatalogEntry, Extent } from './entry.ts';
import type { ChunkId } from '@twinvault/format';
import { equalBytes } from '@twinvault/std';

/** `attributes`: xattrs, ACLs, named streams, Windows attributes. `links`: hard links. `marks`: torn, carried, unread. */
export type MetadataPart = 'mode' | 'owner' | 'time' | 'attributes' | 'links' | 'marks';

export interface EntryChange {
  /** `stored-anew`: the same size and time, in other pieces; whether the bytes differ only they can say: `sameContent`. */
  readonly content: 'same' | 'changed' | 'stored-anew';
  readonly metadata: readonly MetadataPart[];
}

/** For two entries of one path. */
export function entryChange(before: CatalogEntry, after: CatalogEntry): EntryChange {
  if (equalEntries(before, after)) return { content: 'same', metadata: [] };
  return { content: contentChange(before, after), metadata: metadataChange(before, after) };
}

function contentChange(a: CatalogEntry, b: CatalogEntry): EntryChange['content'] {
  if (a.type !== b.type) return 'changed';
  if (!sameOrNone(a.link, b.link)) return 'changed';
  if (a.device?.major !== b.device?.major || a.device?.minor !== b.device?.minor) return 'changed';
  if (a.type !== entryTypes.file) return 'same';
  if (a.sizeBytes === b.sizeBytes && equalExtents(a.extents, b.extents) && sameOrNone(a.rope, b.rope)) return 'same';
  return a.sizeBytes === b.sizeBytes && sameTime(a, b) ? 'stored-anew' : 'changed';
}

function metadataChange(a: CatalogEntry, b: CatalogEntry): MetadataPart[] {
  const parts: MetadataPart[] = [];
  if (a.mode !== b.mode) parts.push('mode');
  const owner = ({ uid, gid, user, group }: CatalogEntry): string => JSON.stringify([uid, gid, user ?? null, group ?? null]);
  if (owner(a) !== owner(b)) parts.push('owner');
  if (!sameTime(a, b)) parts.push('time');
  if (!equalEntries(attributesAlone(a), attributesAlone(b))) parts.push('attributes');
  if (a.hardlink?.device !== b.hardlink?.device || a.hardlink?.inode !== b.hardlink?.inode) parts.push('links');
  const marks = ({ torn, carried, unread }: CatalogEntry): string =>
    JSON.stringify([torn ?? false, carried ?? null, unread ?? false]);
  if (marks(a) !== marks(b)) parts.push('marks');
  return parts;
}

/** The entry with nothing of its own but its attributes. */
function attributesAlone({ acls, streams, xattrs, attributes, windows }: CatalogEntry): CatalogEntry {
  const nothing = new Uint8Array(0);
  const rest = { directory: nothing, name: nothing, type: entryTypes.file, mode: 0, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0, sizeBytes: 0, extents: [] } as const; // prettier-ignore
  return {
    ...rest,
    windows: windows ?? null,
    ...(acls === undefined ? {} : { acls }),
    ...(streams === undefined ? {} : { streams }),
    ...(xattrs === undefined ? {} : { xattrs }),
    ...(attributes === undefined ? {} : { attributes }),
  };
}

/** What reading the content of one version takes. */
export interface VersionSource {
  readonly catalog: CatalogReader;
  /** Plaintext of a data chunk. */
  readonly read: (id: ChunkId) => Promise<Uint8Array>;
}

/** Whether two files of equal size hold the same bytes; ranges that name the same bytes of a chunk are not read. */
export async function sameContent(
  a: { readonly entry: CatalogEntry; readonly source: VersionSource },
  b: { readonly entry: CatalogEntry; readonly source: VersionSource },
): Promise<boolean> {
  const left = new Pieces(a.source.catalog.extentsOf(a.entry), a.source);
  const right = new Pieces(b.source.catalog.extentsOf(b.entry), b.source);
  for (;;) {
    const [x, y] = [await left.front(), await right.front()];
    if (x === null || y === null) return x === y;
    const lengthBytes = Math.min(x.lengthBytes, y.lengthBytes);
    const isSameRange = sameOrNone(x.chunk, y.chunk) && x.offsetBytes === y.offsetBytes;
    if (!isSameRange && !equalBytes(await left.bytes(x, lengthBytes), await right.bytes(y, lengthBytes))) return false;
    left.take(lengthBytes);
    right.take(lengthBytes);
  }
}

/** Extents that can be taken in parts, with the chunk read last. */
class Pieces {
  readonly #extents: AsyncGenerator<Extent, void, undefined>;
  readonly #source: VersionSource;
  #front: Extent | null = null;
  #chunk: { readonly id: ChunkId; readonly plaintext: Uint8Array } | null = null;

  constructor(extents: AsyncGenerator<Extent, void, undefined>, source: VersionSource) {
    this.#extents = extents;
    this.#source = source;
  }

  async front(): Promise<Extent | null> {
    if (this.#front === null) {
      const { value } = await this.#extents.next();
      this.#front = value ?? null;
    }
    return this.#front;
  }

  take(lengthBytes: number): void {
    const front = this.#front;
    if (front === null || front.lengthBytes === lengthBytes) this.#front = null;
    else {
      const offsetBytes = front.chunk === null ? 0 : front.offsetBytes + lengthBytes;
      this.#front = { ...front, offsetBytes, lengthBytes: front.lengthBytes - lengthBytes };
    }
  }

  async bytes({ chunk, offsetBytes }: Extent, lengthBytes: number): Promise<Uint8Array> {
    if (chunk === null) return new Uint8Array(lengthBytes);
    if (this.#chunk === null || !equalBytes(this.#chunk.id, chunk)) {
      this.#chunk = { id: chunk, plaintext: await this.#source.read(chunk) };
    }
    return this.#chunk.plaintext.subarray(offsetBytes, offsetBytes + lengthBytes);
  }
}

function sameTime(a: CatalogEntry, b: CatalogEntry): boolean {
  return a.mtimeSeconds === b.mtimeSeconds && a.mtimeNanos === b.mtimeNanos;
}

function sameOrNone(a: Uint8Array | null | undefined, b: Uint8Array | null | undefined): boolean {
  if (!a || !b) return !a && !b;
  return equalBytes(a, b);
}
