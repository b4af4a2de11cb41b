import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computerId, siteId, verifyEraseOrder } from '@twinvault/format';
import type { Ledger } from '@twinvault/format';
import { CodedError, equalBytes, primitives, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import { TestSafe } from '@twinvault/testkit';
import fc from 'fast-check';
import { completeCancel, completeErase, proposeCancel, proposeErase } from './erase-proposal.ts';
import { completeHome, proposeHome } from './home-proposal.ts';
import {
  encodeOperatorKey,
  encodeOperatorPublicKey,
  operatorKeyOf,
  parseOperatorKey,
  parseOperatorPublicKey,
} from './operator-key.ts';
import type { OperatorKey } from './operator-key.ts';
import { encodeProposal, parseProposal } from './proposal.ts';
import type { CancelProposal, EraseProposal, HomeFacts, Proposal, ProposedAct } from './proposal.ts';

function refuses(body: () => unknown, code: string): void {
  assert.throws(body, (error) => error instanceof CodedError && error.code === code, code);
}

const [anna, ben, eve] = ['Anna', 'Ben', 'Eve'].map((name, index) => operatorKeyOf(name, new Uint8Array(32).fill(index + 1))) as [
  OperatorKey,
  OperatorKey,
  OperatorKey,
];
const site = siteId(new Uint8Array(16).fill(9));

function safeWith(...operators: readonly OperatorKey[]): TestSafe {
  const mine = new TestSafe('operators');
  for (const { name, publicKey } of operators) mine.append({ kind: 'party', key: publicKey, name, role: 'operator' });
  return mine;
}

function proposed(ledger: Ledger, first: OperatorKey = anna): ProposedAct<HomeFacts> {
  return proposeHome(first, { ledger, site, createdMs: 1 });
}

test('keys come back as they were; what is damaged in any place does not', () => {
  assert.deepEqual(parseOperatorKey(encodeOperatorKey(anna)), anna);
  const open = encodeOperatorPublicKey(anna);
  assert.deepEqual(parseOperatorPublicKey(open), { name: 'Anna', publicKey: anna.publicKey });
  refuses(() => parseOperatorKey(open), 'operator-key-invalid');
  refuses(() => parseOperatorPublicKey(encodeOperatorKey(anna)), 'operator-key-invalid');
  const text = utf8Decode(encodeOperatorKey(anna)) ?? '';
  for (const secret of [toHex(anna.seed), toHex(anna.publicKey)]) {
    const other = `${secret.startsWith('0') ? '1' : '0'}${secret.slice(1)}`;
    refuses(() => parseOperatorKey(utf8Encode(text.replace(secret, other))), 'operator-key-invalid');
  }
  assert.ok(!(utf8Decode(open) ?? '').includes(toHex(anna.seed)));
});

test('any other bytes are no key and no proposal', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8Encode)), (bytes) => {
      refuses(() => parseOperatorKey(bytes), 'operator-key-invalid');
      refuses(() => parseOperatorPublicKey(bytes), 'operator-key-invalid');
      refuses(() => parseProposal(bytes), 'proposal-invalid');
    }),
  );
});

test('two operators move the home; whoever of the others comes second', () => {
  for (const second of [ben, eve]) {
    const { ledger } = safeWith(anna, ben, eve);
    const proposal: Proposal = {
      kind: 'home',
      by: { name: anna.name, key: toHex(anna.publicKey) },
      createdMs: 1,
      acts: [proposed(ledger)],
    };
    const [act] = parseProposal(encodeProposal(proposal)).acts;
    assert.ok(act);
    const home = ledger.append(completeHome(second, ledger, act as ProposedAct<HomeFacts>)).home();
    assert.equal(home?.epoch, 1);
    assert.ok(equalBytes(home.site, site));
  }
});

test('one alone, a stranger, the first one twice: refused', () => {
  refuses(() => proposed(safeWith(anna).ledger), 'operator-alone');
  refuses(() => proposed(safeWith(anna, ben).ledger, eve), 'operator-unknown');
  const { ledger } = safeWith(anna, ben);
  for (const second of [anna, eve]) refuses(() => completeHome(second, ledger, proposed(ledger)), 'operator-unknown');
});

test('what was signed cannot be changed, and is good at its place of the ledger alone', () => {
  const mine = safeWith(anna, ben);
  const act = proposed(mine.ledger);
  const changed = { ...act, facts: { ...act.facts, site: '11'.repeat(16) } };
  refuses(() => completeHome(ben, mine.ledger, changed), 'ledger-signer');
  const forged = primitives.ed25519Sign(eve.seed, utf8Encode('anything'));
  const others = new Map([...act.others.keys()].map((key) => [key, [forged]]));
  refuses(() => completeHome(ben, mine.ledger, { ...act, others }), 'ledger-signer');
  refuses(() => completeHome(ben, new TestSafe('another').ledger, act), 'proposal-invalid');
  mine.append({ kind: 'feature', name: 'x', on: false });
  refuses(() => completeHome(ben, mine.ledger, act), 'proposal-stale');
});

test('who is no operator any more does not count', () => {
  const mine = safeWith(anna, ben);
  mine.append({ kind: 'party', key: anna.publicKey, name: 'Anna', role: 'site' });
  refuses(() => proposed(mine.ledger, ben), 'operator-alone');
  refuses(() => proposed(mine.ledger), 'operator-unknown');
});

const by = { name: anna.name, key: toHex(anna.publicKey) };
const jobs = [{ computer: computerId(new Uint8Array(16).fill(5)), job: 'mail' }];

function throughFile<P extends EraseProposal | CancelProposal>(proposal: P): P {
  const read = parseProposal(encodeProposal(proposal));
  assert.deepEqual(read, proposal);
  return read as P;
}

test('two operators order that jobs or a safe are erased; the ledger names the order that both signed', () => {
  for (const wanted of [jobs, null]) {
    const { ledger } = safeWith(anna, ben, eve);
    const acts = [proposeErase(anna, { ledger, jobs: wanted, createdMs: 1 })];
    const [act] = throughFile({ kind: 'erase', by, createdMs: 1, customer: 'Ada', acts }).acts;
    assert.ok(act);
    const { name, order, entry } = completeErase(ben, ledger, act);
    const after = ledger.append(entry);
    assert.deepEqual(after.eraseOrders(), [name]);
    const read = verifyEraseOrder(order, after);
    assert.deepEqual([read.name, read.jobs, read.number], [name, wanted, 1]);
    // Submitted once more it is the same; by another second operator it would be another order, at a place that is taken.
    assert.deepEqual(completeErase(ben, after, act), { name, order, entry });
    refuses(() => completeErase(eve, after, act), 'proposal-stale');
    refuses(() => completeErase(anna, ledger, act), 'operator-unknown');
    refuses(() => completeErase(ben, new TestSafe('another').ledger, act), 'proposal-invalid');
  }
});

test('what the first one signed of an erasure cannot be changed', () => {
  const { ledger } = safeWith(anna, ben);
  const act = proposeErase(anna, { ledger, jobs, createdMs: 1 });
  const { facts } = act;
  for (const changed of [
    { jobs: null },
    { created: 2 },
    { number: 2 },
    { entry: { ...facts.entry, root: facts.entry.previous.replace(/^./u, '0') } },
  ])
    assert.throws(() => completeErase(ben, ledger, { ...act, facts: { ...facts, ...changed } }), CodedError);
  const [signatures] = [...act.others.values()];
  const swapped = new Map([[toHex(ben.publicKey), (signatures ?? []).toReversed()]]);
  refuses(() => completeErase(ben, ledger, { ...act, others: swapped }), 'ledger-signer');
});

test('two operators take back what two ordered, also when the ledger went on', () => {
  const mine = safeWith(anna, ben, eve);
  const ordered = completeErase(ben, mine.ledger, proposeErase(anna, { ledger: mine.ledger, jobs: null, createdMs: 1 }));
  const toCancel = proposeCancel(ben, { ledger: mine.ledger, order: ordered.name, number: 1, createdMs: 2 });
  refuses(() => completeCancel(eve, mine.ledger, toCancel), 'object-unknown');
  mine.accept(ordered.entry);
  const [act] = throughFile({ kind: 'erase-cancel', by, createdMs: 1, acts: [toCancel] }).acts;
  assert.ok(act);
  mine.append({ kind: 'feature', name: 'x', on: false });
  const cancel = verifyEraseOrder(completeCancel(eve, mine.ledger, act), mine.ledger);
  assert.deepEqual(cancel.cancels, ordered.name);
  refuses(() => completeCancel(eve, mine.ledger, { ...act, facts: { ...act.facts, number: 2 } }), 'ledger-signer');
});
