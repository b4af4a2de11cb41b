/*
 * A safe from its making on: opening it by password and kit, enrolling computers, changing slots, and a vault that lies.
 * Argon2id runs at its floor, so each password costs some tenths of a second.
 */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Prng, equalBytes, primitives } from '@twinvault/std';
import { Ledger, computerId, objectDigest, parseKeySlotObject, parseSafeDescriptor, recordDigest } from '@twinvault/format';
import {
  acceptEnrolment,
  answerEnrolment,
  changeKit,
  changePassword,
  encodeAgentKeys,
  enrolHere,
  enrolmentRequest,
  epochEntryOf,
  formatEnrolmentToken,
  makeEscrowSlot,
  makeSafe,
  newEnrolment,
  newEnrolmentToken,
  openSafe,
  openSlot,
  ownerEntries,
  parseAgentKeys,
  parseEnrolmentToken,
  kitText,
  parseKitText,
  replayPinned,
  revokeEntry,
  slotsEntry,
} from '../src/index.ts';
import type { MadeSafe } from '../src/index.ts';
import { flipped, item } from './help.ts';

const random = new Prng('safes');
const clock = { nowMs: (): number => 1_790_000_000_000 };
const password = 'tulip granite wagon sixteen';
const parameters = { passes: 3, memoryKiB: 65_536, lanes: 4 };
const computer = computerId(random.bytes(16));

let made: MadeSafe;
before(async () => {
  made = await makeSafe({ label: 'Office', password, suite: 1, random, clock, parameters });
});

test('a new safe opens by password and by kit, and both lead to the same secret', async () => {
  const { newSafe, rootSecret, kit: printed, opened } = made;
  const byPassword = await openSafe(newSafe, { type: 'password', password });
  assert.deepEqual(byPassword.rootSecret, rootSecret);
  assert.deepEqual(byPassword.slotDigest, objectDigest(item(newSafe.slots, 0)));
  const code = parseKitText(kitText(printed), opened.safe);
  const byKit = await openSafe(newSafe, { type: 'kit', code }, { rootKey: opened.rootKey, ledgerHead: opened.ledger.head });
  assert.deepEqual(byKit.rootSecret, rootSecret);
  assert.deepEqual(byKit.ledger.slotDigests(), newSafe.slots.map(objectDigest));
  assert.equal(byKit.ledger.descriptor.label, 'Office');
  const { epoch, key } = byKit.ledger.epoch();
  assert.deepEqual(primitives.xwingPublicKey(byKit.readSeedOf(epoch)!), key);
  assert.equal(byKit.readSeedOf(2), null);
});

test('wrong secrets are said to be wrong, and short passwords are refused when a safe is made', async () => {
  const { newSafe } = made;
  await assert.rejects(openSafe(newSafe, { type: 'password', password: `${password}!` }), { code: 'password-wrong' });
  await assert.rejects(openSafe(newSafe, { type: 'password', password: 'short' }), { code: 'password-wrong' });
  const code = parseKitText(kitText(made.kit)).map((byte) => byte ^ 1) as ReturnType<typeof parseKitText>;
  await assert.rejects(openSafe(newSafe, { type: 'kit', code }), { code: 'kit-wrong' });
  await assert.rejects(openSafe(newSafe, { type: 'escrow', seed: new Uint8Array(32) }), { code: 'slot-missing' });
  await assert.rejects(makeSafe({ label: 'x', password: 'thirteen char', suite: 1, random, clock }), {
    code: 'password-too-short',
  });
});

test('a lying vault is found out before a password is hashed', async () => {
  const { newSafe, opened } = made;
  const kit = { type: 'kit', code: parseKitText(kitText(made.kit)) } as const;
  const other = await makeSafe({ label: 'Office', password, suite: 1, random, clock, parameters });
  const pinned = { rootKey: opened.rootKey, ledgerHead: opened.ledger.head };
  await assert.rejects(openSafe(other.newSafe, { type: 'password', password }, pinned), { code: 'root-mismatch' });
  await assert.rejects(openSafe({ ...newSafe, ledger: newSafe.ledger.slice(0, 1) }, kit, pinned), { code: 'ledger-rolled-back' });
  await assert.rejects(openSafe({ ...newSafe, ledger: [] }, kit, pinned), { code: 'ledger-rolled-back' });
  await assert.rejects(openSafe({ ...newSafe, ledger: other.newSafe.ledger }, kit), { code: 'safe-mismatch' });
  await assert.rejects(openSafe({ ...newSafe, ledger: newSafe.ledger.toReversed() }, kit), { code: 'ledger-broken' });
  // Slots that the ledger does not name are not tried, whoever made them.
  await assert.rejects(openSafe({ ...newSafe, slots: other.newSafe.slots }, kit), { code: 'slot-missing' });
  await assert.rejects(openSafe({ ...newSafe, slots: [] }, kit), { code: 'slot-missing' });
  const forged = await makeSafe({ label: 'Office', password, suite: 1, random, clock, parameters });
  const entry = slotsEntry({ opened, clock, slots: forged.newSafe.slots });
  const listing = { ...newSafe, slots: forged.newSafe.slots, ledger: [...newSafe.ledger, entry] };
  await assert.rejects(openSafe(listing, { type: 'kit', code: parseKitText(kitText(forged.kit)) }), { code: 'slot-damaged' });
});

test('a ledger that went on is accepted, one that was seen longer is not', () => {
  const { newSafe, opened } = made;
  const entry = epochEntryOf({ opened, clock });
  const longer = opened.withEntry(entry);
  assert.equal(longer.ledger.epoch().epoch, 2);
  const pinned = { rootKey: opened.rootKey, ledgerHead: opened.ledger.head };
  assert.equal(replayPinned({ ...newSafe, ledger: [...newSafe.ledger, entry] }, pinned).head.number, 3);
  assert.throws(() => longer.withLedger(opened.ledger), { code: 'ledger-rolled-back' });
  assert.throws(() => opened.withEntry(item(newSafe.ledger, 0)), { code: 'ledger-broken' });
});

test('a changed slot is refused, and never opens under another secret', async () => {
  const slot = item(made.newSafe.slots, 1);
  const code = parseKitText(kitText(made.kit));
  assert.deepEqual(await openSlot(slot, { type: 'kit', code }), made.rootSecret);
  assert.equal(await openSlot(slot, { type: 'password', password }), null);
  for (let at = 0; at < slot.length; at += 1) {
    const changed = flipped(slot, at);
    const result = await openSlot(changed, { type: 'kit', code }).catch((error: unknown) => error);
    assert.ok(result === null || (result instanceof Error && 'code' in result), `byte ${at}`);
  }
});

test('the password changes without the kit or the data, and the old one stops working', async () => {
  const { newSafe } = made;
  const opened = await openSafe(newSafe, { type: 'password', password });
  const renewed = 'another quite long password';
  const { slots, entry } = await changePassword({ opened, slots: newSafe.slots, password: renewed, parameters, random, clock });
  assert.equal(slots.length, 2);
  assert.ok(slots.includes(item(newSafe.slots, 1)));
  const changed = { ...newSafe, slots, ledger: [...newSafe.ledger, entry] };
  assert.deepEqual((await openSafe(changed, { type: 'password', password: renewed })).rootSecret, made.rootSecret);
  await assert.rejects(openSafe(changed, { type: 'password', password }), { code: 'password-wrong' });
  // The old slot is not in the ledger any more, so serving it again is of no use.
  await assert.rejects(openSafe({ ...changed, slots: newSafe.slots }, { type: 'password', password }), { code: 'slot-missing' });
});

test('a new kit replaces the old one; the last slot stays', async () => {
  const { newSafe, opened } = made;
  const { slots, entry, kit: printed } = changeKit({ opened, slots: newSafe.slots, random, clock });
  const changed = { ...newSafe, slots, ledger: [...newSafe.ledger, entry] };
  const renewed = await openSafe(changed, { type: 'kit', code: parseKitText(kitText(printed), opened.safe) });
  assert.deepEqual(renewed.rootSecret, made.rootSecret);
  await assert.rejects(openSafe(changed, { type: 'kit', code: parseKitText(kitText(made.kit)) }), { code: 'kit-wrong' });
  assert.throws(() => slotsEntry({ opened, clock, slots: [] }), { code: 'slot-last' });
  const many = Array.from({ length: 17 }, () => item(newSafe.slots, 0));
  assert.throws(() => slotsEntry({ opened, clock, slots: many }), { code: 'slot-too-many' });
});

test('an escrow key opens its slot', async () => {
  const seed = random.bytes(32);
  const { opened, newSafe, rootSecret: rs } = made;
  const slot = makeEscrowSlot({ rs, safe: opened.safe, random, key: primitives.xwingPublicKey(seed) });
  assert.equal(parseKeySlotObject(slot).type, 'escrow');
  const slots = [...newSafe.slots, slot];
  const changed = { ...newSafe, slots, ledger: [...newSafe.ledger, slotsEntry({ opened, clock, slots })] };
  assert.deepEqual((await openSafe(changed, { type: 'escrow', seed })).rootSecret, rs);
  assert.equal(await openSlot(slot, { type: 'escrow', seed: random.bytes(32) }), null);
});

test('a computer enrols itself; its keys survive their file; it can be revoked', () => {
  const { opened, newSafe } = made;
  const { entry, agent, opened: after } = enrolHere({ opened, computer, name: 'anna-laptop', random, clock });
  const ledger = Ledger.replay(newSafe.descriptor, [...newSafe.ledger, entry]);
  assert.deepEqual(agent.ledgerHead, ledger.head);
  assert.equal(ledger.mayWrite(agent.certificate, computer, 'files'), true);
  const certificate = ledger.certificate(agent.certificate)!;
  assert.deepEqual(certificate.agentKey, primitives.ed25519PublicKey(agent.agentSeed));
  assert.deepEqual(certificate.sealKey, primitives.xwingPublicKey(agent.sealSeed));
  assert.deepEqual(after.stateKeyOf(agent.certificate), agent.stateKey);

  const file = encodeAgentKeys(agent);
  assert.deepEqual(parseAgentKeys(file), agent);
  for (let length = 0; length < file.length; length += 13) {
    assert.throws(() => parseAgentKeys(file.subarray(0, length)), { code: 'agent-keys-invalid' });
  }
  const holdsRoot = file.some((_, at) => equalBytes(file.subarray(at, at + 32), made.rootSecret));
  assert.equal(holdsRoot, false);

  const last = [{ computer, job: 'files', record: recordDigest(new Uint8Array(32)) }];
  const revoked = after.withEntry(revokeEntry({ opened: after, clock, certificate: agent.certificate, last }));
  assert.equal(revoked.ledger.mayWrite(agent.certificate, computer, 'files'), false);
});

test('a computer enrols by token through a server that can neither read nor change the messages', () => {
  const { opened, newSafe } = made;
  const token = newEnrolmentToken(random);
  const text = formatEnrolmentToken(token);
  assert.deepEqual(parseEnrolmentToken(` ${text.toLowerCase()}\n`), token);
  for (const wrong of ['', text.slice(1), `${text}.x`, text.replace('.', ''), 'x'.repeat(1_000)]) {
    assert.throws(() => parseEnrolmentToken(wrong), { code: 'token-invalid' });
  }

  const pending = newEnrolment({ token: parseEnrolmentToken(text), computer, name: 'fileserver', random });
  const message = enrolmentRequest(pending);
  const input = { opened, descriptor: newSafe.descriptor, token, random, clock };
  const { entry, answer, opened: after } = answerEnrolment({ ...input, message });
  const agent = acceptEnrolment(pending, answer);
  assert.equal(after.ledger.mayWrite(agent.certificate, computer, 'files'), true);
  assert.deepEqual(Ledger.replay(newSafe.descriptor, [...newSafe.ledger, entry]).head, agent.ledgerHead);
  assert.deepEqual(agent.writeSecret, opened.writeSecret);
  assert.deepEqual(agent.kem, opened.ledger.epoch());
  assert.deepEqual(agent.safe, parseSafeDescriptor(newSafe.descriptor).safe);

  const invalid = { code: 'enrolment-invalid' };
  for (let at = 0; at < message.length; at += 11) {
    const changed = flipped(message, at);
    assert.throws(() => answerEnrolment({ ...input, message: changed }), invalid);
  }
  for (let at = 0; at < answer.length; at += 11) {
    const changed = flipped(answer, at);
    assert.throws(() => acceptEnrolment(pending, changed), invalid);
  }
  assert.throws(() => answerEnrolment({ ...input, message, token: newEnrolmentToken(random) }), invalid);
  assert.throws(() => acceptEnrolment(pending, answer.subarray(0, 20)), invalid);
  // A request is not an answer, and another computer cannot open this one's answer even with the token.
  assert.throws(() => acceptEnrolment(pending, message), invalid);
  const stranger = newEnrolment({ token, computer, name: 'fileserver', random });
  assert.throws(() => acceptEnrolment(stranger, answer), invalid);
});

test('the owner of a safe signs retention types and marks, as a party that the root makes once', () => {
  const { opened } = made;
  const retention = { kind: 'retention', type: 'daily', days: 31, copies: 7, intraday: false } as const;
  const record = recordDigest(random.bytes(32));
  const first = ownerEntries({ opened, clock, payloads: [retention] });
  assert.equal(first.entries.length, 2);
  assert.deepEqual(
    first.opened.ledger.parties().map(({ name, role }) => [name, role]),
    [['owner', 'customer']],
  );
  assert.deepEqual(first.opened.ledger.retentions().get('daily'), retention);
  const marks = (['hold', 'lock', 'flag'] as const).map((kind) => ({ kind, note: 'court', on: true, record }) as const);
  const second = ownerEntries({ opened: first.opened, clock, payloads: marks });
  assert.equal(second.entries.length, 3);
  for (const { kind } of marks) assert.deepEqual(second.opened.ledger.mark(kind, record), { on: true, note: 'court' });
  // A vault takes them in this order, knowing no key.
  const { newSafe } = made;
  const replayed = Ledger.replay(newSafe.descriptor, [...newSafe.ledger, ...first.entries, ...second.entries]);
  assert.deepEqual(replayed.head, second.opened.ledger.head);
});
