/*
 * A deliberately nasty tree: everything on Linux that backup programs are known to lose. As root all of it, otherwise what
 * the rights allow; what was left out is said.
 *
 * Directories get their modes and times last, deepest first, so that nothing made later changes them.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { changeOwner, mknod, OpenDirectory, setTimes, setXattr } from './linux-calls.ts';

export interface NastyTree {
  readonly root: string;
  /** What could not be made, with the reason: too few rights, or a file system that lacks it. */
  readonly leftOut: readonly string[];
}

interface Maker {
  readonly root: OpenDirectory;
  /** Runs it; a refusal of the system is noted, not thrown. */
  attempt(what: string, make: () => void): void;
}

const second = 1_000_000_000n;
const TiB = 2 ** 40;

/** Makes the tree in a new directory at this path. */
export function makeNastyTree(path: string): NastyTree {
  mkdirSync(path, { mode: 0o755 });
  const leftOut: string[] = [];
  const root = new OpenDirectory(path);
  const maker: Maker = {
    root,
    attempt(what, make) {
      try {
        make();
      } catch (error) {
        leftOut.push(`${what}: ${(error as Error).message.slice(0, 100)}`);
      }
    },
  };
  try {
    for (const part of [
      names,
      deepPaths,
      contents,
      sparseFiles,
      links,
      hardLinks,
      specials,
      owners,
      attributes,
      lists,
      times,
      modes,
    ]) {
      part(maker);
    }
    setTimes(root.self, 1_111_111_111n * second + 123_456_789n);
  } finally {
    root.close();
  }
  return { root: path, leftOut };
}

/** A directory in the root, open while `fill` runs. */
function folder({ root }: Maker, name: string | Buffer, fill: (directory: OpenDirectory) => void): void {
  mkdirSync(root.path(name), { mode: 0o755 });
  const directory = root.open(name);
  try {
    fill(directory);
  } finally {
    directory.close();
  }
}

function names(maker: Maker): void {
  folder(maker, 'names', (directory) => {
    const list: (string | Buffer)[] = [
      'new\nline',
      'carriage\rreturn',
      'tab\there',
      ' leading',
      'trailing ',
      '"quotes" and \'more\'',
      'back\\slash',
      '-rf',
      '*',
      '?',
      '[a]',
      '~',
      '$HOME',
      '`id`',
      'semi;colon',
      '...',
      '..x',
      '.hidden',
      'emoji \u{1f4be}',
      'nfc \u00e9',
      'nfd e\u0301',
      'x'.repeat(255),
      '\u00e4'.repeat(127),
      'name (restored)',
      'CON',
      'a:b',
      Buffer.from([0xff]),
      Buffer.from([0xfe, 0x0a, 0x80]),
      Buffer.from('latin1 \xfc', 'latin1'),
      Buffer.from([0xc3]),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from(Array.from({ length: 46 }, (_, index) => index + 1)),
    ];
    for (const name of list) writeFileSync(directory.path(name), `content of ${Buffer.from(name).toString('hex')}\n`);
    mkdirSync(directory.path(Buffer.from([0x64, 0xff, 0x0a])));
    writeFileSync(directory.path(Buffer.from([0x64, 0xff, 0x0a, 0x2f, 0x80])), 'in a directory whose name is no text');
    // In bytewise order "a" and all below it come before "a b", though a path sorted as one string has them mixed.
    for (const name of ['order', 'order b', 'order-c', 'order.d']) {
      mkdirSync(directory.path(name));
      writeFileSync(directory.path(`${name}/z`), name);
    }
  });
}

function deepPaths(maker: Maker): void {
  descend(maker, { name: 'deep', step: `long-${'n'.repeat(200)}`, steps: 40 });
  descend(maker, { name: 'narrow', step: 'd', steps: 300 });
}

function descend({ root }: Maker, { name, step, steps }: { name: string; step: string; steps: number }): void {
  mkdirSync(root.path(name));
  let directory = root.open(name);
  for (let level = 0; level < steps; level += 1) {
    writeFileSync(directory.path('at'), `level ${level}`);
    // Sorted after the way down, so that a walk comes back to every level.
    mkdirSync(directory.path('later'));
    writeFileSync(directory.path('later/file'), `level ${level}`);
    mkdirSync(directory.path(step));
    const next = directory.open(step);
    directory.close();
    directory = next;
  }
  writeFileSync(directory.path('bottom'), 'the bottom');
  symlinkSync('../at', directory.path('link'));
  directory.close();
}

function contents(maker: Maker): void {
  folder(maker, 'contents', (directory) => {
    for (const size of [0, 1, 4095, 4096, 4097, 65_537, 3_000_001]) {
      const bytes = Buffer.alloc(size);
      for (let index = 0; index < size; index += 1) bytes[index] = (index * 31 + (index >>> 8) * 7 + size) & 0xff;
      writeFileSync(directory.path(`size-${size}`), bytes);
      writeFileSync(directory.path(`same-${size}`), bytes);
    }
    writeFileSync(directory.path('zeros'), Buffer.alloc(200_000));
    mkdirSync(directory.path('empty'));
    mkdirSync(directory.path('many'));
    for (let index = 0; index < 300; index += 1) writeFileSync(directory.path(`many/${index}`), `small file ${index}`);
  });
}

function sparseFiles(maker: Maker): void {
  const islands: readonly [string, number, readonly number[]][] = [
    ['two-islands', TiB, [300 * 2 ** 30, TiB - 65_536]],
    ['hole-first', 10 * 2 ** 20, [9 * 2 ** 20]],
    ['hole-last', 10 * 2 ** 20, [0]],
    ['only-hole', 5 * 2 ** 30, []],
    ['odd-end', 1_000_003, [262_144]],
    ['comb', 64 * 65_536, Array.from({ length: 32 }, (_, index) => index * 131_072)],
  ];
  folder(maker, 'sparse', (directory) => {
    for (const [name, sizeBytes, offsets] of islands) {
      maker.attempt(`sparse file ${name}`, () => {
        const fd = openSync(directory.path(name), 'w');
        try {
          ftruncateSync(fd, sizeBytes);
          for (const offset of offsets) writeSync(fd, Buffer.alloc(65_536, name), 0, 65_536, offset);
        } finally {
          closeSync(fd);
        }
      });
    }
  });
}

function links(maker: Maker): void {
  folder(maker, 'links', (directory) => {
    const targets: Readonly<Record<string, string | Buffer>> = {
      relative: '../contents/size-1',
      absolute: '/etc/passwd',
      dangling: 'nowhere/at/all',
      itself: 'itself',
      'to-directory': '../names',
      up: '..',
      newline: 'a\nb',
      long: 'x/'.repeat(511),
      'not-text': Buffer.from([0xff, 0x2f, 0xfe]),
      spaces: ' ',
    };
    for (const [name, target] of Object.entries(targets)) symlinkSync(target, directory.path(name));
    // Not on xfs, whose targets end at 1,023 bytes.
    maker.attempt('longest link target', () => symlinkSync('x/'.repeat(2047), directory.path('longest')));
    setTimes(directory.path('dangling'), -5n * second + 7n);
    maker.attempt('owner of a link', () => changeOwner(directory.path('absolute'), 54_321, 54_322));
    maker.attempt('xattr of a link', () => setXattr(directory.path('relative'), 'trusted.of-link', Buffer.from('own')));
  });
}

function hardLinks(maker: Maker): void {
  folder(maker, 'hard-links', (directory) => {
    mkdirSync(directory.path('a'));
    mkdirSync(directory.path('b'));
    writeFileSync(directory.path('z-first'), 'one file, four names');
    for (const name of ['a/second', 'b/third', 'a-fourth']) linkSync(directory.path('z-first'), directory.path(name));
    linkSync(maker.root.path('sparse/hole-last'), directory.path('b/sparse'));
    symlinkSync('z-first', directory.path('link'));
    linkSync(directory.path('link'), directory.path('a/link'));
    mknod(directory.path('fifo'), 0o010640);
    linkSync(directory.path('fifo'), directory.path('b/fifo'));
    writeFileSync(directory.path('empty'), '');
    linkSync(directory.path('empty'), directory.path('a/empty'));
  });
}

function specials(maker: Maker): void {
  folder(maker, 'specials', (directory) => {
    mknod(directory.path('fifo'), 0o010600);
    mknod(directory.path('socket'), 0o140755);
    chmodSync(directory.path('socket'), 0o755);
    maker.attempt('character device', () => mknod(directory.path('null'), 0o020666, [1, 3]));
    maker.attempt('character device', () => chmodSync(directory.path('null'), 0o666));
    maker.attempt('block device', () => mknod(directory.path('loop'), 0o060660, [7, 0]));
    maker.attempt('large device numbers', () => mknod(directory.path('large'), 0o060600, [259, 1_048_575]));
    for (const name of ['fifo', 'socket']) setTimes(directory.path(name), 4_000_000_000n * second + 1n);
    maker.attempt('xattr of a device', () => setXattr(directory.path('null'), 'trusted.of-device', Buffer.from([0, 1])));
    maker.attempt('owner of a FIFO', () => changeOwner(directory.path('fifo'), 1, 2));
  });
}

function owners(maker: Maker): void {
  folder(maker, 'owners', (directory) => {
    const list: readonly [number, number][] = [
      [54_321, 54_322],
      [1, 0],
      [0, 7],
      [65_534, 65_534],
      [4_294_967_293, 3],
    ];
    for (const [uid, gid] of list) {
      maker.attempt('other owners', () => {
        const path = directory.path(`${uid}-${gid}`);
        writeFileSync(path, 'owned');
        changeOwner(path, uid, gid);
        mkdirSync(directory.path(`directory-${uid}`));
        changeOwner(directory.path(`directory-${uid}`), uid, gid);
      });
    }
    maker.attempt('set-id file of another owner', () => {
      const path = directory.path('set-id');
      writeFileSync(path, 'runs as somebody');
      changeOwner(path, 54_321, 8);
      chmodSync(path, 0o6755);
    });
  });
}

function attributes(maker: Maker): void {
  folder(maker, 'attributes', (directory) => {
    writeFileSync(directory.path('file'), 'with attributes');
    const user: Readonly<Record<string, Uint8Array>> = {
      'user.empty': new Uint8Array(0),
      'user.binary': new Uint8Array([0, 255, 10, 0]),
      'user.large': new Uint8Array(1500).fill(0x61),
      [`user.${'n'.repeat(200)}`]: new Uint8Array([1]),
      'user.ümlaut': new Uint8Array([2]),
    };
    for (const [name, value] of Object.entries(user)) {
      maker.attempt(`xattr ${name}`, () => setXattr(directory.path('file'), name, value));
    }
    maker.attempt('xattr of a directory', () => setXattr(directory.self, 'user.directory', Buffer.from('d')));
    maker.attempt('trusted xattr', () => setXattr(directory.path('file'), 'trusted.secret', Buffer.from('t')));
    maker.attempt('security xattr', () => setXattr(directory.path('file'), 'security.twinvault', Buffer.from('s')));
    maker.attempt('capability', () => {
      const path = directory.path('capable');
      writeFileSync(path, 'may bind low ports');
      changeOwner(path, 0, 54_322);
      chmodSync(path, 0o755);
      setXattr(path, 'security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex'));
    });
    writeFileSync(directory.path('read-only'), 'with an attribute, and not to be written');
    maker.attempt('xattr of a read-only file', () => setXattr(directory.path('read-only'), 'user.x', Buffer.from('y')));
    chmodSync(directory.path('read-only'), 0o444);
  });
}

/** An access control list as its xattr holds it: entries of tag, permissions and id. */
function acl(entries: readonly (readonly [tag: number, permissions: number, id?: number])[]): Buffer {
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(2, 0);
  for (const [index, [tag, permissions, id = 0xffffffff]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + 8 * index);
    bytes.writeUInt16LE(permissions, 6 + 8 * index);
    bytes.writeUInt32LE(id, 8 + 8 * index);
  }
  return bytes;
}

function lists(maker: Maker): void {
  const full = acl([
    [1, 6],
    [2, 7, 54_321],
    [4, 4],
    [8, 5, 54_322],
    [0x10, 7],
    [0x20, 0],
  ]);
  folder(maker, 'lists', (directory) => {
    // Made before the default list, so it has none; a restore into the finished directory must not give it one.
    writeFileSync(directory.path('without'), 'no list');
    mkdirSync(directory.path('directory-without'));
    maker.attempt('ACL', () => {
      writeFileSync(directory.path('file'), 'with a list');
      setXattr(directory.path('file'), 'system.posix_acl_access', full);
      setXattr(directory.self, 'system.posix_acl_default', full);
      setXattr(
        directory.self,
        'system.posix_acl_access',
        acl([
          [1, 7],
          [2, 7, 1],
          [4, 5],
          [0x10, 7],
          [0x20, 5],
        ]),
      );
      writeFileSync(directory.path('inherited'), 'made below a default list');
      mkdirSync(directory.path('directory-inherited'));
    });
  });
}

function times(maker: Maker): void {
  const list: Readonly<Record<string, bigint>> = {
    'before-1970': -1n,
    'long-before-1970': -1_500_000_000n * second + 999_999_999n,
    'after-2038': 2_500_000_000n * second + 1n,
    'far-after': 8_000_000_000n * second + 999_999_999n,
    zero: 0n,
    fine: 1_234_567_890n * second + 987_654_321n,
    whole: 1_000_000_000n * second,
  };
  folder(maker, 'times', (directory) => {
    for (const [name, nanos] of Object.entries(list)) {
      writeFileSync(directory.path(name), name);
      mkdirSync(directory.path(`directory-${name}`));
      writeFileSync(directory.path(`directory-${name}/inside`), name);
      symlinkSync(name, directory.path(`link-${name}`));
      for (const prefix of ['', 'directory-', 'link-']) setTimes(directory.path(prefix + name), nanos);
    }
  });
}

function modes(maker: Maker): void {
  folder(maker, 'modes', (directory) => {
    for (const mode of [0o000, 0o400, 0o200, 0o111, 0o777, 0o4755, 0o2755, 0o6711, 0o1644, 0o7777]) {
      const name = mode.toString(8).padStart(4, '0');
      if (process.geteuid?.() !== 0 && (mode & 0o400) === 0) continue;
      writeFileSync(directory.path(name), name);
      chmodSync(directory.path(name), mode);
    }
    for (const mode of [0o000, 0o500, 0o555, 0o1777, 0o2775, 0o3777]) {
      const name = `directory-${mode.toString(8).padStart(4, '0')}`;
      if (process.geteuid?.() !== 0 && (mode & 0o500) !== 0o500) continue;
      mkdirSync(directory.path(name));
      mkdirSync(directory.path(`${name}/below`));
      writeFileSync(directory.path(`${name}/below/file`), name);
      writeFileSync(directory.path(`${name}/file`), name);
      maker.attempt('group of a set-id directory', () => changeOwner(directory.path(name), 0, 54_322));
      chmodSync(directory.path(`${name}/below`), 0o555);
      setTimes(directory.path(`${name}/below`), 1_000_000_001n * second + 2n);
      chmodSync(directory.path(name), mode);
      setTimes(directory.path(name), 1_000_000_000n * second + 1n);
    }
  });
}

/** Removes a tree with all that is nasty in it. */
export function removeTree(path: string): void {
  // Only the owner of a directory that may not be written can make it so that it can be emptied.
  if (process.geteuid?.() !== 0) spawnSync('chmod', ['-R', 'u+rwx', path]);
  execFileSync('rm', ['-rf', '--', path]);
}
