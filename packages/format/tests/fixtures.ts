/*
 * A small safe made of fixed seeds, for the tests of this package: keys, a ledger, packs and a record that fit together.
 */

import { compareBytes, concatBytes, primitives, Prng, utf8Encode } from '@twinvault/std';
import {
  certificateId,
  chunkId,
  computerId,
  encodeLedgerEntry,
  encodePackHeader,
  encodePackTail,
  encodeRecord,
  encodeSafeDescriptor,
  FormatError,
  Ledger,
  packKinds,
  RefsBuilder,
  safeIdOf,
  safesetId,
  siteId,
} from '../src/index.ts';
import type {
  FormatErrorCode,
  LedgerPayload,
  PackHeader,
  PackName,
  PackRow,
  PackSection,
  RecordPublic,
  Sign,
  Suite,
} from '../src/index.ts';

export interface Signer {
  readonly key: Uint8Array;
  readonly sign: Sign;
}

/** An Ed25519 key from a name. */
export function signer(name: string): Signer {
  const seed = primitives.sha256(utf8Encode(name));
  return { key: primitives.ed25519PublicKey(seed), sign: (message) => primitives.ed25519Sign(seed, message) };
}

/** Bytes that look random and depend on the name alone. */
export function fill(name: string, length: number): Uint8Array {
  return new Prng(name).bytes(length);
}

export const root: Signer = signer('root');
export const agent: Signer = signer('agent');
export const site: Signer = signer('site');
export const operators: readonly Signer[] = [signer('operator 1'), signer('operator 2')];
export const safe: ReturnType<typeof safeIdOf> = safeIdOf(root.key);
export const computer: ReturnType<typeof computerId> = computerId(fill('computer', 16));
export const certificate: ReturnType<typeof certificateId> = certificateId(fill('certificate', 16));
export const siteName: ReturnType<typeof siteId> = siteId(fill('site', 16));

export const descriptorBytes: Uint8Array = encodeSafeDescriptor(
  { safe, rootKey: root.key, label: 'papers', suite: 1, createdMs: 1_700_000_000_000 },
  root.sign,
);

/** The next entry of a ledger with this payload. */
export function entryBytes(ledger: Ledger, payload: LedgerPayload, by: Signer = root): Uint8Array {
  const { number, digest, root: rootDigest } = ledger.head;
  return encodeLedgerEntry(
    {
      safe: ledger.descriptor.safe,
      number: number + 1,
      previous: digest,
      root: rootDigest,
      createdMs: 1_700_000_000_000 + number,
      signer: by.key,
      payload,
    },
    by.sign,
  );
}

export function withEntry(ledger: Ledger, payload: LedgerPayload, by: Signer = root): Ledger {
  return ledger.append(entryBytes(ledger, payload, by));
}

export const epochPayload: LedgerPayload = { kind: 'epoch', epoch: 1, key: fill('epoch 1', 1216) };
export const slotsPayload: LedgerPayload = { kind: 'slots', slots: [fill('slot 1', 32), fill('slot 2', 32)] };
export const certificatePayload: LedgerPayload = {
  kind: 'certificate',
  certificate,
  computer,
  name: 'desk',
  agentKey: agent.key,
  sealKey: fill('seal', 1216),
};

/** Epoch, slots and one certificate. */
export function newLedger(): Ledger {
  let ledger = Ledger.replay(descriptorBytes, []);
  for (const payload of [epochPayload, slotsPayload, certificatePayload]) ledger = withEntry(ledger, payload);
  return ledger;
}

export function packHeader(name: string, suite: Suite = 1): PackHeader {
  return {
    suite,
    kind: packKinds.data,
    safe,
    epoch: 1,
    certificate,
    nonce: fill(`nonce ${name}`, 32),
    kem: fill('session', 1120),
  };
}

export interface MadePack {
  readonly name: PackName;
  readonly bytes: Uint8Array;
  readonly tail: Uint8Array;
  readonly header: PackHeader;
  readonly rows: readonly PackRow[];
  readonly blobs: readonly Uint8Array[];
}

/** A fresh pack; a blob of no bytes makes a slip-only row. */
export function makePack(name: string, blobs: readonly Uint8Array[], suite: Suite = 1): MadePack {
  const header = packHeader(name, suite);
  const headerBytes = encodePackHeader(header);
  const sorted = blobs
    .map((blob, index) => ({ blob, id: chunkId(primitives.sha256(utf8Encode(`${name} ${index}`))) }))
    .sort((a, b) => compareBytes(a.id, b.id));
  let offsetBytes = headerBytes.length;
  const rows = sorted.map(({ blob, id }, position) => {
    const slipOnly = blob.length === 0;
    const row: PackRow = {
      section: 0,
      position,
      id,
      offsetBytes: slipOnly ? 0 : offsetBytes,
      lengthBytes: slipOnly ? 100 : blob.length,
      salt: fill(`salt ${name} ${position}`, 16),
      blobHash: primitives.sha256(blob),
      slip: fill(`slip ${name} ${position}`, suite === 1 ? 48 : 80),
      slipOnly,
    };
    offsetBytes += blob.length;
    return row;
  });
  return joined(header, rows, { sections: [{ origin: null, header: null }], blobs: sorted.map(({ blob }) => blob) });
}

/** A compacted pack that holds all rows of the given packs. */
export function compact(packs: readonly MadePack[]): MadePack {
  const [first] = packs;
  if (first === undefined) throw new RangeError('nothing to compact');
  const header = { ...first.header, nonce: fill('plan', 32) };
  let offsetBytes = encodePackHeader(header).length;
  const rows: PackRow[] = [];
  packs.forEach((pack, section) => {
    for (const row of pack.rows) {
      rows.push({ ...row, section, offsetBytes: row.slipOnly ? 0 : offsetBytes });
      if (!row.slipOnly) offsetBytes += row.lengthBytes;
    }
  });
  const sections = packs.map((pack) => ({ origin: pack.name, header: pack.header }));
  return joined(header, rows, { sections, blobs: packs.flatMap(({ blobs }) => blobs) });
}

function joined(
  header: PackHeader,
  rows: readonly PackRow[],
  { sections, blobs }: { sections: readonly PackSection[]; blobs: readonly Uint8Array[] },
): MadePack {
  const headerBytes = encodePackHeader(header);
  const body = concatBytes(...blobs);
  const { tail, name } = encodePackTail({ header: headerBytes, rows, sections, blobsBytes: body.length });
  return { name, tail, header, rows, blobs, bytes: concatBytes(headerBytes, body, tail) };
}

export function recordPublic(ledger: Ledger, changes: Partial<RecordPublic> = {}): RecordPublic {
  return {
    safe,
    computer,
    certificate,
    computerName: 'desk',
    job: 'documents',
    retention: 'standard',
    kind: 'safeset',
    sequence: 1,
    previous: [],
    ledger: ledger.head,
    startMs: 1_700_000_100_000,
    endMs: 1_700_000_200_000,
    result: 'ok',
    counts: {
      bytesChanged: 10,
      bytesProtected: 2 ** 40,
      bytesUploaded: 12,
      directories: 3,
      errors: 0,
      files: 7,
      filesChanged: 2,
      others: 1,
    },
    epoch: 1,
    kem: fill('session', 1120),
    nonce: fill('record nonce', 32),
    safeset: safesetId(fill('safeset', 16)),
    ...changes,
  };
}

export function refsOf(positions: readonly (readonly [PackName, number])[]): Uint8Array {
  const builder = new RefsBuilder();
  for (const [pack, position] of positions) builder.add(pack, position);
  return builder.finish();
}

export function makeRecord(ledger: Ledger, changes: Partial<RecordPublic> = {}, by: Signer = agent): Uint8Array {
  const pack = makePack('a', [fill('blob', 50)]);
  return encodeRecord({
    public: recordPublic(ledger, changes),
    suite: 1,
    refs: refsOf([[pack.name, 0]]),
    sealed: fill('sealed', 200),
    sign: by.sign,
  });
}

/** For assert.throws: a FormatError of this code, and of this defect where one is given. */
export function formatError(code: FormatErrorCode, defect?: string): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof FormatError) || error.code !== code) return false;
    return defect === undefined || error.context['defect'] === defect;
  };
}

/** The value, which the test knows to be there. */
export function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new RangeError('value missing');
  return value;
}
