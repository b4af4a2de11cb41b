/*
 * Packs of a safe as files: which are there, and the ends of one (header and tail) without the blobs between.
 */

import {
  FormatError,
  packHeaderBytesMax,
  packHeaderFixedBytes,
  packName,
  packTailBytes,
  packTrailerBytes,
  verifyPackEnds,
} from '@twinvault/format';
import type { PackHeader, PackName, PackTable } from '@twinvault/format';
import { KiB, primitives } from '@twinvault/std';
import type { OpenFile } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import { bytesOfName } from '../store/layout.ts';
import { PackNumbers } from './pack-numbers.ts';

/** Table and trailer normally lie in the last so many bytes. */
const tailGuessBytes: number = 64 * KiB;

/** Names of the packs that are there, hexadecimal; quarantined ones too, those kept aside as damaged not. */
export async function packNames(objects: SafeObjects): Promise<Set<string>> {
  const names = new Set<string>();
  await eachName(objects, (place) => names.add(place.slice(hexOffset)));
  return names;
}

/** The same in less memory, for what looks at every pack. */
export async function packNumbers(objects: SafeObjects): Promise<PackNumbers> {
  const names = new PackNumbers();
  await eachName(objects, (place) => names.numberOfHex(place, hexOffset));
  return names;
}

/** Below `packs/`: two digits, "/", the name. */
const packPlace = /^([0-9a-f]{2})\/\1[0-9a-f]{62}$/;
const hexOffset = 3;

async function eachName({ store, layout, turns }: SafeObjects, found: (place: string) => void): Promise<void> {
  for (const [index, place] of (await store.listDeep(layout.inFolder('packs'))).entries()) {
    if (packPlace.test(place)) found(place);
    if (turns?.dueAt(index) === true) await turns.take();
  }
}

export function packNameOfHex(hex: string): PackName {
  return packName(bytesOfName(hex, 32) ?? new Uint8Array(0));
}

export interface PackEnds {
  /** The pack's header as stored. */
  readonly headerBytes: Uint8Array;
  readonly tail: Uint8Array;
  readonly header: PackHeader;
  readonly table: PackTable;
  readonly packBytes: number;
}

/** Reads and verifies all of a pack but its blobs. Null when it is not there; codes of format when it is damaged. `place`: where it lies, if not among the packs. */
export async function readPackEnds(
  context: SafeObjects,
  hex: string,
  place: string = context.layout.pack(hex),
): Promise<PackEnds | null> {
  await using file = await context.store.open(place);
  if (file === null) return null;
  const { sizeBytes } = file;
  const headerBytes = await file.read(0, Math.min(packHeaderBytesMax, sizeBytes));
  const tail = await readTail(file);
  const { header, table } = verifyPackEnds(packNameOfHex(hex), { headerBytes, tail }, { safe: context.safe });
  if (table.packBytes !== sizeBytes)
    throw new FormatError('pack-damaged', { context: { defect: 'size of the file', sizeBytes } });
  return {
    headerBytes: headerBytes.slice(0, packHeaderFixedBytes + header.kem.length),
    tail,
    header,
    table,
    packBytes: sizeBytes,
  };
}

async function readTail(file: OpenFile): Promise<Uint8Array> {
  const { sizeBytes } = file;
  const guessBytes = Math.min(tailGuessBytes, sizeBytes);
  const guess = await file.read(sizeBytes - guessBytes, guessBytes);
  const tailBytes = packTailBytes(guess.subarray(Math.max(0, guess.length - packTrailerBytes)));
  if (tailBytes <= guess.length) return guess.slice(guess.length - tailBytes);
  if (tailBytes > sizeBytes) return guess;
  return file.read(sizeBytes - tailBytes, tailBytes);
}

/** What names the session that made a pack: SHA-256 of its KEM ciphertext; of no bytes for state packs. */
export function sessionNameOf(header: PackHeader): Uint8Array {
  return primitives.sha256(header.kem);
}
