/*
 * The restoring threads: hands tasks out, keeps the bytes on their way bounded, and gives each reply to whoever waits for it. Tasks are fetched
 * side by side: where all cores are busy the main thread gets its turn late, and one after another they would come too late for the threads.
 */
import type { Thread, Threads } from '@twinvault/std';
import type { RestoreTask, RestoreThreadData, TaskReply, ThreadClosed } from './tasks.ts';

/** Sealed bytes that may be on their way to the threads. */
export const inFlightBytesMax: number = 32 * 1024 * 1024;
/** Tasks that may be on their way for each thread, being fetched or waiting, so that it never idles between two. */
export const tasksPerThreadMax = 4;

interface Member {
  readonly thread: Thread;
  waiting: number;
  failed: boolean;
  onClosed: () => void;
}

/** Room for one task: to be filled by `post`, once. */
export interface Room {
  readonly bytes: number;
}

interface Waiting {
  readonly room: Room;
  readonly member: Member;
  readonly take: (reply: TaskReply) => void;
}

export class RestorePool implements AsyncDisposable {
  readonly #members: Member[];
  readonly #waiting = new Map<number, Waiting>();
  #wakers: (() => void)[] = [];
  #failure: Error | null = null;
  #inFlightBytes = 0;
  #inFlight = 0;
  readonly #fetching = new Set<Promise<void>>();

  constructor(threads: Threads, data: RestoreThreadData) {
    const module = new URL('./thread.ts', import.meta.url).href;
    this.#members = Array.from({ length: threads.parallelism }, () => {
      return { thread: threads.start(module, data), waiting: 0, failed: false, onClosed: (): void => undefined };
    });
    for (const member of this.#members) {
      member.thread.onMessage((value) => this.#onMessage(member, value as TaskReply | ThreadClosed));
      member.thread.onFailure((error) => {
        member.failed = true;
        member.onClosed();
        this.#fail(error);
      });
    }
  }

  /** Waits for room for a task of so many bytes. Throws when a thread died or a task could not be fetched. */
  async room(bytes: number): Promise<Room> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const fits = this.#inFlightBytes === 0 || this.#inFlightBytes + bytes <= inFlightBytesMax;
      if (fits && this.#inFlight < tasksPerThreadMax * this.#members.length) {
        this.#inFlight += 1;
        this.#inFlightBytes += bytes;
        return { bytes };
      }
      await this.#change();
    }
  }

  /** The task goes to the thread with the least to do when it is there. `take` gets the reply; what it throws ends the restore, as does a task that does not come. */
  post(task: Promise<RestoreTask>, room: Room, take: (reply: TaskReply) => void): void {
    const posting = this.#post(task, room, take).catch((error: unknown) => this.#fail(error));
    this.#fetching.add(posting);
    void posting.finally(() => this.#fetching.delete(posting));
  }

  /** Waits for replies until the condition holds; throws when a thread died. */
  async until(condition: () => boolean): Promise<void> {
    while (this.#failure === null && !condition()) await this.#change();
    if (this.#failure !== null) throw this.#failure;
  }

  /** Lets the threads end what they were given: nothing writes any more when it resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#fetching);
    await Promise.all(
      this.#members.map(async (member) => {
        if (!member.failed) {
          await new Promise<void>((resolve) => {
            member.onClosed = resolve;
            member.thread.post({ value: { type: 'close' } });
          });
        }
        await member.thread[Symbol.asyncDispose]();
      }),
    );
  }

  async #post(task: Promise<RestoreTask>, room: Room, take: (reply: TaskReply) => void): Promise<void> {
    const fetched = await task;
    const member = this.#leastBusy();
    member.waiting += 1;
    this.#waiting.set(fetched.task, { room, member, take });
    member.thread.post({ value: fetched, transfer: transferable(fetched.buffers) });
  }

  #leastBusy(): Member {
    return this.#members.reduce((best, member) => (member.waiting < best.waiting ? member : best));
  }

  #onMessage(from: Member, message: TaskReply | ThreadClosed): void {
    if (message.type === 'closed') {
      from.onClosed();
      return;
    }
    const waiting = this.#waiting.get(message.task);
    if (waiting === undefined) return;
    this.#waiting.delete(message.task);
    this.#inFlightBytes -= waiting.room.bytes;
    this.#inFlight -= 1;
    waiting.member.waiting -= 1;
    try {
      waiting.take(message);
    } catch (error) {
      this.#fail(error);
    }
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wakers.push(resolve));
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}

/** Whole buffers change hands without a copy; a view of a larger one is copied. */
function transferable(buffers: readonly Uint8Array[]): ArrayBuffer[] {
  const owned: ArrayBuffer[] = [];
  for (const { buffer, byteLength } of buffers) {
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && !owned.includes(buffer)) owned.push(buffer);
  }
  return owned;
}
