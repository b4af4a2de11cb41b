/*
 * `last-run.jsonl`: what the last run did with which path, one JSON object a line, for people on this device alone. Paths
 * that are not UTF-8 also stand as hexadecimal digits. Unchanged entries are left out.
 *
 * Lines are put together as bytes: a first run writes one for every entry, and nearly every name is plain ASCII that JSON
 * takes as it is.
 */
import { toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import type { Files } from '@twinvault/std';
import { pathOf } from '../entries/entry-keys.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import type { Change, Item } from '../scan/segments.ts';
import { AppendFile } from './append-file.ts';

const appendBytesAim = 1024 * 1024;
const lossy = new TextDecoder('utf-8');
const lineEnd = utf8Encode('"}\n');

export class PathsFile {
  private readonly file: AppendFile;
  private readonly writer: PackedWriter = new PackedWriter(appendBytesAim);
  private readonly begins: Map<Change, Uint8Array> = new Map();
  private directory: Uint8Array | null = null;
  /** The directory as it stands in a line, with a slash at its end; null: not plain. */
  private prefix: Uint8Array | null = null;

  constructor(files: Files, path: string) {
    this.file = new AppendFile(files, path);
  }

  /** Why the list is not whole; null while all is well. */
  get failure(): unknown {
    return this.file.failure;
  }

  add({ directory, name, change }: Item): void {
    if (change === 'unchanged') return;
    const prefix = this.prefixOf(directory);
    if (prefix !== null && isPlain(name)) {
      this.writer.bytes(this.beginOf(change));
      this.writer.bytes(prefix);
      this.writer.bytes(name);
      this.writer.bytes(lineEnd);
    } else this.text(`{"change":"${change}",${pathFields(pathOf(directory, name))}}\n`);
    if (this.writer.length >= appendBytesAim - 65_536) this.append();
  }

  /** An error's path and code; the detail is for whoever reads the file on this device. */
  addError(path: Uint8Array, code: string, detail: string): void {
    this.text(`{"error":${JSON.stringify(code)},"detail":${JSON.stringify(detail)},${pathFields(path)}}\n`);
  }

  private text(line: string): void {
    this.writer.bytes(utf8Encode(line));
  }

  private beginOf(change: Change): Uint8Array {
    const begin = this.begins.get(change) ?? utf8Encode(`{"change":"${change}","path":"/`);
    this.begins.set(change, begin);
    return begin;
  }

  private prefixOf(directory: Uint8Array): Uint8Array | null {
    if (directory === this.directory) return this.prefix;
    this.directory = directory;
    const plain = directory.every((byte) => byte === 0 || isPlainByte(byte));
    const slashed = plain && directory.length > 0 ? Uint8Array.of(...directory, 0) : directory;
    this.prefix = plain ? slashed.map((byte) => (byte === 0 ? slash : byte)) : null;
    return this.prefix;
  }

  private append(): void {
    this.file.append(this.writer.flush());
  }

  /** Never throws. */
  async finish(): Promise<void> {
    this.append();
    await this.file.drain();
  }
}

const slash = 0x2f;

/** Stands in JSON as itself. */
function isPlainByte(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
}

function isPlain(name: Uint8Array): boolean {
  for (const byte of name) if (!isPlainByte(byte)) return false;
  return true;
}

function pathFields(path: Uint8Array): string {
  const slashed = path.map((byte) => (byte === 0 ? slash : byte));
  const text = utf8Decode(slashed);
  if (text !== null) return `"path":${JSON.stringify(`/${text}`)}`;
  return `"path":${JSON.stringify(`/${lossy.decode(slashed)}`)},"hex":"${toHex(slashed)}"`;
}
