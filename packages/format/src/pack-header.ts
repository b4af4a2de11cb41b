/*
 * The header of a pack (`TVPK`), docs/format/packs.md:
 *
 *     offset bytes
 *     0      4     magic
 *     4      1     version, 1
 *     5      1     suite
 *     6      1     kind
 *     7      1     zero
 *     8      16    safe id
 *     24     4     key epoch, 0 in state packs
 *     28     16    certificate id
 *     44     32    pack nonce
 *     76     2     length of the KEM ciphertext: 1120, or 0 in state packs
 *     78     2     zero
 *     80     1120  KEM ciphertext
 */

import { demand, FormatError } from './errors.ts';
import { certificateId, safeId } from './ids.ts';
import type { CertificateId, SafeId } from './ids.ts';
import { kemCiphertextBytes, nonceBytes } from './limits.ts';
import { formatVersion } from './objects.ts';
import type { Suite } from './objects.ts';

export const packKinds = { data: 1, catalog: 2, state: 3 } as const;
export type PackKind = (typeof packKinds)[keyof typeof packKinds];

export interface PackHeader {
  readonly suite: Suite;
  readonly kind: PackKind;
  readonly safe: SafeId;
  /** 0 in state packs. */
  readonly epoch: number;
  readonly certificate: CertificateId;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  /** KEM ciphertext, 1120 bytes; empty in state packs. */
  readonly kem: Uint8Array;
}

/** Length of the part before the KEM ciphertext. */
export const packHeaderFixedBytes = 80;
export const packHeaderBytesMax: number = packHeaderFixedBytes + kemCiphertextBytes;

const magic = [0x54, 0x56, 0x50, 0x4b];

/** 80 bytes in state packs, 1200 in others. */
export function encodePackHeader(header: PackHeader): Uint8Array {
  const bytes = new Uint8Array(packHeaderFixedBytes + header.kem.length);
  const view = new DataView(bytes.buffer);
  bytes.set(magic, 0);
  bytes[4] = formatVersion;
  bytes[5] = header.suite;
  bytes[6] = header.kind;
  bytes.set(header.safe, 8);
  view.setUint32(24, header.epoch, true);
  bytes.set(header.certificate, 28);
  bytes.set(header.nonce, 44);
  view.setUint16(76, header.kem.length, true);
  bytes.set(header.kem, packHeaderFixedBytes);
  parsePackHeader(bytes);
  return bytes;
}

/**
 * Reads the header at the beginning of `bytes`; more may follow. `pack-damaged`, `version-unknown`, `suite-unknown`. Its
 * length is `packHeaderFixedBytes + kem.length`.
 */
export function parsePackHeader(bytes: Uint8Array): PackHeader {
  demand(bytes.length >= packHeaderFixedBytes, 'pack-damaged', 'shorter than its header');
  const kemBytes = (bytes[76] ?? 0) | ((bytes[77] ?? 0) << 8);
  demand(bytes.length >= packHeaderFixedBytes + kemBytes, 'pack-damaged', 'shorter than its header');
  const kem = bytes.slice(packHeaderFixedBytes, packHeaderFixedBytes + kemBytes);
  return readHeader(bytes, kem);
}

/** Reads the first 80 bytes of a header whose KEM ciphertext stands elsewhere, as in sections. */
export function readHeader(fixed: Uint8Array, kem: Uint8Array): PackHeader {
  demand(
    magic.every((byte, index) => fixed[index] === byte),
    'pack-damaged',
    'magic',
  );
  if (fixed[4] !== formatVersion) throw new FormatError('version-unknown', { context: { version: fixed[4] ?? 0 } });
  const [suite, kind] = [fixed[5], fixed[6]];
  if (suite !== 1 && suite !== 2) throw new FormatError('suite-unknown', { context: { suite: suite ?? 0 } });
  if (kind !== 1 && kind !== 2 && kind !== 3) throw new FormatError('pack-damaged', { context: { defect: 'kind' } });
  const view = new DataView(fixed.buffer, fixed.byteOffset, fixed.byteLength);
  const epoch = view.getUint32(24, true);
  demand(fixed[7] === 0 && view.getUint16(78, true) === 0, 'pack-damaged', 'header not zero');
  demand(view.getUint16(76, true) === kem.length, 'pack-damaged', 'length of the KEM ciphertext');
  const isState = kind === packKinds.state;
  demand(kem.length === (isState ? 0 : kemCiphertextBytes), 'pack-damaged', 'length of the KEM ciphertext');
  demand(isState === (epoch === 0), 'pack-damaged', 'key epoch');
  return {
    suite,
    kind,
    safe: safeId(fixed.slice(8, 24)),
    epoch,
    certificate: certificateId(fixed.slice(28, 44)),
    nonce: fixed.slice(44, 44 + nonceBytes),
    kem,
  };
}
