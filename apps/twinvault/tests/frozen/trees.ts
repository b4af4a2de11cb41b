/* The trees that are frozen: one entry of every kind that a file system can show, in content that compresses well. Nothing here may change what was frozen: it is kept to show what that was. */

import { entryTypes } from '@twinvault/engine';
import { concatBytes, utf8Encode } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';

const pageBytes = 4096;

/** Pages of text, each with its number: large for the engine, small when compressed. */
function pages(name: string, count: number): Uint8Array {
  return concatBytes(
    ...Array.from({ length: count }, (_, page) =>
      utf8Encode(`${name} page ${page}\n`.padEnd(pageBytes, 'the quick brown fox. ')),
    ),
  );
}

function text(name: string, lines: number): string {
  return Array.from({ length: lines }, (_, line) => `${name}, line ${line}\n`).join('');
}

/** Runs of data between holes: more extents than a list in a leaf may have. */
function addHoles(tree: MemoryTree): void {
  const [runBytes, stepBytes, runs] = [512, 4608, 140];
  const content = new Uint8Array(runs * stepBytes);
  const data = Array.from({ length: runs }, (_, run) => ({ offsetBytes: run * stepBytes, lengthBytes: runBytes }));
  for (const { offsetBytes } of data) content.set(utf8Encode(`run at ${offsetBytes}`.padEnd(runBytes, '.')), offsetBytes);
  tree.file('root/holes/many', content, { data });
  const sparse = new Uint8Array(3_000_000);
  sparse.set(utf8Encode('an island'), 1_000_000);
  tree.file('root/holes/island', sparse, { data: [{ offsetBytes: 1_000_000, lengthBytes: 9 }] });
  tree.file('root/holes/nothing', new Uint8Array(1_000_000), { data: [] });
}

function addNames(tree: MemoryTree): void {
  const long = 'x'.repeat(255);
  for (const name of ['caf\udce9', '\udcff\udcfe', 'line\nbreak', 'Bücher', 'u\u0308', ' ', '-rf', long]) {
    tree.file(`root/names/${name}`, `named ${name.length}\n`);
  }
  const deep = ['root/names', ...Array.from({ length: 32 }, (_, level) => `${level}${'d'.repeat(140)}`)];
  for (let depth = 2; depth <= deep.length; depth += 1) tree.directory(deep.slice(0, depth).join('/'));
  tree.file(`${deep.join('/')}/bottom`, 'beyond 4,096 bytes\n');
}

function addKinds(tree: MemoryTree): void {
  tree.link('root/kinds/link', '../letters/one');
  tree.special('root/kinds/link of bytes', entryTypes.link, { target: Uint8Array.of(0xff, 0x2f, 0x80), mode: 0o777 });
  tree.special('root/kinds/fifo', entryTypes.fifo, { mode: 0o600 });
  tree.special('root/kinds/socket', entryTypes.socket, { mode: 0o755 });
  tree.special('root/kinds/null', entryTypes.character, { mode: 0o666, device: { major: 1, minor: 3 } });
  tree.special('root/kinds/disk', entryTypes.block, {
    mode: 0o660,
    uid: 0,
    gid: 6,
    user: 'root',
    group: 'disk',
    device: { major: 8, minor: 17 },
  });
  tree.file('root/kinds/empty', '');
  tree.file('root/kinds/setuid', 'x', { mode: 0o4755, uid: 0, gid: 0, user: 'root', group: 'root' });
  tree.file('root/kinds/closed', 'x', { mode: 0, uid: 4_000_000_000, gid: 4_000_000_000, user: null, group: null });
  tree.file('root/kinds/hard', 'one inode, two names\n');
  tree.hardLink('root/kinds/hard again', 'root/kinds/hard');
  tree.file('root/kinds/before 1970', 'x', { mtimeMs: -1500 });
  tree.file('root/kinds/after 2242', 'x', { mtimeMs: 8_600_000_000_123 });
}

function addAttributes(tree: MemoryTree): void {
  const xattr = (name: string, value: Uint8Array) => ({ name: utf8Encode(name), value });
  const acl = Uint8Array.of(
    2,
    0,
    0,
    0,
    1,
    0,
    6,
    0,
    255,
    255,
    255,
    255,
    4,
    0,
    4,
    0,
    255,
    255,
    255,
    255,
    32,
    0,
    4,
    0,
    255,
    255,
    255,
    255,
  );
  tree.file('root/attributes/xattrs', 'x', {
    xattrs: [xattr('user.empty', new Uint8Array()), xattr('user.note', utf8Encode('a note'))],
  });
  tree.file('root/attributes/acl', 'x', { acls: [{ kind: 'posix-access', value: acl }] });
  // Over 16,384 bytes: they stand in nodes of their own.
  const large = ['a', 'b', 'c'].map((name) => xattr(`user.${name}`, new Uint8Array(30_000).fill(name.charCodeAt(0))));
  tree.file('root/attributes/large', 'x', { xattrs: large });
  tree.directory('root/attributes/folder');
  const folder = tree.nodes.get('root/attributes/folder');
  if (folder !== undefined) folder.acls = [{ kind: 'posix-default', value: acl }];
}

export function deskTree(): MemoryTree {
  const tree = new MemoryTree(1_750_000_000_000);
  for (const folder of ['letters', 'empty', 'holes', 'names', 'kinds', 'attributes']) tree.directory(`root/${folder}`);
  for (const name of ['one', 'two', 'three']) tree.file(`root/letters/${name}`, text(name, 40));
  tree.file('root/database', pages('database', 60));
  tree.file('root/passing', pages('night 1', 40));
  tree.file('root/denied', 'nobody reads this\n');
  tree.faults.set('root/denied', { at: 'open', code: 'entry-denied' });
  tree.file('root/restless', 'first\n');
  let changes = 0;
  tree.whileRead.set('root/restless', () => {
    changes += 1;
    tree.file('root/restless', `changed ${changes} times\n`);
  });
  addHoles(tree);
  addNames(tree);
  addKinds(tree);
  addAttributes(tree);
  return tree;
}

/** What the nights change: pages in place, new and removed files, one that was there before and cannot be read now. */
export function nextNight(tree: MemoryTree, night: number): void {
  const content = tree.nodes.get('root/database')?.content.slice() ?? new Uint8Array();
  for (const page of [3, 20 + night]) content.set(utf8Encode(`night ${night}`.padEnd(64, '#')), page * pageBytes);
  tree.file('root/database', content);
  // Another content each night: it dies with its safeset, inside packs that live on.
  tree.file('root/passing', pages(`night ${night}`, 40));
  tree.file('root/letters/two', text(`two in night ${night}`, 40));
  tree.file(`root/letters/of night ${night}`, text(`night ${night}`, 30));
  if (night === 2) tree.remove('root/letters/three');
  if (night === 3) {
    tree.rename('root/letters/one', 'root/letters/one, moved');
    tree.touch('root/kinds/setuid');
    tree.faults.set('root/kinds/setuid', { at: 'open', code: 'entry-denied' });
  }
}

/** Of another computer: the desk's database as it is now, and something of its own. */
export function serverTree(desk: MemoryTree, night = 1): MemoryTree {
  const tree = new MemoryTree(1_750_000_000_000);
  tree.file('root/copy of the database', desk.nodes.get('root/database')?.content ?? new Uint8Array());
  tree.file('root/mail', pages('mail', 40));
  tree.file('root/passing', pages(`server's night ${night}`, 40));
  return tree;
}
