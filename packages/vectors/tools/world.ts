/*
 * What the vectors of the format are made of: fixed keys, ids and a small safe. Nothing here may change: every vector depends
 * on it. Bytes that look random are SHA-256 of a name and a counter.
 */

import { compareBytes, concatBytes, primitives, toHex, utf8Encode } from '@twinvault/std';
import {
  certificateId,
  chunkId,
  computerId,
  encodeCbor,
  encodeLedgerEntry,
  encodeObjectHeader,
  encodePackHeader,
  encodePackTail,
  encodeSafeDescriptor,
  Ledger,
  ledgerSecondMessage,
  packKinds,
  safeIdOf,
  siteId,
  slipBytesOf,
} from '@twinvault/format';
import type {
  CborValue,
  LedgerEntry,
  LedgerPayload,
  PackHeader,
  PackName,
  PackRow,
  PackSection,
  Sign,
  SignedKind,
  Suite,
} from '@twinvault/format';

export interface Signer {
  readonly key: Uint8Array;
  readonly sign: Sign;
}

export function fill(name: string, length: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let index = 0; index * 32 < length; index += 1) parts.push(primitives.sha256(utf8Encode(`${name} ${index}`)));
  return concatBytes(...parts).slice(0, length);
}

/** The seed of an Ed25519 key is SHA-256 of its name. */
export function signer(name: string): Signer {
  const seed = primitives.sha256(utf8Encode(name));
  return { key: primitives.ed25519PublicKey(seed), sign: (message) => primitives.ed25519Sign(seed, message) };
}

export const root: Signer = signer('root');
export const agent: Signer = signer('agent');
export const site: Signer = signer('site');
export const operator1: Signer = signer('operator 1');
export const operator2: Signer = signer('operator 2');
export const customer: Signer = signer('customer');
export const stranger: Signer = signer('stranger');

export const safe: ReturnType<typeof safeIdOf> = safeIdOf(root.key);
export const computer: ReturnType<typeof computerId> = computerId(fill('computer', 16));
export const otherComputer: ReturnType<typeof computerId> = computerId(fill('other computer', 16));
export const certificate: ReturnType<typeof certificateId> = certificateId(fill('certificate', 16));
export const otherCertificate: ReturnType<typeof certificateId> = certificateId(fill('other certificate', 16));
export const siteName: ReturnType<typeof siteId> = siteId(fill('site', 16));
export const generation: Uint8Array = fill('generation', 16);
export const createdMs = 1_790_000_000_000;
export const sessionKem: Uint8Array = fill('session', 1120);

function descriptorOf(suite: Suite): Uint8Array {
  return encodeSafeDescriptor({ safe, rootKey: root.key, label: 'Bücher und Belege', suite, createdMs }, root.sign);
}

export const descriptorBytes: Uint8Array = descriptorOf(1);

/** The next entry, not yet encoded. */
export function nextEntry(ledger: Ledger, payload: LedgerPayload, by: Signer): LedgerEntry {
  const { number, digest, root: rootDigest } = ledger.head;
  return {
    safe: ledger.descriptor.safe,
    number: number + 1,
    previous: digest,
    root: rootDigest,
    createdMs: createdMs + number,
    signer: by.key,
    payload,
  };
}

export function entryOf(ledger: Ledger, payload: LedgerPayload, by: Signer = root): Uint8Array {
  return encodeLedgerEntry(nextEntry(ledger, payload, by), by.sign);
}

/** `home` or `erase`, with the second signature of `second`. */
export function doubleSigned(
  ledger: Ledger,
  payload: Extract<LedgerPayload, { readonly kind: 'home' | 'erase' }>,
  by: readonly [Signer, Signer],
): Uint8Array {
  const [first, second] = by;
  const other = second.sign(ledgerSecondMessage(nextEntry(ledger, payload, first)));
  return entryOf(ledger, { ...payload, other }, first);
}

/** A chain of entries by name, and the ledger that they make. */
export class Chain {
  readonly names: string[] = [];
  readonly entries: Uint8Array[] = [];
  readonly #descriptor: readonly [string, Uint8Array];
  ledger: Ledger;

  constructor(descriptor: readonly [name: string, bytes: Uint8Array] = ['descriptor', descriptorBytes]) {
    this.#descriptor = descriptor;
    this.ledger = Ledger.replay(descriptor[1], []);
  }

  put(name: string, payload: LedgerPayload, by: Signer = root): this {
    return this.putBytes(name, entryOf(this.ledger, payload, by));
  }

  putBytes(name: string, entry: Uint8Array): this {
    this.ledger = this.ledger.append(entry);
    this.names.push(name);
    this.entries.push(entry);
    return this;
  }

  /** For `context`: the descriptor and the entries, by the names under which they are shared. */
  context(): { descriptor: string; entries: string[] } {
    return { descriptor: `@${this.#descriptor[0]}`, entries: this.names.map((name) => `@${name}`) };
  }

  shared(): Record<string, string> {
    const [descriptor, bytes] = this.#descriptor;
    const shared: Record<string, string> = { [descriptor]: toHex(bytes) };
    this.names.forEach((name, index) => (shared[name] = toHex(this.entries[index] ?? new Uint8Array())));
    return shared;
  }
}

export const epochPayload: LedgerPayload = { kind: 'epoch', epoch: 1, key: fill('epoch 1', 1216) };
export const certificatePayload: LedgerPayload = {
  kind: 'certificate',
  certificate,
  computer,
  name: 'desk',
  agentKey: agent.key,
  sealKey: fill('seal', 1216),
};

/** Epoch 1 and one certificate, of a safe that was made with suite 1 or 2. */
export function smallChain(suite: Suite = 1): Chain {
  if (suite === 1) return new Chain().put('epoch', epochPayload).put('certificate', certificatePayload);
  const chain = new Chain(['descriptor of suite 2', descriptorOf(2)]);
  return chain.put('epoch of suite 2', epochPayload).put('certificate of suite 2', certificatePayload);
}

/** A signed object with whatever body, also one that no encoder of ours makes. */
export function signedObject(kind: SignedKind, body: CborValue | Uint8Array, by: Signer): Uint8Array {
  const header = encodeObjectHeader(kind, 0);
  const bytes = body instanceof Uint8Array ? body : encodeCbor(body);
  const message = concatBytes(utf8Encode(`twinvault ${kind} v1\0`), header, bytes);
  return concatBytes(header, u32(bytes.length), bytes, by.sign(message));
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** A copy with some bytes set. */
export function withBytes(bytes: Uint8Array, offset: number, ...values: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, offset < 0 ? bytes.length + offset : offset);
  return copy;
}

export function packHeader(name: string, changes: Partial<PackHeader> = {}): PackHeader {
  const kind = changes.kind ?? packKinds.data;
  const isState = kind === packKinds.state;
  return {
    suite: 1,
    kind,
    safe,
    epoch: isState ? 0 : 1,
    certificate,
    nonce: fill(`nonce ${name}`, 32),
    kem: isState ? new Uint8Array(0) : sessionKem,
    ...changes,
  };
}

export interface MadePack {
  readonly name: PackName;
  readonly header: PackHeader;
  readonly headerBytes: Uint8Array;
  readonly blobs: Uint8Array;
  readonly rows: readonly PackRow[];
  readonly tail: Uint8Array;
  readonly bytes: Uint8Array;
}

/** A fresh pack; a length of 0 makes a slip-only row. */
export function freshPack(name: string, lengths: readonly number[], changes: Partial<PackHeader> = {}): MadePack {
  const header = packHeader(name, changes);
  const blobs = lengths.map((length, index) => fill(`blob ${name} ${index}`, length));
  const drafts = blobs.map((blob, index) => ({ blob, id: chunkId(fill(`id ${name} ${index}`, 32)) }));
  drafts.sort((a, b) => compareBytes(a.id, b.id));
  let offsetBytes = encodePackHeader(header).length;
  const rows = drafts.map(({ blob, id }, position) => {
    const slipOnly = blob.length === 0;
    const row = rowOf(name, { id, position, blob: slipOnly ? fill('blob elsewhere', 77) : blob, suite: header.suite });
    const placed = { ...row, offsetBytes: slipOnly ? 0 : offsetBytes, slipOnly };
    offsetBytes += blob.length;
    return placed;
  });
  const joined = concatBytes(...drafts.map(({ blob }) => blob));
  return packOf({ header, rows, sections: [{ origin: null, header: null }], blobs: joined });
}

function rowOf(name: string, draft: { id: PackRow['id']; position: number; blob: Uint8Array; suite: Suite }): PackRow {
  return {
    section: 0,
    position: draft.position,
    id: draft.id,
    offsetBytes: 0,
    lengthBytes: draft.blob.length,
    salt: fill(`salt ${name} ${draft.position}`, 16),
    blobHash: primitives.sha256(draft.blob),
    slip: fill(`slip ${name} ${draft.position}`, slipBytesOf(draft.suite)),
    slipOnly: false,
  };
}

export interface PackParts {
  readonly header: PackHeader;
  readonly rows: readonly PackRow[];
  readonly sections: readonly PackSection[];
  readonly blobs: Uint8Array;
}

export function packOf({ header, rows, sections, blobs }: PackParts): MadePack {
  const headerBytes = encodePackHeader(header);
  const { name, tail } = encodePackTail({ header: headerBytes, rows, sections, blobsBytes: blobs.length });
  return { name, header, headerBytes, blobs, rows, tail, bytes: concatBytes(headerBytes, blobs, tail) };
}

/** All rows of the packs, in their order, in one compacted pack. */
export function joinedPack(packs: readonly MadePack[]): MadePack {
  const [first] = packs;
  if (first === undefined) throw new RangeError('no packs');
  const header = { ...first.header, nonce: fill('nonce of a plan', 32) };
  let offsetBytes = encodePackHeader(header).length;
  const rows = packs.flatMap((pack, section) =>
    pack.rows.map((row) => {
      const placed = { ...row, section, offsetBytes: row.slipOnly ? 0 : offsetBytes };
      if (!row.slipOnly) offsetBytes += row.lengthBytes;
      return placed;
    }),
  );
  const sections = packs.map((pack) => ({ origin: pack.name, header: pack.header }));
  return packOf({ header, rows, sections, blobs: concatBytes(...packs.map((pack) => pack.blobs)) });
}
