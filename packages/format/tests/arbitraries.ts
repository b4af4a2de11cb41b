/* Values of every kind that this package encodes, for property tests: small, but with the edges of every range. */

import fc from 'fast-check';
import { compareBytes, concatBytes, primitives, toHex, utf8Encode } from '@twinvault/std';
import {
  certificateId,
  chunkId,
  computerId,
  encodePackHeader,
  packKinds,
  packName,
  planPacksMax,
  recordDigest,
  safeId,
  safesetId,
  siteId,
  slipBytesOf,
  slotLimits,
} from '../src/index.ts';
import type {
  CborValue,
  CompactionPlan,
  EraseCertificate,
  EraseOrder,
  KeySlot,
  LastRecord,
  LedgerHead,
  LedgerPayload,
  Measure,
  PackHeader,
  PackRow,
  PackSection,
  Receipt,
  RecordPublic,
  RefsPack,
  Suite,
  Tombstone,
} from '../src/index.ts';
import { operators, present, root, safe, site as siteSigner, siteName } from './fixtures.ts';

export function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

/** fc.record with ordinary objects, as parsers make them. */
function object<T extends object>(model: { readonly [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}

/** Long random-looking bytes from a short draw: fast-check is slow with thousands of bytes. */
function longBytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return bytesOf(4).map((part) => {
    const digest = primitives.sha256(part);
    return concatBytes(...Array.from({ length: Math.ceil(length / 32) }, () => digest)).slice(0, length);
  });
}

const uint = fc.oneof(fc.nat(30), fc.maxSafeNat(), fc.constantFrom(255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32));
const shortText = fc.string({ unit: 'binary', maxLength: 40 });
const name = shortText.filter((text) => text !== '' && utf8Encode(text).length <= 256);
const suite: fc.Arbitrary<Suite> = fc.constantFrom(1, 2);

export const cborValue: fc.Arbitrary<CborValue> = fc.letrec<{ item: CborValue }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.oneof(uint, fc.maxSafeInteger()),
    shortText,
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('item'), { maxLength: 5 }),
    fc
      .uniqueArray(fc.tuple(fc.oneof(shortText, uint), tie('item')), { maxLength: 5, selector: ([key]) => key })
      .map((entries) => new Map(entries)),
  ),
})).item;

const hash = bytesOf(32);
const computer = bytesOf(16).map(computerId);
const certificate = bytesOf(16).map(certificateId);
const record = hash.map(recordDigest);
const site = bytesOf(16).map(siteId);
const kemKey = longBytesOf(1216);

function sortedJobs<Job extends { computer: Uint8Array; job: string }>(jobs: readonly Job[]): Job[] {
  return jobs.toSorted((a, b) => compareBytes(a.computer, b.computer) || compareBytes(utf8Encode(a.job), utf8Encode(b.job)));
}

const job = object({ computer, job: name });
const jobs = fc
  .uniqueArray(job, { maxLength: 5, selector: (item) => `${toHex(item.computer)} ${item.job}` })
  .map((list) => sortedJobs(list));
const last: fc.Arbitrary<LastRecord[]> = fc
  .tuple(jobs, fc.array(record, { minLength: 5, maxLength: 5 }))
  .map(([list, records]) => list.map((item, index) => ({ ...item, record: present(records[index]) })));
const hashes = fc.uniqueArray(hash, { maxLength: 5, selector: toHex });

export const ledgerPayload: fc.Arbitrary<LedgerPayload> = fc.oneof(
  object({ kind: fc.constant('epoch' as const), epoch: fc.integer({ min: 1, max: 0xffff_ffff }), key: kemKey }),
  object({ kind: fc.constant('slots' as const), slots: hashes.filter((slots) => slots.length > 0) }),
  object({
    kind: fc.constant('certificate' as const),
    certificate,
    computer,
    name,
    agentKey: hash,
    sealKey: kemKey,
  }),
  object({ kind: fc.constant('revocation' as const), certificate, last, suspect: hashes }),
  object({ kind: fc.constant('handover' as const), certificate, computer, job: name }),
  object({ kind: fc.constant('escrow' as const), key: kemKey, name }),
  object({
    kind: fc.constant('party' as const),
    key: hash,
    name,
    role: fc.constantFrom('site' as const, 'operator' as const, 'customer' as const),
  }),
  object({ kind: fc.constant('suite' as const), minimum: suite }),
  object({ kind: fc.constant('feature' as const), name, on: fc.boolean() }),
  object({ kind: fc.constant('retention' as const), type: name, copies: uint, days: uint, intraday: fc.boolean() }),
  object({
    kind: fc.constantFrom('hold' as const, 'lock' as const, 'flag' as const),
    note: shortText,
    on: fc.boolean(),
    record,
  }),
  object({ kind: fc.constant('home' as const), epoch: fc.nat(0xffff_ffff), site, other: bytesOf(64) }),
  object({ kind: fc.constant('erase' as const), order: hash, other: fc.option(bytesOf(64)) }),
);

const ledgerHead: fc.Arbitrary<LedgerHead> = object({ number: uint, digest: hash, root: hash });

export const recordPublic: fc.Arbitrary<RecordPublic> = object({
  safe: bytesOf(16).map(safeId),
  computer,
  certificate,
  computerName: name,
  job: name,
  retention: name,
  kind: fc.constantFrom('safeset' as const, 'checkpoint' as const),
  sequence: uint.filter((value) => value > 0),
  previous: hashes.map((list) => list.toSorted(compareBytes).map(recordDigest)),
  ledger: ledgerHead,
  startMs: uint,
  endMs: uint,
  result: fc.constantFrom('ok' as const, 'with errors' as const, 'deferred' as const),
  counts: object({
    bytesChanged: uint,
    bytesProtected: uint,
    bytesUploaded: uint,
    directories: uint,
    errors: uint,
    files: uint,
    filesChanged: uint,
    others: uint,
  }),
  epoch: fc.integer({ min: 1, max: 0xffff_ffff }),
  kem: longBytesOf(1120),
  nonce: hash,
  safeset: bytesOf(16).map(safesetId),
});

const siteObject = { safe: bytesOf(16).map(safeId), site, generation: bytesOf(16), record };
const measure: fc.Arbitrary<Measure> = fc.tuple(uint, uint, uint, uint, fc.boolean()).map(([one, two, three, four, suspect]) => ({
  bytes: Math.max(one, two),
  bytesNew: Math.min(one, two),
  origins: Math.max(three, four),
  originsReused: Math.min(three, four),
  suspect,
}));
export const receipt: fc.Arbitrary<Receipt> = fc.oneof(
  object({ ...siteObject, receivedMs: uint }),
  object({ ...siteObject, receivedMs: uint, measure }),
);
export const tombstone: fc.Arbitrary<Tombstone> = object({ ...siteObject, reason: name, retiredMs: uint });

function between({ floor, ceiling }: { floor: number; ceiling: number }): fc.Arbitrary<number> {
  return fc.integer({ min: floor, max: ceiling });
}

const slotCommon = { safe: bytesOf(16).map(safeId), slot: bytesOf(16), commitment: hash, salt: hash };
const noParameters = { passes: fc.constant(0), memoryKiB: fc.constant(0), lanes: fc.constant(0) };
export const keySlot: fc.Arbitrary<KeySlot> = fc.oneof(
  object({
    ...slotCommon,
    type: fc.constant('password' as const),
    passes: between(slotLimits.passes),
    memoryKiB: between(slotLimits.memoryKiB),
    lanes: between(slotLimits.lanes),
    wrapped: bytesOf(48),
  }),
  object({ ...slotCommon, ...noParameters, type: fc.constant('kit' as const), wrapped: bytesOf(48) }),
  object({ ...slotCommon, ...noParameters, type: fc.constant('escrow' as const), wrapped: longBytesOf(1168) }),
);

const bitmap = fc
  .tuple(fc.uint8Array({ maxLength: 12 }), fc.integer({ min: 1, max: 255 }))
  .map(([bytes, end]) => concatBytes(bytes, new Uint8Array([end])));
const refsPack: fc.Arbitrary<RefsPack> = object({ pack: hash.map(packName), bitmap });

export const plan: fc.Arbitrary<CompactionPlan> = object({
  safe: bytesOf(16).map(safeId),
  number: uint,
  createdMs: uint,
  packs: fc.integer({ min: 1, max: planPacksMax }),
  keep: fc.uniqueArray(refsPack, { minLength: 1, maxLength: 6, selector: ({ pack }) => toHex(pack) }),
});

const eraseOrderParts = {
  safe: fc.constant(safe),
  number: uint,
  createdMs: uint,
  signer: fc.constantFrom(root.key, present(operators[0]).key),
  other: fc.option(bytesOf(64)),
};

export const eraseOrder: fc.Arbitrary<EraseOrder> = fc.oneof(
  object({ ...eraseOrderParts, jobs: fc.option(jobs.filter((list) => list.length > 0)) }),
  object({ ...eraseOrderParts, jobs: fc.constant(null), cancels: hash }),
);

const erasedFiles: fc.Arbitrary<EraseCertificate['store']> = object({
  type: fc.constant('files' as const),
  fileSystem: fc.constantFrom('', 'ext4', 'btrfs'),
  overwriting: fc.constantFrom('in-place' as const, 'elsewhere' as const, 'unknown' as const),
  passes: fc.nat(3),
  readBack: fc.constantFrom('disk' as const, 'cache' as const, 'none' as const),
});
const word = fc.constantFrom('slots', 'pack', 'record', 'ü"\\');

export const eraseCertificate: fc.Arbitrary<EraseCertificate> = object({
  safe: fc.constant(safe),
  site: fc.constant(siteName),
  key: fc.constant(siteSigner.key),
  order: hash,
  number: uint,
  jobs: fc.option(jobs),
  createdMs: uint,
  arrivedMs: uint,
  begunMs: uint,
  endedMs: fc.option(uint),
  state: fc.constantFrom('begun' as const, 'waiting' as const, 'done' as const),
  store: fc.oneof(fc.constant({ type: 'bucket' } as const), erasedFiles),
  removed: fc.array(object({ kind: word, objects: uint, bytes: uint }), { maxLength: 4 }),
  uncounted: uint,
  waiting: fc.array(
    object({
      kind: word,
      name: word,
      bytes: uint,
      reason: fc.constantFrom('lock' as const, 'lease' as const, 'plan' as const),
      untilMs: fc.option(uint),
    }),
    { maxLength: 4 },
  ),
  waitingLeftOut: uint,
  problems: fc.array(object({ kind: word, name: word, code: word }), { maxLength: 4 }),
  kept: fc.array(word, { maxLength: 4 }),
});

/** Origins and positions, in any order and some of them twice. Few packs, so that names meet. */
export const positions: fc.Arbitrary<[Uint8Array, number][]> = fc
  .uniqueArray(hash, { minLength: 1, maxLength: 6, selector: toHex })
  .chain((packs) =>
    fc.array(fc.tuple(fc.constantFrom(...packs), fc.oneof(fc.nat(40), fc.nat(65_535), fc.constant(65_535))), {
      maxLength: 60,
    }),
  );

export const packHeader: fc.Arbitrary<PackHeader> = object({
  suite,
  kind: fc.constantFrom(packKinds.data, packKinds.catalog, packKinds.state),
  safe: bytesOf(16).map(safeId),
  epoch: fc.integer({ min: 1, max: 0xffff_ffff }),
  certificate,
  nonce: hash,
  kem: longBytesOf(1120),
}).map((header) => (header.kind === packKinds.state ? { ...header, epoch: 0, kem: new Uint8Array(0) } : header));

interface RowDraw {
  readonly id: Uint8Array;
  readonly lengthBytes: number;
  readonly slipOnly: boolean;
  readonly seed: Uint8Array;
  readonly gap: number;
}

const rowDraw: fc.Arbitrary<RowDraw> = object({
  id: hash,
  lengthBytes: fc.integer({ min: 1, max: 3000 }),
  slipOnly: fc.boolean(),
  seed: bytesOf(4),
  gap: fc.oneof(fc.constant(0), fc.nat(200)),
});
const rowDraws = fc.uniqueArray(rowDraw, { minLength: 1, maxLength: 6, selector: ({ id }) => toHex(id) });

function rowOf(draw: RowDraw, place: { section: number; position: number; suite: Suite; end: number }): PackRow {
  const slip = concatBytes(primitives.sha256(draw.seed), primitives.sha256(draw.id), new Uint8Array(16));
  return {
    section: place.section,
    position: place.position,
    id: chunkId(draw.id),
    offsetBytes: draw.slipOnly ? 0 : place.end,
    lengthBytes: draw.lengthBytes,
    salt: primitives.sha256(draw.seed).slice(0, 16),
    blobHash: primitives.sha256(draw.id),
    slip: slip.slice(0, slipBytesOf(place.suite)),
    slipOnly: draw.slipOnly,
  };
}

export interface TailDraw {
  readonly header: Uint8Array;
  readonly rows: readonly PackRow[];
  readonly sections: readonly PackSection[];
  readonly blobsBytes: number;
}

export const freshTail: fc.Arbitrary<TailDraw> = fc.tuple(packHeader, rowDraws).map(([header, draws]) => {
  const headerBytes = encodePackHeader(header);
  let end = headerBytes.length;
  const sorted = draws.toSorted((a, b) => compareBytes(a.id, b.id));
  const rows = sorted.map((draw, position) => {
    const row = rowOf(draw, { section: 0, position, suite: header.suite, end });
    if (!draw.slipOnly) end += draw.lengthBytes;
    return row;
  });
  return {
    header: headerBytes,
    rows,
    sections: [{ origin: null, header: null }],
    blobsBytes: end - headerBytes.length,
  };
});

const sectionDraw = object({
  // Zeros stand for this pack.
  origin: hash.filter((bytes) => bytes.some((byte) => byte !== 0)),
  suite,
  nonce: hash,
  ownKem: fc.boolean(),
  draws: rowDraws,
});
export const compactedTail: fc.Arbitrary<TailDraw> = fc
  .tuple(packHeader, fc.uniqueArray(sectionDraw, { minLength: 1, maxLength: 4, selector: ({ origin }) => toHex(origin) }))
  .map(([header, list]) => {
    const sections = list.map(({ origin, suite: sectionSuite, nonce, ownKem }) => {
      const kem = ownKem && header.kem.length > 0 ? longOf(nonce) : header.kem;
      return { origin: packName(origin), header: { ...header, suite: sectionSuite, nonce, kem } };
    });
    const own = encodePackHeader(present(sections[0]).header);
    let end = own.length;
    const rows = list.flatMap(({ draws, suite: sectionSuite }, section) => {
      let position = -1;
      return draws.map((draw) => {
        position += 1 + draw.gap;
        const row = rowOf(draw, { section, position, suite: sectionSuite, end });
        if (!draw.slipOnly) end += draw.lengthBytes;
        return row;
      });
    });
    return { header: own, rows, sections, blobsBytes: end - own.length };
  });

function longOf(part: Uint8Array): Uint8Array {
  return concatBytes(...Array.from({ length: 35 }, () => part));
}
