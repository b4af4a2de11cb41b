/*
 * The restoring threads: hands tasks out, keeps the bytes on their way bounded, and gives each reply to whoever waits for it.
 */
import type { Thread, Threads } from '@twinvault/std';
import type { RestoreTask, RestoreThreadData, TaskReply, ThreadClosed } from './tasks.ts';

/** Sealed bytes that may be on their way to the threads. */
export const inFlightBytesMax: number = 32 * 1024 * 1024;
/** Tasks that may wait at one thread, so that it never idles between two. */
export const tasksPerThreadMax = 3;

interface Member {
  readonly thread: Thread;
  waiting: number;
  failed: boolean;
  onClosed: () => void;
}

/** Room for one task at one thread: to be filled by `post`, once. */
export interface Room {
  readonly index: number;
  readonly bytes: number;
}

interface Waiting {
  readonly room: Room;
  readonly take: (reply: TaskReply) => void;
}

export class RestorePool implements AsyncDisposable {
  readonly #members: Member[];
  readonly #waiting = new Map<number, Waiting>();
  #wakers: (() => void)[] = [];
  #failure: Error | null = null;
  #inFlightBytes = 0;

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

  /** Waits for room for a task of so many bytes, at the thread with the least to do. Throws when a thread died. */
  async room(bytes: number): Promise<Room> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const index = this.#leastBusy();
      const member = this.#members[index];
      const fits = this.#inFlightBytes === 0 || this.#inFlightBytes + bytes <= inFlightBytesMax;
      if (member !== undefined && fits && member.waiting < tasksPerThreadMax) {
        member.waiting += 1;
        this.#inFlightBytes += bytes;
        return { index, bytes };
      }
      await this.#change();
    }
  }

  /** `take` gets the reply; what it throws ends the restore. */
  post(task: RestoreTask, room: Room, take: (reply: TaskReply) => void): void {
    this.#waiting.set(task.task, { room, take });
    this.#members[room.index]?.thread.post({ value: task, transfer: transferable(task.buffers) });
  }

  /** Waits for replies until the condition holds; throws when a thread died. */
  async until(condition: () => boolean): Promise<void> {
    while (this.#failure === null && !condition()) await this.#change();
    if (this.#failure !== null) throw this.#failure;
  }

  /** Lets the threads end what they were given: nothing writes any more when it resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
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

  #leastBusy(): number {
    let best = 0;
    for (const [index, { waiting }] of this.#members.entries()) {
      if (waiting < (this.#members[best]?.waiting ?? 0)) best = index;
    }
    return best;
  }

  #onMessage(member: Member, message: TaskReply | ThreadClosed): void {
    if (message.type === 'closed') {
      member.onClosed();
      return;
    }
    const waiting = this.#waiting.get(message.task);
    if (waiting === undefined) return;
    this.#waiting.delete(message.task);
    this.#inFlightBytes -= waiting.room.bytes;
    member.waiting -= 1;
    try {
      waiting.take(message);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#wake();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
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
