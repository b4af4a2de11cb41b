/*
 * The manifest of a seed disk (`TVSM`), docs/format/seed.md: what is signed of the list of its objects. With it the seed is complete.
 */

import { equalBytes, primitives } from '@twinvault/std';
import { demand } from './errors.ts';
import { Fields } from './fields.ts';
import { safeId } from './ids.ts';
import type { SafeId } from './ids.ts';
import { digestBytes, seedListBytesMax, signedBytesMax } from './limits.ts';
import { encodeSigned, parseSigned } from './objects.ts';
import type { Sign } from './objects.ts';
import type { SignedBy } from './receipt.ts';
import { parseSeedList } from './seed-list.ts';
import type { SeedObject } from './seed-list.ts';

/** `load`: to a site. `restore`: to whoever opens the safe. */
export const seedPurposes = ['load', 'restore'] as const;
export type SeedPurpose = (typeof seedPurposes)[number];

export interface SeedManifest {
  readonly safe: SafeId;
  readonly purpose: SeedPurpose;
  /** 16 bytes: of a load the certificate, of a restore the site on the disk, whose key signed. */
  readonly maker: Uint8Array;
  readonly createdMs: number;
  /** SHA-256 of the list. */
  readonly digest: Uint8Array;
  readonly listBytes: number;
  readonly objects: number;
  readonly records: number;
  /** Sum of the stored sizes of all objects. */
  readonly bytes: number;
}

export interface SeedFacts extends Pick<SeedManifest, 'safe' | 'purpose' | 'maker' | 'createdMs'> {
  /** Encoded. */
  readonly list: Uint8Array;
}

/** `sign` signs with the maker's key. Throws as parseSeedList does for what is no list. */
export function encodeSeedManifest({ list, safe, purpose, maker, createdMs }: SeedFacts, sign: Sign): Uint8Array {
  const { objects, records, bytes } = countsOf(parseSeedList(list));
  const body = {
    bytes,
    created: createdMs,
    digest: primitives.sha256(list),
    list: list.length,
    maker,
    objects,
    purpose,
    records,
    safe,
  };
  const encoded = encodeSigned('seed', body, sign);
  parseSeedManifest(encoded);
  return encoded;
}

/** Form alone: whose the signature has to be depends on the purpose. */
export function parseSeedManifest(bytes: Uint8Array): SeedManifest & SignedBy {
  const object = parseSigned('seed', bytes, signedBytesMax);
  const fields = new Fields(object.body, 'object-invalid');
  const manifest = {
    safe: safeId(fields.bytes('safe', 16)),
    purpose: fields.oneOf('purpose', seedPurposes),
    maker: fields.bytes('maker', 16),
    createdMs: fields.uint('created'),
    digest: fields.bytes('digest', digestBytes),
    listBytes: fields.uint('list', seedListBytesMax),
    objects: fields.uint('objects'),
    records: fields.uint('records'),
    bytes: fields.uint('bytes'),
    object,
  };
  fields.end();
  return manifest;
}

/** The objects of the manifest's list; `object-invalid` for another list, or counts that are not its own. */
export function seedObjects(manifest: SeedManifest, list: Uint8Array): readonly SeedObject[] {
  const isOwn = list.length === manifest.listBytes && equalBytes(primitives.sha256(list), manifest.digest);
  demand(isOwn, 'object-invalid', 'list of another manifest');
  const parsed = parseSeedList(list);
  const { objects, records, bytes } = countsOf(parsed);
  const fits = objects === manifest.objects && records === manifest.records && bytes === manifest.bytes;
  demand(fits, 'object-invalid', 'counts of a list');
  return parsed;
}

function countsOf(list: readonly SeedObject[]): Pick<SeedManifest, 'objects' | 'records' | 'bytes'> {
  return {
    objects: list.length,
    records: list.filter(({ kind }) => kind === 'record').length,
    bytes: list.reduce((sum, object) => sum + object.bytes, 0),
  };
}
