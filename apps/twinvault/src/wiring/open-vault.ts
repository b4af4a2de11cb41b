/** From --vault and --safe to an open vault and safe. */
import { resolve } from 'node:path';
import { CodedError, toHex } from '@twinvault/std';
import type { SafeSummary, Vault, VaultSafe } from '@twinvault/protocol';
import type { SiteVault, DirectoryVaultOptions } from '@twinvault/vault';
import { createDirectoryVault, openDirectoryVault } from '@twinvault/vault';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from './context.ts';

export function vaultPath(address: string): string {
  if (/^https?:\/\//iu.test(address)) {
    throw new UsageError(`${address} is a web address. This version works with vaults in a directory: give its path.`);
  }
  return resolve(address);
}

function vaultOptions(context: VerbContext, address: string): DirectoryVaultOptions {
  return { path: vaultPath(address), platform: context.platform };
}

export async function openVault(context: VerbContext, address: string): Promise<SiteVault> {
  return openDirectoryVault(vaultOptions(context, address));
}

/** A missing or empty directory becomes a vault. */
export async function openOrCreateVault(context: VerbContext, address: string): Promise<SiteVault> {
  try {
    return await openVault(context, address);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'vault-missing') throw error;
    return createDirectoryVault(vaultOptions(context, address));
  }
}

/** The safe with this label or id. */
export async function findSafe(vault: Vault, name: string): Promise<SafeSummary> {
  const safes = await vault.safes();
  const found = safes.filter((safe) => safe.label === name || toHex(safe.safe) === name.toLowerCase());
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
