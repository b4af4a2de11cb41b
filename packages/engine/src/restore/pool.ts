/*
 * The restoring threads: hands tasks out, keeps the bytes on their way bounded, and gives each reply to whoever waits for it.
 */
import type { Thread, Threads } from '@twinvault/std';
import type { RestoreTask, RestoreThreadData, TaskReply } from './tasks.ts';

/** Sealed bytes that may be on their way to the threads. */
export const inFlightBytesMax: number = 64 * 1024 * 1024;
/** Tasks that may wait at one thread, so that it never idles between two. */
export const tasksPerThreadMax = 3;

interface Member {
  readonly thread: Thread;
  waiting: number;
}

export class RestorePool implements AsyncDisposable {
  private readonly members: Member[];
  private readonly replies = new Map<
    number,
    { readonly bytes: number; readonly member: Member; readonly take: (reply: TaskReply) => void }
  >();
  private readonly waiters: (() => void)[] = [];
  private failure: Error | null = null;
  private inFlightBytes = 0;

  constructor(threads: Threads, data: RestoreThreadData) {
    const module = new URL('./thread.ts', import.meta.url).href;
    this.members = Array.from({ length: threads.parallelism }, () => ({ thread: threads.start(module, data), waiting: 0 }));
    for (const member of this.members) {
      member.thread.onMessage((value) => this.onReply(value as TaskReply));
      member.thread.onFailure((error) => this.fail(error));
    }
  }

  get size(): number {
    return this.members.length;
  }

  /** Waits until there is room for `bytes`; throws when a thread died. */
  async room(bytes: number, member: number | null): Promise<void> {
    while (this.failure === null && !this.hasRoom(bytes, member))
      await new Promise<void>((resolve) => this.waiters.push(resolve));
    if (this.failure !== null) throw this.failure;
  }

  /** Index of the thread with the least to do. */
  leastBusy(): number {
    let best = 0;
    for (const [index, member] of this.members.entries()) if (member.waiting < (this.members[best]?.waiting ?? 0)) best = index;
    return best;
  }

  post(task: RestoreTask, index: number, take: (reply: TaskReply) => void): void {
    const member = this.members[index];
    if (member === undefined) throw new RangeError('no such thread');
    const bytes = task.buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    this.inFlightBytes += bytes;
    member.waiting += 1;
    this.replies.set(task.task, { bytes, member, take });
    member.thread.post({ value: task, transfer: transferable(task.buffers) });
  }

  /** When every task was answered; throws when a thread died. */
  async drain(): Promise<void> {
    while (this.failure === null && this.replies.size > 0) await new Promise<void>((resolve) => this.waiters.push(resolve));
    if (this.failure !== null) throw this.failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { thread } of this.members) if (this.failure === null) thread.post({ value: { type: 'close' } });
    await Promise.all(this.members.map(({ thread }) => thread[Symbol.asyncDispose]()));
  }

  private hasRoom(bytes: number, index: number | null): boolean {
    const space = this.inFlightBytes === 0 || this.inFlightBytes + bytes <= inFlightBytesMax;
    const member = this.members[index ?? this.leastBusy()];
    return space && member !== undefined && member.waiting < tasksPerThreadMax;
  }

  private onReply(reply: TaskReply): void {
    const waiting = this.replies.get(reply.task);
    if (waiting === undefined) return;
    this.replies.delete(reply.task);
    this.inFlightBytes -= waiting.bytes;
    waiting.member.waiting -= 1;
    waiting.take(reply);
    this.wake();
  }

  private fail(error: Error): void {
    this.failure = error;
    this.wake();
  }

  private wake(): void {
    for (const waiter of this.waiters.splice(0)) waiter();
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
