/*
 * The sections of a pack, docs/format/packs.md: u16 number of KEM ciphertexts | those | per section: origin pack name | u16
 * index of its KEM ciphertext | first 80 bytes of its header.
 *
 * Invariants: a fresh pack has the one section "this pack"; a compacted pack has sections of other packs alone, each once,
 * all of one safe and one kind. KEM ciphertexts stand in the order in which sections first use them, each once.
 */

import { concatBytes, equalBytes, toHex } from '@twinvault/std';
import { demand } from './errors.ts';
import { packName } from './ids.ts';
import type { PackName } from './ids.ts';
import { kemCiphertextBytes, packSectionsMax } from './limits.ts';
import { encodePackHeader, packHeaderFixedBytes, readHeader } from './pack-header.ts';
import type { PackHeader } from './pack-header.ts';
import { noKem, sectionBytes } from './pack-layout.ts';

export interface PackSection {
  /** Null: this pack. */
  readonly origin: PackName | null;
  /** The origin's header; null for this pack. */
  readonly header: PackHeader | null;
}

export function encodeSections(sections: readonly PackSection[]): Uint8Array {
  const kems = new Map<string, { index: number; kem: Uint8Array }>();
  const parts = sections.map(({ origin, header }) => {
    const bytes = new Uint8Array(sectionBytes);
    const view = new DataView(bytes.buffer);
    view.setUint16(32, noKem, true);
    if (origin === null || header === null) return bytes;
    bytes.set(origin, 0);
    bytes.set(encodePackHeader(header).subarray(0, packHeaderFixedBytes), 34);
    if (header.kem.length > 0) {
      const key = toHex(header.kem);
      const known = kems.get(key) ?? { index: kems.size, kem: header.kem };
      kems.set(key, known);
      view.setUint16(32, known.index, true);
    }
    return bytes;
  });
  const count = new Uint8Array([kems.size & 0xff, kems.size >>> 8]);
  return concatBytes(count, ...[...kems.values()].map(({ kem }) => kem), ...parts);
}

/** `count` sections from exactly these bytes; `pack-damaged` otherwise. */
export function parseSections(bytes: Uint8Array, count: number): PackSection[] {
  demand(count >= 1 && count <= packSectionsMax, 'pack-damaged', 'number of sections');
  demand(bytes.length >= 2, 'pack-damaged', 'sections too short');
  const kemCount = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  const start = 2 + kemCount * kemCiphertextBytes;
  demand(bytes.length === start + count * sectionBytes, 'pack-damaged', 'length of the sections');
  const kems: Uint8Array[] = [];
  for (let offset = 2; offset < start; offset += kemCiphertextBytes) {
    kems.push(bytes.slice(offset, offset + kemCiphertextBytes));
  }
  demand(areDifferent(kems), 'pack-damaged', 'KEM ciphertext twice');
  const sections: PackSection[] = [];
  let kemsUsed = 0;
  for (let offset = start; offset < bytes.length; offset += sectionBytes) {
    const part = bytes.subarray(offset, offset + sectionBytes);
    const kemIndex = (part[32] ?? 0) | ((part[33] ?? 0) << 8);
    demand(kemIndex === noKem || kemIndex <= kemsUsed, 'pack-damaged', 'order of KEM ciphertexts');
    if (kemIndex === kemsUsed) kemsUsed += 1;
    sections.push(parseSection(part, kemIndex, kems));
  }
  demand(kemsUsed === kemCount, 'pack-damaged', 'KEM ciphertext not used');
  demandUniform(sections);
  return sections;
}

/** Told by their first bytes nearly always: a compacted pack of many sessions has as many ciphertexts, and its tail is read often. */
function areDifferent(kems: readonly Uint8Array[]): boolean {
  const byStart = new Map<string, Uint8Array[]>();
  for (const kem of kems) {
    const start = toHex(kem.subarray(0, 16));
    const others = byStart.get(start) ?? [];
    if (others.some((other) => equalBytes(other, kem))) return false;
    byStart.set(start, [...others, kem]);
  }
  return true;
}

/** The origins alone; none when the one section is this pack. `pack-damaged` when lengths do not fit. */
export function sectionOrigins(bytes: Uint8Array, count: number): PackName[] {
  const kemCount = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  const start = 2 + kemCount * kemCiphertextBytes;
  demand(bytes.length === start + count * sectionBytes, 'pack-damaged', 'length of the sections');
  if (isZero(bytes.subarray(start, start + 32))) return [];
  return Array.from({ length: count }, (_, index) => {
    const offset = start + index * sectionBytes;
    return packName(bytes.subarray(offset, offset + 32));
  });
}

/** Whether the only section, in sections that were verified and begin at `start`, is the pack itself. */
export function isOwnSection(view: DataView, start: number): boolean {
  const origin = start + 2 + view.getUint16(start, true) * kemCiphertextBytes;
  for (let index = 0; index < 32; index += 4) if (view.getUint32(origin + index, true) !== 0) return false;
  return true;
}

function parseSection(part: Uint8Array, kemIndex: number, kems: readonly Uint8Array[]): PackSection {
  if (isZero(part.subarray(0, 32))) {
    demand(kemIndex === noKem && isZero(part.subarray(34)), 'pack-damaged', 'section of this pack');
    return { origin: null, header: null };
  }
  const kem = kemIndex === noKem ? new Uint8Array(0) : kems[kemIndex];
  demand(kem !== undefined, 'pack-damaged', 'index of a KEM ciphertext');
  return { origin: packName(part.slice(0, 32)), header: readHeader(part.subarray(34), kem) };
}

function demandUniform(sections: readonly PackSection[]): void {
  const [first] = sections;
  if (sections.length === 1 || first === undefined) return;
  const origins = new Set<string>();
  for (const { origin, header } of sections) {
    demand(origin !== null && header !== null && first.header !== null, 'pack-damaged', 'own section among others');
    demand(header.kind === first.header.kind, 'pack-damaged', 'kinds mixed');
    demand(equalBytes(header.safe, first.header.safe), 'pack-damaged', 'safes mixed');
    origins.add(toHex(origin));
  }
  demand(origins.size === sections.length, 'pack-damaged', 'origin twice');
}

function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}
