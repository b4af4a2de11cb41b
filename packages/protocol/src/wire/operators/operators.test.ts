import assert from 'node:assert/strict';
import { test } from 'node:test';
import { siteId } from '@twinvault/format';
import type { Ledger } from '@twinvault/format';
import { CodedError, equalBytes, primitives, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import { TestSafe } from '@twinvault/testkit';
import fc from 'fast-check';
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
import type { HomeFacts, Proposal, ProposedAct } from './proposal.ts';

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
    const home = ledger.append(completeHome(second, ledger, act)).home();
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
  const others = new Map([...act.others.keys()].map((key) => [key, forged]));
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
