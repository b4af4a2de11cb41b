/** `twinvault safe agents`: which computers may write. */
import { toHex } from '@twinvault/std';
import { formatTable } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { seenLedger } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';

export interface SafeOptions {
  readonly vault: string;
  readonly safe: string;
  readonly state?: string | undefined;
}

export async function safeAgents(context: VerbContext, options: SafeOptions): Promise<void> {
  await using vault = await openVault(context, options.vault);
  const { label, safe } = await openNamedSafe(vault, options.safe);
  const ledger = await seenLedger(context, safe, options.state);
  const agents = ledger.certificates().map((certificate) => ({
    certificate: toHex(certificate.id),
    computer: toHex(certificate.computer),
    name: certificate.name,
    revoked: ledger.revocationOf(certificate.id) !== null,
  }));
  const lines = formatTable(
    [{ title: 'Computer' }, { title: 'Certificate' }, { title: 'State' }],
    agents.map((agent) => [agent.name, agent.certificate, agent.revoked ? 'revoked' : 'may write']),
  );
  context.output.result({ safe: toHex(safe.safe), label, agents }, agents.length === 0 ? ['No computer is enrolled.'] : lines);
}
