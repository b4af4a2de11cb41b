/* Erase orders before anything goes: who may order, who may take back, and when an order may be begun. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeEraseOrder, eraseOrderName, eraseSecondMessage, parseEraseOrder } from '@twinvault/format';
import type { EraseOrder } from '@twinvault/format';
import { dayMs, hourMs, primitives, toHex } from '@twinvault/std';
import { rejectsWith } from '@twinvault/testkit';
import { rememberAtTwin, standingOrders, takeOrder } from '../src/erases/orders.ts';
import { cancelOf, orderOf } from './erasing.ts';
import { harness } from './harness.ts';
import type { Harness } from './harness.ts';
import { twoOperators, twoSites } from './two-sites.ts';

async function states({ vault, mine }: Pick<Harness, 'vault' | 'mine'>): Promise<string[]> {
  return (await standingOrders(await vault.partsOf(mine.safe))).map(({ state }) => state);
}

test('an order waits its time, and is due then', async () => {
  const site = await harness('waits');
  const { order, entry } = orderOf(site.mine);
  await site.safe.orderErase(order, entry);
  await site.safe.orderErase(order, entry);
  assert.deepEqual(await states(site), ['waiting']);
  await site.platform.clock.advance(3 * dayMs - hourMs);
  assert.deepEqual(await states(site), ['waiting']);
  await site.platform.clock.advance(2 * hourMs);
  assert.deepEqual(await states(site), ['due']);
  const [summary] = await site.safe.erases();
  assert.ok(summary);
  assert.deepEqual([toHex(summary.order), summary.jobs, summary.certificate], [toHex(parseEraseOrder(order).name), null, null]);
});

test('an entry names an order that is there, and no other', async () => {
  const site = await harness('named');
  const { order, entry } = orderOf(site.mine);
  const another = orderOf(site.mine, { createdMs: 7 });
  await rejectsWith(site.safe.appendLedger(entry), 'object-unknown');
  await rejectsWith(site.safe.orderErase(another.order, entry), 'object-invalid');
  const skipped = orderOf(site.mine, { number: 2 });
  await rejectsWith(site.safe.orderErase(skipped.order, skipped.entry), 'ledger-conflict');
  await site.safe.orderErase(order, entry);
  site.mine.accept(entry);
  assert.equal((await site.safe.erases()).length, 1);
});

test('an order that nobody named means nothing', async () => {
  const site = await harness('unnamed');
  await takeOrder(await site.vault.partsOf(site.mine.safe), orderOf(site.mine).order);
  await site.platform.clock.advance(30 * dayMs);
  assert.deepEqual(await states(site), ['unnamed']);
});

test('who ordered takes back, and nobody else', async () => {
  const sites = await twoSites('taken back');
  const { home } = sites;
  const [one, two] = await twoOperators(sites);
  const byOperators = (change: Partial<EraseOrder>): Uint8Array => {
    const signer = primitives.ed25519PublicKey(one);
    const order = { safe: home.mine.safe, number: 1, createdMs: 2, jobs: null, signer, other: null, ...change };
    const other = primitives.ed25519Sign(two, eraseSecondMessage(order));
    return encodeEraseOrder({ ...order, other }, (message) => primitives.ed25519Sign(one, message));
  };
  const { order, entry } = orderOf(home.mine);
  const { name } = parseEraseOrder(order);
  await rejectsWith(home.safe.cancelErase(cancelOf(home.mine, name)), 'object-unknown');
  await home.safe.orderErase(order, entry);
  await rejectsWith(home.safe.cancelErase(byOperators({ cancels: name })), 'ledger-signer');
  await rejectsWith(home.safe.cancelErase(order), 'object-unknown');
  assert.deepEqual(await states(home), ['waiting']);
  await home.safe.cancelErase(cancelOf(home.mine, name));
  await home.platform.clock.advance(30 * dayMs);
  assert.deepEqual(await states(home), ['cancelled']);
});

test('a twin takes what is signed, and is not home; home waits until the twin has the order', async () => {
  const { home, twin } = await twoSites('both first');
  const { order, entry } = orderOf(home.mine);
  await rejectsWith(twin.safe.orderErase(order, entry), 'not-home');
  await home.safe.orderErase(order, entry);
  await home.platform.clock.advance(4 * dayMs);
  assert.deepEqual(await states(home), ['apart']);
  const parts = await twin.vault.partsOf(twin.mine.safe);
  const forged = encodeEraseOrder(
    { ...parseEraseOrder(order), signer: primitives.ed25519PublicKey(new Uint8Array(32)) },
    (message) => primitives.ed25519Sign(new Uint8Array(32), message),
  );
  await assert.rejects(takeOrder(parts, forged), { code: 'ledger-signer' });
  await takeOrder(parts, order);
  await parts.ledger.append(entry);
  assert.deepEqual(await states(twin), ['waiting']);
  await rememberAtTwin(home.context, toHex(twin.self.site), toHex(parseEraseOrder(order).name));
  assert.deepEqual(await states(home), ['due']);
  await twin.safe.cancelErase(cancelOf(twin.mine, parseEraseOrder(order).name));
  assert.deepEqual(await states(twin), ['cancelled']);
});

test('the same order signed by another pair is the same order, and stays good when they leave', async () => {
  const sites = await twoSites('signed by others');
  const { home, twin } = sites;
  const [one, two] = await twoOperators(sites);
  const three = new Uint8Array(32).fill(7);
  const party = (seed: Uint8Array, role: 'operator' | 'site'): Promise<void> =>
    home.safe.appendLedger(home.mine.append({ kind: 'party', key: primitives.ed25519PublicKey(seed), name: 'x', role }));
  await party(three, 'operator');
  const order = {
    safe: home.mine.safe,
    number: 1,
    createdMs: 2,
    jobs: null,
    signer: primitives.ed25519PublicKey(one),
    other: null,
  };
  const by = (second: Uint8Array, change: Partial<EraseOrder> = {}): Uint8Array => {
    const changed = { ...order, ...change };
    const other = primitives.ed25519Sign(second, eraseSecondMessage(changed));
    return encodeEraseOrder({ ...changed, other }, (message) => primitives.ed25519Sign(one, message));
  };
  const name = eraseOrderName(order);
  const entry = home.mine.entry({ kind: 'erase', order: name, other: null });
  await home.safe.orderErase(by(two), entry);
  home.mine.accept(entry);
  await home.safe.orderErase(by(three), entry);
  const parts = await home.vault.partsOf(home.mine.safe);
  assert.equal(await takeOrder(parts, by(three)), 'present');
  assert.deepEqual(await states(home), ['waiting']);
  await party(two, 'site');
  await party(one, 'site');

  // The twin was away: it has the whole ledger before it has the order.
  const there = await twin.vault.partsOf(twin.mine.safe);
  for (const later of (await home.safe.ledger(1)).slice((await twin.safe.ledger(1)).length)) await there.ledger.append(later);
  assert.equal(await takeOrder(there, by(three)), 'stored');
  assert.deepEqual(await states(twin), ['waiting']);
  await assert.rejects(takeOrder(there, by(two, { number: 2 })), { code: 'ledger-signer' });
  await twin.safe.cancelErase(by(three, { cancels: name }));
  assert.deepEqual(await states(twin), ['cancelled']);
});
