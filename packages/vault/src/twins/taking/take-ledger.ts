/*
 * The ledger, the key slots and the erase orders of a safe, taken from another site. An entry is verified as every reader does it and put after the slots
 * that it names; an order is one that the ledger names.
 *
 * Invariant: the ledger here only grows. One that does not extend it is never taken.
 */

import { equalBytes, toHex } from '@twinvault/std';
import { FormatError, objectDigest, parseEraseOrder, parseKeySlotObject, parseLedgerEntry } from '@twinvault/format';
import type { Ledger } from '@twinvault/format';
import { inLock } from '../../context.ts';
import { erasedOf } from '../../erases/erased.ts';
import { rememberAtTwin, takeOrder } from '../../erases/orders.ts';
import type { SafeContext } from '../../context.ts';
import { ProtocolError } from '@twinvault/protocol';
import { adoptMovedHome } from '../../homes/moved-home.ts';
import { removeFormerSlots } from '../../safes/slots.ts';
import { ledgerEntryName } from '../../store/layout.ts';
import { ensureObject } from '../../store/object-store.ts';
import { bytesOf } from './taking.ts';
import type { Taken, Taking } from './taking.ts';

/** All entries that the source has and this site lacks, with what they name. `ledger-forked` (context: number), unless the fork is a home that was moved; codes of format. */
export async function takeLedger(taking: Taking): Promise<void> {
  const { parts } = taking;
  const { ledger } = parts;
  if (!(await isSame(taking, await ledger.current()))) await takeMovedHome(taking);
  const before = await ledger.current();
  let current = before;
  for (let number = before.head.number + 1; ; number += 1) {
    taking.signal?.throwIfAborted();
    const name = ledgerEntryName(number);
    const bytes = await bytesOf(taking, 'ledger', name);
    if (bytes === null) break;
    const { payload } = parseLedgerEntry(bytes);
    // Verified before anything is put for its sake.
    current.append(bytes);
    if (payload.kind === 'slots') await takeSlots(taking, payload.slots);
    current = await ledger.append(bytes);
    taking.took({ kind: 'ledger', name, bytes: bytes.length });
  }
  if (current !== before) await inLock(parts.context, { name: 'commit' }, () => removeFormerSlots(parts.context, current));
  await takeSlots(taking, current.slotDigests());
  await takeEraseOrders(taking, current);
}

/** The newest entry that both have is the same: a home that was moved may have fewer than the former one. */
async function isSame(taking: Taking, ledger: Ledger): Promise<boolean> {
  for (let { number } = ledger.head; number > 0; number -= 1) {
    const bytes = await bytesOf(taking, 'ledger', ledgerEntryName(number));
    if (bytes !== null) return equalBytes(parseLedgerEntry(bytes).digest, ledger.headAt(number).digest);
  }
  return true;
}

/** The whole ledger there, in the place of this one if operators moved the home. */
async function takeMovedHome(taking: Taking): Promise<void> {
  const { parts, signal } = taking;
  const theirs: Uint8Array[] = [];
  for (;;) {
    signal?.throwIfAborted();
    const bytes = await bytesOf(taking, 'ledger', ledgerEntryName(theirs.length + 1));
    if (bytes === null) break;
    // Numbers count up, so that a source cannot go on for ever with one entry.
    if (parseLedgerEntry(bytes).number !== theirs.length + 1)
      throw new ProtocolError('ledger-forked', { context: { number: theirs.length + 1 } });
    theirs.push(bytes);
  }
  await adoptMovedHome(parts, theirs);
}

/** Those that are missing here, as far as the source has them: one that it lost does not keep anybody from the others. */
async function takeSlots(taking: Taking, digests: readonly Uint8Array[]): Promise<void> {
  const { store, layout } = taking.parts.context;
  // The ledger of an erased safe names them still.
  if ((await erasedOf(taking.parts.context)).whole !== null) return;
  for (const name of digests.map(toHex)) {
    const place = layout.inFolder('slots', name);
    if ((await store.stat(place)) !== null) continue;
    const bytes = await bytesOf(taking, 'slots', name);
    if (bytes === null) continue;
    demandSlot(taking.parts.context, name, bytes);
    await ensureObject(store, place, bytes);
    taking.took({ kind: 'slots', name, bytes: bytes.length });
  }
}

function demandSlot({ safe }: SafeContext, name: string, bytes: Uint8Array): void {
  const isIt = toHex(objectDigest(bytes)) === name && equalBytes(parseKeySlotObject(bytes).safe, safe);
  if (!isIt) throw new FormatError('object-invalid', { context: { defect: 'another key slot' } });
}

/** Those that the ledger names: before anything else, since what they cover is not taken. */
async function takeEraseOrders(taking: Taking, ledger: Ledger): Promise<void> {
  const { store, layout } = taking.parts.context;
  for (const name of ledger.eraseOrders().map(toHex)) {
    if ((await store.stat(layout.inFolder('erases', name))) === null) await takeEraseOrder(taking, name);
  }
}

/** An order, or what takes one back. Codes of format. */
export async function takeEraseOrder(taking: Taking, name: string): Promise<Taken> {
  const { parts, twin } = taking;
  const bytes = await bytesOf(taking, 'erase', name);
  if (bytes === null) return 'gone';
  if (toHex(parseEraseOrder(bytes).name) !== name)
    throw new FormatError('object-invalid', { context: { defect: 'another order' } });
  if ((await takeOrder(parts, bytes)) === 'stored') taking.took({ kind: 'erase', name, bytes: bytes.length });
  if (twin !== null) await rememberAtTwin(parts.context, toHex(twin.site), name);
  return 'taken';
}
