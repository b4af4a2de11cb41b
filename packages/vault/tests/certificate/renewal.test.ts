import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dayMs, hourMs, minuteMs } from '@twinvault/std';
import { FakeClock, seededRandom } from '@twinvault/testkit';
import { VaultError } from '../../src/errors.ts';
import { Renewal, renewalDueMs, renewalPauseMs } from '../../src/service/certificate/renewal.ts';
import type { Attempts, AttemptsKeeper, Validity } from '../../src/service/certificate/renewal.ts';

const lifeMs = 90 * dayMs;

/** A file that outlives the process. */
class Kept implements AttemptsKeeper {
  attempts: Attempts | null = null;

  read(): Promise<Attempts | null> {
    return Promise.resolve(this.attempts);
  }

  write(attempts: Attempts | null): Promise<void> {
    this.attempts = attempts;
    return Promise.resolve();
  }
}

const ofOneProcess = { waits: (): void => assert.fail('nothing was tried before') };

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
    attempts: new Kept(),
    ...ofOneProcess,
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
    attempts: new Kept(),
    ...ofOneProcess,
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
  const kept = new Kept();
  const renewal = new Renewal({
    ports: { clock, timers: clock, random: seededRandom('stop') },
    attempts: kept,
    ...ofOneProcess,
    validity: null,
    renew: (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        started.resolve();
      }),
    failed: () => assert.fail('a stop is no failure'),
  });
  await started.promise;
  assert.equal(kept.attempts?.failures, 1);
  await renewal[Symbol.asyncDispose]();
  assert.equal(clock.pendingCount, 0);
  assert.equal(kept.attempts, null, 'it is tried at once with the next start');
});

test('a process that dies in each order asks no more often than one that runs', async () => {
  const clock = new FakeClock();
  const kept = new Kept();
  const triesMs: number[] = [];
  const waits: Attempts[] = [];
  let alive = 0;
  const start = (): void => {
    alive += 1;
    const own = alive;
    const isDead = (): boolean => own !== alive;
    const renewal = new Renewal({
      ports: { clock, timers: clock, random: seededRandom(`crash ${own}`) },
      attempts: { read: () => kept.read(), write: (attempts) => (isDead() ? Promise.resolve() : kept.write(attempts)) },
      waits: (attempts) => waits.push(attempts),
      validity: null,
      renew: () => {
        if (!isDead()) triesMs.push(clock.nowMs());
        return new Promise(() => {});
      },
      failed: () => assert.fail('it dies before it can fail'),
    });
    assert.equal(renewal.failures, 0, 'it knows of others when it has looked');
  };
  for (let minute = 0; minute < 24 * 60; minute += 1) {
    start();
    await clock.advance(minuteMs);
  }
  // Let's Encrypt takes five failures an hour.
  for (const from of triesMs) assert.ok(triesMs.filter((ms) => ms >= from && ms < from + hourMs).length <= 4);
  assert.ok(triesMs.length >= 6 && triesMs.length <= 12, String(triesMs.length));
  assert.equal(kept.attempts?.failures, triesMs.length);
  assert.ok(waits.length > 1000 && waits.every(({ failures }) => failures > 0));
});

test('what a clock kept that was wrong is waited for a day at most', async () => {
  const clock = new FakeClock();
  const kept = new Kept();
  kept.attempts = { failures: 3, againMs: clock.nowMs() + 4000 * dayMs };
  let count = 0;
  await using renewal = new Renewal({
    ports: { clock, timers: clock, random: seededRandom('clock') },
    attempts: kept,
    waits: ({ againMs }) => assert.equal(againMs, clock.nowMs() + dayMs),
    validity: null,
    renew: () => {
      count += 1;
      return Promise.resolve({ fromMs: clock.nowMs(), toMs: clock.nowMs() + lifeMs });
    },
    failed: () => assert.fail('it did not fail'),
  });
  await clock.advance(dayMs - minuteMs);
  assert.deepEqual([count, renewal.failures], [0, 3]);
  await clock.advance(2 * minuteMs);
  assert.deepEqual([count, renewal.failures, kept.attempts], [1, 0, null]);
});

test('what cannot be kept is not tried', async () => {
  const clock = new FakeClock();
  const full = new Error('disk full');
  const told: unknown[] = [];
  await using renewal = new Renewal({
    ports: { clock, timers: clock, random: seededRandom('full') },
    attempts: { read: () => Promise.resolve(null), write: () => Promise.reject(full) },
    ...ofOneProcess,
    validity: null,
    renew: () => assert.fail('an order that nobody would remember'),
    failed: (error) => told.push(error),
  });
  await clock.advance(hourMs);
  assert.ok(told.length > 0 && told.every((error) => error === full));
  assert.equal(renewal.failures, told.length);
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
