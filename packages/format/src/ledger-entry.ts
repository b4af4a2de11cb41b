/*
 * One ledger entry (`TVLE`), docs/format/keys.md: its form and its signature. Chain and rights: ledger.ts.
 */

import type { CborValue } from './cbor.ts';
import { demand } from './errors.ts';
import { Fields } from './fields.ts';
import { safeId } from './ids.ts';
import type { SafeId } from './ids.ts';
import { ledgerKinds, ledgerPayloadValue, parseLedgerPayload } from './ledger-payload.ts';
import type { LedgerPayload } from './ledger-payload.ts';
import { digestBytes, ledgerEntryBytesMax, signingKeyBytes } from './limits.ts';
import { encodeSigned, parseSigned, secondMessage, verifySigned } from './objects.ts';
import type { Sign } from './objects.ts';

export interface LedgerEntry {
  readonly safe: SafeId;
  /** From 1. */
  readonly number: number;
  /** Digest of entry number - 1; of the descriptor for entry 1. */
  readonly previous: Uint8Array;
  /** Digest of the newest earlier entry that the root signed; of the descriptor if there is none. */
  readonly root: Uint8Array;
  readonly createdMs: number;
  /** Ed25519 key that signed. */
  readonly signer: Uint8Array;
  readonly payload: LedgerPayload;
}

/** A parsed entry with its digest. */
export interface ParsedLedgerEntry extends LedgerEntry {
  readonly digest: Uint8Array;
}

/** `sign` signs with `entry.signer`. The result is parsed again, so an entry that no reader would take throws here. */
export function encodeLedgerEntry(entry: LedgerEntry, sign: Sign): Uint8Array {
  const body = entryBody(entry, ledgerPayloadValue(entry.payload));
  const bytes = encodeSigned('ledger', body, sign);
  parseLedgerEntry(bytes);
  return bytes;
}

/** What the second operator of a `home` or `erase` entry signs: the body without `other`. */
export function ledgerSecondMessage(entry: LedgerEntry): Uint8Array {
  const payload = new Map(Object.entries(ledgerPayloadValue(entry.payload) as Record<string, CborValue>));
  payload.delete('other');
  return secondMessage('ledger', entryBody(entry, payload));
}

function entryBody(entry: LedgerEntry, payload: CborValue): CborValue {
  const { createdMs, number, previous, root, safe, signer } = entry;
  return { created: createdMs, kind: entry.payload.kind, number, payload, previous, root, safe, signer };
}

/** Form, and the signature by the key that the entry itself names; whether that key may sign is ledger.ts. */
export function parseLedgerEntry(bytes: Uint8Array): ParsedLedgerEntry {
  const object = parseSigned('ledger', bytes, ledgerEntryBytesMax);
  const fields = new Fields(object.body, 'object-invalid');
  const kind = fields.oneOf('kind', ledgerKinds);
  const entry: ParsedLedgerEntry = {
    safe: safeId(fields.bytes('safe', 16)),
    number: fields.uint('number'),
    previous: fields.bytes('previous', digestBytes),
    root: fields.bytes('root', digestBytes),
    createdMs: fields.uint('created'),
    signer: fields.bytes('signer', signingKeyBytes),
    payload: parseLedgerPayload(kind, fields.fields('payload')),
    digest: object.digest,
  };
  fields.end();
  demand(entry.number >= 1, 'object-invalid', 'number zero');
  verifySigned(object, entry.signer);
  return entry;
}
