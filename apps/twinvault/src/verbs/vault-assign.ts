/** `twinvault vault assign`: which customer a safe belongs to. */
import { toHex } from '@twinvault/std';
import type { VerbContext } from '../wiring/context.ts';
import { openOperated } from '../wiring/open-operated.ts';
import { findSafe } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';

export interface VaultAssignOptions extends VaultOptions {
  readonly safe: string;
  readonly customer: string;
}

export async function vaultAssign(context: VerbContext, options: VaultAssignOptions): Promise<void> {
  await using vault = await openOperated(context, options);
  const { safe, label, customer: before } = await findSafe(vault, options.safe);
  await vault.assignCustomer(safe, options.customer);
  const { customer } = options;
  const lines = [`The safe "${label}" (${toHex(safe)}) belongs to "${customer}" from now on.`];
  if (before !== undefined && before !== customer && before !== toHex(safe)) lines.push(`Until now it belonged to "${before}".`);
  context.output.result({ safe: toHex(safe), customer, ...(before === undefined ? {} : { before }) }, lines);
}
