import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import type { EntryDetails, EntryStat } from '../source-port.ts';
import { BodyView, completeWithLast, marks, remark, writeBody } from './entry-body.ts';
import { DetailsDecoder, noDetails } from './entry-details.ts';
import { ItemCursor, ItemWriter } from './packed-items.ts';
import { PackedWriter } from './packed-writer.ts';

const stat: EntryStat = {
  type: 1,
  mode: 0o4755,
  uid: 4_294_967_294,
  gid: 7,
  sizeBytes: 1234,
  blocks: 8,
  mtimeSeconds: -1_000_000,
  mtimeNanos: 999_999_999,
  ctimeSeconds: 5_000_000_000,
  ctimeNanos: 1,
  device: 2 ** 40 + 1,
  inode: 2 ** 52 + 3,
  linkCount: 2,
  deviceMajor: 0,
  deviceMinor: 0,
};
const prng = new Prng('bodies');
const details: EntryDetails = {
  user: 'ünix',
  group: null,
  linkTarget: prng.bytes(300),
  xattrs: [
    { name: prng.bytes(20), value: prng.bytes(70_000) },
    { name: prng.bytes(255), value: new Uint8Array(0) },
  ],
  acls: [{ kind: 'posix-access', value: prng.bytes(44) }],
};

function bodyOf(tag: Uint8Array | null, extents = 2): Uint8Array {
  const writer = new PackedWriter();
  const id = prng.bytes(32);
  const list = [
    { id, offsetBytes: 77, lengthBytes: 1234 },
    { id: null, offsetBytes: 0, lengthBytes: 2 ** 40 },
  ];
  writeBody(writer, { stat, sizeBytes: 1234, marks: 0, details, extents: list.slice(0, extents), tag });
  return writer.take();
}

test('a body gives back what was written', () => {
  const view = new BodyView(bodyOf(prng.bytes(32)));
  assert.deepEqual(view.stat(), stat);
  const decoder = new DetailsDecoder();
  assert.deepEqual(decoder.decode(view.details), details);
  assert.deepEqual(decoder.decode(new Uint8Array(0)), noDetails);
  assert.deepEqual(decoder.decode(view.details), details);
  assert.equal(view.extentCount, 2);
  assert.equal(view.extentOffset(0), 77);
  assert.equal(view.extentId(1), null);
  assert.equal(view.extentLength(1), 2 ** 40);
  assert.equal(view.tag?.length, 32);
});

test('a file has the size of its bundle where a device has its number', () => {
  for (const type of [1, 6, 7] as const) {
    const writer = new PackedWriter();
    const about = { ...stat, type, deviceMajor: type === 1 ? 0 : 259, deviceMinor: 3 };
    writeBody(writer, { stat: about, sizeBytes: 1234, marks: 0, details, extents: [], tag: null, bundleBytes: 300_000 });
    const view = new BodyView(writer.take());
    assert.deepEqual(view.stat(), about);
    assert.equal(view.bundleBytes, type === 1 ? 300_000 : 0);
  }
});

test('an inode above 2^53 stays exact', () => {
  const large = { ...stat, inode: '18446744073709551615' };
  const writer = new PackedWriter();
  writeBody(writer, { stat: large, sizeBytes: 0, marks: 0, details, extents: [], tag: null });
  const view = new BodyView(writer.take());
  assert.equal(view.stat().inode, large.inode);
  assert.equal(view.sameStat({ ...large, sizeBytes: 0 }), true);
  assert.equal(view.sameStat({ ...large, sizeBytes: 0, inode: '18446744073709551614' }), false);
});

test('every part of a status counts', () => {
  const view = new BodyView(bodyOf(null));
  assert.equal(view.sameStat(stat), true);
  const changes: Partial<EntryStat>[] = [
    { type: 2 },
    { mode: 0 },
    { uid: 1 },
    { gid: 1 },
    { sizeBytes: 1 },
    { mtimeSeconds: 1 },
    { mtimeNanos: 1 },
    { ctimeSeconds: 1 },
    { ctimeNanos: 2 },
    { device: 1 },
    { inode: 1 },
  ];
  for (const change of changes) assert.equal(view.sameStat({ ...stat, ...change }), false, JSON.stringify(change));
});

test('only times before the moment prove anything', () => {
  const view = new BodyView(bodyOf(null));
  assert.equal(view.olderThan(5_000_000_000, 2), true);
  assert.equal(view.olderThan(5_000_000_000, 1), false);
  assert.equal(view.olderThan(4_999_999_999, 0), false);
});

test('a carried body names the first safeset it was taken over from', () => {
  const carried = remark(bodyOf(null), marks.carried, 5);
  assert.equal(new BodyView(carried).carried, 5);
  assert.equal(new BodyView(remark(carried, marks.carried, 9)).carried, 5);
});

test('a body takes over the extent of the last version', () => {
  const last = bodyOf(prng.bytes(32), 1);
  const complete = completeWithLast(bodyOf(new Uint8Array(32).fill(3), 0), last);
  const view = new BodyView(complete);
  assert.deepEqual(view.extentId(0), new BodyView(last).extentId(0));
  assert.deepEqual(view.tag, new Uint8Array(32).fill(3));
});

test('a list of items gives back keys and bodies', () => {
  const items = new ItemWriter(new PackedWriter());
  const bodies = [bodyOf(null), bodyOf(prng.bytes(32)), bodyOf(null, 0)];
  const keys = [
    [new Uint8Array(0), prng.bytes(3)],
    [prng.bytes(9), prng.bytes(255)],
    [prng.bytes(9), prng.bytes(1)],
  ] as const;
  for (const [index, [directory, name]] of keys.entries()) {
    items.begin(directory, name);
    items.writer.bytes(bodies[index] ?? new Uint8Array(0));
    items.end();
  }
  const cursor = new ItemCursor(items.flush());
  for (const [index, [directory, name]] of keys.entries()) {
    assert.equal(cursor.next(), true);
    assert.deepEqual(cursor.directory, directory);
    assert.deepEqual(cursor.name, name);
    assert.equal(cursor.compareName(name), 0);
    assert.deepEqual(cursor.body, bodies[index]);
  }
  assert.equal(cursor.next(), false);
});
