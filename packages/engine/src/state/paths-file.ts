/*
 * `last-run.jsonl`: what the last run did with which path, one JSON object a line, for people on this device alone. Paths
 * that are not UTF-8 also stand as hexadecimal digits. Unchanged entries are left out.
 */
import { toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import type { Files } from '@twinvault/std';
import type { Item } from '../scan/segments.ts';

const appendCharactersAim = 4 * 1024 * 1024;
const lossy = new TextDecoder('utf-8');

export class PathsFile {
  private readonly files: Files;
  private readonly path: string;
  private lines: string[] = [];
  private characters = 0;
  private appending: Promise<void>;

  constructor(files: Files, path: string) {
    this.files = files;
    this.path = path;
    this.appending = files.remove(path).then(() => undefined);
    this.appending.catch(() => undefined);
  }

  add({ directory, name, change }: Item): void {
    if (change === 'unchanged') return;
    const line = `{"change":"${change}",${pathFields(directory, name)}}\n`;
    this.lines.push(line);
    this.characters += line.length;
    if (this.characters >= appendCharactersAim) this.append();
  }

  /** An error's path and code; the detail is for whoever reads the file on this device. */
  addError(path: Uint8Array, code: string, detail: string): void {
    this.lines.push(`{"error":${JSON.stringify(code)},"detail":${JSON.stringify(detail)},${pathFields(path, null)}}\n`);
  }

  private append(): void {
    const bytes = utf8Encode(this.lines.join(''));
    this.lines = [];
    this.characters = 0;
    this.appending = this.appending.then(async () => await this.files.append(this.path, bytes));
    this.appending.catch(() => undefined);
  }

  async finish(): Promise<void> {
    this.append();
    await this.appending;
  }
}

function pathFields(directory: Uint8Array, name: Uint8Array | null): string {
  const text = [...componentsOf(directory), ...(name === null ? [] : [name])].map((bytes) => utf8Decode(bytes));
  if (!text.includes(null)) return `"path":${JSON.stringify(`/${text.join('/')}`)}`;
  const components = [...componentsOf(directory), ...(name === null ? [] : [name])];
  const shown = components.map((bytes) => lossy.decode(bytes)).join('/');
  return `"path":${JSON.stringify(`/${shown}`)},"hex":"${components.map(toHex).join('2f')}"`;
}

function componentsOf(path: Uint8Array): Uint8Array[] {
  const components: Uint8Array[] = [];
  for (let start = 0; start < path.length;) {
    const end = path.indexOf(0, start);
    components.push(path.subarray(start, end < 0 ? path.length : end));
    start = end < 0 ? path.length : end + 1;
  }
  return components;
}
