/* The queue on both databases, by a clock that the test moves: who gets what, and what becomes of tasks whose node died. */

import assert from 'node:assert/strict';
import { dayMs, hourMs, secondMs } from '@twinvault/std';
import { rejectsWith } from '@twinvault/testkit';
import { attemptsMax, claimLapseMs, taskKeptMs } from '../src/database/tasks.ts';
import type { TaskClaim } from '../src/database/task-claim.ts';
import { WorkQueue } from '../src/database/work-queue.ts';
import { onEachDatabase } from './databases.ts';
import type { DatabaseWorld } from './databases.ts';

const kinds = ['clean', 'scrub'];
const claiming = { kinds, node: 'one' };

async function queueOf(world: DatabaseWorld): Promise<WorkQueue> {
  return new WorkQueue(await world.open());
}

async function claimed(queue: WorkQueue, node = 'one'): Promise<TaskClaim> {
  const claim = await queue.claim({ kinds, node });
  assert.ok(claim);
  return claim;
}

onEachDatabase('a task is taken once, and its report can be asked for afterwards', async (world) => {
  const queue = await queueOf(world);
  const id = await queue.add({ kind: 'clean', customer: 'a', safe: '00', input: { dryRun: true } });
  assert.equal((await queue.find(id))?.state, 'waiting');
  assert.equal(await queue.claim({ kinds: ['other'], node: 'one' }), null);
  const claim = await claimed(queue);
  assert.deepEqual([claim.task.id, claim.task.input, claim.fence], [id, { dryRun: true }, 1]);
  assert.equal(await queue.claim(claiming), null);
  await claim.progress({ done: 3 });
  assert.deepEqual((await queue.find(id))?.progress, { done: 3 });
  await claim.complete({ removed: 7 });
  const ended = await queue.find(id);
  assert.deepEqual([ended?.state, ended?.report], ['done', { removed: 7 }]);
  await rejectsWith(claim.check(), 'lease-lost');
});

onEachDatabase('two nodes on one database never have the same task', async (world) => {
  const queues = [await queueOf(world), await queueOf(world)];
  const ids: string[] = [];
  for (let index = 0; index < 20; index += 1) {
    ids.push((await queues[0]?.add({ kind: 'clean', customer: `c${index % 3}` })) ?? '');
  }
  const taken: string[] = [];
  await Promise.all(
    queues.map(async (queue, index) => {
      for (
        let claim = await queue.claim({ kinds, node: `${index}` });
        claim !== null;
        claim = await queue.claim({ kinds, node: `${index}` })
      ) {
        taken.push(claim.task.id);
        await claim.complete();
      }
    }),
  );
  // A row that the other had locked was passed over; nobody else is there to take it now.
  for (let claim = await queues[0]?.claim(claiming); claim; claim = await queues[0]?.claim(claiming)) {
    taken.push(claim.task.id);
    await claim.complete();
  }
  assert.deepEqual(taken.toSorted(), ids.toSorted());
});

onEachDatabase(
  'what a dead node had goes to the next with its memo and a higher fence; the dead one cannot speak any more',
  async (world) => {
    const queue = await queueOf(world);
    const id = await queue.add({ kind: 'clean', customer: 'a' });
    const dead = await claimed(queue);
    await dead.remember({ at: 5 });
    await world.clock.advance(claimLapseMs - secondMs);
    assert.equal(await queue.claim(claiming), null);
    await dead.check();
    await world.clock.advance(claimLapseMs);
    const next = await claimed(queue, 'two');
    assert.deepEqual([next.task.id, next.memo, next.fence, next.task.attempts], [id, { at: 5 }, 2, 2]);
    await rejectsWith(dead.check(), 'lease-lost');
    await rejectsWith(dead.remember({ at: 9 }), 'lease-lost');
    await rejectsWith(dead.complete({ wrong: true }), 'lease-lost');
    await rejectsWith(dead.fail({ code: 'vault-full', context: {} }, { again: true }), 'lease-lost');
    await next.complete({ right: true });
    assert.deepEqual((await queue.find(id))?.report, { right: true });
  },
);

onEachDatabase('what fails is tried again after pauses that grow, and then has failed', async (world) => {
  const queue = await queueOf(world);
  const id = await queue.add({ kind: 'clean', customer: 'a', key: 'clean a' });
  const waits: number[] = [];
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const claim = await claimed(queue);
    const answer = await claim.fail({ code: 'vault-full', context: { attempt } }, { again: true });
    assert.equal(answer, attempt === attemptsMax ? 'ended' : 'again');
    const task = await queue.find(id);
    assert.deepEqual(task?.problem, { code: 'vault-full', context: { attempt } });
    if (answer === 'ended') break;
    assert.equal(await queue.claim(claiming), null);
    waits.push((task?.dueMs ?? 0) - world.clock.nowMs());
    await world.clock.advance(hourMs);
  }
  assert.ok(
    waits.every((ms, index) => index === 0 || ms > (waits[index - 1] ?? 0) || ms >= hourMs / 2),
    String(waits),
  );
  assert.equal((await queue.find(id))?.state, 'failed');
  assert.notEqual(await queue.add({ kind: 'clean', customer: 'a', key: 'clean a' }), id);
});

onEachDatabase('what a node ran that is gone for certain is due at once, and nothing of others', async (world) => {
  const queue = await queueOf(world);
  await queue.add({ kind: 'clean', customer: 'a' });
  await queue.add({ kind: 'clean', customer: 'b' });
  const [lost, kept] = [await claimed(queue, 'gone'), await claimed(queue, 'there')];
  assert.equal(await queue.release((node) => node === 'gone'), 1);
  const again = await claimed(queue, 'next');
  assert.equal(again.task.id, lost.task.id);
  assert.equal(await queue.claim({ kinds, node: 'next' }), null);
  await rejectsWith(lost.check(), 'lease-lost');
  await kept.check();
});

onEachDatabase('a task that takes one node after the other with it has failed', async (world) => {
  const queue = await queueOf(world);
  const id = await queue.add({ kind: 'clean', customer: 'a' });
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    await claimed(queue);
    await world.clock.advance(claimLapseMs);
  }
  assert.equal(await queue.claim(claiming), null);
  const task = await queue.find(id);
  assert.deepEqual([task?.state, task?.problem?.code], ['failed', 'task-abandoned']);
});

onEachDatabase('what comes every few seconds anyway is not tried again later than that', async (world) => {
  const queue = await queueOf(world);
  await queue.recur({ kind: 'scrub', customer: 'site', key: 'scrub', periodMs: 5 * secondMs });
  for (let attempt = 1; attempt < 2 * attemptsMax; attempt += 1) {
    await (await claimed(queue)).fail({ code: 'vault-full', context: {} }, { again: true });
    assert.equal(await queue.claim(claiming), null, `attempt ${attempt}`);
    await world.clock.advance(5 * secondMs);
  }
});

onEachDatabase('a key stands for one task; a recurring one comes again at its time', async (world) => {
  const queue = await queueOf(world);
  const recurring = { kind: 'scrub', customer: 'site', key: 'scrub', periodMs: dayMs };
  const id = await queue.recur(recurring);
  assert.equal(await queue.recur(recurring), id);
  const first = await claimed(queue);
  await world.clock.advance(hourMs / 60);
  await first.complete({ packs: 1 });
  assert.equal(await queue.claim(claiming), null);
  await world.clock.advance(dayMs - hourMs);
  assert.equal(await queue.claim(claiming), null);
  await world.clock.advance(hourMs);
  const second = await claimed(queue);
  assert.deepEqual([second.task.id, second.task.report, second.task.attempts, second.fence], [id, { packs: 1 }, 1, 2]);
  // It runs for longer than its period: the next beginning is due at once.
  await world.clock.advance(2 * dayMs);
  await second.complete({ packs: 2 });
  const third = await claimed(queue);
  assert.equal(await queue.drop('scrub'), true);
  await rejectsWith(third.complete(), 'lease-lost');
  assert.equal(await queue.drop('scrub'), false);
});

onEachDatabase('customers take turns, and who has fewer running comes first', async (world) => {
  const queue = await queueOf(world);
  for (let index = 0; index < 6; index += 1) await queue.add({ kind: 'clean', customer: 'greedy' });
  await world.clock.advance(secondMs);
  await queue.add({ kind: 'clean', customer: 'small' });
  await queue.add({ kind: 'clean', customer: 'small' });
  const order: string[] = [];
  for (let index = 0; index < 5; index += 1) order.push((await claimed(queue)).task.customer);
  assert.deepEqual(order, ['greedy', 'small', 'greedy', 'small', 'greedy']);
  assert.equal(await queue.claim({ ...claiming, customerMax: 3 }), null);
  assert.ok(await queue.claim({ ...claiming, customerMax: 4 }));
});

onEachDatabase('a node that stops puts its task back, and no attempt is counted', async (world) => {
  const queue = await queueOf(world);
  const id = await queue.add({ kind: 'clean', customer: 'a' });
  const claim = await claimed(queue);
  await claim.remember('half');
  await claim.putBack();
  const next = await claimed(queue, 'two');
  assert.deepEqual([next.task.id, next.memo, next.task.attempts, next.fence], [id, 'half', 1, 2]);
});

onEachDatabase('the same call again adds nothing; what ended long ago is swept', async (world) => {
  const queue = await queueOf(world);
  const id = '0123456789abcdef0123456789abcdef';
  await queue.add({ kind: 'clean', customer: 'a', id });
  assert.equal(await queue.add({ kind: 'clean', customer: 'a', id }), id);
  await (await claimed(queue)).complete();
  assert.equal(await queue.claim(claiming), null);
  assert.deepEqual(await queue.counts(), [{ kind: 'clean', state: 'done', count: 1 }]);
  assert.equal(await queue.sweep(), 0);
  await world.clock.advance(taskKeptMs + secondMs);
  assert.equal(await queue.sweep(), 1);
  assert.equal(await queue.find(id), null);
});

onEachDatabase('what a clock that was a year ahead has written holds up nothing when it is right again', async (world) => {
  const queue = await queueOf(world);
  await queue.recur({ kind: 'scrub', customer: 'site', key: 'scrub', periodMs: hourMs });
  const yearMs = 366 * dayMs;
  world.clock.jump(yearMs);
  await (await claimed(queue)).complete();
  await queue.recur({ kind: 'clean', customer: 'a', key: 'clean', periodMs: dayMs, delayMs: hourMs });
  const left = await queue.add({ kind: 'clean', customer: 'b' });
  assert.equal((await claimed(queue)).task.id, left, 'its node dies now');
  world.clock.jump(-yearMs);
  const kindsDue = [await claimed(queue), await claimed(queue), await claimed(queue)];
  assert.deepEqual(new Set(kindsDue.map(({ task }) => task.key)), new Set(['clean', 'scrub', null]));
  for (const claim of kindsDue) await claim.complete();
  assert.equal(await queue.claim(claiming), null, 'and each is done once');
  world.clock.jump(hourMs);
  assert.equal((await claimed(queue)).task.key, 'scrub');
});
