/* Sessions and readings, the feed and metering on both databases, by a clock that the test moves; two safes, of which one never sees the other. */

import assert from 'node:assert/strict';
import { minuteMs, secondMs } from '@twinvault/std';
import { settle } from '@twinvault/testkit';
import fc from 'fast-check';
import { Exchanges } from '../src/database/exchanges.ts';
import { Inventory } from '../src/database/inventory.ts';
import type { NewObject } from '../src/database/inventory.ts';
import { Metering } from '../src/database/metering.ts';
import { onEachDatabase } from './databases.ts';

const lapseMs = 5 * minuteMs;
const session = { safe: 'aa', kind: 'session', id: '01' } as const;
const opening = { ...session, customer: 'c', state: { job: 'j' }, lapseMs };

function packs(...names: readonly string[]): NewObject[] {
  return names.map((name) => ({ kind: 'pack', name, bytes: name.length }));
}

onEachDatabase('a session is opened once and found by every node, under its safe alone', async (world) => {
  const [one, two] = [new Exchanges(await world.open()), new Exchanges(await world.open())];
  const answers = await Promise.all([one.open(opening), two.open(opening), one.open(opening)]);
  assert.equal(answers.filter(({ opened }) => opened).length, 1);
  assert.deepEqual((await two.use(session))?.state, { job: 'j' });
  assert.equal(await two.use({ ...session, safe: 'bb' }), null);
  assert.equal(await two.use({ ...session, kind: 'reading' }), null);
  assert.equal(await two.renew({ ...session, safe: 'bb' }), false);
  assert.equal(await two.close({ ...session, safe: 'bb' }), null);
  assert.equal(await two.restate(session, { job: 'j', lease: 'l' }), true);
  assert.deepEqual((await one.use(session))?.state, { job: 'j', lease: 'l' });
  assert.equal(await one.openCount('session'), 1);
  assert.equal(await one.openCount('session', 'bb'), 0);
  assert.deepEqual((await one.close(session))?.state, { job: 'j', lease: 'l' });
  assert.equal(await one.close(session), null);
});

onEachDatabase('each use keeps a session open; one that was not used is over, and is collected by one node', async (world) => {
  const [one, two] = [new Exchanges(await world.open()), new Exchanges(await world.open())];
  await one.open(opening);
  for (let minute = 0; minute < 20; minute += 1) {
    await world.clock.advance(minuteMs);
    assert.ok(await two.use(session), `minute ${minute}`);
  }
  await world.clock.advance(lapseMs);
  assert.equal(await two.use(session), null);
  assert.equal(await two.renew(session), false);
  assert.equal(await two.restate(session, {}), false);
  const collected = await Promise.all([one.collectLapsed(10), two.collectLapsed(10), one.collectLapsed(10)]);
  assert.deepEqual(
    collected.flat().map(({ id }) => id),
    ['01'],
  );
  assert.equal((await one.open(opening)).opened, true);
  await world.clock.advance(lapseMs + secondMs);
  assert.equal((await one.open({ ...opening, state: { job: 'k' } })).exchange.openedMs, world.clock.nowMs());
});

onEachDatabase('the feed tells what became durable in order, each object once, at its last place', async (world) => {
  const inventory = new Inventory(await world.open());
  await inventory.announce('aa', packs('1', '22', '333'));
  await inventory.announce('bb', packs('other'));
  await inventory.announce('aa', packs('22', '4444'));
  const names = async (after: number): Promise<string[]> => (await inventory.feed('aa', after)).events.map(({ name }) => name);
  assert.deepEqual(await names(0), ['1', '22', '333', '4444']);
  const { next, events } = await inventory.feed('aa', 0, 2);
  assert.deepEqual(
    events.map(({ bytes }) => bytes),
    [1, 2],
  );
  assert.deepEqual(await names(next), ['333', '4444']);
  await inventory.damaged('aa', { kind: 'pack', name: '22' });
  assert.deepEqual(await names(0), ['1', '333', '4444']);
  assert.deepEqual(await inventory.totals('aa'), {
    objects: 4,
    bytes: 10,
    damaged: 1,
    oldestVerifiedMs: world.clock.nowMs(),
  });
  const end = (await inventory.feed('aa', 0)).next;
  await inventory.announce('aa', packs('22'));
  assert.deepEqual(await names(end), ['22']);
  await inventory.withdraw('aa', 'pack', ['1']);
  await inventory.announce('aa', packs('1'));
  assert.deepEqual(await names(0), ['333', '4444', '22', '1']);
  assert.deepEqual(await inventory.totals('cc'), { objects: 0, bytes: 0, damaged: 0, oldestVerifiedMs: null });
});

onEachDatabase('a follower misses nothing while several nodes announce', async (world) => {
  const nodes = await Promise.all([1, 2, 3].map(async () => new Inventory(await world.open())));
  const follower = new Inventory(await world.open());
  const seen: string[] = [];
  const state = { writing: true, after: 0 };
  const follow = async (): Promise<void> => {
    const { events, next } = await follower.feed('aa', state.after, 7);
    seen.push(...events.map(({ name }) => name));
    state.after = next;
  };
  const wanted: string[] = [];
  const writing = Promise.all(
    nodes.map(async (inventory, node) => {
      for (let round = 0; round < 15; round += 1) {
        const names = [`${node}-${round}-a`, `${node}-${round}-b`];
        wanted.push(...names);
        await inventory.announce('aa', packs(...names));
      }
    }),
  ).finally(() => (state.writing = false));
  // SQLite answers at once: without a turn of the loop nobody else would ever run.
  while (state.writing) {
    await follow();
    await settle();
  }
  await writing;
  for (let before = -1; before !== state.after;) {
    before = state.after;
    await follow();
  }
  assert.deepEqual(seen.toSorted(), wanted.toSorted());
});

onEachDatabase('what was verified longest ago comes first', async (world) => {
  const inventory = new Inventory(await world.open());
  await inventory.announce('aa', packs('1', '2'));
  await world.clock.advance(minuteMs);
  await inventory.announce('bb', packs('3'));
  await inventory.announce('bb', [{ kind: 'pack', name: '4', bytes: 1, storedMs: 0 }], { unread: true });
  const stalest = async (): Promise<string[]> => (await inventory.stalest(10)).map(({ name }) => name);
  assert.deepEqual((await stalest())[0], '4');
  await world.clock.advance(minuteMs);
  await inventory.verified('bb', [{ kind: 'pack', name: '4' }]);
  await inventory.verified('aa', [{ kind: 'pack', name: '1' }]);
  assert.deepEqual((await stalest()).slice(0, 2), ['2', '3']);
  assert.deepEqual(
    (await inventory.stalest(10, world.clock.nowMs())).map(({ name }) => name),
    ['2', '3'],
  );
  await inventory.locked('aa', 'pack', { names: ['1', '2'], untilMs: 99 });
  assert.deepEqual(
    (await inventory.page('aa', 'pack')).map(({ lockedMs }) => lockedMs),
    [99, 99],
  );
  assert.equal(await inventory.find('aa', { kind: 'pack', name: '3' }), null);
});

onEachDatabase(
  'whatever is announced, withdrawn and found damaged: positions are each given once, and totals are those of the rows',
  async (world) => {
    const inventory = new Inventory(await world.open());
    let run = 0;
    const step = fc.record({ verb: fc.constantFrom('announce', 'withdraw', 'damaged'), name: fc.integer({ min: 0, max: 5 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const safe = `safe${(run += 1)}`;
        const model = new Map<string, 'whole' | 'damaged'>();
        let last = 0;
        for (const { verb, name: number } of steps) {
          const name = String(number);
          if (verb === 'announce') {
            const fresh = model.get(name) !== 'whole';
            await inventory.announce(safe, packs(name));
            const { events, next } = await inventory.feed(safe, last);
            assert.deepEqual(
              events.map((event) => event.name),
              fresh ? [name] : [],
            );
            last = next;
            model.set(name, 'whole');
          } else if (verb === 'withdraw') {
            await inventory.withdraw(safe, 'pack', [name]);
            model.delete(name);
          } else {
            await inventory.damaged(safe, { kind: 'pack', name });
            if (model.has(name)) model.set(name, 'damaged');
          }
        }
        const totals = await inventory.totals(safe);
        assert.deepEqual(
          [totals.objects, totals.damaged],
          [model.size, [...model.values()].filter((state) => state === 'damaged').length],
        );
      }),
      { numRuns: 15 },
    );
  },
);

onEachDatabase('metering has one row per safe, job and day, and the last measurement counts', async (world) => {
  const metering = new Metering(await world.open());
  const row = {
    safe: 'aa',
    computer: 'c0',
    job: 'j',
    day: 20_000,
    customer: 'c',
    protectedBytes: 10,
    storedBytes: 5,
    safesets: 1,
  };
  await metering.measured('aa', 20_000, [row, { ...row, job: 'k' }]);
  await metering.measured('aa', 20_000, [{ ...row, safesets: 2 }]);
  await metering.measured('aa', 20_001, [{ ...row, day: 20_001 }]);
  await metering.measured('bb', 20_000, [{ ...row, safe: 'bb', protectedBytes: 2 ** 52 }]);
  assert.deepEqual(await metering.rows({ from: 20_000, to: 20_000, safe: 'aa' }), [{ ...row, safesets: 2 }]);
  const all = await metering.rows({ from: 0, to: 30_000 });
  assert.deepEqual(
    all.map(({ day, safe }) => `${day} ${safe}`),
    ['20000 aa', '20000 bb', '20001 aa'],
  );
  assert.equal(all[1]?.protectedBytes, 2 ** 52);
});
