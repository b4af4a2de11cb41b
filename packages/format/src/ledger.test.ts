import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '@twinvault/std';
import {
  agent,
  certificate,
  computer,
  descriptorBytes,
  entryBytes,
  epochPayload,
  fill,
  formatError,
  newLedger,
  operators,
  root,
  safe,
  signer,
  siteName,
  withEntry,
} from '../tests/fixtures.ts';
import type { Signer } from '../tests/fixtures.ts';
import { recordDigest } from './ids.ts';
import { Ledger } from './ledger.ts';
import { encodeLedgerEntry, ledgerSecondMessage, parseLedgerEntry } from './ledger-entry.ts';
import type { LedgerEntry } from './ledger-entry.ts';
import type { LedgerPayload } from './ledger-payload.ts';
import { objectDigest } from './objects.ts';
import { encodeSafeDescriptor } from './safe-descriptor.ts';

const record = recordDigest(fill('record', 32));

function withOperators(): Ledger {
  let ledger = newLedger();
  operators.forEach(({ key }, index) => {
    ledger = withEntry(ledger, { kind: 'party', key, name: `operator ${index + 1}`, role: 'operator' });
  });
  return ledger;
}

/** A `home` or `erase` entry signed by one and counter-signed by the other. */
function doubleSigned(ledger: Ledger, payload: LedgerPayload, [first, second]: readonly [Signer, Signer]): Uint8Array {
  const { number, digest, root: rootDigest } = ledger.head;
  const entry: LedgerEntry = {
    safe,
    number: number + 1,
    previous: digest,
    root: rootDigest,
    createdMs: 1,
    signer: first.key,
    payload,
  };
  const other = second.sign(ledgerSecondMessage(entry));
  return encodeLedgerEntry({ ...entry, payload: { ...payload, other } as LedgerPayload }, first.sign);
}

test('a ledger is replayed to what its entries say', () => {
  const ledger = newLedger();
  assert.equal(ledger.head.number, 3);
  assert.equal(ledger.epoch().epoch, 1);
  assert.deepEqual(ledger.epochKey(1), fill('epoch 1', 1216));
  assert.equal(ledger.epochKey(2), null);
  assert.equal(ledger.slotDigests().length, 2);
  assert.equal(ledger.minimumSuite, 1);
  const found = ledger.certificate(certificate);
  assert.equal(found?.name, 'desk');
  assert.equal(found?.entryNumber, 3);
  assert.ok(ledger.mayWrite(certificate, computer, 'anything'));
  assert.ok(!ledger.mayWrite(certificate, fill('another', 16), 'anything'));
});

test('replaying the entries gives the same heads as appending them', () => {
  let ledger = Ledger.replay(descriptorBytes, []);
  assert.deepEqual(ledger.head.digest, objectDigest(descriptorBytes));
  const entries: Uint8Array[] = [];
  for (const payload of [epochPayload, { kind: 'suite', minimum: 2 } as const]) {
    const entry = entryBytes(ledger, payload);
    entries.push(entry);
    const longer = ledger.append(entry);
    assert.ok(longer.extends(ledger.head));
    assert.ok(!ledger.extends(longer.head));
    ledger = longer;
  }
  assert.deepEqual(Ledger.replay(descriptorBytes, entries).head, ledger.head);
  assert.equal(ledger.minimumSuiteAt(1), 1);
  assert.equal(ledger.minimumSuiteAt(2), 2);
});

test('a minimum suite begins with the descriptor’s and never goes down', () => {
  const raised = withEntry(newLedger(), { kind: 'suite', minimum: 2 });
  assert.throws(
    () => withEntry(raised, { kind: 'suite', minimum: 1 }),
    formatError('ledger-conflict', 'minimum suite goes down'),
  );
  assert.equal(withEntry(raised, { kind: 'suite', minimum: 2 }).minimumSuite, 2);
  const parts = { safe, rootKey: root.key, label: 'two', createdMs: 0 };
  const born = Ledger.replay(encodeSafeDescriptor({ ...parts, suite: 2 }, root.sign), []);
  assert.equal(born.minimumSuite, 2);
  assert.throws(() => withEntry(born, { kind: 'suite', minimum: 1 }), formatError('ledger-conflict'));
});

test('the root digest follows the root’s entries alone', () => {
  const ledger = withOperators();
  const mark: LedgerPayload = { kind: 'hold', note: '', on: true, record };
  const held = withEntry(ledger, mark, operators[0]);
  assert.deepEqual(held.head.root, ledger.head.digest);
  assert.deepEqual(held.mark('hold', record), { on: true, note: '' });
  const released = withEntry(held, { ...mark, on: false }, operators[1]);
  assert.deepEqual(released.head.root, ledger.head.digest);
  assert.equal(released.mark('hold', record)?.on, false);
  assert.equal(released.mark('flag', record), null);
  assert.deepEqual(withEntry(released, { kind: 'suite', minimum: 2 }).head.root.length, 32);
});

test('an entry that does not continue the chain is refused', () => {
  const ledger = newLedger();
  const shorter = Ledger.replay(descriptorBytes, []);
  const late = entryBytes(shorter, epochPayload);
  assert.throws(() => ledger.append(late), formatError('ledger-broken', 'number does not follow'));
  const good = parseLedgerEntry(entryBytes(ledger, { kind: 'suite', minimum: 2 }));
  for (const [change, code, defect] of [
    [{ previous: fill('x', 32) }, 'ledger-broken', 'previous is another entry'],
    [{ root: fill('x', 32) }, 'ledger-broken', 'root is another entry'],
    [{ safe: fill('x', 16) as never }, 'safe-mismatch', 'ledger entry of another safe'],
    [{ signer: agent.key }, 'signature-invalid', 'ledger'],
  ] as const) {
    assert.throws(() => ledger.append(encodeLedgerEntry({ ...good, ...change }, root.sign)), formatError(code, defect));
  }
});

test('who may not sign a kind is refused', () => {
  const ledger = withOperators();
  const suite: LedgerPayload = { kind: 'suite', minimum: 2 };
  const retention: LedgerPayload = { kind: 'retention', type: 'standard', copies: 3, days: 30, intraday: false };
  assert.throws(() => withEntry(ledger, suite, operators[0]), formatError('ledger-signer', 'the root alone signs this kind'));
  assert.throws(() => withEntry(ledger, retention), formatError('ledger-signer'));
  assert.throws(() => withEntry(ledger, retention, agent), formatError('ledger-signer'));
  assert.deepEqual(withEntry(ledger, retention, operators[1]).retentions().get('standard'), retention);
});

test('home and erase need two different operators', () => {
  const ledger = withOperators();
  const [one, two] = operators as [Signer, Signer];
  const home: LedgerPayload = { kind: 'home', epoch: 1, site: siteName, other: new Uint8Array(64) };
  assert.throws(() => withEntry(ledger, home, one), formatError('ledger-signer', 'no second operator'));
  assert.throws(() => ledger.append(doubleSigned(ledger, home, [one, one])), formatError('ledger-signer'));
  assert.throws(() => ledger.append(doubleSigned(ledger, home, [one, root])), formatError('ledger-signer'));
  const promoted = ledger.append(doubleSigned(ledger, home, [one, two]));
  assert.deepEqual(promoted.home(), { epoch: 1, site: siteName });
  assert.throws(() => promoted.append(doubleSigned(promoted, home, [two, one])), formatError('ledger-conflict'));

  const erase: LedgerPayload = { kind: 'erase', order: fill('order', 32), other: null };
  assert.throws(() => withEntry(ledger, erase, one), formatError('ledger-signer'));
  assert.equal(withEntry(ledger, erase).eraseOrders().length, 1);
  assert.equal(ledger.append(doubleSigned(ledger, erase, [two, one])).eraseOrders().length, 1);
});

test('a payload that contradicts the ledger is refused', () => {
  const ledger = newLedger();
  const revocation: LedgerPayload = { kind: 'revocation', certificate, last: [], suspect: [] };
  const revoked = withEntry(ledger, revocation);
  assert.ok(!revoked.mayWrite(certificate, computer, 'documents'));
  assert.equal(revoked.revocationOf(certificate)?.entryNumber, 4);
  const conflict = formatError('ledger-conflict');
  assert.throws(() => withEntry(revoked, revocation), conflict);
  assert.throws(() => withEntry(ledger, { kind: 'epoch', epoch: 1, key: fill('e', 1216) }), conflict);
  assert.throws(() => withEntry(ledger, { kind: 'epoch', epoch: 3, key: fill('e', 1216) }), conflict);
  const handover: LedgerPayload = { kind: 'handover', certificate, computer: fill('old', 16) as never, job: 'mail' };
  assert.throws(() => withEntry(revoked, handover), conflict);
  const handed = withEntry(ledger, handover);
  assert.ok(handed.mayWrite(certificate, fill('old', 16), 'mail'));
  assert.ok(!handed.mayWrite(certificate, fill('old', 16), 'other'));
});

test('a feature that is on and not known stops a reader', () => {
  const ledger = withEntry(newLedger(), { kind: 'feature', name: 'quantum', on: true });
  assert.throws(() => ledger.demandKnownFeatures(), formatError('feature-unknown'));
  withEntry(ledger, { kind: 'feature', name: 'quantum', on: false }).demandKnownFeatures();
});

test('every kind of entry comes back as it went in', () => {
  const ledger = withOperators();
  const key = signer('customer').key;
  const payloads: LedgerPayload[] = [
    { kind: 'escrow', key: fill('escrow', 1216), name: 'deposit' },
    { kind: 'party', key, name: 'Zürich', role: 'customer' },
    { kind: 'lock', note: 'until May', on: true, record },
    { kind: 'flag', note: '', on: false, record },
    {
      kind: 'revocation',
      certificate,
      last: [{ computer, job: 'documents', record }],
      suspect: [fill('session', 32)],
    },
    { kind: 'erase', order: fill('order', 32), other: fill('other', 64) },
    { kind: 'home', epoch: 1, site: siteName, other: fill('other', 64) },
  ];
  for (const payload of payloads) {
    assert.deepEqual(parseLedgerEntry(entryBytes(ledger, payload)).payload, payload, toHex(new Uint8Array()));
  }
});
