/*
 * Answers the kernel's requests out of a tree. Everything is known or can be looked up, and nothing is ever changed, so a request has no
 * state but the node that it names.
 *
 * Files are neither opened nor closed here: the kernel is told that there is no need (ENOSYS), and then does not ask again.
 */
import type { FileTree, TreeNode } from '../tree/file-tree.ts';
import { nodeTypes } from '../tree/file-tree.ts';
import { NodeTable } from './node-table.ts';
import type { KnownNode } from './node-table.ts';
import {
  attrReply,
  direntBytes,
  entryBytes,
  entryReply,
  errnos,
  errorReply,
  initReply,
  nameOf,
  noEntryReply,
  opcodes,
  parseRequest,
  replyOf,
  statfsReply,
  writeDirent,
  writeEntry,
} from './protocol.ts';
import type { Request } from './protocol.ts';

/** An errno in the place of a result. */
type Answer = Uint8Array | number;

const [dot, dotDot] = [new Uint8Array([0x2e]), new Uint8Array([0x2e, 0x2e])];
const seekData = 3;
const seekHole = 4;

export class FuseServer {
  readonly #tree: FileTree;
  readonly #nodes: NodeTable;
  readonly #send: (reply: Uint8Array) => void;
  readonly #onFailure: (error: unknown) => void;

  /** `onFailure`: told of errors that became EIO. */
  constructor(tree: FileTree, send: (reply: Uint8Array) => void, onFailure: (error: unknown) => void) {
    this.#tree = tree;
    this.#nodes = new NodeTable(tree.root);
    this.#send = send;
    this.#onFailure = onFailure;
  }

  /** Nodes that the kernel knows. */
  get nodes(): number {
    return this.#nodes.count;
  }

  /** Resolves when it is answered; never throws. */
  async handle(bytes: Uint8Array): Promise<void> {
    const request = parseRequest(bytes);
    if (request === null || this.#takesNoAnswer(request)) return;
    let answer: Answer;
    try {
      answer = await this.#answer(request);
    } catch (error) {
      this.#onFailure(error);
      answer = errnos.EIO;
    }
    this.#send(typeof answer === 'number' ? errorReply(request.unique, answer) : replyOf(request.unique, answer));
  }

  #takesNoAnswer({ opcode, node, body }: Request): boolean {
    if (opcode === opcodes.interrupt) return true;
    if (opcode === opcodes.forget) {
      this.#nodes.forget(node, Number(body.getBigUint64(0, true)));
      return true;
    }
    if (opcode !== opcodes.batchForget) return false;
    const count = body.getUint32(0, true);
    for (let index = 0; index < count && 24 + 16 * index <= body.byteLength; index += 1) {
      const at = 8 + 16 * index;
      this.#nodes.forget(Number(body.getBigUint64(at, true)), Number(body.getBigUint64(at + 8, true)));
    }
    return true;
  }

  async #answer(request: Request): Promise<Answer> {
    const { opcode, body } = request;
    if (opcode === opcodes.init) return initReply(body) ?? errnos.EINVAL;
    if (opcode === opcodes.statfs) return statfsReply(this.#tree.files);
    if (opcode === opcodes.destroy) return new Uint8Array(0);
    const known = this.#nodes.get(request.node);
    if (known === null) return errnos.ENOENT;
    switch (opcode) {
      case opcodes.lookup:
        return await this.#lookup(known, nameOf(body));
      case opcodes.getattr:
        return attrReply(await known.node.stat());
      case opcodes.readlink:
        return known.node.readLink();
      case opcodes.read:
        return await known.node.read(Number(body.getBigUint64(8, true)), body.getUint32(16, true));
      case opcodes.readdir:
      case opcodes.readdirplus:
        return await this.#list(known, body, opcode === opcodes.readdirplus);
      case opcodes.lseek:
        return await seek(known.node, Number(body.getBigUint64(8, true)), body.getUint32(16, true));
      case opcodes.getxattr:
        return await getXattr(known.node, nameOf(body, 8), body.getUint32(0, true));
      case opcodes.listxattr:
        return await listXattrs(known.node, body.getUint32(0, true));
      default:
        return errnos.ENOSYS;
    }
  }

  async #lookup(parent: KnownNode, name: Uint8Array): Promise<Answer> {
    const node = this.#nodes.known(parent.number, name)?.node ?? (await parent.node.child(name));
    if (node === null) return noEntryReply();
    const stat = await node.stat();
    return entryReply(this.#nodes.tell(parent.number, name, node).number, stat);
  }

  /** Offsets count entries, "." and ".." first. */
  async #list(known: KnownNode, body: DataView, plus: boolean): Promise<Answer> {
    const [offset, sizeBytes] = [Number(body.getBigUint64(8, true)), body.getUint32(16, true)];
    if (offset === 0 || known.listing === null) known.listing = [...(await known.node.children()).values()];
    const { listing } = known;
    const into = new Uint8Array(sizeBytes);
    let [at, index] = [0, offset];
    const headBytes = plus ? entryBytes : 0;
    for (; index < listing.length + 2; index += 1) {
      const child = listing[index - 2];
      const name = index === 0 ? dot : index === 1 ? dotDot : (child?.name ?? dot);
      const length = headBytes + direntBytes(name);
      if (at + length > sizeBytes) break;
      const type = child?.node.type ?? nodeTypes.directory;
      let inode = BigInt(index + 1);
      if (child !== undefined && plus) {
        const stat = await child.node.stat();
        inode = stat.inode;
        const { number } = this.#nodes.tell(known.number, child.name, child.node);
        writeEntry(new DataView(into.buffer), at, { node: number, stat });
      } else if (child !== undefined) inode = (await child.node.stat()).inode;
      writeDirent(into, at + headBytes, { inode, nextOffset: index + 1, type, name });
      at += length;
    }
    if (at === 0 && index >= listing.length + 2) known.listing = null;
    return into.subarray(0, at);
  }
}

async function seek(node: TreeNode, offsetBytes: number, whence: number): Promise<Answer> {
  if (whence !== seekData && whence !== seekHole) return errnos.EINVAL;
  const found = await node.seek(offsetBytes, whence === seekData ? 'data' : 'hole');
  if (found === null) return errnos.ENXIO;
  const reply = new Uint8Array(8);
  new DataView(reply.buffer).setBigUint64(0, BigInt(found), true);
  return reply;
}

/** Size 0 asks for the size. */
function sized(value: Uint8Array, sizeBytes: number): Answer {
  if (sizeBytes > 0) return value.length > sizeBytes ? errnos.ERANGE : value;
  const reply = new Uint8Array(8);
  new DataView(reply.buffer).setUint32(0, value.length, true);
  return reply;
}

async function getXattr(node: TreeNode, name: Uint8Array, sizeBytes: number): Promise<Answer> {
  const found = (await node.xattrs()).find((xattr) => Buffer.compare(xattr.name, name) === 0);
  return found === undefined ? errnos.ENODATA : sized(found.value, sizeBytes);
}

async function listXattrs(node: TreeNode, sizeBytes: number): Promise<Answer> {
  const names = (await node.xattrs()).flatMap(({ name }) => [name, new Uint8Array(1)]);
  return sized(new Uint8Array(Buffer.concat(names)), sizeBytes);
}
