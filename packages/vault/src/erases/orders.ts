/*
 * Erase orders of a safe as they stand at this site, docs/format/records.md, Erasing. An order is an object that is never removed; what takes one back
 * is another. Nothing here erases.
 *
 * Invariant: an order is put only when the root, or two operators of the ledger, signed it. It means something from the moment at which the ledger names it.
 */

import { mayCancel, parseEraseCertificate, parseEraseOrder, parseLedgerEntry, verifyEraseOrder } from '@twinvault/format';
import { eraseCertificateBytesMax, eraseOrderBytesMax, FormatError } from '@twinvault/format';
import type { EraseCertificate, Ledger, ParsedEraseOrder } from '@twinvault/format';
import { erasesMax, ProtocolError } from '@twinvault/protocol';
import type { EraseOrderState, EraseSummary } from '@twinvault/protocol';
import { dayMs, equalBytes, toHex, utf8Decode } from '@twinvault/std';
import { inLock } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { demandAppends } from '../homes/homes.ts';
import type { LedgerStore } from '../safes/ledger-store.ts';
import { isDigestName, ledgerEntryName } from '../store/layout.ts';
import { ensureObject } from '../store/object-store.ts';
import { parseStored } from '../store/vault-files.ts';

/** Between an erase order and the first byte that goes: what was ordered by mistake can be taken back. */
export const eraseWaitMsDefault: number = 3 * dayMs;

export interface OrderParts {
  readonly context: SafeContext;
  readonly ledger: LedgerStore;
}

export interface StandingOrder {
  /** Its name, hexadecimal. */
  readonly hex: string;
  readonly order: ParsedEraseOrder;
  readonly byRoot: boolean;
  readonly state: EraseOrderState;
  /** In the store's time: when both the order and the ledger entry that names it stood here. */
  readonly arrivedMs: number;
  readonly dueMs: number;
  readonly certificate: EraseCertificate | null;
}

/** All that erase, by number; those that take one back are told by the state of the others. `vault-damaged`, `vault-newer`. */
export async function standingOrders({ context, ledger: store }: OrderParts): Promise<StandingOrder[]> {
  const objects = await readOrders(context);
  if (objects.size === 0) return [];
  const ledger = await store.current();
  const nowMs = Math.min(await context.store.nowMs(), context.ports.clock.nowMs());
  const cancels = [...objects.values()].filter(({ cancels: name }) => name !== undefined);
  const orders: StandingOrder[] = [];
  for (const [hex, order] of objects) {
    if (order.cancels !== undefined) continue;
    const isCancelled = cancels.some((cancel) => mayCancel(cancel, order, ledger.descriptor.rootKey));
    orders.push(await standing(context, { hex, order, ledger, isCancelled, nowMs }));
  }
  return orders.sort((a, b) => a.order.number - b.order.number || (a.hex < b.hex ? -1 : 1));
}

interface Found {
  readonly hex: string;
  readonly order: ParsedEraseOrder;
  readonly ledger: Ledger;
  readonly isCancelled: boolean;
  readonly nowMs: number;
}

async function standing(context: SafeContext, { hex, order, ledger, isCancelled, nowMs }: Found): Promise<StandingOrder> {
  const { store, layout, eraseWaitMs } = context;
  const entry = ledger.eraseEntryOf(order.name);
  const places = [layout.inFolder('erases', hex), ...(entry === null ? [] : [layout.inFolder('ledger', ledgerEntryName(entry))])];
  const stats = await Promise.all(places.map((place) => store.stat(place)));
  const arrivedMs = Math.max(0, ...stats.map((stat) => Math.ceil(stat?.modifiedMs ?? 0)));
  const dueMs = arrivedMs + eraseWaitMs;
  const certificate = await readCertificate(context, hex);
  const byRoot = equalBytes(order.signer, ledger.descriptor.rootKey);
  const known = { hex, order, byRoot, arrivedMs, dueMs, certificate: certificate?.parsed ?? null };
  const state = async (): Promise<EraseOrderState> => {
    if (certificate !== null) return certificate.parsed?.state === 'done' ? 'done' : 'begun';
    if (isCancelled) return 'cancelled';
    if (entry === null) return 'unnamed';
    if (nowMs < dueMs) return 'waiting';
    return (await isAtTwins(context, hex)) ? 'due' : 'apart';
  };
  return { ...known, state: await state() };
}

/** Whether every twin is known to have the order. */
async function isAtTwins({ store, layout, twins }: SafeContext, hex: string): Promise<boolean> {
  for (const { site } of await twins.sites()) {
    if ((await store.stat(layout.twin(toHex(site), 'erases', hex))) === null) return false;
  }
  return true;
}

/** Remembers that a twin has the order: its feed or the twin itself says so. */
export async function rememberAtTwin({ store, layout }: SafeContext, site: string, hex: string): Promise<void> {
  await store.put(layout.twin(site, 'erases', hex), [new Uint8Array(0)]);
}

async function readOrders(context: SafeContext): Promise<Map<string, ParsedEraseOrder>> {
  const { store, layout } = context;
  const orders = new Map<string, ParsedEraseOrder>();
  for (const hex of (await store.list(layout.inFolder('erases'))).filter(isDigestName).sort()) {
    const order = await readOrder(context, hex);
    if (order !== null) orders.set(hex, order);
  }
  return orders;
}

/** Null when it is not there. What was put here was verified against the ledger. */
export async function readOrder({ store, layout }: SafeContext, hex: string): Promise<ParsedEraseOrder | null> {
  const name = layout.inFolder('erases', hex);
  const bytes = await store.get(name, eraseOrderBytesMax);
  if (bytes === null) return null;
  return parseStored(name, () => {
    const order = parseEraseOrder(bytes);
    if (toHex(order.name) !== hex) throw new FormatError('object-invalid', { context: { defect: 'another order' } });
    return order;
  });
}

export interface StoredCertificate {
  readonly text: string;
  /** Null when it cannot be read any more: that the order was begun is certain all the same. */
  readonly parsed: EraseCertificate | null;
}

/** Null before the order was begun here. */
export async function readCertificate({ store, layout }: SafeContext, hex: string): Promise<StoredCertificate | null> {
  const bytes = await store.get(layout.inFolder('erased', hex), eraseCertificateBytesMax);
  if (bytes === null) return null;
  const text = utf8Decode(bytes) ?? '';
  try {
    return { text, parsed: parseEraseCertificate(text) };
  } catch (error) {
    if (error instanceof FormatError) return { text, parsed: null };
    throw error;
  }
}

export async function eraseSummaries(parts: OrderParts): Promise<EraseSummary[]> {
  const orders = await standingOrders(parts);
  return Promise.all(
    orders.slice(-erasesMax).map(async ({ hex, order, byRoot, state, arrivedMs, dueMs }) => ({
      site: parts.context.marker.site,
      order: order.name,
      number: order.number,
      createdMs: order.createdMs,
      jobs: order.jobs,
      byRoot,
      state,
      arrivedMs,
      dueMs,
      certificate: (await readCertificate(parts.context, hex))?.text ?? null,
    })),
  );
}

/**
 * An order, or what takes one back, from a client or a twin: verified against the ledger and made durable. `ledger-signer`, `safe-mismatch`,
 * `object-invalid`, `signature-invalid`. The same again is fine.
 */
export async function takeOrder({ context, ledger }: OrderParts, bytes: Uint8Array): Promise<'stored' | 'present'> {
  const { name } = verifyEraseOrder(bytes, await ledger.current());
  const hex = toHex(name);
  // Another pair of operators may have signed the same order: what stands says the same.
  if ((await readWhole(context, hex)) !== null) return 'present';
  return ensureObject(context.store, context.layout.inFolder('erases', hex), bytes);
}

/** Null too when what stands cannot be read any more: it is put again. */
async function readWhole(context: SafeContext, hex: string): Promise<ParsedEraseOrder | null> {
  try {
    return await readOrder(context, hex);
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'vault-damaged') return null;
    throw error;
  }
}

export interface ErasureRequest {
  readonly order: Uint8Array;
  readonly entry: Uint8Array;
}

/** The order first: an entry never names one that is not there. `not-home`, `object-invalid`, `ledger-conflict` when its number is taken, and what takeOrder and append throw. */
export async function orderErase(parts: OrderParts, { order: bytes, entry }: ErasureRequest): Promise<void> {
  await demandAppends(parts, entry);
  const order = parseEraseOrder(bytes);
  const { payload } = parseLedgerEntry(entry);
  const names = payload.kind === 'erase' && equalBytes(payload.order, order.name);
  if (!names || order.cancels !== undefined) {
    throw new ProtocolError('object-invalid', { context: { defect: 'entry of another order' } });
  }
  await inLock(parts.context, { name: 'commit' }, async () => {
    const ledger = await parts.ledger.current();
    const number = ledger.eraseOrders().findIndex((name) => equalBytes(name, order.name)) + 1;
    const next = number === 0 ? ledger.eraseOrders().length + 1 : number;
    if (order.number !== next) throw new ProtocolError('ledger-conflict', { context: { number: order.number, next } });
    await takeOrder(parts, bytes);
    await parts.ledger.append(entry);
  });
}

/** At any site. `object-unknown`, `erased` when it was begun here, `ledger-signer` when others ordered it. */
export async function cancelErase(parts: OrderParts, bytes: Uint8Array): Promise<void> {
  const cancel = parseEraseOrder(bytes);
  const hex = toHex(cancel.cancels ?? new Uint8Array(0));
  await inLock(parts.context, { name: 'commit' }, async () => {
    const order = cancel.cancels === undefined ? null : await readOrder(parts.context, hex);
    if (order === null) throw new ProtocolError('object-unknown', { context: { kind: 'erase', name: hex } });
    const ledger = await parts.ledger.current();
    if (!mayCancel(cancel, order, ledger.descriptor.rootKey)) {
      throw new ProtocolError('ledger-signer', { context: { defect: 'ordered by others' } });
    }
    if ((await readCertificate(parts.context, hex)) !== null) throw new ProtocolError('erased', { context: { order: hex } });
    await takeOrder(parts, bytes);
  });
}
