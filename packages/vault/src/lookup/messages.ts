/*
 * What goes between a look-up in a thread and the thread that keeps the ports: calls of the one, questions about objects of the other. All
 * input and output stays where the ports are; bytes change hands and are not copied.
 */

import { ProtocolError } from '@twinvault/protocol';
import type { ProtocolErrorCode } from '@twinvault/protocol';
import type { ErrorContext, ThreadMessage } from '@twinvault/std';
import { protocolError } from '../store/vault-files.ts';
import type { LookUpTask } from './look-up.ts';

export type Question =
  | 'store.get'
  | 'store.stat'
  | 'store.list'
  | 'store.listDeep'
  | 'store.open'
  | 'cache.get'
  | 'cache.list'
  | 'cache.put'
  | 'file.read'
  | 'file.close';

export type Answer =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'refused'; readonly code: ProtocolErrorCode; readonly context: ErrorContext }
  /** A bug: its stack. */
  | { readonly type: 'failed'; readonly reason: string };

export type ToThread =
  | { readonly type: 'call'; readonly call: number; readonly task: LookUpTask; readonly input: unknown }
  | { readonly type: 'answer'; readonly call: number; readonly answer: Answer };

export type FromThread =
  | { readonly type: 'question'; readonly call: number; readonly question: Question; readonly input: readonly unknown[] }
  | { readonly type: 'answer'; readonly call: number; readonly answer: Answer };

/** Never rejects. */
export async function answerOf(work: () => Promise<unknown>): Promise<Answer> {
  try {
    return { type: 'value', value: await work() };
  } catch (error) {
    const known = protocolError(error);
    if (known instanceof ProtocolError) return { type: 'refused', code: known.code, context: known.context };
    return { type: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** The value, or throws what the other side threw. */
export function valueOf(answer: Answer): unknown {
  if (answer.type === 'value') return answer.value;
  if (answer.type === 'failed') throw new Error(answer.reason);
  throw new ProtocolError(answer.code, { context: answer.context });
}

/** With the buffers that the bytes in it fill; bytes that fill none are copied. Nobody else may have them. */
export function message(value: ToThread | FromThread, bytes: readonly unknown[]): ThreadMessage {
  const transfer = new Set<ArrayBuffer>();
  for (const each of bytes) {
    if (!(each instanceof Uint8Array) || !(each.buffer instanceof ArrayBuffer)) continue;
    if (each.byteLength === each.buffer.byteLength) transfer.add(each.buffer);
  }
  return { value, transfer: [...transfer] };
}

/** Calls that wait for their answers. */
export class Calls {
  readonly #waiting = new Map<
    number,
    { readonly resolve: (answer: Answer) => void; readonly reject: (error: unknown) => void }
  >();
  #count = 0;
  #failure: { readonly error: unknown } | null = null;

  /** `post` is given the number of the call. */
  async make(post: (call: number) => void): Promise<unknown> {
    if (this.#failure !== null) throw this.#failure.error;
    const call = this.#count;
    this.#count += 1;
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      post(call);
    });
    return valueOf(answer);
  }

  answered(call: number, answer: Answer): void {
    this.#waiting.get(call)?.resolve(answer);
    this.#waiting.delete(call);
  }

  /** Rejects what waits and what will be made. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
