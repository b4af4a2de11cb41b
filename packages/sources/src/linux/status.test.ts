import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AT_FDCWD } from './constants.ts';
import { decodeStatus, newStatusBuffer, typeOf } from './status.ts';
import { system } from './system.ts';

/** Offsets as in linux/stat.h. */
function filled(): ReturnType<typeof newStatusBuffer> {
  const status = newStatusBuffer();
  const view = new DataView(status.bytes.buffer);
  view.setUint32(16, 3, true);
  view.setUint32(20, 4_294_967_294, true);
  view.setUint32(24, 7, true);
  view.setUint16(28, 0o104755, true);
  view.setBigUint64(32, 2n ** 53n + 1n, true);
  view.setBigUint64(40, 2n ** 40n + 5n, true);
  view.setBigUint64(48, 2n ** 33n + 1n, true);
  view.setBigInt64(96, -1n, true);
  view.setUint32(104, 999_999_999, true);
  view.setBigInt64(112, 2n ** 33n, true);
  view.setUint32(120, 1, true);
  view.setUint32(128, 259, true);
  view.setUint32(132, 1_048_575, true);
  view.setUint32(136, 8, true);
  view.setUint32(140, 17, true);
  return status;
}

test('every field is where the kernel puts it', () => {
  assert.deepEqual(decodeStatus(filled()), {
    type: 1,
    mode: 0o4755,
    uid: 4_294_967_294,
    gid: 7,
    sizeBytes: 2 ** 40 + 5,
    blocks: 2 ** 33 + 1,
    mtimeSeconds: 2 ** 33,
    mtimeNanos: 1,
    ctimeSeconds: -1,
    ctimeNanos: 999_999_999,
    device: 8 * 2 ** 20 + 17,
    inode: '9007199254740993',
    linkCount: 3,
    deviceMajor: 259,
    deviceMinor: 1_048_575,
  });
  const status = filled();
  new DataView(status.bytes.buffer).setBigUint64(32, 2n ** 53n - 1n, true);
  assert.equal(decodeStatus(status).inode, Number.MAX_SAFE_INTEGER);
});

test('types that the format does not know are 0', () => {
  const status = newStatusBuffer();
  const types = Array.from({ length: 16 }, (_, bits) => {
    new DataView(status.bytes.buffer).setUint16(28, bits << 12, true);
    return typeOf(status);
  });
  assert.deepEqual(types, [0, 4, 6, 0, 2, 0, 7, 0, 1, 0, 3, 0, 5, 0, 0, 0]);
});

test('it says what Node says', { skip: process.platform !== 'linux' && 'Linux only' }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'twinvault-status-'));
  const path = join(directory, 'file');
  writeFileSync(path, 'text');
  execFileSync('touch', ['-d', '@-1.5', path]);
  const status = newStatusBuffer();
  assert.equal(system().statAt(AT_FDCWD, Buffer.from(path), status), 0);
  const ours = decodeStatus(status);
  const theirs = lstatSync(path, { bigint: true });
  rmSync(directory, { recursive: true });
  assert.equal(ours.mtimeSeconds, -2);
  assert.equal(ours.mtimeNanos, 500_000_000);
  assert.equal(BigInt(ours.ctimeSeconds) * 1_000_000_000n + BigInt(ours.ctimeNanos), theirs.ctimeNs);
  assert.deepEqual([ours.sizeBytes, ours.linkCount, ours.uid], [4, 1, Number(theirs.uid)]);
  assert.equal(String(ours.inode), String(theirs.ino));
  assert.equal(BigInt(ours.blocks), theirs.blocks);
});
