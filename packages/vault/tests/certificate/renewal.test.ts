import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dayMs, hourMs, minuteMs } from '@twinvault/std';
import { FakeClock, seededRandom } from '@twinvault/testkit';
import { VaultError } from '../../src/errors.ts';
import { Renewal, renewalDueMs, renewalPauseMs } from '../../src/service/certificate/renewal.ts';
import type { Validity } from '../../src/service/certificate/renewal.ts';

const lifeMs = 90 * dayMs;

interface World extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly renewal: Renewal;
  /** Days after the start at which it was tried, with what came of it. */
  readonly tries: { readonly day: number; readonly failed: boolean }[];
  readonly announced: number[];
}

/** `fails`: what the try of this number throws. */
function world(validity: ((nowMs: number) => Validity) | null, fails: (count: number) => Error | null): World {
  const clock = new FakeClock();
  const startMs = clock.nowMs();
  const tries: { readonly day: number; readonly failed: boolean }[] = [];
  const announced: number[] = [];
  const renewal = new Renewal({
    ports: { clock, timers: clock, random: seededRandom('renewal') },
    validity: validity === null ? null : validity(startMs),
    renew: () => {
      const error = fails(tries.length);
      const nowMs = clock.nowMs();
      tries.push({ day: (nowMs - startMs) / dayMs, failed: error !== null });
      return error === null ? Promise.resolve({ fromMs: nowMs, toMs: nowMs + lifeMs }) : Promise.reject(error);
    },
    failed: (_error, againMs) => announced.push(againMs),
  });
  return { clock, renewal, tries, announced, [Symbol.asyncDispose]: () => renewal[Symbol.asyncDispose]() };
}

test('without a certificate it is tried at once, then with a third of each life left', async () => {
  await using it = world(null, () => null);
  await it.clock.advance(365 * dayMs);
  const days = it.tries.map(({ day }) => day);
  assert.equal(days[0], 0);
  assert.ok(days.length >= 6 && days.length <= 7, String(days));
  const pauses = days.slice(1).map((day, index) => day - (days[index] ?? 0));
  for (const pause of pauses) assert.ok(pause > 90 * (2 / 3 - 1 / 20) && pause < 60.1, String(pauses));
  assert.ok(new Set(pauses.map((pause) => pause.toFixed(3))).size > 1, 'chance moves them');
  assert.equal(it.renewal.failures, 0);
});

test('one that is in use is left alone until it is due, also when the clock is set', async () => {
  await using it = world(
    (nowMs) => ({ fromMs: nowMs - dayMs, toMs: nowMs + 89 * dayMs }),
    () => null,
  );
  await it.clock.advance(50 * dayMs);
  assert.deepEqual(it.tries, []);
  it.clock.jump(20 * dayMs);
  await it.clock.advance(hourMs);
  assert.equal(it.tries.length, 1);
});

test('failures are tried again in growing pauses, as announced, and end with the first success', async () => {
  await using it = world(null, (count) => (count < 8 ? new Error('refused') : null));
  await it.clock.advance(2 * dayMs);
  assert.deepEqual(
    it.tries.map(({ failed }) => failed),
    [...Array.from({ length: 8 }, () => true), false],
  );
  const firstHour = it.tries.filter(({ day }) => day * 24 < 1);
  assert.ok(firstHour.length <= 4, 'no authority is asked more than that');
  const pauses = it.tries.slice(1).map(({ day }, index) => (day - (it.tries[index]?.day ?? 0)) * dayMs);
  pauses.forEach((pauseMs, index) => {
    const least = Math.min(10 * minuteMs * 2 ** index, 6 * hourMs);
    assert.ok(pauseMs >= least - 1 && pauseMs <= least * 1.5 + 1, `${index}: ${pauseMs}`);
  });
  assert.equal(it.announced.length, 8);
  assert.equal(it.renewal.failures, 0);
});

test('the pause that an authority asks for is kept', async () => {
  const error = new VaultError('acme-failed', { context: { retryAfterSeconds: 7200 } });
  await using it = world(null, (count) => (count === 0 ? error : null));
  await it.clock.advance(dayMs);
  assert.equal(it.tries.length, 2);
  assert.ok(((it.tries[1]?.day ?? 0) * dayMs) / hourMs >= 2);
});

test('a certificate that is due when it comes is not followed by another at once', async () => {
  const clock = new FakeClock();
  let count = 0;
  await using renewal = new Renewal({
    ports: { clock, timers: clock, random: seededRandom('ended') },
    validity: null,
    renew: () => {
      count += 1;
      return Promise.resolve({ fromMs: 0, toMs: 1 });
    },
    failed: () => assert.fail('it did not fail'),
  });
  await clock.advance(hourMs);
  assert.ok(count <= 7, String(count));
  assert.equal(renewal.failures, 0);
});

test('it ends in the middle of an order', async () => {
  const clock = new FakeClock();
  const started = Promise.withResolvers<void>();
  const renewal = new Renewal({
    ports: { clock, timers: clock, random: seededRandom('stop') },
    validity: null,
    renew: (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        started.resolve();
      }),
    failed: () => assert.fail('a stop is no failure'),
  });
  await started.promise;
  await renewal[Symbol.asyncDispose]();
  assert.equal(clock.pendingCount, 0);
});

test('whatever the dates and the luck, it is due within the life and pauses are bounded', () => {
  const chance = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.nat(), fc.nat(), chance, (fromMs, life, luck) => {
      const dueMs = renewalDueMs({ fromMs, toMs: fromMs + life }, luck);
      assert.ok(dueMs >= fromMs && dueMs <= fromMs + life);
      assert.ok(fromMs + life - dueMs >= life / 3 - 1);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), chance, (failures, luck) => {
      const pauseMs = renewalPauseMs(failures, luck);
      assert.ok(pauseMs >= 10 * minuteMs && pauseMs <= 9 * hourMs);
    }),
  );
});
