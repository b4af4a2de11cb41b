/*
 * What makes a store a vault: the marker, the site's key and its generation. Put in this order: key, generation, marker; a store
 * without the marker is no vault, whatever else lies there.
 *
 * The marker holds the site's public key, so that whoever may read the vault but not the key can check receipts.
 */

import { siteId } from '@twinvault/format';
import type { Sign, SiteId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { equalBytes, primitives, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import type { Clock, Random } from '@twinvault/std';
import { bytesOfName, generationName, markerName, siteKeyName } from '../store/layout.ts';
import { decodeNote, encodeNote, noteBytesMax, noteNumber, noteText } from '../store/notes.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Reserve } from './reserve.ts';
import type { SiteKey } from './site-key.ts';

const vaultFormat = 1;
/** What a file system or an earlier, broken-off creation may have put into the directory. */
const harmlessEntries: ReadonlySet<string> = new Set(['site', 'lost+found']);

export interface Marker {
  readonly site: SiteId;
  /** Ed25519. */
  readonly publicKey: Uint8Array;
  readonly createdMs: number;
}

export interface SiteParts {
  readonly store: ObjectStore;
  readonly key: SiteKey;
  /** Null where nothing can be kept free. */
  readonly reserve: Reserve | null;
}

/** Puts the three down; fine when a vault is there. `vault-foreign`. */
export async function createSite(
  { store, key, reserve }: SiteParts,
  { random, clock }: { readonly random: Random; readonly clock: Clock },
): Promise<void> {
  if ((await store.stat(markerName)) !== null) return;
  if ((await foreignEntries(store)).length > 0) throw new ProtocolError('vault-foreign');
  await key.create(random.bytes(32));
  await store.put(generationName, [generationBytesOf(random.bytes(16))]);
  await reserve?.fill();
  const marker = {
    twinvault: 'vault',
    format: vaultFormat,
    site: toHex(random.bytes(16)),
    key: toHex(primitives.ed25519PublicKey(await readSeed(key))),
    created: clock.nowMs(),
  };
  await store.put(markerName, [encodeNote(marker)]);
}

async function foreignEntries(store: ObjectStore): Promise<string[]> {
  return (await store.entries('')).filter((name) => !harmlessEntries.has(name));
}

/** `vault-missing`, `vault-foreign`, `vault-newer`, `vault-damaged`. */
export async function readMarker(store: ObjectStore): Promise<Marker> {
  const bytes = await store.get(markerName, noteBytesMax);
  if (bytes === null) {
    throw new ProtocolError((await foreignEntries(store)).length === 0 ? 'vault-missing' : 'vault-foreign');
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

async function readSeed(key: SiteKey): Promise<Uint8Array> {
  const seed = await key.read();
  if (seed === null) throw damaged(siteKeyName);
  return seed;
}

/** Signs as the site; `vault-damaged` when the key is not the one that the marker names. */
export async function siteSigner(key: SiteKey, marker: Marker): Promise<Sign> {
  const seed = await readSeed(key);
  if (!equalBytes(primitives.ed25519PublicKey(seed), marker.publicKey)) throw damaged(siteKeyName);
  return (message) => primitives.ed25519Sign(seed, message);
}

/** The generation, 32 hexadecimal digits; a space and 8 digits of its SHA-256 follow in the object. */
function generationBytesOf(generation: Uint8Array): Uint8Array {
  const check = primitives.sha256(generation).subarray(0, 4);
  return utf8Encode(`${toHex(generation)} ${toHex(check)}\n`);
}

/** 16 bytes; `vault-damaged`. */
export async function readGeneration(store: ObjectStore): Promise<Uint8Array> {
  const bytes = await store.get(generationName, 64);
  const generation = bytes === null ? null : bytesOfName((utf8Decode(bytes) ?? '').slice(0, 32), 16);
  if (bytes === null || generation === null || !equalBytes(generationBytesOf(generation), bytes)) throw damaged(generationName);
  return generation;
}

export async function writeGeneration(store: ObjectStore, generation: Uint8Array): Promise<void> {
  await store.replace(generationName, [generationBytesOf(generation)]);
}

function damaged(object: string): ProtocolError {
  return new ProtocolError('vault-damaged', { context: { object } });
}
