/*
 * The safes of a vault: made all or nothing, found by their id.
 *
 * A safe is written whole into a directory with a temporary name and renamed to its id. So there is never half a safe under its
 * name, and what a crash leaves is swept like any temporary file.
 */

import {
  FormatError,
  Ledger,
  objectDigest,
  parseKeySlotObject,
  parseSafeDescriptor,
  safeId,
  signedBytesMax,
} from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { NewSafe, SafeSummary } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import type { VaultContext } from '../context.ts';
import { temporaryName } from '../leases/file-time.ts';
import { bytesOfName, ledgerEntryName, SafeLayout, safesFolder } from '../store/layout.ts';

/** Ids of all safes, sorted. */
export async function safeIds({ store }: VaultContext): Promise<SafeId[]> {
  const ids: SafeId[] = [];
  for (const name of (await store.folders(safesFolder)).sort()) {
    const bytes = bytesOfName(name, 16);
    if (bytes !== null) ids.push(safeId(bytes));
  }
  return ids;
}

/** Safes in order of their ids. One whose descriptor cannot be read keeps nobody from the others: it has no label then. */
export async function listSafes(context: VaultContext): Promise<SafeSummary[]> {
  const summaries: SafeSummary[] = [];
  for (const safe of await safeIds(context)) {
    const { descriptor } = new SafeLayout(safe);
    summaries.push({ safe, label: labelIn(await context.store.get(descriptor, signedBytesMax)) });
  }
  return summaries;
}

function labelIn(descriptor: Uint8Array | null): string {
  try {
    return descriptor === null ? '' : parseSafeDescriptor(descriptor).label;
  } catch (error) {
    if (error instanceof FormatError) return '';
    throw error;
  }
}

/** Verifies everything, then makes the safe. `safe-exists`, `label-taken`, `slots-mismatch`, codes of format. */
export async function createSafe(context: VaultContext, safe: NewSafe): Promise<SafeId> {
  const ledger = Ledger.replay(safe.descriptor, safe.ledger);
  const { safe: id, label } = ledger.descriptor;
  demandSlots(safe.slots, ledger, id);
  const existing = await listSafes(context);
  if (existing.some((other) => equalBytes(other.safe, id)))
    throw new ProtocolError('safe-exists', { context: { safe: toHex(id) } });
  const sameLabel = existing.find((other) => other.label === label);
  if (sameLabel !== undefined) throw new ProtocolError('label-taken', { context: { safe: toHex(sameLabel.safe) } });
  await writeSafe(context, id, safe);
  return id;
}

/** The slots are those of the ledger's newest `slots` entry, no more and no less. */
export function demandSlots(slots: readonly Uint8Array[], ledger: Ledger, safe: SafeId): void {
  for (const slot of slots) {
    if (!equalBytes(parseKeySlotObject(slot).safe, safe))
      throw new ProtocolError('slots-mismatch', { context: { defect: 'safe' } });
  }
  const given = slots.map((slot) => toHex(objectDigest(slot))).sort();
  const named = ledger.slotDigests().map(toHex).sort();
  if (given.length === 0 || given.join() !== named.join()) {
    throw new ProtocolError('slots-mismatch', { context: { given: given.length, named: named.length } });
  }
}

async function writeSafe({ store, ports }: VaultContext, id: SafeId, safe: NewSafe): Promise<void> {
  const { files, random } = ports;
  const draft = `${safesFolder}/${temporaryName(random)}`;
  try {
    for (const slot of safe.slots) await store.put(`${draft}/slots/${toHex(objectDigest(slot))}`, [slot]);
    for (const [index, entry] of safe.ledger.entries()) {
      await store.put(`${draft}/ledger/${ledgerEntryName(index + 1)}`, [entry]);
    }
    await store.put(`${draft}/descriptor`, [safe.descriptor]);
    const layout = new SafeLayout(id);
    try {
      await files.rename(store.path(draft), store.path(layout.folder));
    } catch (error) {
      if ((await store.size(layout.descriptor)) === null) throw error;
      throw new ProtocolError('safe-exists', { context: { safe: layout.safeHex }, cause: error });
    }
  } catch (error) {
    await files.removeTree(store.path(draft)).catch(() => undefined);
    throw error;
  }
}
