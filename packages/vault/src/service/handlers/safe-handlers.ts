/* Safes as they stand: making one, its descriptor, slots, ledger and records. */

import {
  computerIdFromHex,
  ledgerEntryBytesMax,
  objectDigest,
  parseLedgerEntry,
  parseSafeDescriptor,
  recordDigestFromHex,
  signedBytesMax,
  slotBytesMax,
  slotsMax,
} from '@twinvault/format';
import { ledgerPageEntriesMax, newSafeEntriesMax, ProtocolError, recordPageMax } from '@twinvault/protocol';
import type { NewSafe, RecordFilter, RecordSummary } from '@twinvault/protocol';
import { encodeFrames, ledgerQuery, parseFrames, recordJsonOf, recordsQuery } from '@twinvault/protocol/wire';
import type { RecordsAnswer, RecordsQuery } from '@twinvault/protocol/wire';
import { equalBytes, toHex } from '@twinvault/std';
import type { NewObject } from '../../database/inventory.ts';
import { ledgerEntryName } from '../../store/layout.ts';
import type { Answer, Call } from '../http/call.ts';
import type { Handlers } from '../http/http-app.ts';
import { callerOf, done, json, nullAt, openSafeOf, parameterOf, queryOf, safeOf } from './handler-parts.ts';
import type { HandlerParts } from './handler-parts.ts';

export function safeHandlers(parts: HandlerParts): Handlers {
  const { vault, announcements } = parts;
  return {
    createSafe: (call) => createSafe(parts, call),
    descriptor: async (call) => ({ type: 'object', body: await (await openSafeOf(vault, call)).descriptor() }),
    slots: async (call) => ({ type: 'frames', body: encodeFrames(await (await openSafeOf(vault, call)).slots()) }),
    replaceSlots: async (call) => {
      const frames = parseFrames(call.body, { countMax: slotsMax + 1, bytesMax: Math.max(slotBytesMax, ledgerEntryBytesMax) });
      const [entry, ...slots] = frames;
      if (entry === undefined) throw new ProtocolError('frames-invalid', { context: { frames: 0 } });
      await (await openSafeOf(vault, call)).replaceSlots(slots, entry);
      await announcements.announce(parameterOf(call, 'safe'), ...slots.map(slotObject), entryObject(entry));
      return done;
    },
    ledger: async (call) => {
      const { from } = queryOf(ledgerQuery, call);
      const entries = await (await openSafeOf(vault, call)).ledger(from);
      return { type: 'frames', body: encodeFrames(entries.slice(0, ledgerPageEntriesMax)) };
    },
    appendLedger: async (call) => {
      await (await openSafeOf(vault, call)).appendLedger(call.body);
      await announcements.announce(parameterOf(call, 'safe'), entryObject(call.body));
      return done;
    },
    records: async (call) => {
      const query = queryOf(recordsQuery, call);
      const records = await (await openSafeOf(vault, call)).records(filterOf(query));
      return json(pageOf(records, query.after));
    },
    record: async (call) => {
      const safe = await openSafeOf(vault, call);
      return { type: 'object', body: await safe.record(recordDigestFromHex(parameterOf(call, 'digest'))) };
    },
  };
}

/** 201; 200 when the same safe was made before, since the answer to that may have been lost. */
async function createSafe({ vault, announcements }: HandlerParts, call: Call): Promise<Answer> {
  const id = safeOf(call);
  const safe = newSafeOf(call.body);
  if (!equalBytes(parseSafeDescriptor(safe.descriptor).safe, id))
    throw new ProtocolError('safe-mismatch', { context: { safe: toHex(id) } });
  const { customer } = callerOf(call);
  const options = { anyLabel: true, ...(customer === undefined ? {} : { customer }) };
  const isNew = (await nullAt('safe-exists', async () => vault.createSafe(safe, options).then(() => 'made'))) !== null;
  if (!isNew && !equalBytes(await (await vault.openSafe(id)).descriptor(), safe.descriptor)) {
    throw new ProtocolError('safe-exists', { context: { safe: toHex(id) } });
  }
  // The first making may have ended before it announced anything.
  await announcements.announce(toHex(id), ...safe.slots.map(slotObject), ...safe.ledger.map(entryObject));
  return { type: 'none', status: isNew ? 201 : 200 };
}

function slotObject(slot: Uint8Array): NewObject {
  return { kind: 'slots', name: toHex(objectDigest(slot)), bytes: slot.length };
}

export function entryObject(entry: Uint8Array): NewObject {
  return { kind: 'ledger', name: ledgerEntryName(parseLedgerEntry(entry).number), bytes: entry.length };
}

/** descriptor | u32 number of slots | slots | ledger entries, each a frame. */
function newSafeOf(body: Uint8Array): NewSafe {
  const bytesMax = Math.max(signedBytesMax, slotBytesMax, ledgerEntryBytesMax);
  const [descriptor, count, ...rest] = parseFrames(body, { countMax: 2 + slotsMax + newSafeEntriesMax, bytesMax });
  if (descriptor === undefined || count?.length !== 4)
    throw new ProtocolError('frames-invalid', { context: { defect: 'new safe' } });
  const slotCount = new DataView(count.buffer, count.byteOffset).getUint32(0, true);
  if (slotCount > slotsMax || slotCount > rest.length) throw new ProtocolError('frames-invalid', { context: { slotCount } });
  return { descriptor, slots: rest.slice(0, slotCount), ledger: rest.slice(slotCount) };
}

function filterOf({ job, computer, kind }: RecordsQuery): RecordFilter {
  return {
    ...(job === undefined ? {} : { job }),
    ...(computer === undefined ? {} : { computer: computerIdFromHex(computer) }),
    ...(kind === undefined ? {} : { kind }),
  };
}

/** `after` is the place of the last record of the page before: what was retired meanwhile does not matter. */
function pageOf(records: readonly RecordSummary[], after: string | undefined): RecordsAnswer {
  const from = after === undefined ? 0 : records.findIndex((record) => placeOf(record) > after);
  const page = from === -1 ? [] : records.slice(from, from + recordPageMax);
  const last = page.at(-1);
  const more = from !== -1 && from + recordPageMax < records.length;
  return { records: page.map(recordJsonOf), ...(more && last !== undefined ? { next: placeOf(last) } : {}) };
}

/** Sorts as text the way records are sorted. */
function placeOf({ receivedMs, digest, public: { sequence } }: RecordSummary): string {
  return `${digits(receivedMs)}-${digits(sequence)}-${toHex(digest)}`;
}

function digits(value: number): string {
  return String(value).padStart(16, '0');
}
