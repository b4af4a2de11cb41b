/* Which site may append to the ledger of a safe that stands at two. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equalBytes, toHex } from '@twinvault/std';
import { rejectsWith } from '@twinvault/testkit';
import { homeOf } from '../src/homes/homes.ts';
import { homeEntry, twoOperators, twoSites } from './two-sites.ts';
import type { TestSite } from './two-sites.ts';

async function home(site: TestSite): Promise<Uint8Array> {
  return homeOf(await site.vault.partsOf(site.mine.safe));
}

test('a site alone is home, and so is the one that made the safe', async () => {
  const { home: first, twin } = await twoSites('homes');
  assert.ok(equalBytes(await home(first), first.self.site));
  assert.ok(equalBytes(await home(twin), first.self.site));
});

test('the other site refuses entries and slots, and says whose they are', async () => {
  const { home: first, twin } = await twoSites('refused');
  const { mine } = first;
  const entry = mine.append({ kind: 'feature', name: 'x', on: false });
  const { context } = await rejectsWith(twin.safe.appendLedger(entry), 'not-home');
  assert.equal(context['home'], toHex(first.self.site));
  assert.equal((await twin.safe.ledger(1)).length, mine.ledger.head.number - 1);
  await first.safe.appendLedger(entry);
  const slot = mine.makeSlot();
  const change = mine.entry({ kind: 'slots', slots: [(await import('@twinvault/format')).objectDigest(slot)] });
  await rejectsWith(twin.safe.replaceSlots([slot], change), 'not-home');
  await first.safe.replaceSlots([slot], change);
});

test('an entry that stands already is no new one', async () => {
  const { home: first, twin } = await twoSites('again');
  const [last] = await first.safe.ledger(first.mine.head.number);
  assert.ok(last);
  await twin.safe.appendLedger(last);
});

test('two operators make a site home by an entry that it takes itself; from then on the other refuses', async () => {
  const sites = await twoSites('promoted');
  const { home: first, twin } = sites;
  const operators = await twoOperators(sites);
  const { ledger } = await twin.vault.partsOf(first.mine.safe);
  for (const entry of await first.safe.ledger(1)) await ledger.append(entry);
  const elsewhere = homeEntry(first.mine, first.self.site, operators);
  await rejectsWith(twin.safe.appendLedger(elsewhere), 'not-home');
  const [one, two] = operators;
  await rejectsWith(twin.safe.appendLedger(homeEntry(first.mine, twin.self.site, [one, one])), 'ledger-signer');
  const entry = first.mine.accept(homeEntry(first.mine, twin.self.site, [two, one]));
  await twin.safe.appendLedger(entry);
  assert.ok(equalBytes(await home(twin), twin.self.site));
  await first.safe.appendLedger(entry);
  assert.ok(equalBytes(await home(first), twin.self.site));
  const next = first.mine.append({ kind: 'feature', name: 'x', on: false });
  await rejectsWith(first.safe.appendLedger(next), 'not-home');
  await twin.safe.appendLedger(next);
});

test('a note that is damaged makes no site home', async () => {
  const { twin } = await twoSites('damaged note');
  await twin.context.store.replace(twin.context.layout.follows, [new Uint8Array(9)]);
  const entry = twin.mine.entry({ kind: 'feature', name: 'x', on: false });
  await rejectsWith(twin.safe.appendLedger(entry), 'vault-damaged');
});
