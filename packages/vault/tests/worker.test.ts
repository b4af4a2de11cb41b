/* A node's work on both databases: what its handlers answer, throw, remember, and what becomes of it when the node stops or loses a claim. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { ProtocolError } from '@twinvault/protocol';
import { hourMs } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { claimLapseMs } from '../src/database/tasks.ts';
import { WorkQueue } from '../src/database/work-queue.ts';
import { Worker } from '../src/database/worker.ts';
import type { TaskHandler, TaskRunEnd, WorkerOptions } from '../src/database/worker.ts';
import { onEachDatabase } from './databases.ts';
import type { DatabaseWorld } from './databases.ts';

const { timers, random } = nodePlatform();

interface Node {
  readonly queue: WorkQueue;
  readonly worker: Worker;
  readonly ends: TaskRunEnd['outcome'][];
}

async function node(world: DatabaseWorld, handler: TaskHandler, options: Partial<WorkerOptions> = {}): Promise<Node> {
  const queue = new WorkQueue(await world.open());
  const ends: TaskRunEnd['outcome'][] = [];
  const ended = ({ outcome }: TaskRunEnd): unknown => ends.push(outcome);
  const worker = new Worker({ queue, handlers: { clean: handler }, node: 'n', timers, random, ended, ...options });
  return { queue, worker, ends };
}

const aborted = async (signal: AbortSignal): Promise<never> => {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
};

onEachDatabase('what a handler answers is the report; what may pass is tried again, what cannot is not', async (world) => {
  const tried: number[] = [];
  const { queue, worker, ends } = await node(world, async ({ task, memo, remember, progress }) => {
    tried.push(task.attempts);
    await progress({ at: task.attempts });
    if (task.input === 'never') throw new ProtocolError('pack-unknown', { context: { pack: 'ab' } });
    if (task.input === 'bug') throw new TypeError('secret');
    if (task.attempts === 1) {
      await remember('half');
      throw new ProtocolError('vault-full');
    }
    return { memo };
  });
  const later = await queue.add({ kind: 'clean', customer: 'a' });
  const never = await queue.add({ kind: 'clean', customer: 'a', input: 'never' });
  const bug = await queue.add({ kind: 'clean', customer: 'a', input: 'bug' });
  assert.equal(await worker.runDue(), 3);
  assert.deepEqual(ends.toSorted(), ['again', 'again', 'failed']);
  assert.deepEqual((await queue.find(bug))?.problem, { code: 'task-failed', context: {} });
  await world.clock.advance(hourMs);
  await worker.runDue();
  assert.deepEqual((await queue.find(later))?.report, { memo: 'half' });
  const ended = await queue.find(never);
  assert.deepEqual([ended?.state, ended?.problem], ['failed', { code: 'pack-unknown', context: { pack: 'ab' } }]);
});

onEachDatabase('a node that stops puts back what it runs, and another carries on from what was remembered', async (world) => {
  const begun = Promise.withResolvers<undefined>();
  const one = await node(world, async ({ remember, signal }) => {
    await remember('half');
    begun.resolve(undefined);
    return aborted(signal);
  });
  const id = await one.queue.add({ kind: 'clean', customer: 'a' });
  one.worker.start();
  await begun.promise;
  await one.worker[Symbol.asyncDispose]();
  assert.deepEqual(one.ends, ['put-back']);
  const two = await node(world, ({ memo, task }) => Promise.resolve({ memo, attempts: task.attempts }));
  assert.equal(await two.worker.runDue(), 1);
  assert.deepEqual((await two.queue.find(id))?.report, { memo: 'half', attempts: 1 });
});

/** Answers a claim when `answer` is resolved, as a database that takes its time. */
class SlowQueue extends WorkQueue {
  readonly asked: PromiseWithResolvers<undefined> = Promise.withResolvers();
  readonly answer: PromiseWithResolvers<undefined> = Promise.withResolvers();

  override async claim(wanted: Parameters<WorkQueue['claim']>[0]): ReturnType<WorkQueue['claim']> {
    const claim = await super.claim(wanted);
    this.asked.resolve(undefined);
    await this.answer.promise;
    return claim;
  }
}

onEachDatabase('a task that the queue gives to a node that stopped meanwhile goes back at once', async (world) => {
  const queue = new SlowQueue(await world.open());
  const one = await node(world, () => Promise.reject(new Error('a node that stops begins nothing')), { queue, tasksMax: 1 });
  const id = await queue.add({ kind: 'clean', customer: 'a' });
  one.worker.start();
  await queue.asked.promise;
  const stopped = one.worker[Symbol.asyncDispose]();
  queue.answer.resolve(undefined);
  await stopped;
  assert.deepEqual(one.ends, []);
  const two = await node(world, ({ task }) => Promise.resolve({ attempts: task.attempts }));
  assert.equal(await two.worker.runDue(), 1);
  assert.deepEqual((await two.queue.find(id))?.report, { attempts: 1 });
});

onEachDatabase('a handler whose claim was taken over is told, and its report counts for nothing', async (world) => {
  const begun = Promise.withResolvers<undefined>();
  const one = await node(world, async ({ check, signal }) => {
    begun.resolve(undefined);
    await other.promise;
    await check().catch(() => undefined);
    assert.equal(signal.aborted, false);
    return 'wrong';
  });
  const other = Promise.withResolvers<undefined>();
  const id = await one.queue.add({ kind: 'clean', customer: 'a' });
  const running = one.worker.runDue();
  await begun.promise;
  await world.clock.advance(claimLapseMs);
  const two = await node(world, () => Promise.resolve('right'));
  assert.equal(await two.worker.runDue(), 1);
  other.resolve(undefined);
  await running;
  assert.deepEqual(one.ends, ['lost']);
  assert.equal((await two.queue.find(id))?.report, 'right');
});

onEachDatabase('a worker that is woken takes what was just added', async (world) => {
  const done = Promise.withResolvers<undefined>();
  const { queue, worker } = await node(world, () => Promise.resolve(null), { ended: () => done.resolve(undefined) });
  worker.start();
  await queue.add({ kind: 'clean', customer: 'a' });
  worker.wake();
  await done.promise;
  await worker[Symbol.asyncDispose]();
});
