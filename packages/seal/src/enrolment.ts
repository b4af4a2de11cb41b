/*
 * Enrolment of a further computer through a server that is not trusted (docs/format/keys.md, "Enrolment"): the token's
 * secret, which no server sees, carries the trust in both directions. Pure functions; who carries the messages is no matter.
 *
 *   request message   CBOR {agent, computer, id, name, seal} | HMAC(derive(secret, "enrol request", id), the CBOR)
 *   answer message    KEM ciphertext | sealed package | HMAC(derive(secret, "enrol answer", id), both)
 *   package           CBOR {certificate, descriptor, epoch, kem, ledger: {digest, number, root}, root, state, write}
 *
 * Invariant: nothing of a message is used before its MAC fitted.
 */

import { concatBytes, equalBytes, equalSecretBytes, fromBase32, primitives, toBase32, utf8Encode } from '@twinvault/std';
import type { Clock, Encapsulation, Random } from '@twinvault/std';
import {
  certificateId,
  computerId,
  decodeCbor,
  encodeCbor,
  kemCiphertextBytes,
  kemPublicKeyBytes,
  labelBytesMax,
  parseSafeDescriptor,
  signedBytesMax,
} from '@twinvault/format';
import type { CborValue, ComputerId, LedgerHead } from '@twinvault/format';
import { certificateEntry } from './admin.ts';
import type { AgentKeys } from './agent-keys.ts';
import { SealError } from './errors.ts';
import { derive, stateKey } from './keys.ts';
import type { WriteSecret } from './keys.ts';
import type { OpenedSafe } from './open-safe.ts';
import { openBytes, sealBytes, zeroNonce } from './suites.ts';

export interface EnrolmentToken {
  /** 16 bytes; servers know it. */
  readonly id: Uint8Array;
  /** 32 bytes; no server ever sees it. */
  readonly secret: Uint8Array;
}

/** What the asking computer keeps until the answer comes. */
export interface PendingEnrolment {
  readonly token: EnrolmentToken;
  readonly computer: ComputerId;
  readonly name: string;
  readonly agentSeed: Uint8Array;
  readonly sealSeed: Uint8Array;
}

export interface EnrolmentAnswer {
  /** For the vault, before the answer is handed over. */
  readonly entry: Uint8Array;
  readonly answer: Uint8Array;
  readonly opened: OpenedSafe;
  readonly computer: ComputerId;
  readonly name: string;
}

export const enrolmentBytesMax = 131_072;

const macBytes = 32;
const enrolInfo = utf8Encode('twinvault v1 enrol');

export function newEnrolmentToken(random: Random): EnrolmentToken {
  return { id: random.bytes(16), secret: random.bytes(32) };
}

/** `id.secret` in Crockford base32. */
export function formatEnrolmentToken({ id, secret }: EnrolmentToken): string {
  return `${toBase32(id)}.${toBase32(secret)}`;
}

/** `token-invalid`. Forgives case, hyphens, spaces, and I, L, O as the kit does. */
export function parseEnrolmentToken(text: string): EnrolmentToken {
  const [idText, secretText, ...rest] = text.length > 256 ? [] : text.trim().split('.');
  const id = fromBase32(idText ?? '');
  const secret = fromBase32(secretText ?? '');
  if (rest.length > 0 || id?.length !== 16 || secret?.length !== 32) throw new SealError('token-invalid');
  return { id, secret };
}

/** The asking computer makes its keys. */
export function newEnrolment(input: {
  readonly token: EnrolmentToken;
  readonly computer: ComputerId;
  readonly name: string;
  readonly random: Random;
}): PendingEnrolment {
  const { token, computer, name, random } = input;
  return { token, computer, name, agentSeed: random.bytes(32), sealSeed: random.bytes(32) };
}

/** The request message: the same bytes each time. */
export function enrolmentRequest(pending: PendingEnrolment): Uint8Array {
  const request = requestBytes(pending);
  return concatBytes(request, mac(pending.token, 'enrol request', request));
}

/**
 * Whoever opened the safe checks the request, certifies the keys, and seals the package to them. `enrolment-invalid`.
 * `kemRandom`: 64 bytes, for tests and vectors.
 */
export function answerEnrolment(input: {
  readonly opened: OpenedSafe;
  /** Stored bytes of the safe's descriptor. */
  readonly descriptor: Uint8Array;
  readonly token: EnrolmentToken;
  readonly message: Uint8Array;
  readonly random: Random;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly kemRandom?: Uint8Array;
}): EnrolmentAnswer {
  const { opened, token, clock, random } = input;
  const request = checked(token, 'enrol request', input.message);
  const map = mapOf(request, 5);
  if (!equalBytes(bytesOf(map, 'id', 16), token.id)) throw invalid('id');
  const computer = computerId(bytesOf(map, 'computer', 16));
  const name = nameOf(map.get('name'));
  const agentKey = bytesOf(map, 'agent', 32);
  const sealKey = bytesOf(map, 'seal', kemPublicKeyBytes);
  const certificate = certificateId(random.bytes(16));
  const entry = certificateEntry({ opened, clock, certificate, computer, name, agentKey, sealKey });
  const after = opened.withEntry(entry);
  const { epoch, key: kem } = after.ledger.epoch();
  const state = stateKey(opened.rootSecret, computer);
  const ledger = headValue(after.ledger.head);
  const { rootKey: root, writeSecret: write } = opened;
  const plain = encodeCbor({ certificate, descriptor: input.descriptor, epoch, kem, ledger, root, state, write });
  const { sharedSecret, ciphertext } = encapsulateTo(sealKey, input.kemRandom);
  const sealed = sealBytes(1, { key: packageKey(sharedSecret, token), nonce: zeroNonce, aad: request }, plain);
  const answer = concatBytes(ciphertext, sealed);
  return { entry, answer: concatBytes(answer, mac(token, 'enrol answer', answer)), opened: after, computer, name };
}

/** The asking computer opens the answer: `enrolment-invalid`; FormatError for a broken descriptor. It pins what it gets. */
export function acceptEnrolment(pending: PendingEnrolment, message: Uint8Array): AgentKeys {
  const { token, sealSeed } = pending;
  const answer = checked(token, 'enrol answer', message);
  if (answer.length < kemCiphertextBytes) throw invalid('length');
  const shared = primitives.xwingDecapsulate(sealSeed, answer.subarray(0, kemCiphertextBytes));
  const input = { key: packageKey(shared, token), nonce: zeroNonce, aad: requestBytes(pending) };
  const plain = openBytes(1, input, answer.subarray(kemCiphertextBytes));
  if (plain === null) throw invalid('sealed package');
  const map = mapOf(plain, 8);
  const ledger = map.get('ledger');
  const descriptor = parseSafeDescriptor(bytesUpTo(map, 'descriptor', signedBytesMax));
  const rootKey = bytesOf(map, 'root', 32);
  if (!equalBytes(rootKey, descriptor.rootKey)) throw invalid('root');
  return {
    safe: descriptor.safe,
    computer: pending.computer,
    computerName: pending.name,
    certificate: certificateId(bytesOf(map, 'certificate', 16)),
    rootKey,
    writeSecret: bytesOf(map, 'write', 32) as WriteSecret,
    stateKey: bytesOf(map, 'state', 32),
    agentSeed: pending.agentSeed,
    sealSeed,
    kem: { epoch: countOf(map, 'epoch'), key: bytesOf(map, 'kem', kemPublicKeyBytes) },
    ledgerHead: headOf(ledger),
    suite: descriptor.suite,
  };
}

function requestBytes({ token, computer, name, agentSeed, sealSeed }: PendingEnrolment): Uint8Array {
  const agent = primitives.ed25519PublicKey(agentSeed);
  return encodeCbor({ agent, computer, id: token.id, name, seal: primitives.xwingPublicKey(sealSeed) });
}

/** The key comes from outside: not all 1,216 bytes are one. */
function encapsulateTo(sealKey: Uint8Array, kemRandom?: Uint8Array): Encapsulation {
  try {
    return primitives.xwingEncapsulate(sealKey, kemRandom);
  } catch (cause) {
    throw new SealError('enrolment-invalid', { cause, context: { defect: 'seal' } });
  }
}

function packageKey(shared: Uint8Array, token: EnrolmentToken): Uint8Array {
  return primitives.hkdfSha256(shared, token.id, enrolInfo, 32);
}

function mac({ id, secret }: EnrolmentToken, label: 'enrol request' | 'enrol answer', message: Uint8Array): Uint8Array {
  return primitives.hmacSha256(primitives.secretKey(derive(secret, label, id)), message);
}

/** The message without its MAC, once that fitted. */
function checked(token: EnrolmentToken, label: 'enrol request' | 'enrol answer', message: Uint8Array): Uint8Array {
  const length = message.length - macBytes;
  if (length <= 0 || message.length > enrolmentBytesMax) throw invalid('length');
  const content = message.slice(0, length);
  if (!equalSecretBytes(mac(token, label, content), message.subarray(length))) throw invalid('MAC');
  return content;
}

function headValue({ digest, number, root }: LedgerHead): CborValue {
  return { digest, number, root };
}

function headOf(value: unknown): LedgerHead {
  if (!(value instanceof Map) || value.size !== 3) throw invalid('ledger');
  return { digest: bytesOf(value, 'digest', 32), number: countOf(value, 'number'), root: bytesOf(value, 'root', 32) };
}

function mapOf(bytes: Uint8Array, size: number): ReadonlyMap<unknown, unknown> {
  let value: unknown;
  try {
    value = decodeCbor(bytes, { bytesMax: enrolmentBytesMax });
  } catch (cause) {
    throw new SealError('enrolment-invalid', { cause, context: { defect: 'CBOR' } });
  }
  if (!(value instanceof Map) || value.size !== size) throw invalid('keys');
  return value;
}

function bytesOf(map: ReadonlyMap<unknown, unknown>, key: string, lengthBytes: number): Uint8Array {
  const value = bytesUpTo(map, key, lengthBytes);
  if (value.length !== lengthBytes) throw invalid(key);
  return value;
}

function bytesUpTo(map: ReadonlyMap<unknown, unknown>, key: string, bytesMax: number): Uint8Array {
  const value = map.get(key);
  if (!(value instanceof Uint8Array) || value.length > bytesMax) throw invalid(key);
  return value;
}

function countOf(map: ReadonlyMap<unknown, unknown>, key: string): number {
  const value = map.get(key);
  if (typeof value !== 'number' || value < 1) throw invalid(key);
  return value;
}

function nameOf(value: unknown): string {
  if (typeof value !== 'string' || value === '' || utf8Encode(value).length > labelBytesMax) throw invalid('name');
  return value;
}

function invalid(defect: string): SealError {
  return new SealError('enrolment-invalid', { context: { defect } });
}
