/*
 * Which functions of seal each file of vectors is for, with its context. Isomorphic, so that browsers run the same. A secret
 * that does not fit gives null in seal; here it is an error with the code that openSafe gives it.
 */

import { fromHex, utf8Decode } from '@twinvault/std';
import {
  certificateId,
  chunkId,
  computerId,
  Ledger,
  packName,
  parseKeySlotObject,
  parseRecord,
  safeId,
  verifyPackTable,
} from '@twinvault/format';
import type { PackKind, SafeId, Suite } from '@twinvault/format';
import {
  acceptEnrolment,
  answerEnrolment,
  blobKey,
  bundleKey,
  chunkSecret,
  kindKeys,
  openBlob,
  openBytes,
  openChunk,
  openChunkWithKey,
  openAdmission,
  OpenedSafe,
  openRecordPart,
  openSlot,
  PackKeyring,
  parseEnrolmentToken,
  parseKitText,
  passwordBytes,
  decodePayload,
  readSeed,
  rootKeys,
  rootSecret,
  SealError,
  stateKey,
  writeSecret,
} from '@twinvault/seal';
import type { KitCode, RootSecret, SlotSecret, WriteSecret } from '@twinvault/seal';
import { hexOf } from '../src/vector.ts';
import type { Vector, VectorFile } from '../src/vector.ts';
import { catalogParserNamed } from './catalog-parsers.ts';
import type { VectorParser } from './parsers.ts';

/** Reads one vector: its bytes and its context. */
class Reading {
  readonly bytes: Uint8Array;
  readonly #file: VectorFile;
  readonly #vector: Vector;

  constructor(file: VectorFile, vector: Vector) {
    this.#file = file;
    this.#vector = vector;
    this.bytes = bytesOf(hexOf(file, vector.bytes));
  }

  has(key: string): boolean {
    return this.#vector.context?.[key] !== undefined;
  }

  get(key: string): Uint8Array {
    const value = this.#vector.context?.[key];
    if (typeof value !== 'string') throw new RangeError(`no ${key} in the context`);
    return bytesOf(hexOf(this.#file, value));
  }

  list(key: string): Uint8Array[] {
    const value = this.#vector.context?.[key];
    if (value === undefined || typeof value === 'string') throw new RangeError(`no list ${key} in the context`);
    return value.map((item) => bytesOf(hexOf(this.#file, item)));
  }

  text(key: string): string {
    return textOf(this.get(key));
  }

  get suite(): Suite {
    return this.get('suite')[0] === 2 ? 2 : 1;
  }

  get kind(): PackKind {
    const [kind] = this.get('kind');
    return kind === 2 || kind === 3 ? kind : 1;
  }

  get safe(): SafeId {
    return safeId(this.get('safe'));
  }

  get root(): RootSecret {
    return rootSecret(this.get('rootSecret'));
  }

  get write(): WriteSecret {
    return writeSecret(this.root);
  }
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === null) throw new RangeError('not hexadecimal');
  return bytes;
}

function textOf(bytes: Uint8Array): string {
  const text = utf8Decode(bytes);
  if (text === null) throw new RangeError('not UTF-8');
  return text;
}

function secretOf(reading: Reading): SlotSecret {
  if (reading.has('password')) return { type: 'password', password: reading.text('password') };
  if (reading.has('kit')) return { type: 'kit', code: reading.get('kit') as KitCode };
  return { type: 'escrow', seed: reading.get('seed') };
}

async function slot(reading: Reading): Promise<unknown> {
  const { type } = parseKeySlotObject(reading.bytes);
  const opened = await openSlot(reading.bytes, secretOf(reading));
  if (opened === null) throw new SealError(type === 'password' ? 'password-wrong' : 'kit-wrong');
  return opened;
}

function keys(reading: Reading): unknown {
  const rs = rootSecret(reading.bytes);
  const ws = writeSecret(rs);
  const { seed, publicKey } = rootKeys(rs);
  const kinds = ([1, 2, 3] as const).map((kind) => {
    const { contentKey, idKey, cutterKey } = kindKeys(ws, kind);
    return { kind, content: contentKey.export(), id: idKey.export(), cutter: cutterKey };
  });
  return {
    signSeed: seed,
    rootKey: publicKey,
    readSeed1: readSeed(rs, 1),
    readSeed256: readSeed(rs, 256),
    state: stateKey(rs, computerId(reading.get('computer'))),
    write: ws,
    bundle: bundleKey(ws).export(),
    kinds,
  };
}

function sealed(reading: Reading): unknown {
  const input = { key: reading.get('key'), nonce: reading.get('nonce'), aad: reading.get('aad') };
  const plaintext = openBytes(reading.suite, input, reading.bytes);
  if (plaintext === null) throw new SealError('blob-damaged');
  return plaintext;
}

/** With a plaintext in the context: all that follows from it. With K alone: what a reader does. */
function blob(reading: Reading): unknown {
  const { suite, kind, safe, bytes } = reading;
  const kindKey = kindKeys(reading.write, kind);
  if (!reading.has('plaintext')) {
    const place = { suite, kind, safe, id: chunkId(reading.get('id')) };
    return openChunkWithKey({ ...place, key: reading.get('key'), blob: bytes }, kindKey);
  }
  const { m, id } = chunkSecret(kindKey, reading.get('plaintext'));
  const key = blobKey(suite, m, reading.get('salt'));
  const payload = openBlob({ suite, kind, safe, id, key, blob: bytes });
  if (payload === null) throw new SealError('blob-damaged');
  return { m, id, key, payload };
}

function pack(reading: Reading): unknown {
  const rs = reading.root;
  const { header, table } = verifyPackTable(packName(reading.get('name')), reading.bytes, { safe: reading.safe });
  const keyring = new PackKeyring({
    readSeedOf: (epoch) => (epoch === 1 ? readSeed(rs, 1) : null),
    stateKeyOf: () => stateKey(rs, computerId(reading.get('computer'))),
  });
  return Array.from({ length: table.count }, (_, index) => {
    const row = table.row(index);
    const at = row.offsetBytes;
    const bytes = reading.bytes.subarray(at, at + row.lengthBytes);
    const origin = table.sections[row.section]?.header ?? header;
    return {
      id: row.id,
      plaintext: openChunk({ row, header: origin, keyring, blob: bytes, keys: kindKeys(reading.write, header.kind) }),
    };
  });
}

function record(reading: Reading): unknown {
  const rs = reading.root;
  const parsed = parseRecord(reading.bytes);
  return openRecordPart({ record: parsed, readSeedOf: (epoch) => (epoch === 1 ? readSeed(rs, 1) : null) });
}

function request(reading: Reading): unknown {
  const descriptor = reading.get('descriptor');
  const opened = new OpenedSafe(reading.root, Ledger.replay(descriptor, reading.list('entries')));
  const random = { bytes: (count: number): Uint8Array => new Uint8Array(count) };
  const token = parseEnrolmentToken(reading.text('token'));
  const answered = answerEnrolment({ opened, descriptor, token, message: reading.bytes, random, clock: { nowMs: () => 0 } });
  return { computer: answered.computer, name: answered.name, certificate: answered.opened.ledger.certificates()[0] };
}

function answer(reading: Reading): unknown {
  const pending = {
    token: parseEnrolmentToken(reading.text('token')),
    computer: computerId(reading.get('computer')),
    name: reading.text('name'),
    agentSeed: reading.get('agentSeed'),
    sealSeed: reading.get('sealSeed'),
  };
  return acceptEnrolment(pending, reading.bytes);
}

function admission(reading: Reading): unknown {
  const certificate = certificateId(reading.get('certificate'));
  return openAdmission(reading.bytes, { safe: reading.safe, certificate, sealSeed: reading.get('sealSeed') });
}

const readers: Readonly<Record<string, (reading: Reading) => unknown>> = {
  keys,
  sealed,
  'opened-slot': slot,
  password: ({ bytes }) => passwordBytes(textOf(bytes)),
  kit: (reading) => parseKitText(textOf(reading.bytes), reading.safe),
  payload: ({ bytes }) => decodePayload(bytes),
  blob,
  'opened-pack': pack,
  'opened-record': record,
  'enrolment-request': request,
  'enrolment-answer': answer,
  'opened-admission': admission,
};

/** By the name in a file's `parser`. Those of slots and catalogs give a promise. */
export function sealParserNamed(name: string): VectorParser {
  const catalogParser = catalogParserNamed(name);
  if (catalogParser !== null) return catalogParser;
  const read = readers[name];
  if (read === undefined) throw new RangeError('no such parser');
  return (file, vector) => read(new Reading(file, vector));
}
