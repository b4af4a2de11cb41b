import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  certificate,
  computer,
  descriptorBytes,
  fill,
  formatError,
  newLedger,
  operators,
  present,
  root,
  safe,
  signer,
  withEntry,
} from '../tests/fixtures.ts';
import type { Signer } from '../tests/fixtures.ts';
import {
  encodeEraseOrder,
  eraseOrderName,
  eraseSecondMessage,
  mayCancel,
  parseEraseOrder,
  verifyEraseOrder,
} from './erase-order.ts';
import type { EraseOrder } from './erase-order.ts';
import { certificateId, chunkIdFromHex, packName, recordDigest, safeIdFromHex } from './ids.ts';
import { encodeKeySlotObject, keySlotAad, parseKeySlotObject, slotLimits } from './key-slot.ts';
import type { KeySlot } from './key-slot.ts';
import type { LedgerPayload } from './ledger-payload.ts';
import { objectKindOf } from './objects.ts';
import { encodeSafeDescriptor, parseSafeDescriptor, rootKeyShortForm, safeIdOf } from './safe-descriptor.ts';

test('an id is refused unless it has its length', () => {
  assert.deepEqual(certificateId(fill('id', 16)), fill('id', 16));
  assert.throws(() => certificateId(fill('id', 15)), formatError('id-invalid'));
  assert.throws(() => packName(fill('id', 33)), formatError('id-invalid'));
  assert.throws(() => recordDigest(new Uint8Array(0)), formatError('id-invalid'));
  assert.deepEqual(safeIdFromHex('00ff'.repeat(8)).subarray(0, 2), new Uint8Array([0, 255]));
  for (const text of ['', '00', 'zz'.repeat(16), '0'.repeat(31), '00'.repeat(17)]) {
    assert.throws(() => safeIdFromHex(text), formatError('id-invalid'));
  }
  assert.throws(() => chunkIdFromHex('00'.repeat(16)), formatError('id-invalid'));
});

test('a safe descriptor proves its root key', () => {
  const descriptor = parseSafeDescriptor(descriptorBytes);
  assert.deepEqual(descriptor.safe, safeIdOf(root.key));
  assert.equal(descriptor.label, 'papers');
  assert.equal(objectKindOf(descriptorBytes), 'safe');
  assert.equal(objectKindOf(fill('x', 40)), null);
  assert.match(rootKeyShortForm(root.key), /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  const thief = signer('thief');
  assert.throws(() => encodeSafeDescriptor({ ...descriptor, rootKey: thief.key }, thief.sign), formatError('safe-mismatch'));
  assert.throws(() => encodeSafeDescriptor(descriptor, thief.sign), formatError('signature-invalid'));
  assert.throws(() => encodeSafeDescriptor({ ...descriptor, label: '' }, root.sign), formatError('object-invalid'));
  const long = { ...descriptor, label: 'ä'.repeat(129) };
  assert.throws(() => encodeSafeDescriptor(long, root.sign), formatError('object-invalid'));
});

const slot: KeySlot = {
  safe,
  slot: fill('slot', 16),
  type: 'password',
  commitment: fill('commitment', 32),
  salt: fill('salt', 32),
  passes: slotLimits.passes.initial,
  memoryKiB: slotLimits.memoryKiB.initial,
  lanes: slotLimits.lanes.initial,
  wrapped: fill('wrapped', 48),
};

test('a key slot is refused below a floor and above a ceiling', () => {
  assert.deepEqual(parseKeySlotObject(encodeKeySlotObject(slot)), slot);
  assert.equal(slot.memoryKiB, 65_536);
  for (const parameter of ['passes', 'memoryKiB', 'lanes'] as const) {
    const { floor, ceiling } = slotLimits[parameter];
    for (const value of [floor, ceiling]) encodeKeySlotObject({ ...slot, [parameter]: value });
    for (const value of [0, floor - 1, ceiling + 1, 2 ** 32, 2 ** 53 - 1]) {
      assert.throws(() => encodeKeySlotObject({ ...slot, [parameter]: value }), formatError('slot-parameters'));
    }
  }
  const kit: KeySlot = { ...slot, type: 'kit', passes: 0, memoryKiB: 0, lanes: 0 };
  assert.deepEqual(parseKeySlotObject(encodeKeySlotObject(kit)), kit);
  assert.throws(() => encodeKeySlotObject({ ...kit, lanes: 1 }), formatError('slot-parameters'));
  assert.throws(() => encodeKeySlotObject({ ...slot, wrapped: fill('w', 47) }), formatError('object-invalid'));
});

test('the AAD of a slot is its object without the length and the wrapped key', () => {
  const { wrapped: _, ...rest } = slot;
  const aad = keySlotAad(rest);
  assert.deepEqual(aad.subarray(0, 8), encodeKeySlotObject(slot).subarray(0, 8));
  assert.notDeepEqual(keySlotAad({ ...rest, lanes: 5 }), aad);
});

test('an erase order counts with the root’s signature or with those of two operators', () => {
  let ledger = newLedger();
  for (const { key } of operators) ledger = withEntry(ledger, { kind: 'party', key, name: 'one', role: 'operator' });
  const order: EraseOrder = { safe, number: 1, createdMs: 1, jobs: null, signer: root.key, other: null };
  assert.equal(verifyEraseOrder(encodeEraseOrder(order, root.sign), ledger).jobs, null);
  const [one, two] = [present(operators[0]), present(operators[1])];
  const single = { ...order, jobs: [{ computer, job: 'mail' }], signer: one.key };
  assert.throws(() => verifyEraseOrder(encodeEraseOrder(single, one.sign), ledger), formatError('ledger-signer'));
  const double = { ...single, other: two.sign(eraseSecondMessage(single)) };
  assert.deepEqual(verifyEraseOrder(encodeEraseOrder(double, one.sign), ledger).jobs, single.jobs);
  const twice = { ...single, other: one.sign(eraseSecondMessage(single)) };
  assert.throws(() => verifyEraseOrder(encodeEraseOrder(twice, one.sign), ledger), formatError('ledger-signer'));
  const foreign = { ...order, safe: certificate as never };
  assert.throws(() => verifyEraseOrder(encodeEraseOrder(foreign, root.sign), ledger), formatError('safe-mismatch'));
});

test('an order is named by what it says, whoever signs second', () => {
  let ledger = newLedger();
  const [one, two, three] = [present(operators[0]), present(operators[1]), signer('operator 3')];
  for (const { key } of [one, two, three]) ledger = withEntry(ledger, { kind: 'party', key, name: 'x', role: 'operator' });
  const order: EraseOrder = { safe, number: 1, createdMs: 1, jobs: null, signer: one.key, other: null };
  const by = (second: Signer): Uint8Array =>
    encodeEraseOrder({ ...order, other: second.sign(eraseSecondMessage(order)) }, one.sign);
  const [first, again] = [verifyEraseOrder(by(two), ledger), verifyEraseOrder(by(three), ledger)];
  assert.notDeepEqual(first.object.digest, again.object.digest);
  assert.deepEqual([first.name, again.name], [eraseOrderName(order), eraseOrderName(order)]);
  for (const change of [
    { number: 2 },
    { createdMs: 2 },
    { jobs: [{ computer, job: 'mail' }] },
    { signer: two.key },
    { cancels: first.name },
  ])
    assert.notDeepEqual(eraseOrderName({ ...order, ...change }), first.name);
});

test('an order stays good when an operator leaves, and is not signed by who comes later; to take it back they may', () => {
  let ledger = newLedger();
  const [one, two, three] = [present(operators[0]), present(operators[1]), signer('operator 3')];
  const party = (key: Uint8Array, role: 'operator' | 'site'): LedgerPayload => ({ kind: 'party', key, name: 'x', role });
  for (const { key } of [one, two]) ledger = withEntry(ledger, party(key, 'operator'));
  const order: EraseOrder = { safe, number: 1, createdMs: 1, jobs: null, signer: one.key, other: null };
  const by = (second: Signer, change: Partial<EraseOrder> = {}): Uint8Array => {
    const changed = { ...order, ...change };
    return encodeEraseOrder({ ...changed, other: second.sign(eraseSecondMessage(changed)) }, one.sign);
  };
  const { name } = verifyEraseOrder(by(two), ledger);
  ledger = withEntry(ledger, { kind: 'erase', order: name, other: null });
  ledger = withEntry(withEntry(ledger, party(two.key, 'site')), party(three.key, 'operator'));
  assert.deepEqual(verifyEraseOrder(by(two), ledger).name, name);
  assert.throws(() => verifyEraseOrder(by(three), ledger), formatError('ledger-signer'));
  for (const second of [two, three]) verifyEraseOrder(by(second, { cancels: name }), ledger);
  assert.throws(() => verifyEraseOrder(by(two, { number: 2 }), ledger), formatError('ledger-signer'));
  assert.throws(() => verifyEraseOrder(by(two, { cancels: fill('another', 32) }), ledger), formatError('ledger-signer'));
  verifyEraseOrder(by(three, { number: 2 }), ledger);
});

test('what is taken back is named as the ledger names it, by who may have ordered it', () => {
  const ordered: EraseOrder = { safe, number: 1, createdMs: 1, jobs: null, signer: root.key, other: null };
  const order = parseEraseOrder(encodeEraseOrder(ordered, root.sign));
  const cancel = { ...ordered, createdMs: 2, cancels: order.name };
  assert.equal(mayCancel(parseEraseOrder(encodeEraseOrder(cancel, root.sign)), order, root.key), true);
  assert.equal(mayCancel({ ...cancel, cancels: fill('another', 32) }, order, root.key), false);
  assert.equal(mayCancel({ ...cancel, signer: fill('operator', 32) }, order, root.key), false);
  assert.equal(mayCancel(cancel, { ...order, cancels: fill('another', 32) }, root.key), false);
  assert.equal(mayCancel(ordered, order, root.key), false);
  const withJobs = { ...cancel, jobs: [{ computer, job: 'documents' }] };
  assert.throws(() => encodeEraseOrder(withJobs, root.sign), formatError('object-invalid'));
});
