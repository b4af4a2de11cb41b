/*
 * What ledger entries say: one payload for each kind, docs/format/keys.md. Only the form is checked here; whether an entry
 * may stand where it stands is the matter of ledger.ts.
 */

import { compareBytes, concatBytes, utf8Encode } from '@twinvault/std';
import type { CborValue } from './cbor.ts';
import { demand } from './errors.ts';
import { isBytes, isText } from './fields.ts';
import type { Fields } from './fields.ts';
import { certificateId, computerId, recordDigest, safeId, siteId } from './ids.ts';
import type { CertificateId, ComputerId, RecordDigest, SafeId, SiteId } from './ids.ts';
import { readLedgerHead } from './ledger-head.ts';
import type { LedgerHead } from './ledger-head.ts';
import {
  admissionBytes,
  digestBytes,
  kemPublicKeyBytes,
  noteBytesMax,
  signatureBytes,
  signingKeyBytes,
  slotsMax,
} from './limits.ts';
import type { Suite } from './objects.ts';
import { safeIdOf } from './safe-descriptor.ts';

/** A new reading key: X-Wing public key. */
export interface EpochPayload {
  readonly kind: 'epoch';
  readonly epoch: number;
  readonly key: Uint8Array;
}

/** The whole set of key slots from now on, by digest; 1 to 16. */
export interface SlotsPayload {
  readonly kind: 'slots';
  readonly slots: readonly Uint8Array[];
}

export interface CertificatePayload {
  readonly kind: 'certificate';
  readonly certificate: CertificateId;
  readonly computer: ComputerId;
  /** The computer's. */
  readonly name: string;
  /** Ed25519. */
  readonly agentKey: Uint8Array;
  /** X-Wing: enrolment packages are sealed to it. */
  readonly sealKey: Uint8Array;
}

/** The last record of a job that stands, with its ancestors, although its certificate was revoked. */
export interface LastRecord {
  readonly computer: ComputerId;
  readonly job: string;
  readonly record: RecordDigest;
}

export interface RevocationPayload {
  readonly kind: 'revocation';
  readonly certificate: CertificateId;
  /** Sorted by computer and job (UTF-8), each pair once. */
  readonly last: readonly LastRecord[];
  /** Session names, SHA-256 of a KEM ciphertext: their packs leave every live list. */
  readonly suspect: readonly Uint8Array[];
}

export interface HandoverPayload {
  readonly kind: 'handover';
  readonly certificate: CertificateId;
  readonly computer: ComputerId;
  readonly job: string;
}

export interface EscrowPayload {
  readonly kind: 'escrow';
  readonly key: Uint8Array;
  readonly name: string;
}

/** This safe takes the place of another, whose root signed `successionMessage`: agents that pinned that root may accept this one. */
export interface SuccessionPayload {
  readonly kind: 'succession';
  /** The safe before. */
  readonly safe: SafeId;
  /** Its root public key. */
  readonly root: Uint8Array;
  readonly signature: Uint8Array;
}

/** Keys of this safe for the computer of a certificate, which held keys of the safe before: sealed to the certificate's X-Wing key. */
export interface AdmissionPayload {
  readonly kind: 'admission';
  readonly certificate: CertificateId;
  readonly package: Uint8Array;
}

/** Another safe takes the place of this one: its computers go on there. The last entry of its kind, since there is one at most. */
export interface SuccessorPayload {
  readonly kind: 'successor';
  /** The safe that follows. */
  readonly safe: SafeId;
  /** Its root public key. */
  readonly root: Uint8Array;
  /** Of that safe, when this was signed: whoever goes there accepts no older one. */
  readonly ledger: LedgerHead;
}

export type PartyRole = 'site' | 'operator' | 'customer';

export interface PartyPayload {
  readonly kind: 'party';
  readonly key: Uint8Array;
  readonly name: string;
  readonly role: PartyRole;
}

export interface SuitePayload {
  readonly kind: 'suite';
  readonly minimum: Suite;
}

export interface FeaturePayload {
  readonly kind: 'feature';
  readonly name: string;
  readonly on: boolean;
}

export interface RetentionPayload {
  readonly kind: 'retention';
  readonly type: string;
  readonly copies: number;
  readonly days: number;
  readonly intraday: boolean;
}

export interface MarkPayload {
  readonly kind: 'hold' | 'lock' | 'flag';
  readonly note: string;
  readonly on: boolean;
  readonly record: RecordDigest;
}

export interface HomePayload {
  readonly kind: 'home';
  readonly epoch: number;
  readonly site: SiteId;
  /** The second operator's signature over the body without `other`. */
  readonly other: Uint8Array;
}

export interface ErasePayload {
  readonly kind: 'erase';
  /** Name of the erase order. */
  readonly order: Uint8Array;
  /** As in `home`; null when the root signed. */
  readonly other: Uint8Array | null;
}

export type LedgerPayload =
  | EpochPayload
  | SlotsPayload
  | CertificatePayload
  | RevocationPayload
  | HandoverPayload
  | EscrowPayload
  | SuccessionPayload
  | AdmissionPayload
  | SuccessorPayload
  | PartyPayload
  | SuitePayload
  | FeaturePayload
  | RetentionPayload
  | MarkPayload
  | HomePayload
  | ErasePayload;

export type LedgerKind = LedgerPayload['kind'];

export const ledgerKinds: readonly LedgerKind[] = [
  'epoch',
  'slots',
  'certificate',
  'revocation',
  'handover',
  'escrow',
  'succession',
  'admission',
  'successor',
  'party',
  'suite',
  'feature',
  'retention',
  'hold',
  'lock',
  'flag',
  'home',
  'erase',
];

const successionLabel = utf8Encode('twinvault succession v1');

/** What the root of the safe before signs: its own safe id and the root public key of the safe that follows. */
export function successionMessage(before: SafeId, root: Uint8Array): Uint8Array {
  return concatBytes(successionLabel, before, root);
}

const epochMax = 0xffff_ffff;
const lastMax = 1024;
const suspectMax = 1024;

/** The CBOR map of a payload; `other` is left out when null. */
export function ledgerPayloadValue(payload: LedgerPayload): CborValue {
  if (payload.kind === 'certificate') {
    const { certificate, computer, name, agentKey, sealKey } = payload;
    return { agent: agentKey, certificate, computer, name, seal: sealKey };
  }
  if (payload.kind === 'revocation') {
    const last = payload.last.map(({ computer, job, record }) => [computer, job, record]);
    return { certificate: payload.certificate, last, suspect: payload.suspect };
  }
  if (payload.kind === 'successor') {
    const { digest, number, root } = payload.ledger;
    return { ledger: { digest, number, root }, root: payload.root, safe: payload.safe };
  }
  if (payload.kind === 'erase') {
    return payload.other === null ? { order: payload.order } : { order: payload.order, other: payload.other };
  }
  const { kind: _, ...fields } = payload;
  return fields;
}

/** Throws `object-invalid` unless the map is a payload of the kind, in its limits and without further keys. */
export function parseLedgerPayload(kind: LedgerKind, fields: Fields): LedgerPayload {
  const payload = readers[kind](fields);
  fields.end();
  return payload;
}

const readers: { readonly [Kind in LedgerKind]: (fields: Fields) => LedgerPayload } = {
  epoch: (fields) => {
    const payload = { kind: 'epoch', epoch: fields.uint('epoch', epochMax), key: kemKey(fields, 'key') } as const;
    demand(payload.epoch >= 1, 'object-invalid', 'epoch zero');
    return payload;
  },
  slots: (fields) => {
    const slots = fields.bytesList('slots', { lengthBytes: digestBytes, countMax: slotsMax });
    demand(slots.length >= 1, 'object-invalid', 'no slots');
    demand(allDifferent(slots), 'object-invalid', 'slot twice');
    return { kind: 'slots', slots };
  },
  certificate: (fields) => ({
    kind: 'certificate',
    certificate: certificateId(fields.bytes('certificate', 16)),
    computer: computerId(fields.bytes('computer', 16)),
    name: fields.text('name'),
    agentKey: fields.bytes('agent', signingKeyBytes),
    sealKey: kemKey(fields, 'seal'),
  }),
  revocation: readRevocation,
  handover: (fields) => ({
    kind: 'handover',
    certificate: certificateId(fields.bytes('certificate', 16)),
    computer: computerId(fields.bytes('computer', 16)),
    job: fields.text('job'),
  }),
  escrow: (fields) => ({ kind: 'escrow', key: kemKey(fields, 'key'), name: fields.text('name') }),
  succession: (fields) => {
    const [safe, root] = [safeId(fields.bytes('safe', 16)), fields.bytes('root', signingKeyBytes)];
    demand(compareBytes(safeIdOf(root), safe) === 0, 'object-invalid', 'safe of another root');
    return { kind: 'succession', safe, root, signature: fields.bytes('signature', signatureBytes) };
  },
  admission: (fields) => ({
    kind: 'admission',
    certificate: certificateId(fields.bytes('certificate', 16)),
    package: fields.bytes('package', admissionBytes),
  }),
  successor: (fields) => {
    const [safe, root] = [safeId(fields.bytes('safe', 16)), fields.bytes('root', signingKeyBytes)];
    demand(compareBytes(safeIdOf(root), safe) === 0, 'object-invalid', 'safe of another root');
    return { kind: 'successor', safe, root, ledger: readLedgerHead(fields.fields('ledger')) };
  },
  party: (fields) => ({
    kind: 'party',
    key: fields.bytes('key', signingKeyBytes),
    name: fields.text('name'),
    role: fields.oneOf('role', ['site', 'operator', 'customer']),
  }),
  suite: (fields) => ({ kind: 'suite', minimum: fields.oneOf('minimum', [1, 2]) }),
  feature: (fields) => ({ kind: 'feature', name: fields.text('name'), on: fields.bool('on') }),
  retention: (fields) => ({
    kind: 'retention',
    type: fields.text('type'),
    copies: fields.uint('copies'),
    days: fields.uint('days'),
    intraday: fields.bool('intraday'),
  }),
  hold: (fields) => readMark('hold', fields),
  lock: (fields) => readMark('lock', fields),
  flag: (fields) => readMark('flag', fields),
  home: (fields) => ({
    kind: 'home',
    epoch: fields.uint('epoch', epochMax),
    site: siteId(fields.bytes('site', 16)),
    other: fields.bytes('other', signatureBytes),
  }),
  erase: (fields) => ({
    kind: 'erase',
    order: fields.bytes('order', digestBytes),
    other: fields.bytesOptional('other', signatureBytes),
  }),
};

function kemKey(fields: Fields, key: string): Uint8Array {
  return fields.bytes(key, kemPublicKeyBytes);
}

function readMark(kind: MarkPayload['kind'], fields: Fields): MarkPayload {
  const note = fields.text('note', { bytesMax: noteBytesMax, mayBeEmpty: true });
  return { kind, note, on: fields.bool('on'), record: recordDigest(fields.bytes('record', digestBytes)) };
}

function readRevocation(fields: Fields): RevocationPayload {
  const last = fields.list('last', lastMax).map(readLast);
  for (let index = 1; index < last.length; index += 1) {
    const [before, after] = [last[index - 1], last[index]];
    if (before !== undefined && after !== undefined) {
      demand(compareJobs(before, after) < 0, 'object-invalid', 'last records not sorted');
    }
  }
  const suspect = fields.bytesList('suspect', { lengthBytes: digestBytes, countMax: suspectMax });
  demand(allDifferent(suspect), 'object-invalid', 'session twice');
  return { kind: 'revocation', certificate: certificateId(fields.bytes('certificate', 16)), last, suspect };
}

function readLast(item: unknown): LastRecord {
  demand(Array.isArray(item) && item.length === 3, 'object-invalid', 'last record');
  const [computer, job, record] = item as unknown[];
  demand(isBytes(computer, 16) && isText(job) && isBytes(record, digestBytes), 'object-invalid', 'last record');
  return { computer: computerId(computer), job, record: recordDigest(record) };
}

/** Order of jobs: computer id, then name as UTF-8. */
export function compareJobs(a: { computer: Uint8Array; job: string }, b: { computer: Uint8Array; job: string }): number {
  return compareBytes(a.computer, b.computer) || compareBytes(utf8Encode(a.job), utf8Encode(b.job));
}

function allDifferent(list: readonly Uint8Array[]): boolean {
  const sorted = [...list].sort(compareBytes);
  return sorted.every((item, index) => index === 0 || compareBytes(sorted[index - 1] ?? item, item) !== 0);
}
