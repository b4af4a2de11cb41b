/*
 * The extras of a leaf: what only few entries have, docs/format/catalog.md. Keys come sorted, each at most once, none
 * unknown; a map is there only where it says something.
 */

import type { ChunkId } from '@twinvault/format';
import { readAcls, readStreams, readXattrs } from './attribute-items.ts';
import { linkBytesMax, ownerNameBytesMax, timeSecondsMax } from './catalog-limits.ts';
import type { CborReader } from './cbor-reader.ts';
import { isInode } from './check-entry.ts';
import { nodeDefect } from './column-reader.ts';
import type { AclPart, NamedStream, Time, Xattr } from './entry.ts';
import type { IdUses } from './id-table.ts';

export interface Extras {
  acls: readonly AclPart[];
  link: Uint8Array | null;
  torn: boolean;
  /** Undefined: the name in force holds. Null: none from here on. */
  user: string | null | undefined;
  atime: Time | null;
  btime: Time | null;
  group: string | null | undefined;
  device: { readonly major: number; readonly minor: number } | null;
  unread: boolean;
  xattrs: readonly Xattr[];
  carried: number | null;
  streams: readonly NamedStream[];
  windows: number | null;
  hardlink: { readonly device: number; readonly inode: number | string } | null;
  attributes: readonly ChunkId[];
}

const none: readonly never[] = [];

function emptyExtras(): Extras {
  return {
    acls: none,
    link: null,
    torn: false,
    user: undefined,
    atime: null,
    btime: null,
    group: undefined,
    device: null,
    unread: false,
    xattrs: none,
    carried: null,
    streams: none,
    windows: null,
    hardlink: null,
    attributes: none,
  };
}

/** Of entries that have none. */
export const noExtras: Readonly<Extras> = emptyExtras();

const nanosMax = 999_999_999;
const inodeTextBytesMax = 39;
const keyBytesMax = 10;

interface ExtrasInput {
  readonly cbor: CborReader;
  readonly ids: IdUses;
}

/** In the order of deterministic CBOR: by length, then alphabet. */
const readers: readonly (readonly [string, (extras: Extras, input: ExtrasInput) => void])[] = [
  ['acl', (extras, { cbor }) => void (extras.acls = filled(readAcls(cbor)))],
  ['link', (extras, { cbor }) => void (extras.link = cbor.bytes(linkBytesMax))],
  ['torn', (extras, { cbor }) => void (extras.torn = readTrue(cbor))],
  ['user', (extras, { cbor }) => void (extras.user = readOwner(cbor))],
  ['atime', (extras, { cbor }) => void (extras.atime = readTime(cbor))],
  ['btime', (extras, { cbor }) => void (extras.btime = readTime(cbor))],
  ['group', (extras, { cbor }) => void (extras.group = readOwner(cbor))],
  ['device', (extras, { cbor }) => void (extras.device = readDevice(cbor))],
  ['unread', (extras, { cbor }) => void (extras.unread = readTrue(cbor))],
  ['xattrs', (extras, { cbor }) => void (extras.xattrs = filled(readXattrs(cbor)))],
  ['carried', (extras, { cbor }) => void (extras.carried = readCarried(cbor))],
  ['streams', (extras, { cbor, ids }) => void (extras.streams = filled(readStreams(cbor, ids)))],
  ['windows', (extras, { cbor }) => void (extras.windows = readWindows(cbor))],
  ['hardlink', (extras, { cbor }) => void (extras.hardlink = readHardlink(cbor))],
  ['attributes', (extras, { cbor, ids }) => void (extras.attributes = readIds(cbor, ids))],
];

/** The map from entry index to extras, for a leaf of `count` entries. */
export function readAllExtras(input: ExtrasInput, count: number): ReadonlyMap<number, Extras> {
  const { cbor } = input;
  const all = new Map<number, Extras>();
  let last = -1;
  for (let left = cbor.map(); left > 0; left -= 1) {
    const index = cbor.uint();
    if (index <= last || index >= count) throw nodeDefect('extras not in order');
    last = index;
    all.set(index, readExtras(input));
  }
  return all;
}

function readExtras(input: ExtrasInput): Extras {
  const { cbor } = input;
  const keys = cbor.map();
  if (keys === 0) throw nodeDefect('empty extras');
  const extras = emptyExtras();
  let place = 0;
  for (let left = keys; left > 0; left -= 1) {
    const key = cbor.text(keyBytesMax);
    while (place < readers.length && readers[place]?.[0] !== key) place += 1;
    const reader = readers[place];
    if (reader === undefined) throw nodeDefect('extras unknown or not in order');
    place += 1;
    reader[1](extras, input);
  }
  const inline = extras.acls.length + extras.streams.length + extras.xattrs.length;
  if (extras.attributes.length > 0 && inline > 0) throw nodeDefect('attributes both in and out of line');
  return extras;
}

/** An empty list is left out instead. */
function filled<T>(list: readonly T[]): readonly T[] {
  if (list.length === 0) throw nodeDefect('empty list');
  return list;
}

function readTrue(cbor: CborReader): boolean {
  cbor.true();
  return true;
}

function readOwner(cbor: CborReader): string | null {
  return cbor.tryNull() ? null : cbor.text(ownerNameBytesMax);
}

function readTime(cbor: CborReader): Time {
  cbor.tuple(2);
  const seconds = cbor.int();
  const nanos = cbor.uint();
  if (Math.abs(seconds) > timeSecondsMax || nanos > nanosMax) throw nodeDefect('time out of range');
  return { seconds, nanos };
}

function readDevice(cbor: CborReader): { readonly major: number; readonly minor: number } {
  cbor.tuple(2);
  return { major: cbor.uint(), minor: cbor.uint() };
}

function readCarried(cbor: CborReader): number {
  const sequence = cbor.uint();
  if (sequence === 0) throw nodeDefect('carried from no safeset');
  return sequence;
}

function readWindows(cbor: CborReader): number {
  const attributes = cbor.uint();
  if (attributes > 0xffff_ffff) throw nodeDefect('file attributes out of range');
  return attributes;
}

function readHardlink(cbor: CborReader): { readonly device: number; readonly inode: number | string } {
  cbor.tuple(2);
  const device = cbor.uint();
  const inode = cbor.nextIsText() ? cbor.text(inodeTextBytesMax) : cbor.uint();
  if (!isInode(inode)) throw nodeDefect('inode out of range');
  return { device, inode };
}

function readIds(cbor: CborReader, ids: IdUses): ChunkId[] {
  const count = cbor.array();
  if (count === 0) throw nodeDefect('empty list');
  const found: ChunkId[] = [];
  for (let index = 0; index < count; index += 1) found.push(ids.at(cbor.uint()));
  return found;
}
