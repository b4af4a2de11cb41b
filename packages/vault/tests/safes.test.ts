/* The making of a safe: there when its descriptor is, whatever breaks before, and what a broken-off one leaves is nobody's safe. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@twinvault/protocol';
import { hourMs, minuteMs, toHex } from '@twinvault/std';
import { rejectsWith, TestSafe } from '@twinvault/testkit';
import { code, pump } from './harness.ts';
import { MemorySite } from './memory-site.ts';

function newSafe(seed: string): TestSafe {
  const safe = new TestSafe(seed);
  safe.enrol();
  return safe;
}

test('broken off anywhere it is no safe, and the same call again makes it', async () => {
  const mine = newSafe('mine');
  const whole = new MemorySite('count');
  const counted = whole.faulty({ failNth: null, error: () => null });
  const opened = await whole.create('one', counted);
  const before = counted.calls;
  await opened.createSafe(mine.newSafe);
  const calls = counted.calls - before;
  assert.ok(calls > 8, String(calls));
  let unfinished = 0;
  for (let nth = 1; nth <= calls; nth += 1) {
    const site = new MemorySite(nth);
    await site.create();
    const openings = site.faulty({ failNth: null, error: () => null });
    await site.open('one', openings);
    const store = site.faulty({ failNth: openings.calls + nth, times: Infinity, error: () => new ProtocolError('store-away') });
    const broken = await site.open('one', store);
    await rejectsWith(pump(site.platform, broken.createSafe(mine.newSafe)), 'store-away');
    const vault = await site.open('two');
    const made = (await vault.safes()).length;
    if (made === 0) await rejectsWith(vault.openSafe(mine.safe), 'safe-unknown');
    const { problems } = await vault.check();
    assert.ok(problems.every((problem) => problem.code === 'safe-unfinished'));
    unfinished += problems.length;
    await site.platform.clock.advance(6 * minuteMs);
    if (made === 0) await pump(site.platform, vault.createSafe(mine.newSafe));
    else await rejectsWith(vault.createSafe(mine.newSafe), 'safe-exists');
    assert.deepEqual((await (await vault.openSafe(mine.safe)).slots()).length, 1);
    assert.deepEqual((await vault.check()).problems, []);
  }
  assert.ok(unfinished > 2, String(unfinished));
});

test('what a broken-off making left is swept after a day, and a younger one is not', async () => {
  const site = new MemorySite('sweep');
  const vault = await site.create();
  const [mine, half] = [newSafe('mine'), newSafe('half')];
  await vault.createSafe(mine.newSafe);
  const put = site.faulty({
    failNth: 2,
    times: Infinity,
    operations: ['put'],
    error: () => new ProtocolError('store-away'),
  });
  await rejectsWith((await site.open('one', put)).createSafe(half.newSafe), 'store-away');
  const folders = async (): Promise<number> => (await site.store.folders('safes')).length;
  assert.equal(await folders(), 2);
  await site.platform.clock.advance(23 * hourMs);
  await pump(site.platform, vault.clean(mine.safe));
  assert.equal(await folders(), 2);
  await site.platform.clock.advance(2 * hourMs);
  await pump(site.platform, vault.clean(mine.safe));
  assert.equal(await folders(), 1);
  assert.deepEqual((await vault.check()).problems, []);
});

test('a safe that lost its descriptor is a loss, and nothing of it is swept', async () => {
  const site = new MemorySite('lost');
  const vault = await site.create();
  const [mine, other] = [newSafe('mine'), newSafe('other')];
  await vault.createSafe(mine.newSafe);
  await vault.createSafe(other.newSafe);
  const folder = `safes/${toHex(mine.safe)}`;
  await site.store.put(`${folder}/receipts/${'0'.repeat(64)}`, [new Uint8Array(1)]);
  assert.ok(await site.store.remove(`${folder}/descriptor`));
  await site.platform.clock.advance(48 * hourMs);
  await pump(site.platform, vault.clean(other.safe));
  assert.ok((await vault.check()).problems.some((problem) => problem.code === 'descriptor-damaged'));
  assert.ok((await site.store.listDeep(folder)).length > 2);
});

test('of two makings of one safe at the same time one stands whole', async () => {
  const site = new MemorySite('race');
  await site.create();
  const mine = newSafe('mine');
  const shorter = mine.newSafe;
  mine.accept(mine.entry({ kind: 'slots', slots: mine.ledger.slotDigests() }));
  const longer = mine.newSafe;
  for (const order of [
    [shorter, longer],
    [longer, shorter],
  ] as const) {
    const racing = new MemorySite(`race ${order[0].ledger.length}`);
    await racing.create();
    const nodes = await Promise.all(order.map((_, index) => racing.open(`node-${index}`)));
    const answers = await pump(
      racing.platform,
      Promise.all(nodes.map((node, index) => node.createSafe(order[index] ?? shorter).then(() => 'made', code))),
    );
    assert.deepEqual(answers.toSorted(), ['made', 'safe-exists']);
    const vault = await racing.open('reader');
    const winner = order[answers.indexOf('made')] ?? shorter;
    assert.deepEqual(await (await vault.openSafe(mine.safe)).ledger(1), winner.ledger);
    assert.deepEqual((await vault.check()).problems, []);
  }
});

test('labels differ, unless they need not', async () => {
  const site = new MemorySite('labels');
  const vault = await site.create();
  const [one, two] = [newSafe('one'), new TestSafe('two', newSafe('one').label)];
  two.enrol();
  await vault.createSafe(one.newSafe);
  await rejectsWith(vault.createSafe(two.newSafe), 'label-taken');
  await vault.createSafe(two.newSafe, { anyLabel: true });
  assert.equal((await vault.safes()).length, 2);
});
