/* A look-up in a thread of its own, seen from the thread that keeps the ports. The thread ends when this is disposed of. */

import { ProtocolError } from '@twinvault/protocol';
import type { Thread, Threads } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import type { LookUp, LookUpTask, MeasuredRefs, MeasureRequest, OfferedRecord, OriginAnswer } from './look-up.ts';
import { answerOf, Calls, message } from './messages.ts';
import type { FromThread, Question } from './messages.ts';
import { ToldObjects } from './told-objects.ts';

export class LookUpThread implements LookUp {
  readonly #thread: Thread;
  readonly #calls = new Calls();
  readonly #objects: ToldObjects;
  #ended: (() => void) | null;

  /** `ended`: called once, when the thread has ended. */
  constructor(threads: Threads, objects: SafeObjects, ended: () => void) {
    this.#ended = ended;
    this.#objects = new ToldObjects(objects);
    this.#thread = threads.start(new URL('./look-up-main.ts', import.meta.url).href, objects.safe);
    this.#thread.onFailure((cause) => {
      this.#calls.fail(new ProtocolError('vault-failed', { context: { defect: 'a thread died' }, cause }));
    });
    this.#thread.onMessage((value) => {
      const told = value as FromThread;
      if (told.type === 'answer') this.#calls.answered(told.call, told.answer);
      else void this.#answer(told.call, told.question, told.input);
    });
  }

  /** The bytes stay the caller's. */
  async offered(offered: Uint8Array): Promise<OfferedRecord> {
    return (await this.#call('offered', offered.slice())) as OfferedRecord;
  }

  async origins(refs: Uint8Array): Promise<OriginAnswer> {
    return (await this.#call('origins', refs.slice())) as OriginAnswer;
  }

  async measure(request: MeasureRequest): Promise<MeasuredRefs | null> {
    return (await this.#call('measure', request)) as MeasuredRefs | null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#thread[Symbol.asyncDispose]();
      await this.#objects[Symbol.asyncDispose]();
    } finally {
      this.#ended?.();
      this.#ended = null;
    }
  }

  #call(task: LookUpTask, input: unknown): Promise<unknown> {
    return this.#calls.make((call) => this.#thread.post(message({ type: 'call', call, task, input }, [input])));
  }

  async #answer(call: number, question: Question, input: readonly unknown[]): Promise<void> {
    const answer = await answerOf(() => this.#objects.answer(question, input));
    this.#thread.post(message({ type: 'answer', call, answer }, [answer.type === 'value' ? answer.value : null]));
  }
}
