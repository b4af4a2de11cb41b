/*
 * What an agent keeps of a safe, as one small file that only its user can read: enough to write every night, too little to
 * read anything back (docs/format/keys.md, "Key schedule").
 *
 * CBOR {agent, certificate, computer, epoch, kem, ledger, name, root, safe, seal, state, suite, twinvault, write}, where
 * `twinvault` is "agent keys v1". The file is local; its form may change with the version in that text.
 */

import { utf8Encode } from '@twinvault/std';
import { certificateId, computerId, decodeCbor, encodeCbor, kemPublicKeyBytes, labelBytesMax, safeId } from '@twinvault/format';
import type { CertificateId, ComputerId, LedgerHead, SafeId, Suite } from '@twinvault/format';
import { SealError } from './errors.ts';
import type { WriteSecret } from './keys.ts';

export interface AgentKeys {
  readonly safe: SafeId;
  readonly computer: ComputerId;
  readonly computerName: string;
  readonly certificate: CertificateId;
  /** Pinned root public key. */
  readonly rootKey: Uint8Array;
  readonly writeSecret: WriteSecret;
  /** Of this computer. */
  readonly stateKey: Uint8Array;
  /** Ed25519 seed. */
  readonly agentSeed: Uint8Array;
  /** X-Wing seed. */
  readonly sealSeed: Uint8Array;
  /** The newest reading key when the file was written. */
  readonly kem: { readonly epoch: number; readonly key: Uint8Array };
  /** The newest ledger head that was seen. */
  readonly ledgerHead: LedgerHead;
  readonly suite: Suite;
}

/** Longer files are no key files. */
export const agentKeysBytesMax = 16_384;

const versionText = 'agent keys v1';

export function encodeAgentKeys(keys: AgentKeys): Uint8Array {
  const { digest, number, root } = keys.ledgerHead;
  return encodeCbor({
    agent: keys.agentSeed,
    certificate: keys.certificate,
    computer: keys.computer,
    epoch: keys.kem.epoch,
    kem: keys.kem.key,
    ledger: { digest, number, root },
    name: keys.computerName,
    root: keys.rootKey,
    safe: keys.safe,
    seal: keys.sealSeed,
    state: keys.stateKey,
    suite: keys.suite,
    twinvault: versionText,
    write: keys.writeSecret,
  });
}

/** `agent-keys-invalid`. */
export function parseAgentKeys(bytes: Uint8Array): AgentKeys {
  const map = mapOf(decode(bytes), 14);
  if (map.get('twinvault') !== versionText) throw invalid('version');
  const ledger = mapOf(map.get('ledger'), 3);
  return {
    agentSeed: bytesOf(map, 'agent', 32),
    certificate: certificateId(bytesOf(map, 'certificate', 16)),
    computer: computerId(bytesOf(map, 'computer', 16)),
    kem: { epoch: positiveOf(map, 'epoch', 1), key: bytesOf(map, 'kem', kemPublicKeyBytes) },
    ledgerHead: {
      digest: bytesOf(ledger, 'digest', 32),
      number: positiveOf(ledger, 'number', 0),
      root: bytesOf(ledger, 'root', 32),
    },
    computerName: nameOf(map.get('name')),
    rootKey: bytesOf(map, 'root', 32),
    safe: safeId(bytesOf(map, 'safe', 16)),
    sealSeed: bytesOf(map, 'seal', 32),
    stateKey: bytesOf(map, 'state', 32),
    suite: suiteOf(map.get('suite')),
    writeSecret: bytesOf(map, 'write', 32) as WriteSecret,
  };
}

function decode(bytes: Uint8Array): unknown {
  try {
    return decodeCbor(bytes, { bytesMax: agentKeysBytesMax });
  } catch (cause) {
    throw new SealError('agent-keys-invalid', { cause, context: { defect: 'CBOR' } });
  }
}

function mapOf(value: unknown, size: number): ReadonlyMap<unknown, unknown> {
  if (!(value instanceof Map) || value.size !== size) throw invalid('keys');
  return value;
}

function bytesOf(map: ReadonlyMap<unknown, unknown>, key: string, lengthBytes: number): Uint8Array {
  const value = map.get(key);
  if (!(value instanceof Uint8Array) || value.length !== lengthBytes) throw invalid(key);
  return value;
}

function positiveOf(map: ReadonlyMap<unknown, unknown>, key: string, min: number): number {
  const value = map.get(key);
  if (typeof value !== 'number' || value < min) throw invalid(key);
  return value;
}

function nameOf(value: unknown): string {
  if (typeof value !== 'string' || value === '' || utf8Encode(value).length > labelBytesMax) throw invalid('name');
  return value;
}

function suiteOf(value: unknown): Suite {
  if (value !== 1 && value !== 2) throw invalid('suite');
  return value;
}

function invalid(defect: string): SealError {
  return new SealError('agent-keys-invalid', { context: { defect } });
}
