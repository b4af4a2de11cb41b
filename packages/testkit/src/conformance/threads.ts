/* What every implementation of threads must do. */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Thread, Threads } from '@twinvault/std';

const echo = new URL('./echo-thread.ts', import.meta.url).href;

/** The next `count` messages. */
function receive(thread: Thread, count: number): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const values: unknown[] = [];
    thread.onFailure(reject);
    thread.onMessage((value) => {
      values.push(value);
      if (values.length === count) resolve(values);
    });
  });
}

function failureOf(thread: Thread): Promise<Error> {
  return new Promise((resolve) => {
    thread.onFailure(resolve);
  });
}

export function threadsConformance(name: string, make: () => Threads): void {
  suite(`threads: ${name}`, () => {
    test('data goes in, messages come back in order', async () => {
      const threads = make();
      assert.ok(Number.isInteger(threads.parallelism) && threads.parallelism >= 1);
      await using thread = threads.start(echo, { n: 1n, bytes: Uint8Array.of(1) });
      const received = receive(thread, 101);
      for (let index = 0; index < 100; index += 1) thread.post({ value: { echo: index } });
      const [started, ...echoed] = await received;
      assert.deepEqual(started, { started: { n: 1n, bytes: Uint8Array.of(1) } });
      assert.deepEqual(
        echoed,
        Array.from({ length: 100 }, (_, index) => index),
      );
    });

    test('messages from before the handler are kept', async () => {
      await using thread = make().start(echo, null);
      thread.post({ value: { echo: 'early' } });
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.deepEqual(await receive(thread, 2), [{ started: null }, 'early']);
    });

    test('what is sent is a copy; what is handed over is gone here', async () => {
      await using thread = make().start(echo, null);
      const received = receive(thread, 5);
      const copied = { echo: [1] };
      thread.post({ value: copied });
      copied.echo.push(2);
      const bytes = Uint8Array.of(1, 2, 3);
      thread.post({ value: { sum: bytes }, transfer: [bytes.buffer] });
      assert.equal(bytes.byteLength, 0);
      thread.post({ value: { give: 5 } });
      assert.deepEqual(await received, [{ started: null }, [1], 6, new Uint8Array(5).fill(7), { leftBytes: 0 }]);
    });

    test('shared memory is shared', async () => {
      await using thread = make().start(echo, null);
      const shared = new Int32Array(new SharedArrayBuffer(4));
      const received = receive(thread, 2);
      thread.post({ value: { shared } });
      assert.deepEqual((await received)[1], 0);
      assert.equal(Atomics.load(shared, 0), 1);
    });

    test('a thread that throws is reported once, and nothing comes after', async () => {
      const thread = make().start(echo, null);
      const failure = failureOf(thread);
      thread.post({ value: { fail: 'broken' } });
      assert.match((await failure).message, /broken/);
      let later = 0;
      thread.onFailure(() => (later += 1));
      thread.onMessage(() => undefined);
      thread.post({ value: { echo: 'too late' } });
      await thread[Symbol.asyncDispose]();
      assert.equal(later, 0);
    });

    test('a module that cannot be loaded is a failure', async () => {
      await using thread = make().start(new URL('./no-such-thread.ts', import.meta.url).href, null);
      assert.ok((await failureOf(thread)) instanceof Error);
    });

    test('after dispose there is silence', async () => {
      const thread = make().start(echo, null);
      await receive(thread, 1);
      let heard = 0;
      thread.onMessage(() => (heard += 1));
      thread.onFailure(() => (heard += 1));
      const disposed = thread[Symbol.asyncDispose]();
      thread.post({ value: { echo: 1 } });
      await disposed;
      await thread[Symbol.asyncDispose]();
      assert.equal(heard, 0);
    });
  });
}
