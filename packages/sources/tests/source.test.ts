/*
 * The source by itself: order of keys, roots, excludes, caches, file systems, and what happens when entries vanish, change
 * or may not be read.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { unpackEntries } from '@twinvault/engine';
import type { FileSource, ScannedEntry, ScanRules } from '@twinvault/engine';
import { linuxFileSource, SourceReadError } from '../src/index.ts';
import { openReader, pathOf, scanAll } from './copy-through-ports.ts';

const isRoot = process.getuid?.() === 0;
const skip = process.platform !== 'linux' && 'Linux only';
const base = realpathSync(mkdtempSync(join(tmpdir(), 'twinvault-source-')));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;

/** A new directory with these files, each holding its own path; a path that ends in "/" is a directory. */
function tree(...paths: readonly string[]): string {
  count += 1;
  const root = join(base, `tree-${count}`);
  mkdirSync(root);
  for (const path of paths) {
    mkdirSync(join(root, path.endsWith('/') ? path : join(path, '..')), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(join(root, path), path);
  }
  return root;
}

function sourceOf(roots: readonly string[], rules: Partial<ScanRules> = {}): FileSource {
  const all: ScanRules = { excludes: [], skipCaches: true, oneFileSystem: false, ...rules };
  return linuxFileSource({ roots: roots.map((root) => Buffer.from(root)), rules: all });
}

/** Paths below the root, in the order of the scan. */
async function listed(root: string, rules: Partial<ScanRules> = {}): Promise<string[]> {
  const { entries, errors } = await scanAll(sourceOf([root], rules));
  assert.deepEqual(errors, []);
  const above = root.slice(1).split('/').length;
  return entries.slice(above).map((entry) => pathOf(entry).slice(root.length));
}

function keyOf({ directory, name }: ScannedEntry): string {
  return `${Buffer.from(directory).toString('latin1')}\0\0${Buffer.from(name).toString('latin1')}`;
}

async function entryOf(source: FileSource, path: string): Promise<ScannedEntry> {
  const { entries } = await scanAll(source);
  const found = entries.find((entry) => `/${pathOf(entry)}` === path);
  assert.ok(found !== undefined, path);
  return found;
}

test('entries come in the order of catalog keys, directories above the roots included', { skip }, async () => {
  const root = tree('a/z', 'a b/z', 'a-c', 'a.d/x/y', 'b', 'a/b/c', 'a/b c', 'Z', 'é/x');
  const { entries } = await scanAll(
    sourceOf([join(root, 'a.d/x'), join(root, 'a'), join(root, 'é'), join(root, 'a/b'), join(root, 'b')]),
  );
  const keys = entries.map(keyOf);
  assert.deepEqual(keys, keys.toSorted());
  assert.equal(new Set(keys).size, keys.length);
  const above = root.slice(1).split('/').length;
  const below = entries.slice(above).map((entry) => Buffer.from(pathOf(entry), 'latin1').toString().slice(root.length));
  assert.deepEqual(below, ['a', 'a.d', 'b', 'é', 'a/b', 'a/b c', 'a/z', 'a/b/c', 'a.d/x', 'a.d/x/y', 'é/x']);
  assert.deepEqual(
    entries.slice(0, above).map(pathOf),
    root
      .slice(1)
      .split('/')
      .map((_, index, all) => all.slice(0, index + 1).join('/')),
  );
});

test('a root may be a file or a link; it is not followed', { skip }, async () => {
  const root = tree('file', 'directory/inside');
  symlinkSync('directory', join(root, 'link'));
  const { entries } = await scanAll(sourceOf([join(root, 'file'), join(root, 'link')]));
  assert.deepEqual(
    entries.slice(-2).map(({ stat }) => stat.type),
    [1, 3],
  );
});

test('a link above a root counts as the directory that it leads to', { skip }, async () => {
  const root = tree('real/me/file');
  symlinkSync('real', join(root, 'home'));
  chmodSync(join(root, 'real'), 0o711);
  const source = sourceOf([join(root, 'home/me')]);
  const { entries } = await scanAll(source);
  const [home, me, file] = entries.slice(-3) as [ScannedEntry, ScannedEntry, ScannedEntry];
  assert.deepEqual(
    [home, me, file].map((entry) => `/${pathOf(entry)}`),
    ['home', 'home/me', 'home/me/file'].map((path) => join(root, path)),
  );
  assert.deepEqual([home.stat.type, home.stat.mode], [2, 0o711]);
  const reader = await openReader(source);
  for (const { directory, name, stat } of [home, me, file]) {
    using opened = reader.open(directory, name, stat);
    assert.deepEqual(opened.stat, stat);
  }
  reader.close();
});

test('a root that is not there is said before anything is scanned', { skip }, () => {
  const root = tree('file');
  assert.throws(() => sourceOf([root, join(root, 'missing')]), { code: 'root-missing' });
  assert.throws(() => sourceOf([join(root, 'file/below')]), { code: 'root-missing' });
  for (const path of ['relative', '', '/a/../b', '/./x']) assert.throws(() => sourceOf([path]), { code: 'root-invalid' });
  assert.throws(() => sourceOf([]), { code: 'root-invalid' });
});

test('excluded entries are left out, and nothing below them is looked at', { skip }, async () => {
  const root = tree('keep', 'x.tmp', 'd/x.tmp', 'd/keep', 'build/a', 'd/build/a', 'only/here', 'd/only/here');
  assert.deepEqual(await listed(root, { excludes: ['*.tmp', 'build/', '/only'] }), [
    'd',
    'keep',
    'd/keep',
    'd/only',
    'd/only/here',
  ]);
});

test('of a directory marked as a cache only the mark is taken', { skip }, async () => {
  const root = tree('cache/a', 'cache/b/c', 'cache/CACHEDIR.TAG', 'not/CACHEDIR.TAG', 'not/x');
  writeFileSync(join(root, 'cache/CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55\n# a comment');
  assert.deepEqual(await listed(root), ['cache', 'not', 'cache/CACHEDIR.TAG', 'not/CACHEDIR.TAG', 'not/x']);
  assert.equal((await listed(root, { skipCaches: false })).length, 8);
  // Somebody named it: that says more than the mark.
  assert.deepEqual(await listed(join(root, 'cache')), ['CACHEDIR.TAG', 'a', 'b', 'b/c']);
});

test(
  'another file system is entered unless it is excluded or made up by the kernel',
  { skip: skip || (!isRoot && 'needs root') },
  async (t) => {
    const root = tree('mounted/', 'proc/', 'after/x');
    const mounted = [
      ['tmpfs', 'mounted'],
      ['proc', 'proc'],
    ].map(([type = '', name = '']) => spawnSync('mount', ['-t', type, 'none', join(root, name)]).status === 0);
    if (mounted.includes(false)) {
      t.skip('may not mount here');
      return;
    }
    try {
      writeFileSync(join(root, 'mounted/inside'), '');
      assert.deepEqual(await listed(root), ['after', 'mounted', 'proc', 'after/x', 'mounted/inside']);
      assert.deepEqual(await listed(root, { oneFileSystem: true }), ['after', 'mounted', 'proc', 'after/x']);
      const { entries } = await scanAll(sourceOf([join(root, 'proc/self')], { oneFileSystem: true }));
      assert.equal(entries.at(-1)?.stat.type, 3);
    } finally {
      execFileSync('umount', [join(root, 'mounted')]);
      execFileSync('umount', [join(root, 'proc')]);
    }
  },
);

test(
  'a directory that may not be listed is an event, and the scan goes on',
  { skip: skip || (isRoot && 'root may list all') },
  async () => {
    const root = tree('closed/x', 'open/y');
    chmodSync(join(root, 'closed'), 0o000);
    const { entries, errors } = await scanAll(sourceOf([root]));
    chmodSync(join(root, 'closed'), 0o755);
    assert.deepEqual(
      errors.map(({ code, detail }) => [code, detail]),
      [['entry-denied', 'EACCES openat']],
    );
    assert.ok(entries.some((entry) => pathOf(entry).endsWith('open/y')));
  },
);

test('directories that vanish or become links while the scan runs are events', { skip }, async () => {
  const root = tree(...Array.from({ length: 1200 }, (_, index) => `a/${index}`), 'gone/x', 'link/y', 'z/x');
  const outside = tree('secret');
  const seen: string[] = [];
  const errors: string[] = [];
  for await (const batch of sourceOf([root]).scan(new AbortController().signal)) {
    for (const event of batch) {
      if (event.type === 'entries') seen.push(...unpackEntries(event).map(pathOf));
      else if ('error' in event)
        errors.push(`${event.type} ${event.error.code} ${Buffer.from(event.error.path).toString().split('\0').at(-1) ?? ''}`);
    }
    if (errors.length > 0 || seen.length > 1100) continue;
    rmSync(join(root, 'gone'), { recursive: true });
    renameSync(join(root, 'link'), join(outside, 'moved'));
    symlinkSync(outside, join(root, 'link'));
  }
  assert.deepEqual(errors, ['unlisted entry-vanished gone', 'unlisted entry-changed link']);
  assert.equal(
    seen.some((path) => path.endsWith('secret') || path.endsWith('link/y')),
    false,
  );
  assert.ok(seen.at(-1)?.endsWith('z/x'));
});

test('an aborted scan stops and leaves no descriptor open', { skip }, async () => {
  const root = tree(...Array.from({ length: 3000 }, (_, index) => `d/${index}`));
  const before = readdirSync('/proc/self/fd').length;
  const controller = new AbortController();
  let batches = 0;
  await assert.rejects(async () => {
    for await (const batch of sourceOf([root]).scan(controller.signal)) {
      batches += 1;
      assert.ok(batch.every((event) => event.type === 'partial' || (event.type === 'entries' && event.count <= 1000)));
      controller.abort(new Error('enough'));
    }
  }, /enough/);
  assert.equal(batches, 1);
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

test('what became something else since the scan is refused at opening', { skip }, async () => {
  const root = tree('to-link', 'to-fifo', 'gone', 'to-directory', 'target');
  const source = sourceOf([root]);
  const entries = await Promise.all(
    ['to-link', 'to-fifo', 'gone', 'to-directory'].map((name) => entryOf(source, join(root, name))),
  );
  for (const name of ['to-link', 'to-fifo', 'gone', 'to-directory']) unlinkSync(join(root, name));
  symlinkSync('target', join(root, 'to-link'));
  execFileSync('mkfifo', [join(root, 'to-fifo')]);
  mkdirSync(join(root, 'to-directory'));
  const reader = await openReader(source);
  const codes = entries.map(({ directory, name, stat }) => {
    try {
      reader.open(directory, name, stat)[Symbol.dispose]();
      return null;
    } catch (error) {
      assert.ok(error instanceof SourceReadError);
      return error.code;
    }
  });
  assert.deepEqual(codes, ['entry-changed', 'entry-changed', 'entry-vanished', 'entry-changed']);
  reader.close();
});

test('a directory on the way that became a link is not followed', { skip }, async () => {
  const root = tree('d/file', 'other/file');
  const source = sourceOf([root]);
  const { directory, name, stat } = await entryOf(source, join(root, 'd/file'));
  renameSync(join(root, 'd'), join(root, 'moved'));
  symlinkSync('other', join(root, 'd'));
  const reader = await openReader(source);
  assert.throws(() => reader.open(directory, name, stat), { code: 'entry-changed' });
  reader.close();
});

test('a file that changes while it is read shows it afterwards', { skip }, async () => {
  const root = tree('grows', 'shrinks');
  const source = sourceOf([root]);
  const reader = await openReader(source);
  const into = new Uint8Array(64);
  for (const [name, change] of [
    ['grows', (path: string) => writeFileSync(path, 'more', { flag: 'a' })],
    ['shrinks', (path: string) => truncateSync(path, 2)],
  ] as const) {
    const entry = await entryOf(source, join(root, name));
    using opened = reader.open(entry.directory, entry.name, entry.stat);
    assert.deepEqual(opened.stat, entry.stat);
    change(join(root, name));
    const again = opened.statAgain();
    assert.notEqual(again.sizeBytes, opened.stat.sizeBytes);
    assert.equal(opened.read(into, 3, 40, 0), again.sizeBytes);
    assert.equal(opened.read(into, 0, 40, again.sizeBytes), 0);
  }
  reader.close();
});

test('a file is read in one go while it is as it was scanned, and only then', { skip }, async () => {
  const changes: Readonly<Record<string, (path: string) => void>> = {
    grows: (path) => writeFileSync(path, 'more', { flag: 'a' }),
    shrinks: (path) => truncateSync(path, 2),
    rewritten: (path) => writeFileSync(path, path.slice(-9)),
    opened: (path) => chmodSync(path, 0o600),
    gone: (path) => unlinkSync(path),
    other: (path) => {
      writeFileSync(`${path}.new`, 'other');
      renameSync(`${path}.new`, path);
    },
    link: (path) => {
      unlinkSync(path);
      symlinkSync('same', path);
    },
    pipe: (path) => {
      unlinkSync(path);
      execFileSync('mkfifo', [path]);
    },
    directory: (path) => {
      unlinkSync(path);
      mkdirSync(path);
    },
  };
  const root = tree('same', 'd/same', ...Object.keys(changes));
  const source = sourceOf([root]);
  const { entries } = await scanAll(source);
  const reader = await openReader(source);
  for (const [name, change] of Object.entries(changes)) change(join(root, name));
  const read = new Map<string, string>();
  for (const entry of entries.filter(({ stat }) => stat.type === 1)) {
    const into = new Uint8Array(entry.stat.sizeBytes);
    const details = reader.readAsScanned(entry, into);
    if (details === null) continue;
    read.set(`/${pathOf(entry)}`.slice(root.length + 1), Buffer.from(into).toString());
    using opened = reader.open(entry.directory, entry.name, entry.stat);
    assert.deepEqual({ details, errors: [] }, opened.details());
  }
  assert.deepEqual(Object.fromEntries(read), { same: 'same', 'd/same': 'd/same' });
  reader.close();
});

test('reading leaves the access time alone', { skip }, async () => {
  const root = tree('file');
  utimesSync(join(root, 'file'), 1000, 2_000_000_000);
  const source = sourceOf([root]);
  const entry = await entryOf(source, join(root, 'file'));
  const reader = await openReader(source);
  using opened = reader.open(entry.directory, entry.name, entry.stat);
  assert.equal(opened.read(new Uint8Array(8), 0, 8, 0), 4);
  reader.close();
  assert.equal(statSync(join(root, 'file')).atimeMs, 1_000_000);
});

test('data ranges leave out the holes', { skip }, async () => {
  const root = tree('sparse', 'dense', 'empty');
  const fd = openSync(join(root, 'sparse'), 'w');
  writeSync(fd, Buffer.alloc(65_536, 1), 0, 65_536, 1_048_576);
  closeSync(fd);
  truncateSync(join(root, 'sparse'), 2 ** 40);
  truncateSync(join(root, 'empty'), 0);
  const source = sourceOf([root]);
  const reader = await openReader(source);
  const ranges: Record<string, unknown> = {};
  for (const name of ['sparse', 'dense', 'empty']) {
    const entry = await entryOf(source, join(root, name));
    using opened = reader.open(entry.directory, entry.name, entry.stat);
    ranges[name] = opened.dataRanges();
  }
  assert.deepEqual(ranges, {
    sparse: [{ offsetBytes: 1_048_576, lengthBytes: 65_536 }],
    dense: [{ offsetBytes: 0, lengthBytes: 5 }],
    empty: [],
  });
  reader.close();
});

test('owner names are told, and numbers without a name have none', { skip: skip || (!isRoot && 'needs root') }, async () => {
  const root = tree('root', 'nobody');
  execFileSync('chown', ['54321:54322', join(root, 'nobody')]);
  const source = sourceOf([root]);
  const reader = await openReader(source);
  for (const [name, user, group] of [
    ['root', 'root', 'root'],
    ['nobody', null, null],
  ] as const) {
    const entry = await entryOf(source, join(root, name));
    using opened = reader.open(entry.directory, entry.name, entry.stat);
    const { details } = opened.details();
    assert.deepEqual([details.user, details.group], [user, group]);
  }
  reader.close();
});
