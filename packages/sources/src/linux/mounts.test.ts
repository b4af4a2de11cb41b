import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseMounts, readMounts } from './mounts.ts';
import { system } from './system.ts';

const list = [
  '22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw',
  '28 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
  String.raw`40 28 8:1 /sub /mnt/with\040space\134and\012line rw master:1 propagate_from:2 - fuse.sshfs me@host:/x rw`,
  'not a line of it',
  '',
].join('\n');

test('mounts are read from the lines of mountinfo', () => {
  const mounts = parseMounts(list).map(({ path, type }) => [Buffer.from(path).toString(), type]);
  assert.deepEqual(mounts, [
    ['proc', 'proc'],
    ['', 'ext4'],
    ['mnt\0with space\\and\nline', 'fuse.sshfs'],
  ]);
});

test('no text makes it fail', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => assert.ok(Array.isArray(parseMounts(text)))));
});

test('this machine has a root', { skip: process.platform !== 'linux' && 'Linux only' }, () => {
  assert.ok(readMounts(system()).some(({ path }) => path.length === 0));
});
