/* Vectors of records, stubs, receipts, tombstones and compaction plans. */

import { concatBytes, toHex } from '@twinvault/std';
import {
  encodePlan,
  encodeReceipt,
  encodeRecord,
  encodeStub,
  encodeTombstone,
  packName,
  parseRecord,
  RefsBuilder,
  recordDigest,
  safesetId,
} from '@twinvault/format';
import type { CborValue, FormatErrorCode, RecordPublic } from '@twinvault/format';
import type { VectorFile } from '../src/vector.ts';
import { Collector } from './collect.ts';
import type { Context } from './collect.ts';
import {
  agent,
  certificate,
  computer,
  createdMs,
  fill,
  freshPack,
  generation,
  otherCertificate,
  otherComputer,
  root,
  safe,
  sessionKem,
  signedObject,
  site,
  siteName,
  smallChain,
  stranger,
  u32,
  withBytes,
} from './world.ts';
import type { Chain, Signer } from './world.ts';

export function publicPart(chain: Chain, changes: Partial<RecordPublic> = {}): RecordPublic {
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
    ledger: chain.ledger.head,
    startMs: createdMs + 10_000,
    endMs: createdMs + 20_000,
    result: 'ok',
    counts: {
      bytesChanged: 1000,
      bytesProtected: 2 ** 40,
      bytesUploaded: 900,
      directories: 3,
      errors: 0,
      files: 12,
      filesChanged: 4,
      others: 1,
    },
    epoch: 1,
    kem: sessionKem,
    nonce: fill('record nonce', 32),
    safeset: safesetId(fill('safeset', 16)),
    ...changes,
  };
}

const refs: Uint8Array = ((): Uint8Array => {
  const builder = new RefsBuilder();
  builder.add(packName(fill('pack 1', 32)), 0);
  builder.add(packName(fill('pack 2', 32)), 17);
  return builder.finish();
})();

interface Making {
  readonly chain: Chain;
  readonly changes?: Partial<RecordPublic>;
  readonly by?: Signer;
  readonly suite?: 1 | 2;
}

function madeRecord({ chain, changes = {}, by = agent, suite = 1 }: Making): Uint8Array {
  return encodeRecord({ public: publicPart(chain, changes), suite, refs, sealed: fill('sealed', 90), sign: by.sign });
}

/** A record whose public part our encoder refuses, with a signature that fits. */
function rawRecord(chain: Chain, body: Record<string, CborValue>): Uint8Array {
  const good = madeRecord({ chain });
  const { startMs, endMs, counts, ledger, ...rest } = publicPart(chain);
  const head = { number: ledger.number, digest: ledger.digest, root: ledger.root };
  const value = { ...rest, start: startMs, end: endMs, counts: { ...counts }, ledger: head, ...body };
  // The signature is not reached: the public part is read first.
  const part = signedObject('ledger', value, agent);
  const publicBytes = part.slice(12, part.length - 64);
  const sealed = fill('sealed', 90);
  const lengths = concatBytes(u32(publicBytes.length), u32(refs.length), u32(sealed.length));
  return concatBytes(good.slice(0, 8), lengths, publicBytes, refs, sealed, good.slice(good.length - 64));
}

export function recordVectors(): VectorFile {
  const about =
    'Records (TVRC), checked against the ledger of context.descriptor and context.entries; context.ancestors: digests of ' +
    'records that are ancestors of the last one that a revocation names. Refs and sealed part are arbitrary. Value: all parts.';
  const chain = smallChain();
  const first = parseRecord(madeRecord({ chain }));
  const lastJob = { computer, job: 'documents', record: first.digest };
  const revoked = smallChain().put('revocation', { kind: 'revocation', certificate, last: [lastJob], suspect: [] });
  const stricter = smallChain().put('minimum suite 2', { kind: 'suite', minimum: 2 });
  const handed = smallChain().put('handover', { kind: 'handover', certificate, computer: otherComputer, job: 'mail' });
  const shared = { ...chain.shared(), ...revoked.shared(), ...stricter.shared(), ...handed.shared(), ...smallChain(2).shared() };
  const collector = new Collector({ parser: 'record', about, shared });
  const digests = ['x', 'y'].map((name) => recordDigest(fill(name, 32))).toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
  collector
    .valid('first safeset of a job', madeRecord({ chain }), chain.context())
    .valid(
      'suite 2, joined forks, with errors',
      madeRecord({ chain, suite: 2, changes: { sequence: 9, previous: digests, result: 'with errors' } }),
      chain.context(),
    )
    .valid('checkpoint', madeRecord({ chain, changes: { kind: 'checkpoint', result: 'deferred' } }), chain.context())
    .valid('under a longer ledger', madeRecord({ chain }), stricter.context())
    .valid('suite 2 where it is the minimum', madeRecord({ chain: stricter, suite: 2 }), stricter.context())
    .valid(
      'job that was handed over',
      madeRecord({ chain: handed, changes: { computer: otherComputer, job: 'mail' } }),
      handed.context(),
    )
    .valid('last one of a revoked certificate', madeRecord({ chain }), revoked.context());
  const ancestor = madeRecord({ chain, changes: { safeset: safesetId(fill('earlier', 16)) } });
  const ancestors = { ...revoked.context(), ancestors: [toHex(parseRecord(ancestor).digest)] };
  collector.valid('ancestor of the last one of a revoked certificate', ancestor, ancestors);
  addRecordRights(collector, { chain, revoked, stricter, handed, ancestor });
  addRecordForms(collector, chain);
  return collector.finish();
}

interface Chains {
  readonly chain: Chain;
  readonly revoked: Chain;
  readonly stricter: Chain;
  readonly handed: Chain;
  readonly ancestor: Uint8Array;
}

function addRecordRights(collector: Collector, { chain, revoked, stricter, handed, ancestor }: Chains): void {
  const refused = (name: string, making: Making, [code, defect]: readonly [FormatErrorCode, string]): void => {
    collector.invalid(name, madeRecord(making), { code, defect, context: making.chain.context() });
  };
  refused('of another safe', { chain, changes: { safe: fill('safe', 16) as typeof safe } }, [
    'safe-mismatch',
    'record of another safe',
  ]);
  refused('unknown certificate', { chain, changes: { certificate: otherCertificate } }, [
    'certificate-unknown',
    'signer of a record',
  ]);
  refused('job of another computer', { chain, changes: { computer: otherComputer } }, ['job-foreign', 'computer of the job']);
  refused('another job than was handed over', { chain: handed, changes: { computer: otherComputer } }, [
    'job-foreign',
    'computer of the job',
  ]);
  refused('signed by another key', { chain, by: stranger }, ['signature-invalid', 'record']);
  refused('signed by the root', { chain, by: root }, ['signature-invalid', 'record']);
  refused('key epoch that is not in the ledger', { chain, changes: { epoch: 2 } }, ['record-invalid', 'epoch not in the ledger']);
  refused('suite below the minimum', { chain: stricter }, ['suite-too-low', 'record']);
  refused('suite below the descriptor’s', { chain: smallChain(2) }, ['suite-too-low', 'record']);
  const head = { ...chain.ledger.head, digest: fill('head', 32) };
  refused('ledger head of a fork', { chain, changes: { ledger: head } }, ['ledger-foreign-head', 'head that the record names']);
  const behind = { code: 'ledger-foreign-head', defect: 'head that the record names', context: chain.context() } as const;
  collector.invalid('ledger is behind what the record has seen', madeRecord({ chain: handed }), behind);
  const gone = { code: 'certificate-revoked', defect: 'record after the last that stands' } as const;
  collector.invalid('of a revoked certificate, after the last', madeRecord({ chain, changes: { sequence: 2 } }), {
    ...gone,
    context: revoked.context(),
  });
  collector.invalid('of a revoked certificate, no ancestor of the last', ancestor, { ...gone, context: revoked.context() });
  collector.invalid('of a revoked certificate, another job', madeRecord({ chain, changes: { job: 'mail' } }), {
    ...gone,
    context: revoked.context(),
  });
}

function addRecordForms(collector: Collector, chain: Chain): void {
  const context = chain.context();
  const good = madeRecord({ chain });
  const bytes = (name: string, changed: Uint8Array, [code, defect]: readonly [FormatErrorCode, string?]): void => {
    collector.invalid(name, changed, { code, context, ...(defect !== undefined && { defect }) });
  };
  bytes('another magic', withBytes(good, 2, 0x50), ['record-invalid', 'magic']);
  bytes('a later version', withBytes(good, 4, 2), ['version-unknown']);
  bytes('suite 0', withBytes(good, 5, 0), ['suite-unknown']);
  bytes('suite changed', withBytes(good, 5, 2), ['signature-invalid', 'record']);
  bytes('zeros of the header are not zero', withBytes(good, 6, 1), ['record-invalid', 'header not zero']);
  bytes('a byte more', concatBytes(good, new Uint8Array(1)), ['record-invalid', 'lengths do not add up']);
  bytes('a byte less', good.slice(0, -1), ['record-invalid', 'lengths do not add up']);
  bytes('head alone', good.slice(0, 19), ['record-invalid', 'shorter than its fixed parts']);
  bytes('public part above recordPublicBytesMax', withBytes(good, 8, 1, 0, 1, 0), ['object-too-large']);
  bytes('refs above recordRefsBytesMax', withBytes(good, 12, 1, 0, 0, 0x10), ['object-too-large']);
  bytes('sealed part above recordSealedBytesMax', withBytes(good, 16, 1, 0, 0x40, 0), ['object-too-large']);
  bytes('signature changed', withBytes(good, -1, 0xff), ['signature-invalid', 'record']);
  bytes('sealed part changed', withBytes(good, -65, 0xff), ['signature-invalid', 'record']);
  const refsEnd = good.length - 64 - 90;
  bytes('refs changed', withBytes(good, refsEnd - 1, 0x81), ['signature-invalid', 'record']);
  bytes('refs not in their form', withBytes(good, refsEnd - 1, 0), ['refs-invalid', 'bitmap empty or longer than needed']);

  const body = (name: string, changes: Record<string, CborValue>, defect = 'value of a key'): void => {
    collector.invalid(name, rawRecord(chain, changes), { code: 'record-invalid', defect, context });
  };
  const digest = fill('x', 32);
  body('unknown key', { host: 'desk' }, 'unknown key');
  body('unknown count', { counts: { ...publicPart(chain).counts, bytes: 1 } }, 'unknown key');
  body('count missing', { counts: {} }, 'key missing');
  body('sequence zero', { sequence: 0 }, 'sequence zero');
  body('epoch zero', { epoch: 0 }, 'epoch zero');
  body('unknown kind', { kind: 'full' });
  body('unknown result', { result: 'failed' });
  body('empty job', { job: '' });
  body('previous record twice', { previous: [digest, digest] }, 'previous records not sorted');
  body('previous record of 16 bytes', { previous: [digest.slice(0, 16)] }, 'previous record');
  body('65 previous records', { previous: Array.from({ length: 65 }, () => digest) });
  body('KEM ciphertext missing', { kem: new Uint8Array(0) });
  body('negative count', { counts: { ...publicPart(chain).counts, errors: -1 } });
}

export function stubVectors(): VectorFile {
  const about =
    'Stubs of retired records (TVST), checked as the record against the ledger of context.descriptor and context.entries, and ' +
    'the tombstone with the key context.site.';
  const chain = smallChain();
  const collector = new Collector({ parser: 'stub', about, shared: chain.shared() });
  const context: Context = { ...chain.context(), site: toHex(site.key) };
  const record = parseRecord(madeRecord({ chain, suite: 2 }));
  const marker = { safe, site: siteName, generation, record: record.digest, reason: 'days and copies', retiredMs: createdMs };
  const tombstone = encodeTombstone(marker, site.sign);
  const good = encodeStub(record, tombstone);
  collector.valid('of a record of suite 2', good, context);
  const refused = (name: string, bytes: Uint8Array, [code, defect]: readonly [FormatErrorCode, string?]): void => {
    collector.invalid(name, bytes, { code, context, ...(defect !== undefined && { defect }) });
  };
  const afterPublic = 12 + record.publicBytes.length;
  refused('another magic', withBytes(good, 3, 0x43), ['record-invalid', 'magic']);
  refused('suite 0', withBytes(good, 5, 0), ['suite-unknown']);
  refused('suite changed', withBytes(good, 5, 1), ['record-invalid', 'tombstone of another record']);
  refused('digest of the refs changed', withBytes(good, afterPublic, 0, 0), ['record-invalid', 'tombstone of another record']);
  refused('signature changed', withBytes(good, afterPublic + 64, 0, 0), ['record-invalid', 'tombstone of another record']);
  refused('a byte more', concatBytes(good, new Uint8Array(1)), ['record-invalid', 'lengths do not add up']);
  refused('without its tombstone', good.slice(0, afterPublic + 132), ['record-invalid', 'lengths do not add up']);
  refused('head alone', good.slice(0, 12), ['record-invalid', 'shorter than its fixed parts']);
  refused('public length beyond the end', withBytes(good, 10, 1), ['record-invalid', 'lengths do not add up']);
  const joined = (part: Uint8Array): Uint8Array => concatBytes(good.slice(0, afterPublic + 128), u32(part.length), part);
  refused('tombstone of another record', joined(encodeTombstone({ ...marker, record: recordDigest(fill('x', 32)) }, site.sign)), [
    'record-invalid',
    'tombstone of another record',
  ]);
  refused('tombstone of another safe', joined(encodeTombstone({ ...marker, safe: fill('safe', 16) as typeof safe }, site.sign)), [
    'safe-mismatch',
    'tombstone of another safe',
  ]);
  refused('tombstone of another site key', joined(encodeTombstone(marker, stranger.sign)), ['signature-invalid', 'tombstone']);
  const receipt = encodeReceipt({ safe, site: siteName, generation, record: record.digest, receivedMs: 1 }, site.sign);
  refused('receipt instead of a tombstone', joined(receipt), ['object-invalid', 'magic']);
  return collector.finish();
}

const receiptBody = { generation, received: createdMs, record: fill('record', 32), safe, site: siteName };
const tombstoneBody = { generation, reason: 'days', record: fill('record', 32), retired: createdMs, safe, site: siteName };

function siteVectors(kind: 'receipt' | 'tombstone', body: Record<string, CborValue>, about: string): VectorFile {
  const collector = new Collector({ parser: kind, about });
  const context = { site: toHex(site.key) };
  const good = signedObject(kind, body, site);
  collector.valid('as a site makes it', good, context);
  const refused = (name: string, bytes: Uint8Array, [code, defect]: readonly [FormatErrorCode, string?]): void => {
    collector.invalid(name, bytes, { code, context, ...(defect !== undefined && { defect }) });
  };
  const time = kind === 'receipt' ? 'received' : 'retired';
  refused('signed by another key', signedObject(kind, body, stranger), ['signature-invalid', kind]);
  refused('signature changed', withBytes(good, -1, 0xff), ['signature-invalid', kind]);
  const otherKind = kind === 'receipt' ? 'tombstone' : 'receipt';
  const stolen = signedObject(otherKind, body, site);
  refused('signature of another kind', concatBytes(good.slice(0, 8), stolen.slice(8)), ['signature-invalid', kind]);
  refused('another magic', stolen, ['object-invalid', 'magic']);
  refused('a later version', withBytes(good, 4, 2), ['version-unknown']);
  refused('unknown key', signedObject(kind, { ...body, note: '' }, site), ['object-invalid', 'unknown key']);
  refused('time missing', signedObject(kind, omit(body, time), site), ['object-invalid', 'key missing']);
  refused('negative time', signedObject(kind, { ...body, [time]: -1 }, site), ['object-invalid', 'value of a key']);
  refused('record digest of 31 bytes', signedObject(kind, { ...body, record: fill('r', 31) }, site), [
    'object-invalid',
    'value of a key',
  ]);
  refused('a byte more', concatBytes(good, new Uint8Array(1)), ['object-invalid', 'lengths do not add up']);
  if (kind === 'receipt') addMeasures(collector, body);
  return collector.finish();
}

function addMeasures(collector: Collector, body: Record<string, CborValue>): void {
  const context = { site: toHex(site.key) };
  const measure = { bytes: 4096, bytesNew: 1024, origins: 20, originsReused: 15, suspect: false };
  const measured = (changed: Record<string, CborValue>): Uint8Array =>
    signedObject('receipt', { ...body, measure: { ...measure, ...changed } }, site);
  collector
    .valid('with a measure', measured({}), context)
    .valid('measure that suspects', measured({ bytesNew: 4096, originsReused: 0, suspect: true }), context);
  const refused = (name: string, bytes: Uint8Array, defect: string): void => {
    collector.invalid(name, bytes, { code: 'object-invalid', context, defect });
  };
  refused('measure with more new bytes than bytes', measured({ bytesNew: 4097 }), 'value of a key');
  refused('measure with more origins reused than there are', measured({ originsReused: 21 }), 'value of a key');
  refused('measure with an unknown key', measured({ entropy: 1 }), 'unknown key');
  refused(
    'measure without its answer',
    signedObject('receipt', { ...body, measure: omit(measure, 'suspect') }, site),
    'key missing',
  );
}

function omit(body: Record<string, CborValue>, key: string): Record<string, CborValue> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== key));
}

export function receiptVectors(): VectorFile {
  return siteVectors('receipt', receiptBody, 'Receipts (TVRE), signed by the key context.site.');
}

export function tombstoneVectors(): VectorFile {
  return siteVectors('tombstone', tombstoneBody, 'Tombstones (TVTO), signed by the key context.site.');
}

export function planVectors(): VectorFile {
  const about =
    'Compaction plans (TVCP), signed by the key context.site. Where context.packs and context.names hold the origins: value.packs ' +
    'are the packs that the plan makes, without the blobs, which stand between header and tail as sources says.';
  const collector = new Collector({ parser: 'plan', about });
  const one = freshPack('one', [30, 0, 40]);
  const two = freshPack('two', [50, 60], { suite: 2 });
  const catalog = freshPack('catalog', [70], { kind: 2 });
  const packs = [one, two, catalog];
  const context = { site: toHex(site.key) };
  const origins = { ...context, packs: packs.map(({ bytes }) => toHex(bytes)), names: packs.map(({ name }) => toHex(name)) };
  const keepOf = (
    ...keep: readonly (readonly [Uint8Array, number])[]
  ): { pack: ReturnType<typeof packName>; bitmap: Uint8Array }[] =>
    keep.map(([pack, bits]) => ({ pack: packName(pack), bitmap: new Uint8Array([bits]) }));
  const plan = { safe, number: 3, createdMs, packs: 2, keep: keepOf([two.name, 0b10], [one.name, 0b111], [catalog.name, 1]) };
  collector.valid('two packs made of three, in the order of the plan', encodePlan(plan, site.sign), origins);
  collector.valid('one position', encodePlan({ ...plan, packs: 1, keep: keepOf([one.name, 0b100]) }, site.sign), origins);
  const body: Record<string, CborValue> = {
    created: createdMs,
    keep: [[one.name, new Uint8Array([1])]],
    number: 1,
    packs: 1,
    safe,
  };
  const refused = (name: string, changes: Record<string, CborValue>, defect: string): void => {
    const bytes = signedObject('plan', { ...body, ...changes }, site);
    collector.invalid(name, bytes, { code: 'object-invalid', defect, context });
  };
  collector.invalid('signed by another key', signedObject('plan', body, stranger), {
    code: 'signature-invalid',
    defect: 'plan',
    context,
  });
  refused('nothing to keep', { keep: [] }, 'nothing to keep');
  refused(
    'pack twice',
    {
      keep: [
        [one.name, new Uint8Array([1])],
        [one.name, new Uint8Array([2])],
      ],
    },
    'pack twice',
  );
  refused('empty bitmap', { keep: [[one.name, new Uint8Array(0)]] }, 'bitmap to keep');
  refused('bitmap with a trailing zero', { keep: [[one.name, new Uint8Array([1, 0])]] }, 'bitmap to keep');
  refused('bitmap of 8,193 bytes', { keep: [[one.name, new Uint8Array(8193).fill(1)]] }, 'bitmap to keep');
  refused('pack with three items', { keep: [[one.name, new Uint8Array([1]), 0]] }, 'pack to keep');
  refused('name of 31 bytes', { keep: [[one.name.slice(1), new Uint8Array([1])]] }, 'pack to keep');
  refused('unknown key', { drop: [] }, 'unknown key');
  refused('no packs', { packs: 0 }, 'number of packs');
  refused('1,025 packs', { packs: 1025 }, 'number of packs');
  collector.invalid('another number of packs than it makes', encodePlan({ ...plan, packs: 3 }, site.sign), {
    code: 'object-invalid',
    defect: 'number of packs',
    context: origins,
  });
  return collector.finish();
}
