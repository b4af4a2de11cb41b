/** `twinvault vault safes`: the safes of a site, and whose they are. */
import { ProtocolError } from '@twinvault/protocol';
import type { SafeSummary } from '@twinvault/protocol';
import { toHex, utf8Encode } from '@twinvault/std';
import { formatTable, printableName } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';

export interface VaultSafesOptions extends VaultOptions {
  readonly customer?: string;
}

export async function vaultSafes(context: VerbContext, options: VaultSafesOptions): Promise<void> {
  await using vault = await openVault(context, options);
  const all = await vault.safes();
  if (all.some(({ customer }) => customer === undefined))
    throw new ProtocolError('verb-denied', { context: { verb: 'operate' } });
  const safes = options.customer === undefined ? all : all.filter(({ customer }) => customer === options.customer);
  context.output.result(
    {
      safes: safes.map((safe) => ({
        safe: toHex(safe.safe),
        label: safe.label,
        customer: safe.customer ?? '',
        ...(safe.home === undefined ? {} : { home: toHex(safe.home) }),
        erased: safe.erased === true,
      })),
    },
    linesOf(safes, options.customer),
  );
}

function linesOf(safes: readonly SafeSummary[], customer: string | undefined): string[] {
  if (safes.length === 0)
    return [customer === undefined ? 'There is no safe here that the token may list.' : `No safe here belongs to "${customer}".`];
  const columns = ['Safe', 'Label', 'Customer', ''].map((title) => ({ title }));
  const rows = safes.map(({ safe, label, customer: own, erased }) => [
    toHex(safe),
    printableName(utf8Encode(label)),
    own === undefined || own === toHex(safe) ? '(its own)' : printableName(utf8Encode(own)),
    erased === true ? 'erased' : '',
  ]);
  return formatTable(columns, rows);
}
