/*
 * The safes of a vault: made all or nothing, found by their id.
 *
 * A safe is there when its descriptor is, which is put last. What a making leaves that was broken off before is swept a day later, unless
 * another making of the same safe has used it.
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
import type { SafeId, SiteId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { NewSafe, SafeSummary } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import { inLock, safeContext } from '../context.ts';
import type { SafeContext, VaultContext } from '../context.ts';
import { demandNotErased, erasedOf } from '../erases/erased.ts';
import { concurrently } from '../store/concurrently.ts';
import { bytesOfName, ledgerEntryName, SafeLayout, safesFolder } from '../store/layout.ts';
import { ensureObject } from '../store/object-store.ts';
import { homeOf, writeFollowedHome } from '../homes/homes.ts';
import { readCustomer, writeCustomer } from './customers.ts';
import { LedgerStore } from './ledger-store.ts';

/** Ids of all safes, sorted. */
export async function safeIds(context: VaultContext): Promise<SafeId[]> {
  const { safes } = await safeFolderIds(context);
  return safes;
}

export interface SafeFolderIds {
  readonly safes: SafeId[];
  /** Those that have no descriptor: never made, or it was lost. */
  readonly headless: SafeId[];
}

const statsAtOnce = 16;

export async function safeFolderIds({ store }: VaultContext): Promise<SafeFolderIds> {
  const ids = (await store.folders(safesFolder)).sort().flatMap((name) => {
    const bytes = bytesOfName(name, 16);
    return bytes === null ? [] : [safeId(bytes)];
  });
  const stats = await concurrently(ids, statsAtOnce, (id) => store.stat(new SafeLayout(id).descriptor));
  return { safes: ids.filter((_, index) => stats[index] !== null), headless: ids.filter((_, index) => stats[index] === null) };
}

const unfinishedFolders: ReadonlySet<string> = new Set(['slots', 'ledger', 'locks', 'follows', 'customer']);

/** Whether nothing but what the making of a safe leaves lies in a folder without descriptor. */
export async function isUnfinished({ store, layout }: SafeContext): Promise<boolean> {
  return (await store.entries(layout.folder)).every((name) => unfinishedFolders.has(name));
}

/** Removes what broken-off makings of safes left, all of it put before `beforeMs` in the store's time; their number. */
export async function sweepUnfinished(context: VaultContext, beforeMs: number): Promise<number> {
  let count = 0;
  for (const id of (await safeFolderIds(context)).headless) {
    const own = safeContext(context, id);
    const { store, layout } = own;
    const isSwept = await inLock(own, { name: 'commit' }, async (lock) => {
      if ((await store.stat(layout.descriptor)) !== null || !(await isUnfinished(own))) return false;
      if (!(await isOlder(own, beforeMs))) return false;
      await lock.check();
      for (const folder of ['slots', 'ledger'] as const) await store.clear(layout.inFolder(folder));
      for (const note of [layout.follows, layout.customer]) await store.remove(note);
      return true;
    });
    if (!isSwept) continue;
    count += 1;
    // Where folders are things of their own: empty now, unless somebody makes this safe just now, and then they stay.
    for (const folder of [layout.inFolder('locks'), layout.folder]) await store.remove(folder).catch(() => false);
  }
  return count;
}

async function isOlder({ store, layout }: SafeContext, beforeMs: number): Promise<boolean> {
  for (const folder of ['slots', 'ledger'] as const) {
    for (const name of await store.list(layout.inFolder(folder))) {
      const stat = await store.stat(layout.inFolder(folder, name));
      if (stat !== null && stat.modifiedMs > beforeMs) return false;
    }
  }
  return true;
}

/** Safes in order of their ids. One whose descriptor cannot be read keeps nobody from the others: it has no label then. */
export async function listSafes(context: VaultContext): Promise<SafeSummary[]> {
  const summaries: SafeSummary[] = [];
  for (const safe of await safeIds(context)) {
    const { descriptor } = new SafeLayout(safe);
    const summary = { safe, label: labelIn(await context.store.get(descriptor, signedBytesMax)) };
    summaries.push({ ...summary, ...(await safeFacts(safeContext(context, safe))) });
  }
  return summaries;
}

export type SafeFacts = Pick<SafeSummary, 'home' | 'erased' | 'customer'>;

export async function safeFacts(context: SafeContext): Promise<SafeFacts> {
  const erased = (await isErased(context)) ? { erased: true as const } : {};
  return { ...(await homeIn(context)), ...erased, customer: await readCustomer(context) };
}

/** Nothing where the site has no twin, or where it cannot be read: opening the safe or a check says why. */
async function homeIn(context: SafeContext): Promise<SafeFacts> {
  try {
    if ((await context.twins.sites()).length === 0) return {};
    return { home: await homeOf({ context, ledger: new LedgerStore(context) }) };
  } catch (error) {
    if (error instanceof ProtocolError && error.code.startsWith('vault-')) return {};
    throw error;
  }
}

/** One whose orders cannot be read is taken for one that stands: opening it says why it does not. */
async function isErased(context: SafeContext): Promise<boolean> {
  try {
    return (await erasedOf(context)).whole !== null;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'vault-damaged') return false;
    throw error;
  }
}

function labelIn(descriptor: Uint8Array | null): string {
  try {
    return descriptor === null ? '' : parseSafeDescriptor(descriptor).label;
  } catch (error) {
    if (error instanceof FormatError) return '';
    throw error;
  }
}

export interface CreateOptions {
  /** Labels of a vault differ, so that its owner can name a safe by its label; those of a site's customers need not. */
  readonly anyLabel?: boolean;
  /** Whose share of the site it uses; it is a customer of its own when left out. */
  readonly customer?: string;
}

/** Verifies everything, then makes the safe. `safe-exists`, `erased`, `label-taken`, `slots-mismatch`, codes of format. */
export async function createSafe(
  context: VaultContext,
  safe: NewSafe,
  { anyLabel = false, customer }: CreateOptions,
): Promise<SafeId> {
  const ledger = Ledger.replay(safe.descriptor, safe.ledger);
  const { safe: id, label } = ledger.descriptor;
  demandSlots(safe.slots, ledger, id);
  const own = safeContext(context, id);
  if ((await context.store.stat(own.layout.descriptor)) !== null) {
    await demandNotErased(own);
    throw exists(own.layout);
  }
  const isSame = (other: SafeSummary): boolean => other.label === label && other.erased !== true;
  const sameLabel = anyLabel ? undefined : (await listSafes(context)).find(isSame);
  if (sameLabel !== undefined) throw new ProtocolError('label-taken', { context: { safe: toHex(sameLabel.safe) } });
  await writeSafe(own, safe, customer === undefined ? {} : { customer });
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

/**
 * The descriptor last: a safe is there when it is. What an earlier, broken-off making left under this id is used or replaced; one making
 * of an id at a time.
 */
export async function writeSafe(
  context: SafeContext,
  { descriptor, slots, ledger }: NewSafe,
  { follows, customer }: SafeNotes = {},
): Promise<void> {
  const { store, layout } = context;
  await inLock(context, { name: 'commit' }, async (lock) => {
    if ((await store.stat(layout.descriptor)) !== null) throw exists(layout);
    for (const slot of slots) await ensureObject(store, layout.inFolder('slots', toHex(objectDigest(slot))), slot);
    for (const [index, entry] of ledger.entries()) {
      await ensureObject(store, layout.inFolder('ledger', ledgerEntryName(index + 1)), entry);
    }
    await removeBeyond(context, ledger.length);
    if (follows === undefined) await store.remove(layout.follows);
    else await writeFollowedHome(context, follows);
    await writeCustomer(context, customer ?? layout.safeHex);
    await lock.check();
    if (!(await store.put(layout.descriptor, [descriptor]))) throw exists(layout);
  });
}

/** What the site notes of a safe that it makes. */
export interface SafeNotes {
  /** The site that is home, where this one takes the safe from another. */
  readonly follows?: SiteId;
  readonly customer?: string;
}

/** Entries of another making that had more of them. */
async function removeBeyond({ store, layout }: SafeContext, count: number): Promise<void> {
  for (const name of await store.list(layout.inFolder('ledger'))) {
    if (name > ledgerEntryName(count)) await store.remove(layout.inFolder('ledger', name));
  }
}

function exists({ safeHex }: SafeLayout): ProtocolError {
  return new ProtocolError('safe-exists', { context: { safe: safeHex } });
}
