/*
 * What the system may answer and seldom does: a full disk, calls broken off by signals, short writes, file systems
 * without nameless files, without exclusive renames, without hard links, without xattrs, disks that fail.
 *
 * Faults are put between the wrappers and the C library, so that all of this package's own code runs.
 */
import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import koffi from 'koffi';
import type { EntryMetadata, Target } from '@twinvault/engine';
import { compareTrees, makeNastyTree, removeTree } from '@twinvault/testkit';
import { linuxFileSource, linuxTarget, TargetWriteError } from '../src/index.ts';
import { errnos, openFlags } from '../src/linux/constants.ts';
import { libc } from '../src/linux/libc.ts';
import type { Call, Libc } from '../src/linux/libc.ts';
import { openSourceReaderOver } from '../src/linux/reader.ts';
import type { SourceReaderConfig } from '../src/linux/reader.ts';
import { System } from '../src/linux/system.ts';
import { openTargetOver } from '../src/linux/target.ts';
import type { LinuxTargetConfig } from '../src/linux/target.ts';
import { copyInto, scanAll } from './copy-through-ports.ts';

const isRoot = process.getuid?.() === 0;
const skip = process.platform !== 'linux' && 'Linux only';
const base = realpathSync(mkdtempSync(join(tmpdir(), 'twinvault-faults-')));
after(() => removeTree(base));
let count = 0;

type Fault = (call: Call, ...args: Parameters<Call>) => number;

function failing(errno: number): Fault {
  return () => {
    koffi.errno(errno);
    return -1;
  };
}

/** The system with some calls replaced. */
function systemWith(faults: Partial<Record<keyof Libc, Fault>>): System {
  const real = libc();
  const replaced = Object.entries(faults).map(([name, fault]) => {
    const call = real[name as keyof Libc];
    return [name, (...args: Parameters<Call>) => fault(call, ...args)];
  });
  return new System({ ...real, ...(Object.fromEntries(replaced) as Partial<Libc>) });
}

function targetWith(faults: Partial<Record<keyof Libc, Fault>>): { root: string; target: Target } {
  count += 1;
  const root = join(base, `target-${count}`);
  const { config } = linuxTarget({ root: Buffer.from(root) });
  return { root, target: openTargetOver(systemWith(faults), config as LinuxTargetConfig) };
}

function sourceOf(root: string): ReturnType<typeof linuxFileSource> {
  return linuxFileSource({ roots: [Buffer.from(root)], rules: { excludes: [], skipCaches: false, oneFileSystem: false } });
}

const empty = new Uint8Array(0);
const name = new Uint8Array(Buffer.from('file'));
const metadata: EntryMetadata = {
  type: 1,
  mode: 0o644,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  mtimeSeconds: 1,
  mtimeNanos: 2,
  deviceMajor: 0,
  deviceMinor: 0,
  details: { user: null, group: null, linkTarget: null, xattrs: [], acls: [] },
};

const withoutNameless: Fault = (call, ...args) =>
  ((args[2] as number) & openFlags.O_TMPFILE) === openFlags.O_TMPFILE ? failing(errnos.EOPNOTSUPP)(call) : call(...args);

test('a file system without nameless files gets all the same', { skip }, async () => {
  const { root } = makeNastyTree(join(base, 'nasty'));
  const { root: restored, target } = targetWith({ openat: withoutNameless });
  const { errors } = await copyInto(sourceOf(root), target);
  assert.deepEqual(compareTrees(root, join(restored, root), isRoot ? {} : { ignore: ['owner'] }), []);
  if (isRoot) assert.deepEqual(errors, []);
});

/** Under each rule, over a file that is there: what the directory holds afterwards. */
function outcomes(faults: Partial<Record<keyof Libc, Fault>>): Record<string, Record<string, string>> {
  return Object.fromEntries(
    (['skip', 'overwrite', 'rename-incoming', 'rename-existing'] as const).map((rule) => {
      const { root, target } = targetWith(faults);
      for (const text of ['first', 'second', 'third']) {
        const file = target.createFile(empty, name, text.length, rule);
        file?.write(Buffer.from(text), 0);
        file?.finish(metadata);
      }
      target.createFile(empty, name, 1, rule)?.abandon();
      target.close();
      return [
        rule,
        Object.fromEntries(
          readdirSync(root)
            .sort()
            .map((found) => [found, readFileSync(join(root, found), 'utf8')]),
        ),
      ];
    }),
  );
}

const wanted = {
  skip: { file: 'first' },
  overwrite: { file: 'third' },
  'rename-incoming': { file: 'first', 'file (restored)': 'second', 'file (restored 2)': 'third' },
  'rename-existing': { file: 'third', 'file (before restore)': 'first', 'file (before restore 2)': 'second' },
};

test('conflict rules hold whatever the file system lacks', { skip }, () => {
  const noExclusiveRename: Fault = (call, ...args) => (args[5] === 0 ? call(...args) : failing(errnos.EINVAL)(call));
  assert.deepEqual(outcomes({}), wanted);
  assert.deepEqual(outcomes({ openat: withoutNameless }), wanted);
  assert.deepEqual(outcomes({ openat: withoutNameless, syscallRenameat2: noExclusiveRename }), wanted);
  assert.deepEqual(
    outcomes({ openat: withoutNameless, syscallRenameat2: noExclusiveRename, linkat: failing(errnos.EPERM) }),
    wanted,
  );
});

test('calls broken off by a signal and short writes are gone on with', { skip }, async () => {
  const root = join(base, 'small');
  mkdirSync(join(root, 'd'), { recursive: true });
  writeFileSync(join(root, 'd/file'), 'some text in a file');
  symlinkSync('file', join(root, 'd/link'));
  let calls = 0;
  const interrupted: Fault = (call, ...args) => {
    calls += 1;
    return calls % 2 === 1 ? failing(errnos.EINTR)(call) : call(...args);
  };
  const names: (keyof Libc)[] = [
    'openat',
    'mkdirat',
    'symlinkat',
    'linkat',
    'syscallStatx',
    'fchmod',
    'futimens',
    'ftruncate',
    'lseek',
  ];
  const halves: Fault = (call, ...args) =>
    call(args[0] ?? null, args[1] ?? null, Math.ceil((args[2] as number) / 2), args[3] ?? null);
  const { root: restored, target } = targetWith({
    ...Object.fromEntries(names.map((call) => [call, interrupted])),
    pwrite: halves,
  });
  const { errors } = await copyInto(sourceOf(root), target);
  assert.deepEqual(errors, []);
  assert.deepEqual(compareTrees(root, join(restored, root)), []);
});

test('a full or read-only disk has its own code, and leaves nothing behind', { skip }, () => {
  const cases = [
    [{ pwrite: failing(errnos.ENOSPC) }, 'target-full'],
    [{ pwrite: failing(errnos.EDQUOT) }, 'target-full'],
    [{ pwrite: failing(errnos.EIO) }, 'entry-not-restored'],
    [{ ftruncate: failing(errnos.ENOSPC) }, 'target-full'],
    [{ ftruncate: failing(errnos.EFBIG) }, 'entry-not-restored'],
    [{ linkat: failing(errnos.EDQUOT) }, 'target-full'],
    [{ openat: withoutNameless, ftruncate: failing(errnos.ENOSPC) }, 'target-full'],
  ] as const;
  for (const [faults, code] of cases) {
    const { root, target } = targetWith(faults);
    const isExpected = (error: unknown): boolean => error instanceof TargetWriteError && error.code === code;
    assert.throws(() => {
      const file = target.createFile(empty, name, 100, 'skip');
      try {
        file?.write(Buffer.from('text'), 0);
        file?.finish(metadata);
      } finally {
        file?.abandon();
      }
    }, isExpected);
    target.close();
    assert.deepEqual(readdirSync(root), []);
  }
  const { target } = targetWith({
    mkdirat: (call, ...args) => (args[2] === 0o1700 ? failing(errnos.EROFS)(call) : call(...args)),
  });
  assert.throws(() => target.makeDirectory(empty, name, 'skip'), { code: 'target-read-only', detail: 'EROFS mkdirat' });
  target.close();
});

test('what of the metadata could not be restored is listed, and the entry stays', { skip }, () => {
  const user = new Uint8Array(Buffer.from('user.x'));
  const more: EntryMetadata = {
    ...metadata,
    mode: 0o6755,
    uid: 54_321,
    details: {
      ...metadata.details,
      xattrs: [{ name: user, value: new Uint8Array([1]) }],
      acls: [
        { kind: 'posix-access', value: new Uint8Array([2, 0, 0, 0]) },
        { kind: 'sddl', value: new Uint8Array([0]) },
      ],
    },
  };
  const { root, target } = targetWith({
    fchownat: failing(errnos.EPERM),
    fsetxattr: failing(errnos.EOPNOTSUPP),
    futimens: failing(errnos.EPERM),
  });
  const file = target.createFile(empty, name, 0, 'skip');
  const errors = file?.finish(more) ?? [];
  assert.deepEqual(
    errors.map(({ detail }) => detail),
    [
      'EPERM fchownat',
      'EOPNOTSUPP setxattr user.x',
      'EOPNOTSUPP setxattr posix-access',
      'EOPNOTSUPP setxattr sddl',
      'EPERM utimensat',
    ],
  );
  assert.ok(errors.every(({ code, path }) => code === 'metadata-not-restored' && Buffer.from(path).toString() === 'file'));
  // It would run as somebody else than its owner.
  assert.equal(lstatSync(join(root, 'file')).mode & 0o7777, 0o755);
  target.close();
});

test('a disk that fails is one entry’s error', { skip }, async () => {
  const root = join(base, 'failing');
  mkdirSync(root);
  writeFileSync(join(root, 'file'), 'text');
  const source = sourceOf(root);
  const { entries } = await scanAll(source);
  const entry = entries.at(-1);
  assert.ok(entry !== undefined);
  const config = source.reader.config as SourceReaderConfig;
  const reader = openSourceReaderOver(
    systemWith({ pread: failing(errnos.EIO), lseek: failing(errnos.EINVAL), flistxattr: failing(errnos.EACCES) }),
    config,
  );
  assert.equal(reader.readAsScanned(entry, new Uint8Array(4)), null);
  using opened = reader.open(entry.directory, entry.name, { ...entry.stat, blocks: 0 });
  assert.throws(() => opened.read(new Uint8Array(4), 0, 4, 0), { code: 'entry-unreadable', detail: 'EIO pread' });
  assert.deepEqual(
    opened.details().errors.map(({ code, detail }) => [code, detail]),
    [['entry-denied', 'EACCES listxattr']],
  );
  // Whoever cannot tell holes has none.
  assert.deepEqual(opened.dataRanges(), [{ offsetBytes: 0, lengthBytes: 4 }]);
  reader.close();
  rmSync(root, { recursive: true });
});

test('a file with anything to tell besides its owners is not read in one go', { skip }, async () => {
  const root = join(base, 'told');
  mkdirSync(root);
  writeFileSync(join(root, 'file'), 'text');
  const source = sourceOf(root);
  const entry = (await scanAll(source)).entries.at(-1);
  assert.ok(entry !== undefined);
  const config = source.reader.config as SourceReaderConfig;
  const read = (faults: Partial<Record<keyof Libc, Fault>>): unknown => {
    const reader = openSourceReaderOver(systemWith(faults), config);
    const details = reader.readAsScanned(entry, new Uint8Array(4));
    reader.close();
    return details === null;
  };
  assert.equal(read({}), false);
  assert.equal(read({ flistxattr: failing(errnos.EOPNOTSUPP) }), false);
  assert.equal(read({ flistxattr: () => 7 }), true);
  assert.equal(read({ flistxattr: failing(errnos.EACCES) }), true);
  // The status afterwards.
  assert.equal(read({ syscallStatx: failing(errnos.EIO) }), true);
});

test('a kernel without listxattrat is asked through /proc', { skip }, async () => {
  const root = join(base, 'older');
  mkdirSync(join(root, 'd'), { recursive: true });
  const source = sourceOf(root);
  const entry = (await scanAll(source)).entries.at(-1);
  assert.ok(entry !== undefined);
  for (const errno of [errnos.ENOSYS, errnos.EPERM]) {
    const asked: string[] = [];
    const through =
      (what: string): Fault =>
      (call, ...args) => {
        asked.push(what);
        return what === 'at' ? failing(errno)(call) : call(...args);
      };
    const reader = openSourceReaderOver(
      systemWith({ syscallListxattrat: through('at'), llistxattr: through('proc') }),
      source.reader.config as SourceReaderConfig,
    );
    for (let time = 0; time < 2; time += 1) {
      using opened = reader.open(entry.directory, entry.name, entry.stat);
      assert.deepEqual(opened.details().errors, []);
    }
    assert.deepEqual(asked, ['at', 'proc', 'proc']);
    reader.close();
  }
});

test('an open that a lease or the owner’s rights forbid is tried in another way', { skip }, async () => {
  const root = join(base, 'leased');
  mkdirSync(root);
  writeFileSync(join(root, 'file'), 'text');
  const source = sourceOf(root);
  const { entries } = await scanAll(source);
  const entry = entries.at(-1);
  assert.ok(entry !== undefined);
  const openat: Fault = (call, ...args) => {
    const flags = args[2] as number;
    if ((flags & openFlags.O_NOATIME) !== 0) return failing(errnos.EPERM)(call);
    return (flags & openFlags.O_NONBLOCK) === 0 ? call(...args) : failing(errnos.EAGAIN)(call);
  };
  const reader = openSourceReaderOver(systemWith({ openat }), source.reader.config as SourceReaderConfig);
  using opened = reader.open(entry.directory, entry.name, entry.stat);
  assert.equal(opened.read(new Uint8Array(9), 0, 9, 0), 4);
  reader.close();
});
