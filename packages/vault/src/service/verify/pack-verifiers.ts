/*
 * Packs are verified in threads: SHA-256 over all their bytes is most of what a site does while agents send, and the thread that answers everybody must
 * not do it. The bytes go to the thread and come back without being copied.
 */

import { FormatError } from '@twinvault/format';
import type { FormatErrorCode, PackName, Suite } from '@twinvault/format';
import { assert, KiB, StdError } from '@twinvault/std';
import type { ErrorContext, Thread, Threads } from '@twinvault/std';
import type { ArrivedPack, VerifyPack } from '../../packs/verify-pack.ts';
import { verifyHere } from '../../packs/verify-pack.ts';

export interface VerifyRequest {
  readonly id: number;
  readonly name: Uint8Array;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly safe: Uint8Array;
  readonly certificate: Uint8Array;
  readonly minimumSuite: Suite;
}

export interface VerifyAnswer {
  readonly id: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Null: every byte is right. */
  readonly refusal: { readonly code: FormatErrorCode; readonly context: ErrorContext } | null;
}

interface Waiting {
  readonly thread: PackThread;
  readonly resolve: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: Error) => void;
}

interface PackThread {
  readonly thread: Thread;
  bytes: number;
}

const module: string = new URL('./verify-pack-thread.ts', import.meta.url).href;
const threadsMax = 8;
/** Below it the way to a thread costs more than the work. */
const hereBytesMax: number = 64 * KiB;

export class PackVerifiers implements AsyncDisposable {
  readonly #threads: PackThread[];
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(threads: Threads) {
    this.#threads = Array.from({ length: Math.min(threads.parallelism, threadsMax) }, () => {
      const entry = { thread: threads.start(module, null), bytes: 0 };
      entry.thread.onMessage((message) => this.#answered(entry, message as VerifyAnswer));
      entry.thread.onFailure((error) => this.#failed(entry, error));
      return entry;
    });
  }

  /** `bytes` of the caller is empty afterwards; the same bytes are what it resolves with. Codes of format. `thread-failed` when there is no thread any more. */
  readonly verify: VerifyPack = async (name: PackName, bytes: Uint8Array, expected: ArrivedPack) => {
    if (bytes.length <= hereBytesMax) return verifyHere(name, bytes, expected);
    const thread = this.#threads.toSorted((a, b) => a.bytes - b.bytes)[0];
    if (thread === undefined) throw new StdError('thread-failed');
    const { safe, certificate, minimumSuite } = expected;
    this.#lastId += 1;
    const id = this.#lastId;
    const own = ownBytes(bytes);
    thread.bytes += own.length;
    const request: VerifyRequest = { id, name, bytes: own, safe, certificate, minimumSuite };
    return new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
      this.#waiting.set(id, { thread, resolve, reject });
      thread.thread.post({ value: request, transfer: [own.buffer] });
    });
  };

  #answered(thread: PackThread, { id, bytes, refusal }: VerifyAnswer): void {
    const waiting = this.#waiting.get(id);
    assert(waiting !== undefined, 'an answer that nobody waits for');
    this.#waiting.delete(id);
    thread.bytes -= bytes.length;
    if (refusal === null) waiting.resolve(bytes);
    else waiting.reject(new FormatError(refusal.code, { context: refusal.context }));
  }

  /** What it had is told as failed, and may be sent again; the other threads go on. */
  #failed(thread: PackThread, cause: Error): void {
    this.#threads.splice(this.#threads.indexOf(thread), 1);
    for (const [id, waiting] of this.#waiting) {
      if (waiting.thread !== thread) continue;
      this.#waiting.delete(id);
      waiting.reject(new StdError('thread-failed', { cause }));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { thread } of this.#threads) await thread[Symbol.asyncDispose]();
  }
}

/** In a buffer of their own, which can be handed over. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isOwn = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  return isOwn ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
