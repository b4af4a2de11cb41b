/* The other side of asked-objects.ts: answers from the ports of this thread, and keeps the files that were opened. */

import { assert } from '@twinvault/std';
import type { OpenFile } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import type { Question } from './messages.ts';

export class ToldObjects implements AsyncDisposable {
  readonly #objects: SafeObjects;
  readonly #files = new Map<number, OpenFile>();
  #opened = 0;

  constructor(objects: SafeObjects) {
    this.#objects = objects;
  }

  async answer(question: Question, input: readonly unknown[]): Promise<unknown> {
    const { store, cache } = this.#objects;
    const [name, more] = input as [string, unknown];
    switch (question) {
      case 'store.get':
        return await store.get(name, more as number);
      case 'store.stat':
        return await store.stat(name);
      case 'store.list':
        return await store.list(name);
      case 'store.listDeep':
        return await store.listDeep(name);
      case 'store.open':
        return await this.#open(name);
      case 'cache.get':
        return await cache.get(name, more as number);
      case 'cache.list':
        return await cache.list(name);
      case 'cache.put':
        return await cache.put(name, more as readonly Uint8Array[]);
      case 'file.read':
      case 'file.close':
        return await this.#ofFile(question, input as readonly number[]);
    }
  }

  async #open(name: string): Promise<{ readonly file: number; readonly sizeBytes: number } | null> {
    const opened = await this.#objects.store.open(name);
    if (opened === null) return null;
    this.#opened += 1;
    this.#files.set(this.#opened, opened);
    return { file: this.#opened, sizeBytes: opened.sizeBytes };
  }

  async #ofFile(
    question: 'file.read' | 'file.close',
    [number = 0, offsetBytes = 0, lengthBytes = 0]: readonly number[],
  ): Promise<unknown> {
    const file = this.#files.get(number);
    assert(file !== undefined, 'a thread asks for files that it opened');
    if (question === 'file.read') return await file.read(offsetBytes, lengthBytes);
    this.#files.delete(number);
    await file[Symbol.asyncDispose]();
    return null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    for (const file of files) await file[Symbol.asyncDispose]();
  }
}
