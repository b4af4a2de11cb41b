/*
 * Names of everything in a vault's directory, docs/format/directory-vault.md. All are relative to the vault's root and use "/".
 */

import type { PackName, RecordDigest, SafeId } from '@twinvault/format';
import { fromHex, toHex } from '@twinvault/std';

export const markerName = 'twinvault-vault.json';
export const siteKeyName = 'site/key';
export const generationName = 'site/generation';
/** Room for clean-up on a full disk; nothing reads it. */
export const reserveName = 'site/reserve';
/** Note: the sites that keep the same safes. */
export const twinsName = 'site/twins';
/** Notes, each named by an age of at least which everything is when it goes. */
export const minimumAgesFolder = 'site/minimum-age';
/** Note: a name that the site's database knows too, while both are of the same time. */
export const lifeName = 'site/life';
export const safesFolder = 'safes';
export const cacheFolder = 'cache';

/** Ten decimal digits. */
export function ledgerEntryName(number: number): string {
  return String(number).padStart(10, '0');
}

/** Null unless the text is a name that `toHex` gives for so many bytes. */
export function bytesOfName(name: string, lengthBytes: number): Uint8Array | null {
  return name.length === 2 * lengthBytes && /^[0-9a-f]+$/.test(name) ? fromHex(name) : null;
}

const digestName = /^[0-9a-f]{64}$/;

/** Whether the text is the name of a pack or another object that a digest names. */
export function isDigestName(name: string): boolean {
  return digestName.test(name);
}

/** Places of one safe. */
export class SafeLayout {
  readonly safeHex: string;
  readonly folder: string;

  constructor(safe: SafeId) {
    this.safeHex = toHex(safe);
    this.folder = `${safesFolder}/${this.safeHex}`;
  }

  get descriptor(): string {
    return `${this.folder}/descriptor`;
  }

  inFolder(folder: SafeFolder, name?: string): string {
    return name === undefined ? `${this.folder}/${folder}` : `${this.folder}/${folder}/${name}`;
  }

  pack(name: PackName | string): string {
    const hex = typeof name === 'string' ? name : toHex(name);
    return `${this.folder}/packs/${hex.slice(0, 2)}/${hex}`;
  }

  record(digest: RecordDigest | string): string {
    return this.inFolder('records', typeof digest === 'string' ? digest : toHex(digest));
  }

  receipt(digest: RecordDigest | string): string {
    return this.inFolder('receipts', typeof digest === 'string' ? digest : toHex(digest));
  }

  /** Note: this site took the safe from another. */
  get follows(): string {
    return `${this.folder}/follows`;
  }

  /** Note: whose share of the site it uses. */
  get customer(): string {
    return `${this.folder}/customer`;
  }

  get twins(): string {
    return `${this.folder}/twins`;
  }

  /** What a twin said of records, and which erase orders it has; `site` hexadecimal; without a digest the folder. */
  twin(site: string, folder: 'receipts' | 'tombstones' | 'erases', digest?: string): string {
    const place = `${this.folder}/twins/${site}/${folder}`;
    return digest === undefined ? place : `${place}/${digest}`;
  }

  /** Note: how far a twin's feed was taken in. */
  twinProgress(site: string): string {
    return `${this.folder}/twins/${site}/read`;
  }

  /** Note: when clean-up ran last, by both clocks. */
  get cleaned(): string {
    return `${this.folder}/cleaned`;
  }

  /** Of this safe in the cache. */
  get cache(): string {
    return `${cacheFolder}/${this.safeHex}`;
  }

  get index(): string {
    return `${this.cache}/index`;
  }

  get refs(): string {
    return `${this.cache}/refs`;
  }
}

export const safeFolders = [
  'slots',
  'ledger',
  'packs',
  'records',
  'receipts',
  'stubs',
  'committing',
  'plans',
  'quarantine',
  'leases',
  'locks',
  'damaged',
  'erases',
  'lost',
  'erased',
] as const;
export type SafeFolder = (typeof safeFolders)[number];
