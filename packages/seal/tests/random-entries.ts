/* Made-up listings for tests: the same seed gives the same listing on every machine. */

import { chunkId } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import type { Prng } from '@twinvault/std';
import { comparePlaces, entryPath, isComponent, joinPath } from '../src/catalog/path.ts';
import { entryTypes } from '../src/catalog/entry.ts';
import type { CatalogEntry, EntryType, Extent } from '../src/catalog/entry.ts';
import { mergeExtents } from '../src/catalog/extents-codec.ts';

export function randomChunkId(prng: Prng): ChunkId {
  return chunkId(prng.bytes(32));
}

/** Any bytes that a component may hold: not UTF-8, newlines, 0x01 and 0xFF included. */
export function randomName(prng: Prng, bytesMax = 40): Uint8Array {
  for (;;) {
    const name = prng.bytes(prng.between(1, bytesMax)).map((byte) => (byte === 0 || byte === 0x2f ? 0xff : byte));
    if (isComponent(name)) return name;
  }
}

/** Extents that cover exactly `sizeBytes`, some of them holes, none of them touching. */
export function randomExtents(prng: Prng, sizeBytes: number, partsMax = 6): Extent[] {
  const extents: Extent[] = [];
  let left = sizeBytes;
  while (left > 0) {
    const part = extents.length + 1 >= partsMax ? left : prng.between(1, left);
    const isHole = prng.chance(0.2) || part > 4_000_000;
    if (isHole) extents.push({ chunk: null, offsetBytes: 0, lengthBytes: part });
    else extents.push({ chunk: randomChunkId(prng), offsetBytes: prng.below(1_000_000), lengthBytes: part });
    left -= part;
  }
  return [...mergeExtents(extents)];
}

/** Extents of random chunks, none of them touching. */
export function manyExtents(prng: Prng, count: number): Extent[] {
  const ids = Array.from({ length: 1000 }, () => randomChunkId(prng));
  return Array.from({ length: count }, (_, index) => {
    const chunk = index % 7 === 6 ? null : (ids[prng.below(1000)] ?? null);
    return {
      chunk,
      offsetBytes: chunk === null ? 0 : 2 * prng.below(1000),
      lengthBytes: chunk === null ? 4096 : 2 * prng.below(1000) + 1,
    };
  });
}

function randomBytes(prng: Prng, bytesMax: number): Uint8Array {
  return prng.bytes(prng.between(0, bytesMax));
}

/** Everything that an entry of this type may have, each thing now and then. */
export function randomEntry(prng: Prng, directory: Uint8Array, name: Uint8Array): CatalogEntry {
  const type = prng.chance(0.6) ? entryTypes.file : (prng.between(1, 7) as EntryType);
  const sizeBytes = type === entryTypes.file ? prng.pick([0, prng.below(300), prng.below(5_000_000), prng.below(2 ** 40)]) : 0;
  const isDevice = type === entryTypes.character || type === entryTypes.block;
  const some = (probability: number): boolean => prng.chance(probability);
  return {
    directory,
    name,
    type,
    mode: prng.below(0o10000),
    uid: prng.pick([0, 1000, 4_294_967_294]),
    gid: prng.pick([0, 1000, prng.below(70_000)]),
    mtimeSeconds: prng.pick([prng.below(2_000_000_000), -prng.below(2 ** 40), 2 ** 51 - 1, 1 - 2 ** 51]),
    mtimeNanos: prng.below(1_000_000_000),
    sizeBytes,
    extents: randomExtents(prng, sizeBytes),
    rope: null,
    user: some(0.7) ? prng.pick(['root', 'anna', 'Änne', '']) : null,
    group: some(0.7) ? prng.pick(['root', 'staff']) : null,
    link: type === entryTypes.link ? randomName(prng, 300) : null,
    device: isDevice ? { major: prng.below(4096), minor: prng.below(2 ** 20) } : null,
    hardlink: type !== entryTypes.directory && some(0.2) ? { device: prng.below(2 ** 32), inode: randomInode(prng) } : null,
    atime: some(0.1) ? { seconds: -prng.below(2 ** 33), nanos: prng.below(1_000_000_000) } : null,
    btime: some(0.1) ? { seconds: prng.below(2 ** 33), nanos: 0 } : null,
    acls: some(0.1) ? [{ kind: 'posix-access', value: randomBytes(prng, 50) }] : [],
    xattrs: some(0.2) ? randomXattrs(prng) : [],
    streams: some(0.05) ? [{ name: randomName(prng), sizeBytes: 9, extents: randomExtents(prng, 9), rope: null }] : [],
    attributes: [],
    windows: some(0.1) ? prng.u32() : null,
    carried: some(0.05) ? prng.between(1, 1000) : null,
    torn: type === entryTypes.file && some(0.05),
    unread: some(0.05),
  };
}

function randomInode(prng: Prng): number | string {
  return prng.chance(0.8) ? prng.below(2 ** 40) : String(prng.bigint(2n ** 53n, 2n ** 64n));
}

function randomXattrs(prng: Prng): { name: Uint8Array; value: Uint8Array }[] {
  const count = prng.between(1, 4);
  return Array.from({ length: count }, (_, index) => ({
    name: Uint8Array.of(0x75 + index, ...randomName(prng, 20)),
    value: randomBytes(prng, prng.chance(0.02) ? 20_000 : 60),
  }));
}

/** A listing of about `count` entries in key order, deep and shallow, with names that repeat and names that do not. */
export function randomListing(prng: Prng, count: number): CatalogEntry[] {
  const directories: Uint8Array[] = [joinPath([])];
  const entries = new Map<string, CatalogEntry>();
  for (let made = 0; made < count; made += 1) {
    const directory = prng.pick(directories);
    const name = prng.chance(0.3) ? Uint8Array.of(prng.pick([0x01, 0x0a, 0x61, 0xff])) : randomName(prng);
    const entry = randomEntry(prng, directory, name);
    const path = entryPath(directory, name);
    entries.set(String(path), entry);
    if (entry.type === entryTypes.directory && path.length < 2000) directories.push(path);
  }
  return [...entries.values()].sort(comparePlaces);
}

/** A plain listing as a source tree has it: directories of some twenty files with names of some fifteen bytes. */
export function plainListing(prng: Prng, count: number): CatalogEntry[] {
  const entries: CatalogEntry[] = [];
  let directory = joinPath([]);
  let left = 0;
  let bundle = randomChunkId(prng);
  const text = (length: number): Uint8Array => prng.bytes(length).map((byte) => 0x61 + (byte % 26));
  while (entries.length < count) {
    if (left === 0) {
      directory = joinPath([text(4), text(7), text(8), text(10), text(9)]);
      left = prng.between(1, 40);
    }
    left -= 1;
    if (prng.chance(1 / 30)) bundle = randomChunkId(prng);
    const sizeBytes = prng.between(1, 20_000);
    const name = text(prng.between(6, 24));
    const extents = [{ chunk: bundle, offsetBytes: prng.below(500_000), lengthBytes: sizeBytes }];
    entries.push(plainFile({ directory, name, sizeBytes, extents, mtimeSeconds: 1_700_000_000 + prng.below(10_000_000) }));
  }
  entries.sort(comparePlaces);
  let last: CatalogEntry | null = null;
  return entries.filter((entry) => {
    const isNew = last === null || comparePlaces(last, entry) < 0;
    last = entry;
    return isNew;
  });
}

interface PlainFile {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly sizeBytes?: number;
  readonly extents?: readonly Extent[];
  readonly mtimeSeconds?: number;
}

export function plainFile({
  directory,
  name,
  sizeBytes = 0,
  extents = [],
  mtimeSeconds = 1_700_000_000,
}: PlainFile): CatalogEntry {
  const owner = { uid: 1000, gid: 1000, user: 'anna', group: 'anna' };
  const time = { mtimeSeconds, mtimeNanos: 123_456_789 };
  return { directory, name, type: entryTypes.file, mode: 0o644, ...owner, ...time, sizeBytes, extents };
}
