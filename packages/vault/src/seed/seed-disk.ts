/*
 * A seed disk, docs/format/seed.md: a vault in a directory, and for each safe the list of what belongs to the seed with its signed manifest.
 *
 * Invariant: the manifest is written after all that it names is durable, so a safe with a manifest is complete on the disk unless the disk has
 * lost something since.
 */

import {
  FormatError,
  parseSeedManifest,
  safeIdFromHex,
  seedListBytesMax,
  seedObjects,
  seedPurposes,
  signedBytesMax,
} from '@twinvault/format';
import type { SafeId, SeedManifest, SeedObject, SeedPurpose, SignedBy } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { toHex, utf8Decode } from '@twinvault/std';
import type { Files } from '@twinvault/std';
import { createDirectoryVault, openDirectoryVault } from '../directory-vault.ts';
import type { DirectoryPorts } from '../directory-vault.ts';
import { VaultError } from '../errors.ts';
import type { SiteVault } from '../site-vault.ts';
import { decodeNote, encodeNote, noteBytesMax, noteText } from '../store/notes.ts';
import { vaultFiles } from '../store/vault-files.ts';

export interface SeedDiskOptions {
  /** Absolute: where the disk is mounted, or a folder on it. */
  readonly path: string;
  readonly platform: DirectoryPorts;
}

export interface SeedContents {
  readonly manifest: SeedManifest & SignedBy;
  readonly objects: readonly SeedObject[];
}

const seedFormat = 1;

/** Makes the place a seed disk, beside whatever else lies there; fine when it is one of this purpose. `seed-purpose`, and what openSeedDisk throws. */
export function createSeedDisk(options: SeedDiskOptions, purpose: SeedPurpose): Promise<SeedDisk> {
  const { path, platform } = options;
  const files = vaultFiles(platform.files);
  return onDisk(path, async () => {
    const marked = await readMarker(options);
    if (marked !== null && marked !== purpose)
      throw new VaultError('seed-purpose', { context: { localPath: path, purpose: marked } });
    const vault = await createDirectoryVault({ path: `${path}/vault`, platform });
    await files.makeDirectory(`${path}/manifests`);
    const note = { twinvault: 'seed', format: seedFormat, purpose, created: platform.clock.nowMs() };
    if (marked === null) await files.create(markerPath(path), [encodeNote(note)]);
    return new SeedDisk(options, { purpose, vault });
  });
}

/** `seed-missing`, `seed-damaged`, `seed-newer`, `seed-away`; what openDirectoryVault throws. */
export function openSeedDisk(options: SeedDiskOptions): Promise<SeedDisk> {
  const { path, platform } = options;
  return onDisk(path, async () => {
    const purpose = await readMarker(options);
    if (purpose === null) throw new VaultError('seed-missing', { context: { localPath: path } });
    const vault = await openDirectoryVault({ path: `${path}/vault`, platform });
    return new SeedDisk(options, { purpose, vault });
  });
}

export class SeedDisk implements AsyncDisposable {
  readonly path: string;
  readonly purpose: SeedPurpose;
  /** Its site id is the disk's. */
  readonly vault: SiteVault;
  readonly #files: Files;

  /** Only createSeedDisk and openSeedDisk make one. */
  constructor(
    { path, platform }: SeedDiskOptions,
    { purpose, vault }: { readonly purpose: SeedPurpose; readonly vault: SiteVault },
  ) {
    this.path = path;
    this.purpose = purpose;
    this.vault = vault;
    this.#files = vaultFiles(platform.files);
  }

  /** Safes of which the seed is complete, sorted. */
  safes(): Promise<readonly SafeId[]> {
    return onDisk(this.path, async () => {
      const names = (await this.#files.list(`${this.path}/manifests`)).map(
        ({ name }) => /^([0-9a-f]{32})\.manifest$/u.exec(name)?.[1],
      );
      return names
        .filter((name) => name !== undefined)
        .sort()
        .map(safeIdFromHex);
    });
  }

  /** By its manifest, whose signature the caller judges. `seed-unfinished` without one, `seed-damaged`. */
  contents(safe: SafeId): Promise<SeedContents> {
    return onDisk(this.path, async () => {
      const place = this.#place(safe);
      const bytes = await this.#files.read(`${place}.manifest`, signedBytesMax);
      if (bytes === null) throw new VaultError('seed-unfinished', { context: { localPath: this.path, safe: toHex(safe) } });
      const list = await this.#files.read(`${place}.list`, seedListBytesMax);
      return this.#parsed(() => {
        const manifest = parseSeedManifest(bytes);
        if (toHex(manifest.safe) !== toHex(safe) || manifest.purpose !== this.purpose)
          throw new FormatError('object-invalid', { context: { defect: 'manifest of another seed' } });
        return { manifest, objects: seedObjects(manifest, list ?? new Uint8Array(0)) };
      });
    });
  }

  /** The seed of the safe is complete with it: what the list names is durable. */
  finish(safe: SafeId, { list, manifest }: { readonly list: Uint8Array; readonly manifest: Uint8Array }): Promise<void> {
    return onDisk(this.path, async () => {
      const place = this.#place(safe);
      // A list without its manifest is not complete; one with the manifest of another list would be damaged.
      await this.#files.remove(`${place}.manifest`);
      await this.#files.replace(`${place}.list`, [list]);
      await this.#files.replace(`${place}.manifest`, [manifest]);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.vault[Symbol.asyncDispose]();
  }

  #place(safe: SafeId): string {
    return `${this.path}/manifests/${toHex(safe)}`;
  }

  #parsed<T>(parse: () => T): T {
    try {
      return parse();
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      if (cause.code === 'version-unknown') throw new VaultError('seed-newer', { context: { localPath: this.path }, cause });
      const defect = String(cause.context['defect'] ?? cause.code);
      throw new VaultError('seed-damaged', { context: { localPath: this.path, defect }, cause });
    }
  }
}

function markerPath(path: string): string {
  return `${path}/twinvault-seed.json`;
}

/** Null where there is none. */
async function readMarker({ path, platform }: SeedDiskOptions): Promise<SeedPurpose | null> {
  const bytes = await vaultFiles(platform.files).read(markerPath(path), noteBytesMax);
  if (bytes === null) return null;
  const format = formatOf(bytes);
  if (format !== null && format > seedFormat) throw new VaultError('seed-newer', { context: { localPath: path, format } });
  const note = decodeNote(bytes);
  const named = note === null || noteText(note, 'twinvault') !== 'seed' ? null : noteText(note, 'purpose');
  const purpose = seedPurposes.find((known) => known === named);
  if (format === null || purpose === undefined)
    throw new VaultError('seed-damaged', { context: { localPath: path, defect: 'twinvault-seed.json' } });
  return purpose;
}

/** Read leniently: a newer program may have changed everything else about the marker. */
function formatOf(bytes: Uint8Array): number | null {
  try {
    const value = JSON.parse(utf8Decode(bytes) ?? '') as { twinvault?: unknown; format?: unknown } | null;
    return value?.twinvault === 'seed' && typeof value.format === 'number' ? value.format : null;
  } catch {
    return null;
  }
}

const awayCodes: ReadonlySet<string> = new Set(['vault-failed', 'vault-missing']);

/** What goes wrong with the disk under codes that say so; the rest as it is. For work whose vault is the disk's. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    if (cause.code === 'vault-full') throw new VaultError('seed-full', { context: { localPath: path }, cause });
    if (!awayCodes.has(cause.code)) throw cause;
    const { reason = '' } = cause.context;
    throw new VaultError('seed-away', { context: { localPath: path, reason }, cause });
  }
}
