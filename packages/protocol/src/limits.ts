/*
 * The limits of the protocol, docs/protocol/README.md, under their names. Sizes are bytes and times ms. What a stored object may have at most stands in
 * `format`; a site's own limits may be lower and never higher, and `GET /site` tells those that a client must keep.
 */

import {
  digestBytes,
  eraseOrderBytesMax,
  labelBytesMax,
  ledgerEntryBytesMax,
  packBytesMax,
  planBytesMax,
  recordPublicBytesMax,
  recordRefsBytesMax,
  recordSealedBytesMax,
  signedBytesMax,
  slotBytesMax,
  slotsMax,
  stubBytesMax,
} from '@twinvault/format';
import type { TwinObjectKind } from './twin-port.ts';
import { dayMs, hourMs, KiB, MiB, minuteMs, secondMs } from '@twinvault/std';

/** The version of the protocol that this code speaks: /v1. */
export const protocolVersion = 1;

/** Of a capability in compact form, which is a header of each request. */
export const capabilityBytesMax: number = 4 * KiB;
/** From `nbf` to `exp`. */
export const capabilityMsMax: number = 92 * dayMs;
/** By how much two clocks may differ. */
export const capabilitySkewMsMax: number = 5 * minuteMs;
export const customerBytesMax = 128;
export const tokenFileBytesMax: number = 16 * KiB;

/** A request in JSON. */
export const jsonRequestBytesMax: number = 256 * KiB;
/** An answer in JSON: `recordPageMax` records with the largest public part stay below it. */
export const jsonAnswerBytesMax: number = 64 * MiB;
export const problemBytesMax: number = 16 * KiB;

export const jobBytesMax: number = 1 * KiB;
/** A whole record, or one as a difference, which is never longer than that. */
export const recordBytesMax: number = recordRefsBytesMax + recordSealedBytesMax + recordPublicBytesMax + 4 * KiB;
/** A pack in two frames. */
export const packUploadBytesMax: number = packBytesMax + 8;
export const ledgerPageEntriesMax = 256;
export const ledgerPageBytesMax: number = ledgerPageEntriesMax * (ledgerEntryBytesMax + 4);
export const slotsBytesMax: number = slotsMax * (slotBytesMax + 4);
/** Descriptor, slots and the first entries of the ledger. */
export const newSafeEntriesMax = 64;
export const newSafeBytesMax: number = signedBytesMax + slotsBytesMax + newSafeEntriesMax * (ledgerEntryBytesMax + 4) + KiB;
export const safesMax = 65_536;
/** Erase orders of a safe that a site tells of, the newest. */
export const erasesMax = 64;
export const recordPageMax = 256;
export const feedPageMax = 1000;
/** Sites of one safe that are told of. */
export const sitesMax = 16;
export const feedWaitMsMax: number = 30 * secondMs;
/** A page ends with the pack that passes this size, so it is longer by one tail at most. */
export const livePageBytesMax: number = 8 * MiB;
export const rangesMax = 4096;
export const rangesBytesMax: number = 16 * MiB;
/** Packs that one request may call damaged. */
export const suspectsMax = 64;
export const holdersOriginsMax = 4096;
export const holdersMax: number = 16 * holdersOriginsMax;
export const heldPacksPerOriginMax = 4096;
export const meteringDaysMax = 400;
export const problemContextMax = 32;
/** Rules that a clean-up is given. */
export const retentionTypesMax = 256;
/** Of an object by its kind in the feed. */
export const twinObjectBytesMax: Readonly<Record<TwinObjectKind, number>> = {
  erase: eraseOrderBytesMax,
  ledger: ledgerEntryBytesMax,
  slots: slotBytesMax,
  plan: planBytesMax,
  pack: packBytesMax,
  record: recordBytesMax,
  receipt: signedBytesMax,
  stub: stubBytesMax,
};
/** Of each list in the report of a task. */
export const reportRowsMax = 2000;

/** Files that operators hand to each other: keys, and proposals with one act for each safe. */
export const operatorFileBytesMax: number = 16 * KiB;
export const operatorNameBytesMax: number = labelBytesMax;
export const operatorsMax = 64;
export const proposalActsMax: number = safesMax;
export const proposalFileBytesMax: number = 64 * MiB;

/** How long a client repeats one request before it gives up. */
export const retryMsMax: number = 10 * minuteMs;
/** The same, where another site can be reached. */
export const fallOverMsMax: number = 15 * secondMs;
/** So long a request may bring nothing, either way, where another site can be reached. */
export const fallOverSilenceMsMax: number = 60 * secondMs;
/** The first pause and the longest. */
export const retryPauseMsMin = 500;
export const retryPauseMsMax: number = 30 * secondMs;
/** Bodies of one customer that a site takes at once, and how long further ones wait. */
export const bodiesInFlightMax = 8;
export const queueMsMax: number = 20 * secondMs;
/** Who sends or takes less than this for so long is cut off. */
export const slowBytesPerSecondMin: number = 1 * KiB;
export const slowMsMax: number = 30 * secondMs;
/** How long one exchange of control may take, and one with a body. */
export const controlMsMax: number = 2 * minuteMs;
export const bodyMsMax: number = 1 * hourMs;

/** Hexadecimal digits of ids, and of digests and names. */
export const idDigits = 32;
export const digestDigits: number = 2 * digestBytes;
