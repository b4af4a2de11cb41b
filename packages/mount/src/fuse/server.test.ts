/*
 * The server as the kernel sees it: requests as bytes, answers as bytes, over a small tree in memory. The kernel itself asks in the
 * end-to-end test of the command.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CodedError, Prng, utf8Encode } from '@twinvault/std';
import { nameKey, nodeTypes } from '../tree/file-tree.ts';
import type { NodeStat, NodeType, NodeXattr, TreeChild, TreeNode } from '../tree/file-tree.ts';
import { errnos, opcodes } from './protocol.ts';
import { FuseServer } from './server.ts';

class MemoryNode implements TreeNode {
  readonly type: NodeType;
  readonly content: Uint8Array;
  readonly below = new Map<string, TreeChild>();
  readonly inode: bigint;
  fails = false;

  constructor(type: NodeType, inode: number, content: Uint8Array = new Uint8Array(0)) {
    this.type = type;
    this.inode = BigInt(inode);
    this.content = content;
  }

  add(name: string, node: MemoryNode): this {
    const bytes = utf8Encode(name);
    this.below.set(nameKey(bytes), { name: bytes, node });
    return this;
  }

  stat(): Promise<NodeStat> {
    const { type, inode } = this;
    const rest = {
      mode: 0o640,
      uid: 7,
      gid: 8,
      blocks: 3,
      mtimeSeconds: -5,
      mtimeNanos: 6,
      linkCount: 2,
      deviceMajor: 0x123,
      deviceMinor: 0x45678,
    };
    return Promise.resolve({ type, inode, sizeBytes: this.content.length, ...rest });
  }

  children(): Promise<ReadonlyMap<string, TreeChild>> {
    return Promise.resolve(this.below);
  }

  child(name: Uint8Array): Promise<TreeNode | null> {
    return Promise.resolve(this.below.get(nameKey(name))?.node ?? null);
  }

  readLink(): Uint8Array {
    return this.content;
  }

  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    if (this.fails) return Promise.reject(new CodedError({ lost: { retry: 'never', meaning: 'lost' } }, 'lost'));
    return Promise.resolve(this.content.subarray(offsetBytes, offsetBytes + lengthBytes));
  }

  seek(offsetBytes: number, what: 'data' | 'hole'): Promise<number | null> {
    return Promise.resolve(what === 'data' ? null : offsetBytes + 1);
  }

  xattrs(): Promise<readonly NodeXattr[]> {
    return Promise.resolve([{ name: utf8Encode('user.x'), value: utf8Encode('value') }]);
  }
}

interface Asked {
  readonly errno: number;
  readonly payload: DataView;
}

class Kernel {
  readonly server: FuseServer;
  readonly failures: unknown[] = [];
  readonly replies: Uint8Array[] = [];
  #unique = 1n;

  constructor(root: MemoryNode) {
    const tree = { root, files: 3 };
    this.server = new FuseServer(
      tree,
      (reply) => this.replies.push(reply),
      (error) => this.failures.push(error),
    );
  }

  async ask(opcode: number, node: number, body: Uint8Array = new Uint8Array(0)): Promise<Asked | null> {
    const request = new Uint8Array(40 + body.length);
    const view = new DataView(request.buffer);
    view.setUint32(0, request.length, true);
    view.setUint32(4, opcode, true);
    view.setBigUint64(8, this.#unique, true);
    view.setBigUint64(16, BigInt(node), true);
    request.set(body, 40);
    await this.server.handle(request);
    const reply = this.replies.pop();
    if (reply === undefined) return null;
    const answer = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
    assert.equal(answer.getUint32(0, true), reply.length);
    assert.equal(answer.getBigUint64(8, true), this.#unique);
    this.#unique += 1n;
    return { errno: 0 - answer.getInt32(4, true), payload: new DataView(reply.buffer, reply.byteOffset + 16, reply.length - 16) };
  }

  async answered(opcode: number, node: number, body?: Uint8Array): Promise<Asked> {
    return (await this.ask(opcode, node, body)) ?? assert.fail('no answer');
  }

  /** Number of the node, 0 when there is none. */
  async lookup(parent: number, name: string): Promise<number> {
    const { errno, payload } = await this.answered(opcodes.lookup, parent, utf8Encode(`${name}\0`));
    assert.equal(errno, 0);
    return Number(payload.getBigUint64(0, true));
  }

  /** Names, in pieces of this size. */
  async list(node: number, sizeBytes: number, plus: boolean): Promise<string[]> {
    const names: string[] = [];
    for (let offset = 0n; ;) {
      const { payload } = await this.answered(
        plus ? opcodes.readdirplus : opcodes.readdir,
        node,
        words64(0n, offset, BigInt(sizeBytes)),
      );
      if (payload.byteLength === 0) return names;
      assert.ok(payload.byteLength <= sizeBytes);
      for (let at = 0; at < payload.byteLength;) {
        const dirent = at + (plus ? 128 : 0);
        const length = payload.getUint32(dirent + 16, true);
        names.push(Buffer.from(payload.buffer, payload.byteOffset + dirent + 24, length).toString());
        offset = payload.getBigUint64(dirent + 8, true);
        at = dirent + ((24 + length + 7) & ~7);
      }
    }
  }
}

function words64(...values: readonly bigint[]): Uint8Array {
  return new Uint8Array(new BigUint64Array(values).buffer);
}

function world(): { kernel: Kernel; file: MemoryNode } {
  const file = new MemoryNode(nodeTypes.file, 100, new Prng('file').bytes(5000));
  const folder = new MemoryNode(nodeTypes.directory, 101);
  for (let index = 0; index < 50; index += 1) folder.add(`name ${index}`, new MemoryNode(nodeTypes.file, 200 + index));
  const link = new MemoryNode(nodeTypes.link, 102, utf8Encode('elsewhere'));
  const root = new MemoryNode(nodeTypes.directory, 1).add('file', file).add('folder', folder).add('link', link);
  return { kernel: new Kernel(root), file };
}

test('it agrees with the kernel on the protocol, and refuses another', async () => {
  const { kernel } = world();
  const asked = new Uint8Array(new Uint32Array([7, 45, 131_072, 0xffff_ffff]).buffer);
  const { errno, payload } = await kernel.answered(opcodes.init, 0, asked);
  assert.deepEqual([errno, payload.byteLength, payload.getUint32(0, true), payload.getUint32(4, true)], [0, 64, 7, 31]);
  assert.ok(payload.getUint32(20, true) >= 4096 && payload.getUint16(28, true) === 256);
  const older = await kernel.answered(opcodes.init, 0, new Uint8Array(new Uint32Array([6, 1, 0, 0]).buffer));
  assert.equal(older.errno, errnos.EINVAL);
});

test('names are found, told of and forgotten', async () => {
  const { kernel } = world();
  assert.equal(await kernel.lookup(1, 'nothing'), 0);
  const number = await kernel.lookup(1, 'file');
  assert.equal(await kernel.lookup(1, 'file'), number);
  assert.equal(kernel.server.nodes, 2);
  const { payload } = await kernel.answered(opcodes.getattr, number);
  const told = [16, 24, 32].map((at) => payload.getBigUint64(at, true));
  assert.deepEqual(told, [100n, 5000n, 3n]);
  assert.deepEqual([payload.getBigInt64(48, true), payload.getUint32(68, true), payload.getUint32(76, true)], [-5n, 6, 0o100640]);
  assert.equal(payload.getUint32(92, true), 0x45612378, 'the kernel packs device numbers');
  assert.equal(await kernel.ask(opcodes.forget, number, words64(1n)), null);
  assert.equal(kernel.server.nodes, 2);
  const batch = new Uint8Array(8 + 16);
  batch.set(new Uint8Array(new Uint32Array([1, 0]).buffer));
  batch.set(words64(BigInt(number), 1n), 8);
  assert.equal(await kernel.ask(opcodes.batchForget, 0, batch), null);
  assert.equal(kernel.server.nodes, 1);
  assert.equal((await kernel.answered(opcodes.getattr, number)).errno, errnos.ENOENT);
});

test('folders are listed whole, whatever the size of the pieces', async () => {
  const { kernel } = world();
  const folder = await kernel.lookup(1, 'folder');
  const expected = ['.', '..', ...Array.from({ length: 50 }, (_, index) => `name ${index}`)];
  for (const size of [200, 1000, 65_536]) {
    for (const plus of [false, true]) assert.deepEqual(await kernel.list(folder, size, plus), expected, `${size} ${plus}`);
  }
  // Listed with their nodes three times.
  assert.equal(kernel.server.nodes, 52);
});

test('content, links, holes and attributes', async () => {
  const { kernel, file } = world();
  const number = await kernel.lookup(1, 'file');
  const read = await kernel.answered(opcodes.read, number, words64(0n, 4990n, 4096n, 0n, 0n));
  assert.deepEqual(
    new Uint8Array(read.payload.buffer, read.payload.byteOffset, read.payload.byteLength),
    file.content.subarray(4990),
  );
  const link = await kernel.answered(opcodes.readlink, await kernel.lookup(1, 'link'));
  assert.equal(Buffer.from(link.payload.buffer, link.payload.byteOffset, link.payload.byteLength).toString(), 'elsewhere');
  assert.equal((await kernel.answered(opcodes.lseek, number, words64(0n, 7n, 3n))).errno, errnos.ENXIO);
  assert.equal((await kernel.answered(opcodes.lseek, number, words64(0n, 7n, 4n))).payload.getBigUint64(0, true), 8n);
  assert.equal((await kernel.answered(opcodes.lseek, number, words64(0n, 7n, 9n))).errno, errnos.EINVAL);
  const xattr = async (size: bigint, name: string): Promise<Asked> =>
    await kernel.answered(opcodes.getxattr, number, new Uint8Array([...words64(size), ...utf8Encode(`${name}\0`)]));
  assert.equal((await xattr(0n, 'user.x')).payload.getUint32(0, true), 5);
  assert.equal((await xattr(64n, 'user.x')).payload.byteLength, 5);
  assert.equal((await xattr(2n, 'user.x')).errno, errnos.ERANGE);
  assert.equal((await xattr(64n, 'user.y')).errno, errnos.ENODATA);
  assert.equal((await kernel.answered(opcodes.listxattr, number, words64(64n))).payload.byteLength, 7);
  for (const opcode of [opcodes.open, opcodes.opendir, 9999])
    assert.equal((await kernel.answered(opcode, number)).errno, errnos.ENOSYS);
});

test('what cannot be read is EIO to who asks, and told once to who mounted', async () => {
  const { kernel, file } = world();
  file.fails = true;
  const answer = await kernel.answered(opcodes.read, await kernel.lookup(1, 'file'), words64(0n, 0n, 10n));
  assert.equal(answer.errno, errnos.EIO);
  assert.equal(kernel.failures.length, 1);
});

test('no bytes make it throw or answer something malformed', async () => {
  const { kernel } = world();
  const property = fc.asyncProperty(
    fc.constantFrom(...Object.values(opcodes)),
    fc.nat(3),
    fc.uint8Array({ maxLength: 80 }),
    async (opcode, node, body) => {
      // A kernel does not forget more than it was told of.
      if (opcode === opcodes.forget || opcode === opcodes.batchForget) return;
      await kernel.ask(opcode, node, body);
      await kernel.server.handle(body);
    },
  );
  await fc.assert(property, { numRuns: 2000 });
});
