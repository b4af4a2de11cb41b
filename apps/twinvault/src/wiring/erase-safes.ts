/** The safes that two operators have erased: those that were named, or all of a customer. */
import { replayPinned } from '@twinvault/seal';
import type { Ledger } from '@twinvault/format';
import type { SafeSummary, Vault, VaultSafe } from '@twinvault/protocol';
import { equalBytes } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { findSafe } from './open-vault.ts';

export interface ChosenSafes {
  readonly safe?: readonly string[] | undefined;
  readonly customer?: string | undefined;
}

export interface Choosing extends ChosenSafes {
  /** Erased ones of a customer too. */
  readonly erased?: boolean;
}

/** Each once. Usage errors when none or both ways are given, and of exit `missing` when there is none. */
export async function chosenSafes(vault: Vault, { safe: names, customer, erased = false }: Choosing): Promise<SafeSummary[]> {
  if ((names === undefined) === (customer === undefined))
    throw new UsageError('Name safes with --safe, which may be repeated, or all of a customer with --customer.');
  if (customer !== undefined) return customerSafes(vault, customer, { erased });
  const found: SafeSummary[] = [];
  for (const name of names ?? []) {
    const safe = await findSafe(vault, name);
    if (!found.some((other) => equalBytes(other.safe, safe.safe))) found.push(safe);
  }
  return found;
}

/** Whose they are is the site's word. */
export async function customerSafes(
  vault: Vault,
  customer: string,
  { erased = false }: { readonly erased?: boolean } = {},
): Promise<SafeSummary[]> {
  const safes = await vault.safes();
  if (safes.length > 0 && safes.every((safe) => safe.customer === undefined))
    throw new UsageError('This site does not say whose the safes are: it tells that to a token with the verb operate alone.');
  const theirs = safes.filter((safe) => safe.customer === customer && (erased || safe.erased !== true));
  if (theirs.length > 0) return theirs;
  throw new UsageError(`The site keeps no safe of a customer "${customer}".`, 'missing');
}

export async function ledgerOf(safe: VaultSafe): Promise<Ledger> {
  return replayPinned({ descriptor: await safe.descriptor(), ledger: await safe.ledger(1) });
}
