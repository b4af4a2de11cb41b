/* Escrow keys: their texts, and that they open the safes that were given them and no others, for all to see. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '@twinvault/std';
import {
  addEscrow,
  escrowPrivateText,
  escrowPublicKey,
  escrowPublicText,
  escrowShortForm,
  escrowsOf,
  makeSafe,
  newEscrowSeed,
  openSafe,
  parseEscrowPrivateText,
  parseEscrowPublicText,
  removeEscrow,
  SealError,
} from '../src/index.ts';
import type { SafeToOpen } from '../src/index.ts';

const random = new Prng('escrow');
const clock = { nowMs: (): number => 1_790_000_000_000 };
const seed = newEscrowSeed(random);
const publicKey = escrowPublicKey('Example Ltd', seed);
const parameters = { passes: 3, memoryKiB: 65_536, lanes: 4 };

const isDamaged = (error: unknown): boolean => error instanceof SealError && error.code === 'escrow-damaged';

test('both halves are read from their texts, however they were copied', () => {
  const [secret, open] = [escrowPrivateText({ name: 'Example Ltd', seed }), escrowPublicText(publicKey)];
  const forms = (text: string): string[] => [text, text.toLowerCase(), text.replaceAll('\n', '\r\n'), `> \n${text}\n\nsincerely`];
  for (const text of [...forms(secret), /^Key: .*$/mu.exec(secret)?.[0] ?? ''])
    assert.deepEqual(parseEscrowPrivateText(text), seed);
  for (const text of forms(open)) assert.deepEqual(parseEscrowPublicText(text).key, publicKey.key, text.slice(0, 40));
  assert.equal(parseEscrowPublicText(open).name, 'Example Ltd');
  assert.ok(secret.includes(escrowShortForm(publicKey)) && open.includes(escrowShortForm(publicKey)));
  const forged = escrowPublicText({ ...publicKey, name: 'x\nPublic key: 00' });
  assert.deepEqual(parseEscrowPublicText(forged).key, publicKey.key);
});

test('the halves are not taken for each other, and no mistyped one is taken', () => {
  const [secret, open] = [escrowPrivateText({ name: 'x', seed }), escrowPublicText(publicKey)];
  assert.throws(() => parseEscrowPrivateText(open), isDamaged);
  assert.throws(() => parseEscrowPublicText(secret), isDamaged);
  assert.throws(() => parseEscrowPublicText(open.replace(/^Name:.*$/mu, 'Name:')), isDamaged);
  assert.throws(() => parseEscrowPrivateText('x'.repeat(100_000)), isDamaged);
  const at = secret.indexOf('Key: ') + 5;
  for (let index = at; index < at + 69; index += 1) {
    const wrong = secret.charAt(index) === '7' ? '8' : '7';
    if (secret.charAt(index) === '-') continue;
    assert.throws(
      () => parseEscrowPrivateText(secret.slice(0, index) + wrong + secret.slice(index + 1)),
      isDamaged,
      `at ${index}`,
    );
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      for (const parse of [parseEscrowPrivateText, parseEscrowPublicText])
        assert.throws(() => parse(`Key: ${text}\nPublic key: ${text}`), isDamaged);
    }),
  );
});

test('a safe opens with the key that it was given, and everybody is told', async () => {
  const password = 'tulip granite wagon sixteen';
  const made = await makeSafe({ label: 'Office', password, suite: 1, random, clock, parameters });
  const { opened, newSafe } = made;
  assert.deepEqual(escrowsOf(opened.ledger, newSafe.slots), []);
  const { entry, change } = addEscrow({ opened, slots: newSafe.slots, publicKey, random, clock });
  assert.ok(entry !== null);
  const served: SafeToOpen = { ...newSafe, slots: change.slots, ledger: [...newSafe.ledger, entry, change.entry] };
  const byEscrow = await openSafe(served, { type: 'escrow', seed }, { rootKey: opened.rootKey });
  assert.deepEqual(byEscrow.rootSecret, made.rootSecret);
  assert.deepEqual(escrowsOf(byEscrow.ledger, served.slots), [publicKey]);
  assert.deepEqual((await openSafe(served, { type: 'password', password })).rootSecret, made.rootSecret);
  await assert.rejects(openSafe(served, { type: 'escrow', seed: newEscrowSeed(random) }), { code: 'escrow-wrong' });
  await assert.rejects(openSafe(newSafe, { type: 'escrow', seed }), { code: 'slot-missing' });

  // Broken off between the entry and the slot: the same again only adds the slot.
  const again = addEscrow({ opened: opened.withEntry(entry), slots: newSafe.slots, publicKey, random, clock });
  assert.equal(again.entry, null);
  assert.deepEqual(escrowsOf(opened.withEntry(entry).ledger, newSafe.slots), []);

  const removed = removeEscrow({ opened: byEscrow, slots: served.slots, clock });
  const after: SafeToOpen = { ...served, slots: removed.slots, ledger: [...served.ledger, removed.entry] };
  await assert.rejects(openSafe(after, { type: 'escrow', seed }), { code: 'slot-missing' });
  // A vault that serves the old slot again gets nothing for it.
  await assert.rejects(openSafe({ ...after, slots: served.slots }, { type: 'escrow', seed }), { code: 'slot-missing' });
  assert.throws(() => removeEscrow({ opened, slots: newSafe.slots, clock }), { code: 'slot-missing' });
});
