/** `twinvault safe agents`: which computers may write. */
import { equalBytes, toHex } from '@twinvault/std';
import { formatTable } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { safeState, seenLedger } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { reuseNames } from '../wiring/reuse.ts';

export interface SafeOptions extends VaultOptions {
  readonly safe: string;
  readonly state?: string | undefined;
}

export async function safeAgents(context: VerbContext, options: SafeOptions): Promise<void> {
  await using vault = await openVault(context, options);
  const { label, safe } = await openNamedSafe(vault, options.safe);
  const ledger = await seenLedger(context, safe, options.state);
  using state = safeState(context, options.state, safe.safe);
  const own = await state.agentKeys();
  const reuse = own === null ? null : (await state.settings()).reuse;
  const agents = ledger.certificates().map((certificate) => ({
    certificate: toHex(certificate.id),
    computer: toHex(certificate.computer),
    name: certificate.name,
    revoked: ledger.revocationOf(certificate.id) !== null,
    ...(own !== null && reuse !== null && equalBytes(certificate.id, own.certificate) ? { here: true as const, reuse } : {}),
  }));
  const lines = formatTable(
    [{ title: 'Computer' }, { title: 'Certificate' }, { title: 'State' }],
    agents.map((agent) => [agent.name, agent.certificate, stateOf(agent)]),
  );
  context.output.result({ safe: toHex(safe.safe), label, agents }, [
    ...(agents.length === 0 ? ['No computer is enrolled.'] : lines),
    ...(reuse === null ? [] : ['', `This computer uses again ${reuseNames[reuse]} (safe reuse).`]),
  ]);
}

function stateOf({ revoked, here }: { readonly revoked: boolean; readonly here?: true }): string {
  return `${revoked ? 'revoked' : 'may write'}${here === true ? ', this computer' : ''}`;
}
