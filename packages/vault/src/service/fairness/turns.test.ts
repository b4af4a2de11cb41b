import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeClock, rejectsWith, settle } from '@twinvault/testkit';
import { Turns } from './turns.ts';

const options = { eachMax: 2, bytesMax: 100, waitMsMax: 1000, waitingMax: 50 };

test('one customer has so many at once, whatever he sends, and another goes at once', async () => {
  const turns = new Turns(new FakeClock(0), options);
  await turns.take('a', 1);
  await turns.take('a', 1);
  for (let count = 0; count < 20; count += 1) void turns.take('a', 1);
  assert.equal(turns.waitingCount, 20);
  await turns.take('b', 1);
});

test('who waits is served in turn of the customers', async () => {
  const turns = new Turns(new FakeClock(0), { ...options, bytesMax: 10 });
  const free = await turns.take('a', 10);
  const order: string[] = [];
  const wait = (customer: string): void => void turns.take(customer, 10).then((end) => (order.push(customer), end()));
  for (const customer of ['a', 'a', 'a', 'b', 'c', 'b']) wait(customer);
  free();
  await settle();
  assert.deepEqual(order.toSorted(), ['a', 'a', 'a', 'b', 'b', 'c']);
  assert.ok(order.indexOf('b') < 3 && order.indexOf('c') < 3, order.join());
});

test('nobody waits for ever, and a wait that ended leaves nothing', async () => {
  const clock = new FakeClock(0);
  const turns = new Turns(clock, options);
  const frees = [await turns.take('a', 1), await turns.take('a', 1)];
  const gone = new AbortController();
  const late = rejectsWith(turns.take('a', 1), 'vault-busy');
  const left = assert.rejects(turns.take('a', 1, gone.signal), /gone/u);
  gone.abort(new Error('gone'));
  await left;
  await clock.advance(1001);
  await late;
  assert.equal(turns.waitingCount, 0);
  for (const free of frees) free();
  assert.equal(turns.inFlightBytes, 0);
});

test('however requests come and go, no limit is passed, none is lost, and all memory comes back', async () => {
  const step = fc.record({
    customer: fc.constantFrom('a', 'b', 'c'),
    bytes: fc.integer({ min: 1, max: 150 }),
    ends: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const turns = new Turns(new FakeClock(0), options);
      const open: (() => void)[] = [];
      let served = 0;
      for (const { customer, bytes, ends } of steps) {
        void turns.take(customer, bytes).then((free) => ((served += 1), open.push(free)));
        await settle();
        assert.ok(turns.inFlightBytes <= options.bytesMax || open.length === 1);
        if (ends) open.shift()?.();
        await settle();
      }
      while (open.length > 0) {
        open.shift()?.();
        await settle();
      }
      assert.equal(served, steps.length);
      assert.equal(turns.inFlightBytes, 0);
    }),
    { numRuns: 50 },
  );
});
