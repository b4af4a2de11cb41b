/*
 * The target by itself: what it refuses, what the conflict rules do, and that nobody leads it out of its directory.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ConflictRule, EntryMetadata, EntryType, Target } from '@twinvault/engine';
import { linuxTarget, TargetWriteError } from '../src/index.ts';
import { openTarget } from '../src/linux/target.ts';
import type { LinuxTargetConfig } from '../src/linux/target.ts';

const skip = process.platform !== 'linux' && 'Linux only';
const base = realpathSync(mkdtempSync(join(tmpdir(), 'twinvault-target-')));
after(() => rmSync(base, { recursive: true, force: true }));

const empty = new Uint8Array(0);
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll('/', '\0')));
let count = 0;

function newTarget(): { root: string; target: Target } {
  count += 1;
  const root = join(base, `target-${count}`, 'made/on/the/way');
  const { config } = linuxTarget({ root: Buffer.from(root) });
  return { root, target: openTarget(config as LinuxTargetConfig) };
}

function metadata(type: EntryType, more: Partial<EntryMetadata> = {}): EntryMetadata {
  const details = { user: null, group: null, linkTarget: type === 3 ? bytes('there') : null, xattrs: [], acls: [] };
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return { type, mode: 0o644, ...owner, mtimeSeconds: 1, mtimeNanos: 2, deviceMajor: 0, deviceMinor: 0, details, ...more };
}

function put(target: Target, path: string, rule: ConflictRule, text = path): string | null {
  const at = path.lastIndexOf('/');
  const [directory, name] = [bytes(path.slice(0, Math.max(0, at))), bytes(path.slice(at + 1))];
  const file = target.createFile(directory, name, text.length, rule);
  if (file === null) return null;
  file.write(Buffer.from(text), 0);
  assert.deepEqual(file.finish(metadata(1)), []);
  return Buffer.from(file.placed.name ?? []).toString();
}

function isRefusal(code: string): (error: unknown) => boolean {
  return (error) => error instanceof TargetWriteError && error.code === code;
}

test('a file that one target began is written by others, in any order, and ended by the first', { skip }, () => {
  const { root, target } = newTarget();
  const { config } = linuxTarget({ root: Buffer.from(root) });
  const other = openTarget(config as LinuxTargetConfig);
  assert.ok(target.makeDirectory(empty, bytes('new'), 'overwrite').name);
  // In a directory of its own making the file has its name from the start; elsewhere it has none until it is finished.
  for (const directory of ['', 'new']) {
    const size = 20;
    const file = target.createFile(bytes(directory), bytes('large'), size, 'overwrite') ?? assert.fail();
    other.writeInto(file.handle, Buffer.from('end'), 9);
    file.write(Buffer.from('begin'), 0);
    other.writeInto(file.handle, Buffer.from('mid'), 5);
    assert.deepEqual(file.finish(metadata(1)), []);
    const written = readFileSync(join(root, directory, 'large'));
    assert.equal(written.toString('latin1'), `beginmid\0end${'\0'.repeat(8)}`);
    assert.equal(statSync(join(root, directory, 'large')).mode & 0o7777, 0o644);
  }
  assert.throws(() => other.writeInto(2 ** 20, Buffer.from('x'), 0), isRefusal('entry-not-restored'));
  other.close();
  target.close();
});

test('names that lead elsewhere are refused', { skip }, () => {
  const { root, target } = newTarget();
  const names = [
    empty,
    bytes('.'),
    bytes('..'),
    new Uint8Array([0x61, 0x2f, 0x62]),
    new Uint8Array([0x61, 0]),
    new Uint8Array(1025).fill(0x61),
  ];
  for (const name of names) {
    const refused = isRefusal('entry-name-invalid');
    assert.throws(() => target.makeDirectory(empty, name, 'overwrite'), refused);
    assert.throws(() => target.createFile(empty, name, 0, 'overwrite'), refused);
    assert.throws(() => target.makeSpecial(empty, name, metadata(3), 'overwrite'), refused);
    assert.throws(() => target.makeHardLink(empty, name, empty, bytes('x'), 'overwrite'), refused);
    assert.throws(() => target.makeHardLink(empty, bytes('x'), empty, name, 'overwrite'), refused);
    assert.throws(() => target.finishDirectory(empty, name, metadata(2)), refused);
    assert.throws(() => target.stat(empty, name), refused);
  }
  for (const directory of ['..', '.', 'a/..', '../..', 'a//b', '/a', 'a/']) {
    assert.throws(
      () => target.createFile(bytes(directory), bytes('x'), 0, 'overwrite'),
      isRefusal('entry-name-invalid'),
      directory,
    );
  }
  // 256 bytes: legal in the format, too long for this file system.
  assert.throws(() => put(target, 'x'.repeat(256), 'skip'), isRefusal('entry-name-invalid'));
  assert.deepEqual(readdirSync(root), []);
  target.close();
});

test('a link in the place of a directory is never followed', { skip }, () => {
  const { root, target } = newTarget();
  const outside = join(base, 'outside');
  mkdirSync(outside);
  target.makeDirectory(empty, bytes('a'), 'skip');
  target.makeDirectory(bytes('a'), bytes('b'), 'skip');
  rmSync(join(root, 'a/b'), { recursive: true });
  symlinkSync(outside, join(root, 'a/b'));
  const isRefused = isRefusal('entry-not-restored');
  assert.throws(() => put(target, 'a/b/file', 'overwrite'), isRefused);
  assert.throws(() => target.makeDirectory(bytes('a/b'), bytes('c'), 'overwrite'), isRefused);
  assert.throws(() => target.makeSpecial(bytes('a/b'), bytes('c'), metadata(4), 'overwrite'), isRefused);
  assert.throws(() => target.finishDirectory(bytes('a'), bytes('b'), metadata(2)), isRefused);
  assert.deepEqual(readdirSync(outside), []);
  target.close();
});

test('an attacker who swaps a directory for a link while files are written gets nothing', { skip }, () => {
  const { root, target } = newTarget();
  const outside = join(base, 'outside-2');
  mkdirSync(outside);
  target.makeDirectory(empty, bytes('d'), 'skip');
  for (let round = 0; round < 200; round += 1) {
    const path = `d/file-${round}`;
    const file = target.createFile(bytes('d'), bytes(`file-${round}`), 4, 'overwrite');
    file?.write(Buffer.from('text'), 0);
    if (round === 50) {
      renameSync(join(root, 'd'), join(root, 'moved'));
      symlinkSync(outside, join(root, 'd'));
    }
    file?.finish(metadata(1));
    assert.equal(existsSync(join(outside, `file-${round}`)), false, path);
  }
  // What the descriptor was opened for goes on getting the files, wherever it was moved to.
  assert.equal(readdirSync(join(root, 'moved')).length, 200);
  target.close();
});

test('a link in the place of a file is replaced or kept, never written through', { skip }, () => {
  const { root, target } = newTarget();
  const victim = join(base, 'victim');
  writeFileSync(victim, 'untouched', { mode: 0o600 });
  symlinkSync(victim, join(root, 'file'));
  assert.equal(put(target, 'file', 'skip'), null);
  assert.equal(put(target, 'file', 'rename-incoming', 'new'), 'file (restored)');
  assert.equal(readlinkSync(join(root, 'file')), victim);
  assert.equal(put(target, 'file', 'overwrite', 'new'), 'file');
  assert.equal(lstatSync(join(root, 'file')).isFile(), true);
  symlinkSync(victim, join(root, 'special'));
  target.makeSpecial(empty, bytes('special'), metadata(4, { mode: 0o777 }), 'overwrite');
  assert.equal(lstatSync(join(root, 'special')).isFIFO(), true);
  assert.equal(readFileSync(victim, 'utf8'), 'untouched');
  assert.equal(statSync(victim).mode & 0o777, 0o600);
  target.close();
});

test('skip keeps what is there', { skip }, () => {
  const { root, target } = newTarget();
  writeFileSync(join(root, 'x'), 'old');
  mkdirSync(join(root, 'd'), { mode: 0o711 });
  assert.equal(put(target, 'x', 'skip'), null);
  assert.equal(target.makeDirectory(empty, bytes('x'), 'skip').name, null);
  assert.equal(target.makeSpecial(empty, bytes('x'), metadata(3), 'skip').placed.name, null);
  assert.equal(put(target, 'new', 'skip'), 'new');
  assert.equal(target.makeHardLink(empty, bytes('x'), empty, bytes('new'), 'skip').name, null);
  assert.equal(readFileSync(join(root, 'x'), 'utf8'), 'old');
  target.makeDirectory(empty, bytes('d'), 'skip');
  assert.equal(put(target, 'd/inside', 'skip'), 'inside');
  target.finishDirectory(empty, bytes('d'), metadata(2, { mode: 0o700 }));
  assert.equal(statSync(join(root, 'd')).mode & 0o777, 0o711);
  target.close();
});

test('overwrite replaces files, links and devices, but no directory by a file', { skip }, () => {
  const { root, target } = newTarget();
  mkdirSync(join(root, 'd'));
  writeFileSync(join(root, 'd/inside'), 'old');
  assert.throws(() => put(target, 'd', 'overwrite'), isRefusal('entry-not-restored'));
  assert.throws(() => target.makeSpecial(empty, bytes('d'), metadata(3), 'overwrite'), isRefusal('entry-not-restored'));
  assert.equal(readFileSync(join(root, 'd/inside'), 'utf8'), 'old');
  for (const kind of [3, 4, 5, 3] as const) {
    assert.deepEqual(target.makeSpecial(empty, bytes('s'), metadata(kind), 'overwrite').errors, []);
  }
  assert.equal(readlinkSync(join(root, 's')), 'there');
  assert.equal(put(target, 's', 'overwrite', 'now a file'), 's');
  assert.equal(target.makeHardLink(empty, bytes('s2'), empty, bytes('s'), 'overwrite').name?.length, 2);
  // Again, onto itself: the kernel moves nothing then.
  assert.equal(target.makeHardLink(empty, bytes('s2'), empty, bytes('s'), 'overwrite').name?.length, 2);
  assert.equal(lstatSync(join(root, 's')).nlink, 2);
  assert.equal(Buffer.from(target.makeDirectory(empty, bytes('s2'), 'overwrite').name ?? []).toString(), 's2');
  assert.deepEqual(readdirSync(root).sort(), ['d', 's', 's2']);
  target.close();
});

test('rename-incoming finds a free name within 255 bytes, at a whole letter', { skip }, () => {
  const { root, target } = newTarget();
  for (const expected of ['x', 'x (restored)', 'x (restored 2)', 'x (restored 3)']) {
    assert.equal(put(target, 'x', 'rename-incoming', expected), expected);
    assert.equal(readFileSync(join(root, expected), 'utf8'), expected);
  }
  const long = 'ä'.repeat(127);
  assert.equal(put(target, long, 'rename-incoming'), long);
  assert.equal(put(target, long, 'rename-incoming'), `${'ä'.repeat(122)} (restored)`);
  writeFileSync(join(root, 'd'), 'a file where a directory should be');
  assert.equal(Buffer.from(target.makeDirectory(empty, bytes('d'), 'rename-incoming').name ?? []).toString(), 'd (restored)');
  // An existing directory is fine under every rule.
  assert.equal(Buffer.from(target.makeDirectory(empty, bytes('d'), 'rename-incoming').name ?? []).toString(), 'd (restored)');
  target.close();
});

test('rename-existing moves away whatever has the name, and changes nothing of it', { skip }, () => {
  const { root, target } = newTarget();
  mkdirSync(join(root, 'd'), { mode: 0o711 });
  writeFileSync(join(root, 'd/inside'), 'old');
  writeFileSync(join(root, 'f'), 'old');
  symlinkSync('nowhere', join(root, 's'));
  assert.equal(put(target, 'd', 'rename-existing', 'new'), 'd');
  assert.equal(readFileSync(join(root, 'd (before restore)/inside'), 'utf8'), 'old');
  assert.equal(Buffer.from(target.makeDirectory(empty, bytes('f'), 'rename-existing').name ?? []).toString(), 'f');
  assert.equal(readFileSync(join(root, 'f (before restore)'), 'utf8'), 'old');
  assert.deepEqual(target.makeSpecial(empty, bytes('s'), metadata(3), 'rename-existing').placed.name, bytes('s'));
  assert.equal(readlinkSync(join(root, 's (before restore)')), 'nowhere');
  assert.deepEqual(target.makeHardLink(empty, bytes('s'), empty, bytes('d'), 'rename-existing').name, bytes('s'));
  assert.equal(readFileSync(join(root, 's'), 'utf8'), 'new');
  assert.equal(readlinkSync(join(root, 's (before restore 2)')), 'there');
  mkdirSync(join(root, 'kept'), { mode: 0o711 });
  target.makeDirectory(empty, bytes('kept'), 'rename-existing');
  target.finishDirectory(empty, bytes('kept'), metadata(2, { mode: 0o700 }));
  assert.equal(statSync(join(root, 'kept')).mode & 0o777, 0o711);
  target.close();
});

test('a file that is abandoned, or was never finished, leaves nothing', { skip }, () => {
  const { root, target } = newTarget();
  const file = target.createFile(empty, bytes('x'), 3, 'skip');
  file?.write(Buffer.from('abc'), 0);
  assert.deepEqual(readdirSync(root), []);
  file?.abandon();
  file?.abandon();
  assert.deepEqual(readdirSync(root), []);
  target.close();
});

test('a directory without write permission is filled and finished', { skip }, () => {
  const { root, target } = newTarget();
  mkdirSync(join(root, 'd'));
  chmodSync(join(root, 'd'), 0o555);
  target.makeDirectory(empty, bytes('d'), 'overwrite');
  put(target, 'd/x', 'overwrite');
  assert.deepEqual(target.finishDirectory(empty, bytes('d'), metadata(2, { mode: 0o555 })), []);
  assert.equal(statSync(join(root, 'd')).mode & 0o777, 0o555);
  assert.equal(statSync(join(root, 'd'), { bigint: true }).mtimeNs, 1_000_000_002n);
  chmodSync(join(root, 'd'), 0o755);
  target.close();
});

test('directories of a restore that was broken off are finished by the next one under every rule', { skip }, () => {
  const { root, target } = newTarget();
  target.makeDirectory(empty, bytes('d'), 'skip');
  target.makeDirectory(bytes('d'), bytes('below'), 'skip');
  target.close();
  const { config } = linuxTarget({ root: Buffer.from(root) });
  const next = openTarget(config as LinuxTargetConfig);
  next.makeDirectory(empty, bytes('d'), 'skip');
  next.makeDirectory(bytes('d'), bytes('below'), 'skip');
  assert.deepEqual(next.finishDirectory(bytes('d'), bytes('below'), metadata(2, { mode: 0o750 })), []);
  assert.deepEqual(next.finishDirectory(empty, bytes('d'), metadata(2, { mode: 0o2755 })), []);
  next.close();
  assert.deepEqual(
    ['d', 'd/below'].map((path) => statSync(join(root, path)).mode & 0o7777),
    [0o2755, 0o750],
  );
});

test('a target that is no directory is refused', { skip }, () => {
  writeFileSync(join(base, 'file'), '');
  const { config } = linuxTarget({ root: Buffer.from(join(base, 'file')) });
  assert.throws(() => openTarget(config as LinuxTargetConfig), { code: 'target-invalid' });
  assert.throws(() => linuxTarget({ root: Buffer.from('relative') }), { code: 'target-invalid' });
});

test('it tells the free space and the status of what is there', { skip }, () => {
  const { target } = newTarget();
  assert.ok(target.freeBytes() > 0);
  put(target, 'x', 'skip', 'four');
  assert.equal(target.stat(empty, bytes('x'))?.sizeBytes, 4);
  assert.equal(target.stat(empty, bytes('y')), null);
  target.close();
});

test('a file that a broken-off restore left gives way, in the directory that it made and nowhere else', { skip }, () => {
  const { root, target } = newTarget();
  const directory = bytes('made');
  target.makeDirectory(empty, directory, 'skip');
  const left = target.createFile(directory, bytes('left'), 5, 'skip');
  left?.write(Buffer.from('ha'), 0);
  assert.equal(statSync(join(root, 'made/left')).mode & 0o7777, 0o1600);
  // What the restore after the kill finds.
  const next = openTarget(linuxTarget({ root: Buffer.from(root) }).config as LinuxTargetConfig);
  assert.equal(next.stat(directory, bytes('left')), null);
  assert.equal(put(next, 'made/left', 'skip', 'whole'), 'left');
  assert.equal(readFileSync(join(root, 'made/left'), 'utf8'), 'whole');
  assert.equal(put(next, 'made/left', 'skip', 'other'), null);
  // The same mode elsewhere is somebody's file.
  for (const place of ['made', 'others']) {
    mkdirSync(join(root, place), { recursive: true });
    writeFileSync(join(root, place, 'sticky'), 'theirs');
    chmodSync(join(root, place, 'sticky'), 0o1600);
  }
  next.finishDirectory(empty, directory, metadata(2, { mode: 0o755 }));
  for (const place of ['made', 'others']) {
    assert.notEqual(next.stat(bytes(place), bytes('sticky')), null);
    assert.equal(put(next, `${place}/sticky`, 'skip', 'ours'), null);
    assert.equal(readFileSync(join(root, place, 'sticky'), 'utf8'), 'theirs');
  }
  left?.abandon();
});

test('a file given up in a new directory is gone', { skip }, () => {
  const { root, target } = newTarget();
  target.makeDirectory(empty, bytes('made'), 'skip');
  const file = target.createFile(bytes('made'), bytes('file'), 5, 'overwrite');
  assert.ok(existsSync(join(root, 'made/file')));
  file?.abandon();
  assert.ok(!existsSync(join(root, 'made/file')));
});
