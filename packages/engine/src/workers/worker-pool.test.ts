/* When threads are started, and that a late one knows what the others were told. The threads here answer nothing but that they are ready. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Threads } from '@twinvault/std';
import type { FromWorker, ToWorker, Work, WorkerData } from './messages.ts';
import { WorkerPool } from './worker-pool.ts';

/** Messages that each thread was sent, in the order in which they were started. */
function silentThreads(sent: ToWorker[][]): Threads {
  return {
    parallelism: 3,
    start: () => {
      const own: ToWorker[] = [];
      sent.push(own);
      return {
        post: ({ value }) => void own.push(value as ToWorker),
        onMessage: (handler) => handler({ type: 'ready' } satisfies FromWorker),
        onFailure: () => undefined,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}

test('a thread is started when there is work that none has room for, and told what the others know', async () => {
  const sent: ToWorker[][] = [];
  const data = Array.from({ length: 3 }, () => ({}) as WorkerData);
  const ports = { onPack: () => Promise.resolve(), segment: () => null, onSegment: () => undefined };
  const pool = await WorkerPool.start({ threads: silentThreads(sent), data, ...ports });
  const buffer = new SharedArrayBuffer(8);
  pool.grow(buffer);
  const work = (): Work => ({ type: 'batch', items: new Uint8Array(1) });
  const started: number[] = [];
  const results: Promise<unknown>[] = [];
  for (let count = 0; count < 8; count += 1) {
    results.push(pool.run(work()).catch((error: unknown) => error));
    started.push(sent.length);
  }
  assert.deepEqual(started, [1, 1, 2, 2, 3, 3, 3, 3]);
  for (const own of sent) {
    assert.deepEqual(
      own.map(({ type }) => type),
      ['generation', 'batch', 'batch'],
    );
    assert.deepEqual(own[0], { type: 'generation', buffer });
  }
  const stopped = new Error('stopped');
  pool.fail(stopped);
  assert.deepEqual(new Set(await Promise.all(results)), new Set([stopped]));
  await pool[Symbol.asyncDispose]();
});
