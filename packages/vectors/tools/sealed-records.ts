/* Vectors of the sealed parts of records, and of enrolment. */

import { concatBytes, primitives, toHex, utf8Encode } from '@twinvault/std';
import {
  catalogLevelMax,
  chunkId,
  encodeCbor,
  encodeRecord,
  recordPublicDigest,
  RefsBuilder,
  safesetId,
} from '@twinvault/format';
import type { CborValue, RecordPublic, Suite } from '@twinvault/format';
import {
  answerEnrolment,
  derive,
  enrolmentRequest,
  formatEnrolmentToken,
  newEnrolment,
  newEnrolmentToken,
  openBytes,
  sealBytes,
  sealRecordPart,
  zeroNonce,
} from '@twinvault/seal';
import type { RecordSealedPart, SealingSession } from '@twinvault/seal';
import type { VectorFile } from '../src/vector.ts';
import { SealedCollector } from './sealed-collect.ts';
import {
  clock,
  epochEntry,
  flipped,
  hexText,
  opened,
  randomOf,
  rootContext,
  sealCertificate,
  sealComputer,
  sealDescriptor,
  sealSafe,
  sessionOf,
} from './sealed-world.ts';
import { agent, createdMs, fill } from './world.ts';

function publicOf(session: SealingSession): RecordPublic {
  return {
    safe: sealSafe,
    certificate: sealCertificate,
    computer: sealComputer,
    computerName: 'desk',
    job: 'files',
    retention: 'daily',
    kind: 'safeset',
    sequence: 1,
    previous: [],
    ledger: opened.ledger.head,
    startMs: createdMs,
    endMs: createdMs + 1_000,
    result: 'ok',
    counts: {
      bytesChanged: 1,
      bytesProtected: 2,
      bytesUploaded: 3,
      directories: 4,
      errors: 5,
      files: 6,
      filesChanged: 7,
      others: 8,
    },
    epoch: session.epoch,
    kem: session.kem,
    nonce: fill('record nonce', 32),
    safeset: safesetId(fill('safeset', 16)),
  };
}

/** A record whose sealed part is made of the plaintext. */
function recordOf(
  suite: Suite,
  sealedOf: (input: { session: SealingSession; record: RecordPublic; publicDigest: Uint8Array }) => Uint8Array,
): Uint8Array {
  const session = sessionOf(`record ${suite}`, suite);
  const record = publicOf(session);
  const sealed = sealedOf({ session, record, publicDigest: recordPublicDigest(suite, record) });
  return encodeRecord({ public: record, suite, refs: new RefsBuilder().finish(), sealed, sign: agent.sign });
}

function sealedPlaintext(plaintext: Uint8Array): Uint8Array {
  return recordOf(1, ({ session, record, publicDigest }) => {
    const key = primitives.hkdfSha256(session.secret, record.nonce, utf8Encode('twinvault v1 record'), 32);
    return sealBytes(1, { key, nonce: zeroNonce, aad: publicDigest }, plaintext);
  });
}

const part: RecordSealedPart = {
  catalog: { root: chunkId(fill('catalog root', 32)), level: 2 },
  host: 'desk.example',
  sources: [utf8Encode('usr/share'), Uint8Array.of(0xff, 0x00, 0x61)],
  errors: [{ path: utf8Encode('usr/share/locked'), code: 'file-denied' }],
};

export async function openedRecordVectors(): Promise<VectorFile> {
  const about =
    'Sealed parts of records. bytes: the record; context: rootSecret, safe. Epoch 1 is the only one. value: what the sealed part says.';
  const collector = new SealedCollector({ parser: 'opened-record', about }, rootContext);
  for (const suite of [1, 2] as const) {
    const seal = (change: (sealed: Uint8Array) => Uint8Array): Uint8Array =>
      recordOf(suite, ({ session, record, publicDigest }) =>
        change(sealRecordPart({ session, nonce: record.nonce, publicDigest, part })),
      );
    await collector.valid(
      `suite ${suite}`,
      seal((sealed) => sealed),
    );
    const damaged = { code: 'record-sealed-damaged' } as const;
    await collector.invalid(
      `suite ${suite}, first byte changed`,
      seal((sealed) => flipped(sealed, 0)),
      damaged,
    );
    await collector.invalid(
      `suite ${suite}, last byte changed`,
      seal((sealed) => flipped(sealed, -1)),
      damaged,
    );
    await collector.invalid(
      `suite ${suite}, nothing sealed`,
      seal(() => new Uint8Array(0)),
      damaged,
    );
    const moved = recordOf(suite, ({ session, record }) =>
      sealRecordPart({ session, nonce: record.nonce, publicDigest: fill('other public part', 32), part }),
    );
    await collector.invalid(`suite ${suite}, of another public part`, moved, damaged);
    const renonced = recordOf(suite, ({ session, publicDigest }) =>
      sealRecordPart({ session, nonce: fill('other nonce', 32), publicDigest, part }),
    );
    await collector.invalid(`suite ${suite}, under another nonce`, renonced, damaged);
  }
  await malformedParts(collector);
  return collector.finish();
}

async function malformedParts(collector: SealedCollector): Promise<void> {
  const { root } = part.catalog;
  const good: Record<string, CborValue> = { catalog: [root, 2], errors: [], host: 'desk', sources: [] };
  const cases: readonly (readonly [string, CborValue | Uint8Array, string])[] = [
    ['no CBOR', Uint8Array.of(0xff), 'CBOR'],
    ['bytes after it', concatBytes(encodeCbor(good), Uint8Array.of(0)), 'CBOR'],
    ['a list', [good], 'not a map'],
    ['unknown key', { ...good, zone: 1 }, 'keys'],
    ['key missing', { catalog: [root, 2], errors: [], host: 'desk' }, 'keys'],
    ['catalog without a level', { ...good, catalog: [root] }, 'catalog'],
    ['catalog above catalogLevelMax', { ...good, catalog: [root, catalogLevelMax + 1] }, 'catalog'],
    ['catalog id of 31 bytes', { ...good, catalog: [root.slice(1), 2] }, 'catalog'],
    ['error without a code', { ...good, errors: [[utf8Encode('a')]] }, 'errors'],
    ['error path as text', { ...good, errors: [['a', 'file-denied']] }, 'bytes'],
    ['source above pathBytesMax', { ...good, sources: [new Uint8Array(32_769)] }, 'bytes'],
    ['host above labelBytesMax', { ...good, host: 'h'.repeat(257) }, 'text'],
  ];
  for (const [name, value, defect] of cases) {
    const plaintext = value instanceof Uint8Array ? value : encodeCbor(value);
    await collector.invalid(`part: ${name}`, sealedPlaintext(plaintext), { code: 'record-part-invalid', defect });
  }
}

const token = newEnrolmentToken(randomOf('token'));
const pending = newEnrolment({ token, computer: sealComputer, name: 'fileserver', random: randomOf('enrolment') });
const requestMessage = enrolmentRequest(pending);
const requestBytes = requestMessage.slice(0, -32);

function macOf(label: 'enrol request' | 'enrol answer', content: Uint8Array): Uint8Array {
  const key = primitives.secretKey(derive(token.secret, label, token.id));
  return concatBytes(content, primitives.hmacSha256(key, content));
}

export async function enrolmentRequestVectors(): Promise<VectorFile> {
  const about =
    'Enrolment requests. bytes: the message; context: token, rootSecret, descriptor and ledger entries of the safe. value: the certificate that follows, with the id 0.';
  const context = {
    ...rootContext,
    token: hexText(formatEnrolmentToken(token)),
    descriptor: toHex(sealDescriptor),
    entries: [toHex(epochEntry)],
  };
  const collector = new SealedCollector({ parser: 'enrolment-request', about }, context);
  await collector.valid('a request', requestMessage);
  const refuse = async (name: string, message: Uint8Array, defect: string, changed = {}): Promise<void> =>
    await collector.invalid(name, message, { code: 'enrolment-invalid', defect, context: changed });
  await refuse('first byte changed', flipped(requestMessage, 0), 'MAC');
  await refuse('MAC changed', flipped(requestMessage, -1), 'MAC');
  await refuse('MAC alone', requestMessage.slice(-32), 'length');
  const other = formatEnrolmentToken({ ...token, secret: fill('other secret', 32) });
  await refuse('of another token', requestMessage, 'MAC', { token: hexText(other) });
  await refuse('MAC of an answer', macOf('enrol answer', requestBytes), 'MAC');
  const [agentKey, seal] = [agent.key, primitives.xwingPublicKey(fill('seal seed', 32))];
  const good: Record<string, CborValue> = { agent: agentKey, computer: sealComputer, id: token.id, name: 'pc', seal };
  const cases: readonly (readonly [string, CborValue, string])[] = [
    ['unknown key', { ...good, zone: 1 }, 'keys'],
    ['id of another token', { ...good, id: fill('other id', 16) }, 'id'],
    ['empty name', { ...good, name: '' }, 'name'],
    ['name of 257 bytes', { ...good, name: 'n'.repeat(257) }, 'name'],
    ['agent key of 31 bytes', { ...good, agent: agentKey.slice(1) }, 'agent'],
    ['seal key of 1,215 bytes', { ...good, seal: seal.slice(1) }, 'seal'],
    ['seal key above the modulus', { ...good, seal: new Uint8Array(1_216).fill(0xff) }, 'seal'],
  ];
  await collector.valid('an encoded one', macOf('enrol request', encodeCbor(good)));
  for (const [name, value, defect] of cases) await refuse(name, macOf('enrol request', encodeCbor(value)), defect);
  await refuse('no CBOR', macOf('enrol request', Uint8Array.of(0xff)), 'CBOR');
  return collector.finish();
}

export async function enrolmentAnswerVectors(): Promise<VectorFile> {
  const about =
    'Enrolment answers. bytes: the message; context: token, computer, name, agentSeed and sealSeed of who asked. value: the agent’s keys.';
  const { agentSeed, sealSeed } = pending;
  const context = {
    token: hexText(formatEnrolmentToken(token)),
    computer: toHex(sealComputer),
    name: hexText('fileserver'),
    agentSeed: toHex(agentSeed),
    sealSeed: toHex(sealSeed),
  };
  const collector = new SealedCollector({ parser: 'enrolment-answer', about }, context);
  const { answer } = answerEnrolment({
    opened,
    descriptor: sealDescriptor,
    token,
    message: requestMessage,
    random: randomOf('answer'),
    clock,
    kemRandom: fill('answer kem', 64),
  });
  await collector.valid('an answer', answer);
  const refuse = async (name: string, message: Uint8Array, defect: string, changed = {}): Promise<void> =>
    await collector.invalid(name, message, { code: 'enrolment-invalid', defect, context: changed });
  await refuse('first byte changed', flipped(answer, 0), 'MAC');
  await refuse('MAC changed', flipped(answer, -1), 'MAC');
  await refuse('MAC of a request', macOf('enrol request', answer.slice(0, -32)), 'MAC');
  await refuse('too short for a KEM ciphertext', macOf('enrol answer', new Uint8Array(1_119)), 'length');
  await refuse('to another seal key', answer, 'sealed package', { sealSeed: toHex(fill('other seed', 32)) });
  await refuse('to a request with another name', answer, 'sealed package', { name: hexText('mailserver') });
  await malformedPackages(answer, refuse);
  return collector.finish();
}

type Refuse = (name: string, message: Uint8Array, defect: string) => Promise<void>;

async function malformedPackages(answer: Uint8Array, refuse: Refuse): Promise<void> {
  const kem = answer.subarray(0, 1_120);
  const shared = primitives.xwingDecapsulate(pending.sealSeed, kem);
  const key = primitives.hkdfSha256(shared, token.id, utf8Encode('twinvault v1 enrol'), 32);
  const input = { key, nonce: zeroNonce, aad: requestBytes };
  const plain = openBytes(1, input, answer.subarray(1_120, answer.length - 32));
  if (plain === null) throw new Error('the answer does not open');
  const { number, digest, root } = opened.ledger.head;
  const epoch = opened.ledger.epoch();
  const good: Record<string, CborValue> = {
    certificate: fill('certificate', 16),
    descriptor: sealDescriptor,
    epoch: 1,
    kem: epoch.key,
    ledger: { digest, number, root },
    root: opened.rootKey,
    state: fill('state', 32),
    write: fill('write', 32),
  };
  const cases: readonly (readonly [string, CborValue, string])[] = [
    ['package: unknown key', { ...good, zone: 1 }, 'keys'],
    ['package: root key of another safe', { ...good, root: agent.key }, 'root'],
    ['package: epoch 0', { ...good, epoch: 0 }, 'epoch'],
    ['package: write secret of 31 bytes', { ...good, write: fill('write', 31) }, 'write'],
    ['package: ledger head without a root', { ...good, ledger: { digest, number } }, 'ledger'],
    ['package: KEM key of 1,215 bytes', { ...good, kem: epoch.key.slice(1) }, 'kem'],
  ];
  for (const [name, value, defect] of cases) {
    await refuse(name, macOf('enrol answer', concatBytes(kem, sealBytes(1, input, encodeCbor(value)))), defect);
  }
}
