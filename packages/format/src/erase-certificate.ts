/*
 * What a site signs about an erase order that it carried out, docs/format/records.md, Erasing: one line of JSON, for people, for other programs and
 * for whoever has to prove it.
 *
 *     {"twinvault":"erase certificate","format":1,…,"signature":"<128 hexadecimal digits>"}
 *
 * The signature is Ed25519 by the site's key over "twinvault erase certificate v1" | 0x00 | the same JSON without "signature".
 *
 * Invariant: encoding what was parsed gives the same text.
 */

import { fromHex, primitives, toHex, utf8Encode } from '@twinvault/std';
import type { EraseJob } from './erase-order.ts';
import { demand, FormatError } from './errors.ts';
import { isText } from './fields.ts';
import { computerId, safeId, siteId } from './ids.ts';
import type { SafeId, SiteId } from './ids.ts';
import { eraseCertificateBytesMax, eraseCertificateRowsMax, eraseJobsMax } from './limits.ts';
import type { Sign } from './objects.ts';

/** 'begun': it is being carried out; 'waiting': all went but what `waiting` names; 'done': nothing is left. */
export type EraseState = 'begun' | 'waiting' | 'done';

export interface ErasedFiles {
  readonly type: 'files';
  /** '' where unknown. */
  readonly fileSystem: string;
  /** Whether writing into a file changes its old bytes; 'elsewhere': the file system puts new bytes elsewhere, so nothing was overwritten. */
  readonly overwriting: 'in-place' | 'elsewhere' | 'unknown';
  /** Over each file, each read back; 0 where nothing was overwritten. */
  readonly passes: number;
  /** Where it was read back from: past the page cache, or perhaps out of it. */
  readonly readBack: 'disk' | 'cache' | 'none';
}

/** Every version, delete marker and unfinished upload was removed. */
export interface ErasedBucket {
  readonly type: 'bucket';
}

export interface ErasedObjects {
  /** A folder of the safe as it is stored. */
  readonly kind: string;
  readonly objects: number;
  readonly bytes: number;
}

export interface ErasureWait {
  readonly kind: string;
  readonly name: string;
  readonly bytes: number;
  /** A lock of the store, a session or reading that may need it, a plan that home has not made yet, or what `problems` says. */
  readonly reason: 'lock' | 'lease' | 'plan' | 'failure';
  /** Of a lock: when it ends, ms since 1970. */
  readonly untilMs: number | null;
}

export interface ErasureProblem {
  readonly kind: string;
  readonly name: string;
  readonly code: string;
}

export interface EraseCertificate {
  readonly safe: SafeId;
  readonly site: SiteId;
  /** The site's, Ed25519. */
  readonly key: Uint8Array;
  /** Name of the erase order. */
  readonly order: Uint8Array;
  readonly number: number;
  /** As in the order. */
  readonly jobs: readonly EraseJob[] | null;
  readonly createdMs: number;
  /** When the order was durable at this site, by its own time, as the two that follow. */
  readonly arrivedMs: number;
  readonly begunMs: number;
  /** Null until everything went but what waits. */
  readonly endedMs: number | null;
  readonly state: EraseState;
  readonly store: ErasedFiles | ErasedBucket;
  /** What was removed so far; of a store of files overwritten first, as `store` says. */
  readonly removed: readonly ErasedObjects[];
  /** So many objects more may have gone at most: the site was stopped before it had counted them. 0: `removed` has them all. */
  readonly uncounted: number;
  /** The first `eraseCertificateRowsMax`. */
  readonly waiting: readonly ErasureWait[];
  readonly waitingLeftOut: number;
  /** What could not be overwritten or removed, the first `eraseCertificateRowsMax`. */
  readonly problems: readonly ErasureProblem[];
  /** Kinds of objects that stay of the safe, as proof, and 'customer' where it is known whose it was. */
  readonly kept: readonly string[];
}

const title = 'erase certificate';

export function encodeEraseCertificate(certificate: EraseCertificate, sign: Sign): string {
  const text = bodyText(certificate);
  return signedText(text, sign(messageOf(text)));
}

function signedText(text: string, signature: Uint8Array): string {
  return `${text.slice(0, -1)},"signature":"${toHex(signature)}"}`;
}

function messageOf(text: string): Uint8Array {
  return utf8Encode(`twinvault ${title} v1\0${text}`);
}

function bodyText(certificate: EraseCertificate): string {
  const { safe, site, key, order, number, jobs, createdMs, arrivedMs, begunMs, endedMs } = certificate;
  const { state, store, removed, uncounted, waiting, waitingLeftOut, problems, kept } = certificate;
  return JSON.stringify({
    twinvault: title,
    format: 1,
    safe: toHex(safe),
    site: toHex(site),
    key: toHex(key),
    order: toHex(order),
    number,
    jobs: jobs?.map(({ computer, job }) => ({ computer: toHex(computer), job })) ?? null,
    created: createdMs,
    arrived: arrivedMs,
    begun: begunMs,
    ended: endedMs,
    state,
    store: store.type === 'bucket' ? { type: store.type } : filesJson(store),
    removed: removed.map(({ kind, objects, bytes }) => ({ kind, objects, bytes })),
    uncounted,
    waiting: waiting.map(({ kind, name, bytes, reason, untilMs }) => ({ kind, name, bytes, reason, until: untilMs })),
    waitingLeftOut,
    problems: problems.map(({ kind, name, code }) => ({ kind, name, code })),
    kept,
  });
}

function filesJson({ type, fileSystem, overwriting, passes, readBack }: ErasedFiles): ErasedFiles {
  return { type, fileSystem, overwriting, passes, readBack };
}

/** Form, and the signature by the key that it names itself: whose key that is, is for the reader to know. `object-invalid`, `object-too-large`, `version-unknown`, `signature-invalid`. */
export function parseEraseCertificate(text: string): EraseCertificate {
  if (text.length > eraseCertificateBytesMax) {
    throw new FormatError('object-too-large', { context: { sizeBytes: text.length, bytesMax: eraseCertificateBytesMax } });
  }
  const fields = objectOf(jsonOf(text));
  demand(fields['twinvault'] === title, 'object-invalid', 'no erase certificate');
  if (fields['format'] !== 1) throw new FormatError('version-unknown', { context: { version: Number(fields['format'] ?? 0) } });
  const certificate: EraseCertificate = {
    safe: safeId(bytesOf(fields['safe'], 16)),
    site: siteId(bytesOf(fields['site'], 16)),
    key: bytesOf(fields['key'], 32),
    order: bytesOf(fields['order'], 32),
    number: countOf(fields['number']),
    jobs: fields['jobs'] === null ? null : listOf(fields['jobs'], eraseJobsMax).map(jobOf),
    createdMs: countOf(fields['created']),
    arrivedMs: countOf(fields['arrived']),
    begunMs: countOf(fields['begun']),
    endedMs: countOrNull(fields['ended']),
    state: oneOf(fields['state'], ['begun', 'waiting', 'done']),
    store: storeOf(objectOf(fields['store'])),
    removed: listOf(fields['removed'], eraseCertificateRowsMax).map(removedOf),
    uncounted: countOf(fields['uncounted']),
    waiting: listOf(fields['waiting'], eraseCertificateRowsMax).map(waitOf),
    waitingLeftOut: countOf(fields['waitingLeftOut']),
    problems: listOf(fields['problems'], eraseCertificateRowsMax).map(problemOf),
    kept: listOf(fields['kept'], eraseCertificateRowsMax).map(textOf),
  };
  const signature = bytesOf(fields['signature'], 64);
  const body = bodyText(certificate);
  demand(signedText(body, signature) === text, 'object-invalid', 'not in its one form');
  demand(primitives.ed25519Verify(certificate.key, messageOf(body), signature), 'signature-invalid', title);
  return certificate;
}

type JsonObject = Readonly<Record<string, unknown>>;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError('object-invalid', { context: { defect: 'no JSON' }, cause: error });
  }
}

function objectOf(value: unknown): JsonObject {
  demand(typeof value === 'object' && value !== null && !Array.isArray(value), 'object-invalid', 'no object');
  return value as JsonObject;
}

function listOf(value: unknown, countMax: number): readonly unknown[] {
  demand(Array.isArray(value) && value.length <= countMax, 'object-invalid', 'no list, or too long');
  return value;
}

function bytesOf(value: unknown, lengthBytes: number): Uint8Array {
  const bytes = typeof value === 'string' && value.length === 2 * lengthBytes ? fromHex(value) : null;
  demand(bytes !== null, 'object-invalid', 'no hexadecimal of this length');
  return bytes;
}

function countOf(value: unknown): number {
  demand(typeof value === 'number' && Number.isSafeInteger(value) && value >= 0, 'object-invalid', 'no count');
  return value;
}

function countOrNull(value: unknown): number | null {
  return value === null ? null : countOf(value);
}

function textOf(value: unknown): string {
  demand(isText(value, { mayBeEmpty: true }), 'object-invalid', 'no text, or too long');
  return value;
}

function oneOf<const T extends string>(value: unknown, values: readonly T[]): T {
  const found = values.find((candidate) => candidate === value);
  demand(found !== undefined, 'object-invalid', 'unknown word');
  return found;
}

function jobOf(value: unknown): EraseJob {
  const { computer, job } = objectOf(value);
  return { computer: computerId(bytesOf(computer, 16)), job: textOf(job) };
}

function storeOf(store: JsonObject): ErasedFiles | ErasedBucket {
  if (oneOf(store['type'], ['files', 'bucket']) === 'bucket') return { type: 'bucket' };
  return {
    type: 'files',
    fileSystem: textOf(store['fileSystem']),
    overwriting: oneOf(store['overwriting'], ['in-place', 'elsewhere', 'unknown']),
    passes: countOf(store['passes']),
    readBack: oneOf(store['readBack'], ['disk', 'cache', 'none']),
  };
}

function removedOf(value: unknown): ErasedObjects {
  const { kind, objects, bytes } = objectOf(value);
  return { kind: textOf(kind), objects: countOf(objects), bytes: countOf(bytes) };
}

function waitOf(value: unknown): ErasureWait {
  const { kind, name, bytes, reason, until } = objectOf(value);
  return {
    kind: textOf(kind),
    name: textOf(name),
    bytes: countOf(bytes),
    reason: oneOf(reason, ['lock', 'lease', 'plan', 'failure']),
    untilMs: countOrNull(until),
  };
}

function problemOf(value: unknown): ErasureProblem {
  const { kind, name, code } = objectOf(value);
  return { kind: textOf(kind), name: textOf(name), code: textOf(code) };
}
