/*
 * What makes a directory a vault: the marker, the site's key and its generation. Files written in this order: key, generation,
 * marker; a directory without the marker is no vault, whatever else lies there.
 *
 * The marker holds the site's public key, so that whoever may read the vault but not the key can check receipts.
 */

import { siteId } from '@twinvault/format';
import type { Sign, SiteId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { equalBytes, KiB, primitives, Prng, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import type { Clock, Files, Random } from '@twinvault/std';
import { isTemporaryName } from '../store/object-store.ts';
import { bytesOfName, generationName, markerName, reserveName, siteKeyName } from '../store/layout.ts';
import { decodeNote, encodeNote, noteBytesMax, noteNumber, noteText } from '../store/notes.ts';

const vaultFormat = 1;
/** What a file system or an earlier, broken-off creation may have put into the directory. */
const harmlessEntries: ReadonlySet<string> = new Set(['site', 'lost+found']);

export interface Marker {
  readonly site: SiteId;
  /** Ed25519. */
  readonly publicKey: Uint8Array;
  readonly createdMs: number;
}

export interface SitePorts {
  readonly files: Files;
  readonly random: Random;
  readonly clock: Clock;
}

/** Makes the directory if needed and puts the three files down; fine when a vault is there. `vault-foreign`. */
export async function createSite({ files, random, clock }: SitePorts, root: string): Promise<void> {
  const stat = await files.stat(`${root}/${markerName}`);
  if (stat !== null) return;
  for (const { name } of await files.list(root)) {
    if (!harmlessEntries.has(name) && !isTemporaryName(name))
      throw new ProtocolError('vault-foreign', { context: { localPath: root } });
  }
  await files.makeDirectory(`${root}/site`);
  await files.create(`${root}/${siteKeyName}`, [random.bytes(32)], { mode: 0o600 });
  await files.create(`${root}/${generationName}`, [generationBytesOf(random.bytes(16))]);
  await fillReserve(files, root);
  const seed = await readSeed(files, root);
  const marker = {
    twinvault: 'vault',
    format: vaultFormat,
    site: toHex(random.bytes(16)),
    key: toHex(primitives.ed25519PublicKey(seed)),
    created: clock.nowMs(),
  };
  await files.create(`${root}/${markerName}`, [encodeNote(marker)]);
}

const reserveBytes: number = 256 * KiB;

/** Puts the reserve there unless it is. Its bytes mean nothing, but must not be such that a file system could compress them. */
export async function fillReserve(files: Files, root: string): Promise<void> {
  if ((await files.stat(`${root}/${reserveName}`)) !== null) return;
  await files.create(`${root}/${reserveName}`, [new Prng('reserve').bytes(reserveBytes)]);
}

/** `vault-missing`, `vault-foreign`, `vault-newer`, `vault-damaged`. */
export async function readMarker(files: Files, root: string): Promise<Marker> {
  const bytes = await files.read(`${root}/${markerName}`, noteBytesMax);
  if (bytes === null) {
    const there = (await files.list(root)).filter(({ name }) => !harmlessEntries.has(name) && !isTemporaryName(name));
    throw new ProtocolError(there.length === 0 ? 'vault-missing' : 'vault-foreign', { context: { localPath: root } });
  }
  const format = formatOf(bytes);
  if (format !== null && format > vaultFormat) throw new ProtocolError('vault-newer', { context: { format } });
  const note = decodeNote(bytes);
  const site = bytesOfName((note && noteText(note, 'site')) ?? '', 16);
  const publicKey = bytesOfName((note && noteText(note, 'key')) ?? '', 32);
  const createdMs = note && noteNumber(note, 'created');
  if (format === null || site === null || publicKey === null || createdMs === null) throw damaged(markerName);
  return { site: siteId(site), publicKey, createdMs };
}

/** Read leniently: a newer program may have changed everything else about the marker. */
function formatOf(bytes: Uint8Array): number | null {
  try {
    const value = JSON.parse(utf8Decode(bytes) ?? '') as { twinvault?: unknown; format?: unknown } | null;
    return value?.twinvault === 'vault' && typeof value.format === 'number' ? value.format : null;
  } catch {
    return null;
  }
}

async function readSeed(files: Files, root: string): Promise<Uint8Array> {
  const seed = await files.read(`${root}/${siteKeyName}`, 32);
  if (seed?.length !== 32) throw damaged(siteKeyName);
  return seed;
}

/** Signs as the site; `vault-damaged` when the key is not the one that the marker names. */
export async function siteSigner(files: Files, root: string, marker: Marker): Promise<Sign> {
  const seed = await readSeed(files, root);
  if (!equalBytes(primitives.ed25519PublicKey(seed), marker.publicKey)) throw damaged(siteKeyName);
  return (message) => primitives.ed25519Sign(seed, message);
}

/** The generation, 32 hexadecimal digits; a space and 8 digits of its SHA-256 follow in the file. */
function generationBytesOf(generation: Uint8Array): Uint8Array {
  const check = primitives.sha256(generation).subarray(0, 4);
  return utf8Encode(`${toHex(generation)} ${toHex(check)}\n`);
}

/** 16 bytes; `vault-damaged`. */
export async function readGeneration(files: Files, root: string): Promise<Uint8Array> {
  const bytes = await files.read(`${root}/${generationName}`, 64);
  const generation = bytes === null ? null : bytesOfName((utf8Decode(bytes) ?? '').slice(0, 32), 16);
  if (bytes === null || generation === null || !equalBytes(generationBytesOf(generation), bytes)) throw damaged(generationName);
  return generation;
}

export async function writeGeneration(files: Files, root: string, generation: Uint8Array): Promise<void> {
  await files.replace(`${root}/${generationName}`, [generationBytesOf(generation)]);
}

function damaged(object: string): ProtocolError {
  return new ProtocolError('vault-damaged', { context: { object } });
}
