/*
 * Compares two directory trees of this machine entry by entry and says every difference: type, content, size, holes,
 * mode, owner, mtime in ns, link target, device numbers, hard-link groups, xattrs, ACLs and capabilities. It reads the
 * disk by its own means, below descriptors, so that paths of any length work.
 */
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { dataRangesOf, OpenDirectory, xattrsOf } from './linux-calls.ts';

export interface CompareOptions {
  /** What is not compared, for tests without the rights to restore it. */
  readonly ignore?: readonly ('owner' | 'xattrs' | 'holes' | 'times')[];
}

interface Side {
  readonly label: string;
  /** Device and inode to the first path that was seen of it. */
  readonly links: Map<string, string>;
}

interface Seen {
  readonly place: Buffer;
  readonly stat: BigIntStats;
  readonly side: Side;
}

const typeMask = 0o170000n;
const types = { file: 0o100000n, directory: 0o040000n, link: 0o120000n, character: 0o020000n, block: 0o060000n };
const readBytes = 1024 * 1024;

/** One line for each difference, none when the trees are equal; the roots themselves are compared too. */
export function compareTrees(a: string, b: string, options: CompareOptions = {}): string[] {
  const comparison = new Comparison(options);
  comparison.entries('.', comparison.see(Buffer.from(`${a}/.`), 'a'), comparison.see(Buffer.from(`${b}/.`), 'b'));
  return comparison.differences;
}

class Comparison {
  readonly differences: string[] = [];
  readonly #ignore: ReadonlySet<string>;
  readonly #sides: Readonly<Record<'a' | 'b', Side>>;
  readonly #buffers = [Buffer.alloc(readBytes), Buffer.alloc(readBytes)] as const;

  constructor({ ignore = [] }: CompareOptions) {
    this.#ignore = new Set(ignore);
    this.#sides = { a: { label: 'a', links: new Map() }, b: { label: 'b', links: new Map() } };
  }

  see(place: Buffer, side: 'a' | 'b'): Seen {
    return { place, stat: lstatSync(place, { bigint: true }), side: this.#sides[side] };
  }

  #differ(path: string, what: string, ...values: readonly [unknown, unknown]): void {
    const [a, b] = values;
    if (a !== b) this.differences.push(`${JSON.stringify(path)}: ${what}: ${String(a)} | ${String(b)}`);
  }

  entries(path: string, a: Seen, b: Seen): void {
    const type = a.stat.mode & typeMask;
    if (type !== (b.stat.mode & typeMask)) {
      this.#differ(path, 'type', type.toString(8), (b.stat.mode & typeMask).toString(8));
      return;
    }
    // Links have no mode of their own.
    if (type !== types.link) this.#differ(path, 'mode', a.stat.mode.toString(8), b.stat.mode.toString(8));
    if (!this.#ignore.has('owner')) this.#differ(path, 'owner', owner(a.stat), owner(b.stat));
    if (!this.#ignore.has('times')) this.#differ(path, 'mtime', a.stat.mtimeNs, b.stat.mtimeNs);
    if (type === types.character || type === types.block) this.#differ(path, 'device', a.stat.rdev, b.stat.rdev);
    if (type === types.link) this.#differ(path, 'target', target(a.place), target(b.place));
    if (type !== types.directory) this.#hardLinks(path, a, b);
    if (!this.#ignore.has('xattrs')) this.#xattrs(path, a, b);
    if (type === types.file) this.#files(path, a, b);
    if (type === types.directory) this.#directories(path, a, b);
  }

  #hardLinks(path: string, ...seen: readonly [Seen, Seen]): void {
    const [a, b] = seen.map(({ stat, side }) => {
      const key = `${stat.dev}:${stat.ino}`;
      const first = side.links.get(key) ?? path;
      side.links.set(key, first);
      return `${stat.nlink} from ${first}`;
    });
    this.#differ(path, 'hard links', a, b);
  }

  #xattrs(path: string, a: Seen, b: Seen): void {
    const [ours, theirs] = [xattrsOf(a.place), xattrsOf(b.place)];
    for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
      this.#differ(path, `xattr ${name}`, ours.get(name), theirs.get(name));
    }
  }

  #files(path: string, a: Seen, b: Seen): void {
    this.#differ(path, 'size', a.stat.size, b.stat.size);
    if (a.stat.size !== b.stat.size) return;
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
    const fds = [openSync(a.place, flags), openSync(b.place, flags)] as const;
    try {
      const [ours, theirs] = [dataRangesOf(fds[0], Number(a.stat.size)), dataRangesOf(fds[1], Number(b.stat.size))];
      if (!this.#ignore.has('holes')) this.#differ(path, 'data ranges', JSON.stringify(ours), JSON.stringify(theirs));
      this.#content(path, fds, [...ours, ...theirs]);
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  }

  /** Where either side has data. */
  #content(path: string, fds: readonly [number, number], ranges: readonly [number, number][]): void {
    for (const [start, end] of ranges) {
      for (let offset = start; offset < end; offset += readBytes) {
        const length = Math.min(readBytes, end - offset);
        const [a, b] = fds.map((fd, index) => {
          const buffer = this.#buffers[index as 0 | 1];
          return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
        }) as [Buffer, Buffer];
        if (a.equals(b)) continue;
        this.differences.push(`${JSON.stringify(path)}: content at ${offset} to ${offset + length}`);
        return;
      }
    }
  }

  #directories(path: string, a: Seen, b: Seen): void {
    const [ours, theirs] = [new OpenDirectory(a.place), new OpenDirectory(b.place)];
    try {
      const [left, right] = [namesIn(ours), namesIn(theirs)];
      for (const name of [...new Set([...left, ...right])].sort()) {
        const below = `${path}/${name}`;
        this.#differ(below, 'there', left.has(name), right.has(name));
        if (!left.has(name) || !right.has(name)) continue;
        const bytes = Buffer.from(name, 'latin1');
        this.entries(below, this.see(ours.path(bytes), 'a'), this.see(theirs.path(bytes), 'b'));
      }
    } finally {
      ours.close();
      theirs.close();
    }
  }
}

function owner({ uid, gid }: BigIntStats): string {
  return `${uid}:${gid}`;
}

function target(place: Buffer): string {
  return readlinkSync(place, { encoding: 'buffer' }).toString('latin1');
}

function namesIn(directory: OpenDirectory): Set<string> {
  return new Set(readdirSync(directory.listing, { encoding: 'buffer' }).map((name) => name.toString('latin1')));
}
