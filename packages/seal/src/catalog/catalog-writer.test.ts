import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkId } from '@twinvault/format';
import { Prng, equalBytes } from '@twinvault/std';
import { NodeStore, collect } from '../../tests/node-store.ts';
import { plainFile, randomChunkId } from '../../tests/random-entries.ts';
import { CatalogReader } from './catalog-reader.ts';
import { CatalogWriter } from './catalog-writer.ts';
import { entryTypes } from './entry.ts';
import type { CatalogEntry } from './entry.ts';
import { joinPath } from './path.ts';

const cutterKey = new Prng('writer').bytes(16);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const noPath = joinPath([]);
const chunk = randomChunkId(new Prng('a chunk'));

function file(change: Partial<CatalogEntry> = {}): CatalogEntry {
  return { ...plainFile({ directory: noPath, name: text('name') }), ...change };
}

function newWriter(): CatalogWriter {
  return new CatalogWriter({ cutterKey, sink: new NodeStore() });
}

test('what the format cannot hold is refused by the name of its field', () => {
  const extent = { chunk, offsetBytes: 0, lengthBytes: 10 };
  const cases: readonly [string, Partial<CatalogEntry>][] = [
    ['name', { name: text('') }],
    ['name', { name: text('..') }],
    ['name', { name: text('a/b') }],
    ['name', { name: new Uint8Array(1025).fill(0x61) }],
    [
      'name',
      {
        directory: joinPath(Array.from({ length: 32 }, () => new Uint8Array(1020).fill(0x61))),
        name: new Uint8Array(200).fill(0x61),
      },
    ],
    ['directory', { directory: text('a\0') }],
    ['type', { type: 8 as never }],
    ['type', { type: 0 as never }],
    ['mode', { mode: 0o10000 }],
    ['uid', { uid: -1 }],
    ['gid', { gid: 1.5 }],
    ['mtime', { mtimeNanos: 1_000_000_000 }],
    ['mtime', { mtimeSeconds: 2 ** 51 }],
    ['mtime', { mtimeSeconds: Number.NaN }],
    ['size', { sizeBytes: 2 ** 53 }],
    ['extents', { sizeBytes: 11, extents: [extent] }],
    ['extents', { sizeBytes: 9, extents: [extent] }],
    ['extents', { sizeBytes: 0, extents: [{ ...extent, lengthBytes: 0 }] }],
    ['extents', { sizeBytes: 10, extents: [{ ...extent, offsetBytes: 16 * 1024 * 1024 - 9 }] }],
    ['extents', { sizeBytes: 10, extents: [{ ...extent, offsetBytes: -1 }] }],
    ['extents', { sizeBytes: 10, extents: [{ chunk: null, offsetBytes: 1, lengthBytes: 10 }] }],
    ['extents', { sizeBytes: 9, extents: [extent], unread: true }],
    ['extents', { type: entryTypes.directory, sizeBytes: 10, extents: [extent] }],
    ['extents', { sizeBytes: 10, extents: [extent], rope: chunk }],
    ['rope', { rope: chunkId(new Uint8Array(32)).subarray(1) as never }],
    ['torn', { type: entryTypes.fifo, torn: true }],
    ['owner name', { user: 'ü'.repeat(129) }],
    ['owner name', { group: '\ud800' }],
    ['link', { type: entryTypes.link }],
    ['link', { link: text('target') }],
    ['link', { type: entryTypes.link, link: text('') }],
    ['link', { type: entryTypes.link, link: new Uint8Array(32_769) }],
    ['device', { type: entryTypes.block }],
    ['device', { device: { major: 1, minor: 2 } }],
    ['hardlink', { type: entryTypes.directory, hardlink: { device: 1, inode: 1 } }],
    ['hardlink', { hardlink: { device: 1, inode: '12' } }],
    ['hardlink', { hardlink: { device: 1, inode: 2 ** 53 } }],
    ['time', { atime: { seconds: 0, nanos: -1 } }],
    ['windows', { windows: 2 ** 32 }],
    ['carried', { carried: 0 }],
    ['acl', { acls: [{ kind: 'Posix', value: text('x') }] }],
    [
      'acl',
      {
        acls: [
          { kind: 'nfs4', value: text('x') },
          { kind: 'nfs4', value: text('y') },
        ],
      },
    ],
    ['xattrs', { xattrs: [{ name: text(''), value: text('x') }] }],
    ['xattrs', { xattrs: [{ name: text('a'), value: new Uint8Array(65_537) }] }],
    [
      'xattrs',
      {
        xattrs: [
          { name: text('a'), value: text('x') },
          { name: text('a'), value: text('y') },
        ],
      },
    ],
    ['streams', { streams: [{ name: text('s'), sizeBytes: 1, extents: [] }] }],
    ['attributes', { attributes: [chunk], xattrs: [{ name: text('a'), value: text('x') }] }],
  ];
  for (const [field, change] of cases) {
    const writer = newWriter();
    const expected = { code: 'catalog-entry-invalid', context: { field } };
    assert.throws(() => writer.add(file(change)), expected, `${field}: ${JSON.stringify(Object.keys(change))}`);
    assert.equal(writer.finish().entries, 0);
  }
});

test('entries out of order are refused, and nothing was added', async () => {
  const store = new NodeStore();
  const writer = new CatalogWriter({ cutterKey, sink: store });
  writer.add(file({ directory: text('usr'), name: text('b') }));
  for (const [directory, name] of [
    ['usr', 'b'],
    ['usr', 'a'],
    ['', 'z'],
    ['usq\0x', 'a'],
  ] as const) {
    assert.throws(() => writer.add(file({ directory: text(directory), name: text(name) })), { code: 'catalog-order' });
  }
  assert.throws(() => writer.add(file({ directory: text('usr'), name: text('c'), mode: -1 })), { code: 'catalog-entry-invalid' });
  writer.add(file({ directory: text('usr\0a'), name: text('a') }));
  const reader = new CatalogReader(store, writer.finish());
  assert.deepEqual(
    (await collect(reader.walk())).map(({ name }) => String(name)),
    [String(text('b')), String(text('a'))],
  );
});

test('neither errors nor their stacks name a file', () => {
  const name = text('canary-9920');
  try {
    newWriter().add(file({ name, mode: -1 }));
    assert.fail('accepted');
  } catch (error) {
    assert.doesNotMatch(`${String(error)}${(error as Error).stack ?? ''}${JSON.stringify(error)}`, /canary/);
  }
});

test('an unread file may end before its size; what is missing is at its end', async () => {
  const store = new NodeStore();
  const writer = new CatalogWriter({ cutterKey, sink: store });
  writer.add(file({ sizeBytes: 100, extents: [{ chunk, offsetBytes: 5, lengthBytes: 10 }], unread: true }));
  writer.add(file({ name: text('other'), type: entryTypes.link, unread: true }));
  const [first, second] = await collect(new CatalogReader(store, writer.finish()).walk());
  assert.deepEqual([first?.sizeBytes, first?.extents.length, first?.unread], [100, 1, true]);
  assert.deepEqual([second?.link, second?.unread], [null, true]);
});

test('owner names may change and end within a node', async () => {
  const store = new NodeStore();
  const writer = new CatalogWriter({ cutterKey, sink: store });
  const users = ['anna', 'anna', null, 'anna', 'berta', null, null];
  for (const [index, user] of users.entries())
    writer.add(file({ name: text(String(index)), user, group: users[6 - index] ?? null }));
  const read = await collect(new CatalogReader(store, writer.finish()).walk());
  assert.deepEqual(
    read.map(({ user }) => user),
    users,
  );
  assert.deepEqual(
    read.map(({ group }) => group),
    users.toReversed(),
  );
});

test('order of attributes and touching extents make no difference', () => {
  const xattrs = ['c', 'a', 'b'].map((name) => ({ name: text(name), value: text(name) }));
  const extents = [0, 10, 20].map((offsetBytes) => ({ chunk, offsetBytes, lengthBytes: 10 }));
  const roots = [
    file({ xattrs, sizeBytes: 30, extents }),
    file({ xattrs: xattrs.toReversed(), sizeBytes: 30, extents: [{ chunk, offsetBytes: 0, lengthBytes: 30 }] }),
  ].map((entry) => {
    const writer = newWriter();
    writer.add(entry);
    return writer.finish().root;
  });
  assert.ok(roots[0] !== undefined && roots[1] !== undefined && equalBytes(roots[0], roots[1]));
});

test('sizes beyond 2^53 in sum stay at 2^53 - 1', () => {
  const writer = newWriter();
  const sizeBytes = 2 ** 52;
  const extents = [{ chunk: null, offsetBytes: 0, lengthBytes: sizeBytes }];
  for (let index = 100; index < 500; index += 1) writer.add(file({ name: text(String(index)), sizeBytes, extents }));
  assert.equal(writer.finish().bytes, Number.MAX_SAFE_INTEGER);
});

test('buffers of an entry may be used again for the next one', async () => {
  const store = new NodeStore();
  const writer = new CatalogWriter({ cutterKey, sink: store });
  const [directory, name, link, value] = [text('usr'), text('a0'), text('target 0'), text('value 0')];
  for (let index = 0; index < 10; index += 1) {
    for (const bytes of [name, link, value]) bytes[bytes.length - 1] = 0x30 + index;
    writer.add(file({ directory, name, type: entryTypes.link, link, xattrs: [{ name: text('x'), value }] }));
  }
  directory.fill(0x7a);
  const read = await collect(new CatalogReader(store, writer.finish()).walk());
  for (const [index, entry] of read.entries()) {
    assert.deepEqual([entry.directory, entry.name, entry.link], [text('usr'), text(`a${index}`), text(`target ${index}`)]);
    assert.deepEqual(entry.xattrs?.[0]?.value, text(`value ${index}`));
  }
});
