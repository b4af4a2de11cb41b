/* Vectors of catalog nodes: each type valid in its forms, and each rule of catalog.md broken once. */

import { encodeCbor } from '@twinvault/format';
import type { CborValue } from '@twinvault/format';
import { concatBytes, utf8Encode } from '@twinvault/std';
import type { VectorFile } from '../src/index.ts';
import { SealedCollector } from './sealed-collect.ts';
import { fill } from './world.ts';

const ids = (...labels: string[]): Uint8Array => concatBytes(...labels.map((label) => fill(`chunk ${label}`, 32)));
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const none = bytes();

type Columns = Readonly<Record<string, Uint8Array | null>>;
type Extras = readonly (readonly [number, Readonly<Record<string, CborValue>>])[];

interface LeafParts {
  readonly ids?: Uint8Array;
  readonly directories?: CborValue;
  readonly names?: Uint8Array;
  readonly columns?: Columns;
  readonly extras?: Extras;
}

/** Names as one byte string. */
function names(...list: string[]): Uint8Array {
  return concatBytes(...list.flatMap((name) => [bytes(utf8Encode(name).length), utf8Encode(name)]));
}

/** Two FIFOs in the root: the smallest leaf in which there is an order. */
const fifos = {
  directories: [[none, 2]],
  names: names('a', 'b'),
  columns: { gid: bytes(0, 0), uid: bytes(0, 0), mode: bytes(1, 1), type: bytes(4, 4), mtime: bytes(0, 0, 0, 0) },
};

function leaf({
  ids: table = none,
  directories = fifos.directories,
  names: list = fifos.names,
  columns,
  extras = [],
}: LeafParts): Uint8Array {
  const all = Object.entries({ ...fifos.columns, ...columns }).filter(([, column]) => column !== null);
  const extraMaps = new Map(extras.map(([index, map]) => [index, new Map(Object.entries(map))]));
  return encodeCbor([1, 0, table, directories, list, new Map(all), extraMaps]);
}

/** One entry `a` of this type. */
function one(
  type: number,
  { extras, columns, ...parts }: Omit<LeafParts, 'extras'> & { extras?: Readonly<Record<string, CborValue>> },
): Uint8Array {
  const own = { gid: bytes(0), uid: bytes(0), mode: bytes(1), type: bytes(type), mtime: bytes(0, 0) };
  return leaf({
    directories: [[none, 1]],
    names: names('a'),
    ...parts,
    columns: { ...own, ...columns },
    extras: extras === undefined ? [] : [[0, extras]],
  });
}

/** A file of this size with this content column. */
function file(size: readonly number[], content: readonly number[], parts: Parameters<typeof one>[1] = {}): Uint8Array {
  return one(1, { ids: ids('one'), ...parts, columns: { size: bytes(...size), extents: bytes(...content), ...parts.columns } });
}

const xattr = (name: string, value = 'x'): CborValue => [utf8Encode(name), utf8Encode(value)];
const child = (key: string, index: number, entries = 1, sum = 0): CborValue => [utf8Encode(key), index, entries, sum];
const inner = (level: number, table: Uint8Array, children: CborValue): Uint8Array => encodeCbor([2, level, table, children]);
const ropeLeaf = (table: Uint8Array, ...column: number[]): Uint8Array => encodeCbor([3, 0, table, bytes(...column)]);
const ropeInner = (level: number, table: Uint8Array, children: CborValue): Uint8Array => encodeCbor([4, level, table, children]);
const attributes = (acl: CborValue, streams: CborValue, xattrs: CborValue): Uint8Array =>
  encodeCbor([5, 0, none, [acl, streams, xattrs]]);

export async function nodeVectors(): Promise<VectorFile> {
  const about =
    'A node of a catalog. The value is what it says: bytes as hexadecimal, absent things as null, false or an empty list, owner names as they are in force.';
  const collector = new SealedCollector({ about, parser: 'node' });
  for (const [name, node] of [...validLeaves(), ...validOthers()]) await collector.valid(name, node);
  for (const part of [wrongShapes, wrongPlaces, wrongColumns, wrongContents, wrongExtras, wrongOthers]) {
    for (const [name, node, defect] of part()) await collector.invalid(name, node, { code: 'catalog-invalid', defect });
  }
  return collector.finish();
}

function validLeaves(): (readonly [string, Uint8Array])[] {
  return [
    ['empty leaf', encodeCbor([1, 0, none, [], none, new Map(), new Map()])],
    ['two FIFOs in the root', leaf({})],
    ['names that are not UTF-8, a newline, 01', leaf({ names: bytes(2, 0x01, 0x0a, 3, 0xff, 0xfe, 0x80) })],
    [
      'directories one below the other',
      leaf({
        directories: [
          [utf8Encode('usr'), 1],
          [utf8Encode('usr\0share'), 1],
        ],
      }),
    ],
    ['times before 1970 and after 2038', leaf({ columns: { mtime: bytes(0x01, 0x05, 0x82, 0x80, 0x80, 0x80, 0x20, 0x00) } })],
    ['empty file', one(1, { columns: { size: bytes(0), extents: bytes(0) } })],
    ['file in one chunk', file([10], [1, 1, 7, 10])],
    ['file with a hole before and after', file([30], [3, 0, 10, 1, 0, 10, 0, 10])],
    ['file with a rope', file([0x80, 0x01], [64, 0])],
    ['unread file that ends before its size', file([30], [1, 1, 0, 10], { extras: { unread: true } })],
    ['symbolic link', one(3, { extras: { link: utf8Encode('../target') } })],
    ['symbolic link that could not be read', one(3, { extras: { unread: true } })],
    ['character device', one(6, { extras: { device: [4, 64] } })],
    ['block device', one(7, { extras: { device: [8, 1] } })],
    ['hard-linked socket', one(5, { extras: { hardlink: [2049, 12] } })],
    ['inode of 2^64 - 1', one(5, { extras: { hardlink: [2049, '18446744073709551615'] } })],
    ['owner names that hold on', leaf({ extras: [[0, { user: 'root', group: 'wheel' }]] })],
    [
      'owner name that ends',
      leaf({
        extras: [
          [0, { user: 'root' }],
          [1, { user: null }],
        ],
      }),
    ],
    ['every extra', everyExtra()],
    ['attribute nodes', one(2, { ids: ids('one', 'two'), extras: { attributes: [0, 1] } })],
  ];
}

function everyExtra(): Uint8Array {
  const extras = {
    acl: [
      ['posix-access', utf8Encode('x')],
      ['posix-default', none],
    ],
    torn: true,
    user: 'anna',
    atime: [-1, 999_999_999],
    btime: [2 ** 40, 0],
    group: '',
    unread: true,
    xattrs: [xattr('user.a'), xattr('user.b', '')],
    carried: 3,
    streams: [
      [utf8Encode('stream'), 5, bytes(1, 2, 0, 5)],
      [utf8Encode('t'), 9, bytes(64, 2)],
    ],
    windows: 2 ** 32 - 1,
    hardlink: [1, 2],
  };
  return file([10], [1, 1, 7, 10], { ids: ids('one', 'two', 'three'), extras });
}

function validOthers(): (readonly [string, Uint8Array])[] {
  return [
    ['inner node', inner(1, ids('one', 'two'), [child('\0\0a', 0, 3, 10), child('usr\0\0b', 1)])],
    ['inner node of the highest level', inner(32, ids('one'), [child('\0\0a', 0)])],
    ['rope leaf', ropeLeaf(ids('one', 'two'), 4, 1, 0, 9, 0, 5, 2, 3, 9, 1, 3, 9)],
    ['rope of one hole', ropeLeaf(none, 1, 0, 0x80, 0x20)],
    [
      'inner rope node, one child twice',
      ropeInner(1, ids('one', 'two'), [
        [5, 0],
        [6, 1],
        [5, 0],
      ]),
    ],
    ['attribute node', attributes([['nfs4', bytes(1)]], [], [xattr('security.capability')])],
  ];
}

type Case = readonly [name: string, node: Uint8Array, defect: string];

function wrongShapes(): Case[] {
  const good = leaf({});
  const cut = good.slice(0, -1);
  return [
    ['no bytes', none, 'node ends too soon'],
    ['node that ends too soon', cut, 'node ends too soon'],
    ['bytes after the node', concatBytes(good, bytes(0)), 'bytes after the node'],
    ['unknown type', encodeCbor([6, 0, none, []]), 'unknown type of node'],
    ['leaf of level 1', encodeCbor([1, 1, none, [], none, new Map(), new Map()]), 'level does not fit the type'],
    ['inner node of level 0', inner(0, ids('one'), [child('\0\0a', 0)]), 'level does not fit the type'],
    ['level 33', inner(33, ids('one'), [child('\0\0a', 0)]), 'level does not fit the type'],
    ['item too few', encodeCbor([1, 0, none, [], none, new Map()]), 'node has another number of items'],
    ['level in two bytes', concatBytes(bytes(0x87, 0x01, 0x18, 0x00), good.subarray(3)), 'number not in its shortest form'],
    ['array of indefinite length', concatBytes(bytes(0x9f), good.subarray(1), bytes(0xff)), 'indefinite length or reserved form'],
    ['ids of 31 bytes', leaf({ ids: ids('one').slice(1) }), 'ids are not 32 bytes each'],
    ['id without use', leaf({ ids: ids('one') }), 'id without use'],
    ['id twice', inner(1, ids('one', 'one'), [child('\0\0a', 0), child('\0\0b', 1)]), 'id stands twice'],
    [
      'ids not in order of first use',
      inner(1, ids('one', 'two'), [child('\0\0a', 1), child('\0\0b', 0)]),
      'ids not in order of first use',
    ],
    ['id that is not there', inner(1, ids('one'), [child('\0\0a', 0), child('\0\0b', 1)]), 'ids not in order of first use'],
  ];
}

function wrongPlaces(): Case[] {
  const at = (path: string): CborValue => [[utf8Encode(path), 2]];
  return [
    ['names not in order', leaf({ names: names('b', 'a') }), 'names not in order'],
    ['name twice', leaf({ names: names('a', 'a') }), 'names not in order'],
    ['empty name', leaf({ names: names('', 'a') }), 'name out of range'],
    ['name .', leaf({ names: names('.', 'a') }), 'name out of range'],
    ['name ..', leaf({ names: names('..', 'a') }), 'name out of range'],
    ['name with /', leaf({ names: names('a', 'b/c') }), 'name out of range'],
    ['name with 00', leaf({ names: names('a', 'b\0') }), 'name out of range'],
    [
      'name of 1,025 bytes',
      leaf({ names: concatBytes(bytes(0x81, 0x08), new Uint8Array(1025).fill(0x61), names('b')) }),
      'name out of range',
    ],
    ['names too short', leaf({ names: fifos.names.slice(0, -1) }), 'column ends too soon'],
    ['names too long', leaf({ names: names('a', 'b', 'c') }), 'column too long'],
    ['length of a name not shortest', leaf({ names: bytes(0x81, 0x00, 0x61, 1, 0x62) }), 'varint not shortest'],
    [
      'directories not in order',
      leaf({
        directories: [
          [utf8Encode('b'), 1],
          [utf8Encode('a'), 1],
        ],
      }),
      'directories not in order',
    ],
    [
      'directory twice',
      leaf({
        directories: [
          [none, 1],
          [none, 1],
        ],
      }),
      'directories not in order',
    ],
    [
      'directory without entries',
      leaf({
        directories: [
          [none, 2],
          [utf8Encode('a'), 0],
        ],
      }),
      'directory without entries',
    ],
    ['directory that ends in 00', leaf({ directories: at('a\0') }), 'directory path out of range'],
    ['directory with ..', leaf({ directories: at('a\0..') }), 'directory path out of range'],
    ['directory with /', leaf({ directories: at('a/b') }), 'directory path out of range'],
    ['1,025 entries', leaf({ directories: [[none, 1025]] }), 'too many entries'],
    ['2^53 - 1 entries', leaf({ directories: [[none, 2 ** 53 - 1]] }), 'too many entries'],
  ];
}

function wrongColumns(): Case[] {
  const column = (columns: Columns): Uint8Array => leaf({ columns });
  return [
    ['column missing', column({ uid: null }), 'column ends too soon'],
    ['column too short', column({ uid: bytes(0) }), 'column ends too soon'],
    ['column too long', column({ gid: bytes(0, 0, 0) }), 'column too long'],
    ['empty column', column({ size: none }), 'empty column'],
    ['unknown column', column({ inode: bytes(1, 1) }), 'columns unknown or not in order'],
    ['type 0', column({ type: bytes(0, 4) }), 'type out of range'],
    ['type 8', column({ type: bytes(4, 8) }), 'type out of range'],
    ['mode of 13 bits', column({ mode: bytes(0x80, 0x20, 1) }), 'mode out of range'],
    ['owner of 2^53', column({ uid: bytes(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10, 0) }), 'varint too large'],
    ['varint of nine bytes', column({ uid: bytes(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01) }), 'varint too long'],
    ['billion nanoseconds', column({ mtime: bytes(0, 0x80, 0x94, 0xeb, 0xdc, 0x03, 0, 0) }), 'time out of range'],
    ['time of 2^51', column({ mtime: bytes(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x08, 0, 0, 0) }), 'time out of range'],
  ];
}

function wrongContents(): Case[] {
  const far = [0x81, 0x80, 0x80, 0x08];
  return [
    ['file without size', one(1, { columns: { extents: bytes(0) } }), 'column ends too soon'],
    ['size of a FIFO', leaf({ columns: { size: bytes(0) } }), 'column too long'],
    ['extents that end before the size', file([11], [1, 1, 0, 10]), 'extents do not add up to the size'],
    ['extents that end after the size', file([9], [1, 1, 0, 10]), 'extents do not add up to the size'],
    [
      'unread, but longer than its size',
      file([9], [1, 1, 0, 10], { extras: { unread: true } }),
      'extents do not add up to the size',
    ],
    ['extent without length', file([10], [2, 1, 0, 0, 0, 10]), 'extent out of range'],
    ['extent beyond 16 MiB of a chunk', file([10], [1, 1, ...far, 10]), 'extent out of range'],
    ['touching extents', file([10], [2, 1, 0, 5, 1, 5, 5]), 'touching extents'],
    ['touching holes', one(1, { columns: { size: bytes(10), extents: bytes(2, 0, 5, 0, 5) } }), 'touching extents'],
    [
      '65 extents',
      file([65], [65, ...Array.from({ length: 65 }, (_, index) => [1, 2 * index, 1]).flat()]),
      'long list of extents without a rope',
    ],
    ['more extents than bytes', file([10], [9, 1, 0, 10]), 'more extents than bytes'],
    ['rope that is not in ids', file([10], [64, 1]), 'ids not in order of first use'],
  ];
}

function wrongExtras(): Case[] {
  const extra = (extras: Readonly<Record<string, CborValue>>): Uint8Array => one(4, { extras });
  const stream = (...values: CborValue[]): CborValue => [values];
  return [
    ['empty extras', leaf({ extras: [[0, {}]] }), 'empty extras'],
    ['extras of an entry that is not there', leaf({ extras: [[2, { torn: true }]] }), 'extras not in order'],
    ['unknown extra', extra({ colour: 1 }), 'extras unknown or not in order'],
    ['false mark', extra({ unread: false }), 'true expected'],
    ['torn FIFO', extra({ torn: true }), 'torn, but no file'],
    ['link target of a FIFO', extra({ link: utf8Encode('x') }), 'link target does not fit the type'],
    ['link without target', one(3, {}), 'link or device without its target'],
    ['link with an empty target', one(3, { extras: { link: none } }), 'link target does not fit the type'],
    ['device numbers of a FIFO', extra({ device: [1, 2] }), 'device numbers do not fit the type'],
    ['device without numbers', one(6, {}), 'link or device without its target'],
    ['hard-linked directory', one(2, { extras: { hardlink: [1, 2] } }), 'hard link of a directory'],
    ['small inode as text', extra({ hardlink: [1, '12'] }), 'inode out of range'],
    ['inode as text with a zero before', extra({ hardlink: [1, '018446744073709551615'] }), 'inode out of range'],
    ['carried from safeset 0', extra({ carried: 0 }), 'carried from no safeset'],
    ['Windows attributes of 33 bits', extra({ windows: 2 ** 32 }), 'file attributes out of range'],
    ['billion nanoseconds of access', extra({ atime: [0, 1_000_000_000] }), 'time out of range'],
    [
      'owner name that holds already',
      leaf({
        extras: [
          [0, { user: 'root' }],
          [1, { user: 'root' }],
        ],
      }),
      'owner name stands twice',
    ],
    ['owner name null at first', extra({ user: null }), 'owner name stands twice'],
    ['owner name of 257 bytes', extra({ group: 'g'.repeat(257) }), 'text too long'],
    ['empty list of xattrs', extra({ xattrs: [] }), 'empty list'],
    ['xattrs not sorted', extra({ xattrs: [xattr('b'), xattr('a')] }), 'attributes not sorted by name'],
    ['xattr twice', extra({ xattrs: [xattr('a'), xattr('a')] }), 'attributes not sorted by name'],
    ['xattr without name', extra({ xattrs: [xattr('')] }), 'attributes not sorted by name'],
    ['ACL of an unknown spelling', extra({ acl: [['POSIX', none]] }), 'ACLs not sorted by kind'],
    [
      'ACLs not sorted',
      extra({
        acl: [
          ['b', none],
          ['a', none],
        ],
      }),
      'ACLs not sorted by kind',
    ],
    [
      'stream longer than its extents',
      extra({ streams: stream(utf8Encode('s'), 6, bytes(1, 0, 5)) }),
      'extents of a stream do not add up to its size',
    ],
    [
      'attributes in and out of line',
      one(4, { ids: ids('one'), extras: { attributes: [0], xattrs: [xattr('a')] } }),
      'attributes both in and out of line',
    ],
  ];
}

function wrongOthers(): Case[] {
  const two = ids('one', 'two');
  return [
    ['inner node without children', inner(1, none, []), 'empty node or child'],
    ['children not in order', inner(1, two, [child('\0\0b', 0), child('\0\0a', 1)]), 'children not in order'],
    ['child without entries', inner(1, ids('one'), [child('\0\0a', 0, 0)]), 'empty node or child'],
    ['rope without extents', ropeLeaf(none, 0), 'rope without extents'],
    ['rope leaf with bytes after', ropeLeaf(none, 1, 0, 5, 0), 'column too long'],
    ['rope leaf with touching extents', ropeLeaf(ids('one'), 2, 1, 0, 5, 1, 5, 5), 'touching extents'],
    ['rope child without length', ropeInner(1, ids('one'), [[0, 0]]), 'empty node or child'],
    [
      'rope longer than 2^53 - 1',
      ropeInner(1, two, [
        [2 ** 53 - 1, 0],
        [1, 1],
      ]),
      'rope too long',
    ],
    ['empty attribute node', attributes([], [], []), 'empty attribute node'],
    ['attribute node with xattrs not sorted', attributes([], [], [xattr('b'), xattr('a')]), 'attributes not sorted by name'],
  ];
}
