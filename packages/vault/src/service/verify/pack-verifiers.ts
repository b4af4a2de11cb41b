/*
 * Blobs of packs are hashed in threads while the packs come in: SHA-256 over all their bytes is much of what a site does while agents send, and the thread
 * that answers everybody must not do it. The bytes lie in memory that the threads share: nothing is handed over or copied.
 *
 * Invariant: no thread looks at a pack any more when `verify` has settled, so that its memory can be used again.
 */

import { FormatError } from '@twinvault/format';
import { assert, KiB, MiB, StdError } from '@twinvault/std';
import type { ErrorContext, Thread, Threads } from '@twinvault/std';
import type { ArrivingPack } from '../../packs/arriving-pack.ts';
import { verifyBlobsHere, verifyEnds } from '../../packs/verify-pack.ts';
import type { VerifyPack } from '../../packs/verify-pack.ts';

/** In this order; `over` when no more will come. */
export type VerifyRequest =
  | { readonly type: 'begin'; readonly id: number; readonly bytes: Uint8Array<SharedArrayBuffer>; readonly tailBytes: number }
  | { readonly type: 'arrived'; readonly id: number; readonly countBytes: number }
  | { readonly type: 'over'; readonly id: number };

/** One for each `begin`. */
export interface VerifyAnswer {
  readonly id: number;
  /** Of the row whose blob does not fit its hash; null: none was found. */
  readonly refusal: { readonly code: 'pack-damaged'; readonly context: ErrorContext } | null;
}

interface PackThread {
  readonly thread: Thread;
  bytes: number;
}

interface Job {
  readonly id: number;
  readonly thread: PackThread;
  readonly answered: Promise<VerifyAnswer>;
}

interface Waiting {
  readonly thread: PackThread;
  readonly resolve: (answer: VerifyAnswer) => void;
  readonly reject: (error: Error) => void;
}

const module: string = new URL('./verify-pack-thread.ts', import.meta.url).href;
const threadsMax = 8;
/** Below it the way to a thread costs more than the work. */
const hereBytesMax: number = 64 * KiB;
/** A thread is told of so many bytes at once. */
const stepBytes: number = MiB;

export class PackVerifiers implements AsyncDisposable {
  readonly #threads: PackThread[];
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(threads: Threads) {
    this.#threads = Array.from({ length: Math.min(threads.parallelism, threadsMax) }, () => {
      const entry = { thread: threads.start(module, null), bytes: 0 };
      entry.thread.onMessage((message) => this.#answered(message as VerifyAnswer));
      entry.thread.onFailure((error) => this.#failed(entry, error));
      return entry;
    });
  }

  /** As VerifyPack; `thread-failed` when there is no thread any more. */
  readonly verify: VerifyPack = async (name, pack, expected) => {
    const verified = await verifyEnds(name, pack, expected);
    if (pack.bytes.length <= hereBytesMax) await verifyBlobsHere(pack, verified.table);
    else await this.#verifyBlobs(pack);
    return verified;
  };

  async #verifyBlobs(pack: ArrivingPack): Promise<void> {
    const { bytes, tailBytes } = pack;
    const shared = isShared(bytes) ? bytes : await sharedCopy(pack);
    const job = this.#begin(shared, tailBytes);
    try {
      // A wrong blob ends it although more is to come.
      const first = await Promise.race([this.#feed(job, pack), job.answered]);
      const { refusal } = first ?? (await job.answered);
      if (refusal !== null) throw new FormatError(refusal.code, { context: refusal.context });
    } catch (error) {
      job.thread.thread.post({ value: { type: 'over', id: job.id } satisfies VerifyRequest });
      await job.answered.catch(() => undefined);
      throw error;
    } finally {
      job.thread.bytes -= bytes.length;
    }
  }

  #begin(bytes: Uint8Array<SharedArrayBuffer>, tailBytes: number): Job {
    const thread = this.#threads.toSorted((a, b) => a.bytes - b.bytes)[0];
    if (thread === undefined) throw new StdError('thread-failed');
    this.#lastId += 1;
    const id = this.#lastId;
    thread.bytes += bytes.length;
    const answered = new Promise<VerifyAnswer>((resolve, reject) => {
      this.#waiting.set(id, { thread, resolve, reject });
    });
    thread.thread.post({ value: { type: 'begin', id, bytes, tailBytes } satisfies VerifyRequest });
    return { id, thread, answered };
  }

  async #feed({ id, thread }: Job, { bytes, tailBytes, arrived }: ArrivingPack): Promise<null> {
    const frontBytes = bytes.length - tailBytes;
    for (let offset = 0; offset < frontBytes && this.#waiting.has(id); offset += stepBytes) {
      const countBytes = Math.min(offset + stepBytes, frontBytes);
      await arrived(countBytes);
      thread.thread.post({ value: { type: 'arrived', id, countBytes } satisfies VerifyRequest });
    }
    return null;
  }

  #answered(answer: VerifyAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    assert(waiting !== undefined, 'an answer that nobody waits for');
    this.#waiting.delete(answer.id);
    waiting.resolve(answer);
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

function isShared(bytes: Uint8Array): bytes is Uint8Array<SharedArrayBuffer> {
  return bytes.buffer instanceof SharedArrayBuffer;
}

/** Of what came some other way than through the service's own memory. */
async function sharedCopy({ bytes, tailBytes, arrived }: ArrivingPack): Promise<Uint8Array<SharedArrayBuffer>> {
  await arrived(bytes.length - tailBytes);
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}
