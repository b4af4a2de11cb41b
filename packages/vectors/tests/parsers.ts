/*
 * Which function of format each file of vectors is for, with its context. Isomorphic, so that browsers run the same.
 */

import { equalBytes, fromHex, toHex } from '@twinvault/std';
import {
  compactedPacks,
  decodeCbor,
  FormatError,
  Ledger,
  packName,
  PackTable,
  parseEraseOrder,
  parseKeySlotObject,
  parseLedgerEntry,
  parsePlan,
  parseRecord,
  parseRecordDifference,
  parseRefs,
  parseSafeDescriptor,
  parseStub,
  recordOfDifference,
  safeId,
  certificateId,
  verifyEraseOrder,
  verifyPackTable,
  verifyReceipt,
  verifyRecord,
  verifySigned,
  verifyTombstone,
} from '@twinvault/format';
import { hexOf } from '../src/vector.ts';
import type { Plain, Vector, VectorFile } from '../src/vector.ts';

/** Gives what the vector's bytes say, or throws. */
export type VectorParser = (file: VectorFile, vector: Vector) => unknown;

export function bytesOfHex(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === null) throw new RangeError('not hexadecimal');
  return bytes;
}

export function contextBytes(file: VectorFile, vector: Vector, key: string): Uint8Array {
  const value = vector.context?.[key];
  if (typeof value !== 'string') throw new RangeError(`no ${key} in the context`);
  return bytesOfHex(hexOf(file, value));
}

export function contextList(file: VectorFile, vector: Vector, key: string): Uint8Array[] {
  const value = vector.context?.[key];
  if (value === undefined || typeof value === 'string') throw new RangeError(`no list ${key} in the context`);
  return value.map((item) => bytesOfHex(hexOf(file, item)));
}

function ledgerOf(file: VectorFile, vector: Vector): Ledger {
  return Ledger.replay(contextBytes(file, vector, 'descriptor'), contextList(file, vector, 'entries'));
}

/** JSON of a parsed value: bytes as hexadecimal, maps as objects. */
export function plain(value: unknown): Plain {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') return value;
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object') throw new TypeError('no plain form');
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

/** CBOR diagnostic notation (RFC 8949 section 8), which keeps bytes and text apart. */
function diagnostic(value: unknown): string {
  if (value instanceof Uint8Array) return `h'${toHex(value)}'`;
  if (Array.isArray(value)) return `[${value.map(diagnostic).join(', ')}]`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, member]) => `${diagnostic(key)}: ${diagnostic(member)}`).join(', ')}}`;
  }
  return JSON.stringify(value);
}

const parsers: Readonly<Record<string, VectorParser>> = {
  cbor: (_, vector) => diagnostic(decodeCbor(bytesOfHex(vector.bytes), { bytesMax: 65_536 })),
  safe: (_, vector) => parseSafeDescriptor(bytesOfHex(vector.bytes)),
  slot: (_, vector) => parseKeySlotObject(bytesOfHex(vector.bytes)),
  ledger: (file, vector) => {
    const ledger = ledgerOf(file, vector).append(bytesOfHex(vector.bytes));
    return { entry: parseLedgerEntry(bytesOfHex(vector.bytes)), head: ledger.head };
  },
  pack: (file, vector) => {
    const expected = vector.context?.['certificate'] && { certificate: certificateId(contextBytes(file, vector, 'certificate')) };
    const name = packName(contextBytes(file, vector, 'name'));
    const safe = safeId(contextBytes(file, vector, 'safe'));
    const { header, table } = verifyPackTable(name, bytesOfHex(vector.bytes), { safe, ...expected });
    const { blobsBytes, headerBytes, tailBytes, packBytes, sections } = table;
    const rows = Array.from({ length: table.count }, (__, row) => table.row(row));
    return { header, rows, sections, blobsBytes, headerBytes, tailBytes, packBytes };
  },
  refs: (_, vector) => {
    const refs = parseRefs(bytesOfHex(vector.bytes));
    return { count: refs.count, packs: [...refs.packs()], positions: [...refs].map(({ position }) => position) };
  },
  record: (file, vector) => {
    const record = parseRecord(bytesOfHex(vector.bytes));
    const last = vector.context?.['ancestors'] ? contextList(file, vector, 'ancestors').map(toHex) : [];
    verifyRecord(record, ledgerOf(file, vector), { isAncestorOrSame: (digest) => last.includes(toHex(digest)) });
    const { publicBytes: _, ...rest } = record;
    return rest;
  },
  difference: (file, vector) => {
    const { base, difference, ...rest } = parseRecordDifference(bytesOfHex(vector.bytes));
    const given = parseRecord(contextBytes(file, vector, 'base'));
    if (!equalBytes(base, given.digest)) throw new FormatError('record-invalid', { context: { defect: 'another base' } });
    const bytes = recordOfDifference({ base, difference, ...rest }, given.refs);
    const record = parseRecord(bytes);
    verifyRecord(record, ledgerOf(file, vector));
    return { base, difference, record: bytes, digest: record.digest };
  },
  stub: (file, vector) => {
    const stub = parseStub(bytesOfHex(vector.bytes));
    verifyRecord(stub, ledgerOf(file, vector));
    const { publicBytes: _, ...rest } = stub;
    return { ...rest, tombstone: verifyTombstoneOf(file, vector, stub.tombstone) };
  },
  receipt: (file, vector) => withoutObject(verifyReceipt(bytesOfHex(vector.bytes), contextBytes(file, vector, 'site'))),
  tombstone: (file, vector) => verifyTombstoneOf(file, vector, bytesOfHex(vector.bytes)),
  plan: (file, vector) => {
    const plan = parsePlan(bytesOfHex(vector.bytes));
    verifySigned(plan.object, contextBytes(file, vector, 'site'));
    return { ...(withoutObject(plan) as object), digest: plan.object.digest, packs: packsOfPlan(file, vector) };
  },
  'erase-name': (_, vector) => ({ name: parseEraseOrder(bytesOfHex(vector.bytes)).name }),
  erase: (file, vector) => {
    const bytes = bytesOfHex(vector.bytes);
    const { name: _, ...order } = verifyEraseOrder(bytes, ledgerOf(file, vector));
    return { ...(withoutObject(order) as object), digest: order.object.digest };
  },
};

function withoutObject(value: object): unknown {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'object'));
}

function verifyTombstoneOf(file: VectorFile, vector: Vector, bytes: Uint8Array): unknown {
  return withoutObject(verifyTombstone(bytes, contextBytes(file, vector, 'site')));
}

/** The packs that the plan makes of the tails and headers in the context: their names and tails. */
function packsOfPlan(file: VectorFile, vector: Vector): unknown {
  if (!vector.context?.['packs']) return null;
  const origins = new Map(
    contextList(file, vector, 'packs').map((bytes, index) => {
      const name = contextList(file, vector, 'names')[index] ?? new Uint8Array();
      const { safe } = parsePlan(bytesOfHex(vector.bytes));
      return [toHex(name), verifyPackTable(packName(name), bytes, { safe })] as const;
    }),
  );
  const plan = parsePlan(bytesOfHex(vector.bytes));
  const packs = compactedPacks(plan, plan.object.digest, (origin, position) => {
    const found = origins.get(toHex(origin));
    if (found === undefined) throw new RangeError('no such origin');
    return { header: found.header, row: found.table.row(position) };
  });
  return packs.map(({ name, header, tail, sources }) => ({ name, header, tail, rows: new PackTable(tail).count, sources }));
}

export function parserNamed(name: string): VectorParser {
  const parser = parsers[name];
  if (parser === undefined) throw new RangeError('no such parser');
  return parser;
}
