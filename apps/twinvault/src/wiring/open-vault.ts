/** From --vault and --safe to an open vault and safe. */
import { resolve } from 'node:path';
import { CodedError, toHex } from '@twinvault/std';
import type { SafeSummary, Vault, VaultSafe } from '@twinvault/protocol';
import type { DirectoryVaultOptions } from '@twinvault/vault';
import { createDirectoryVault, openDirectoryVault } from '@twinvault/vault';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from './context.ts';
import { isAddress, openRemote } from './open-remote.ts';
import type { VaultOptions } from './open-remote.ts';
import { openSites } from './open-sites.ts';
import { placesOf } from './vault-places.ts';

export type { VaultOptions };

function directoryOptions(context: VerbContext, { vault }: VaultOptions): DirectoryVaultOptions {
  return { path: resolve(vault), platform: context.platform };
}

/** A directory, a site far away, or two of these as one. */
export async function openVault(context: VerbContext, options: VaultOptions): Promise<Vault> {
  if (placesOf(options.vault).length > 1) return await openSites(context, options);
  return isAddress(options.vault) ? openRemote(context, options) : openDirectoryVault(directoryOptions(context, options));
}

/** A missing or empty directory becomes a vault; of two places, each. */
export async function openOrCreateVault(context: VerbContext, options: VaultOptions): Promise<Vault> {
  const places = placesOf(options.vault);
  if (places.length > 1) {
    for (const vault of places) if (!isAddress(vault)) await (await openOrCreateVault(context, { vault }))[Symbol.asyncDispose]();
    return await openSites(context, options);
  }
  try {
    return await openVault(context, options);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'vault-missing' || isAddress(options.vault)) throw error;
    return createDirectoryVault(directoryOptions(context, options));
  }
}

/** The safe with this label or id. */
export async function findSafe(vault: Vault, name: string): Promise<SafeSummary> {
  const safes = await vault.safes();
  const named = safes.filter((safe) => safe.label === name || toHex(safe.safe) === name.toLowerCase());
  // The label of an erased safe is free.
  const standing = named.filter(({ erased }) => erased !== true);
  const found = standing.length > 0 ? standing : named;
  const [only, second] = found;
  if (only === undefined) {
    const known = safes.map((safe) => `"${safe.label}"`).join(', ');
    throw new UsageError(
      `There is no safe "${name}" in this vault. ${known === '' ? 'It holds none yet: twinvault init makes one.' : `It holds ${known}.`}`,
      'missing',
    );
  }
  if (second !== undefined) {
    throw new UsageError(
      `Several safes are called "${name}". Give the id instead: ${found.map((safe) => toHex(safe.safe)).join(', ')}.`,
    );
  }
  return only;
}

export interface FoundSafe {
  readonly label: string;
  readonly safe: VaultSafe;
}

export async function openNamedSafe(vault: Vault, name: string): Promise<FoundSafe> {
  const summary = await findSafe(vault, name);
  return { label: summary.label, safe: await vault.openSafe(summary.safe) };
}
