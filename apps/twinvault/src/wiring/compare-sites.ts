/** The sites of a safe, held against each other and against what this computer has seen there. */
import { compareAtSites, oneSite } from '@twinvault/engine';
import type { SiteFinding, SitesOfSafe } from '@twinvault/engine';
import { SafeAtSites } from '@twinvault/protocol';
import type { Vault, VaultSafe } from '@twinvault/protocol';
import { findingLines } from '../output/site-findings.ts';
import type { VerbContext } from './context.ts';
import { safeState } from './open-safe.ts';
import type { VaultOptions } from './open-remote.ts';

/** Both sites, or the only one that was named. */
export async function sitesOf(vault: Vault, safe: VaultSafe, { vault: name }: Pick<VaultOptions, 'vault'>): Promise<SitesOfSafe> {
  return safe instanceof SafeAtSites ? safe : await oneSite(vault, safe, name);
}

/** Says what it finds, and gives it. */
export async function compared(
  context: VerbContext,
  { vault, safe }: { readonly vault: Vault; readonly safe: VaultSafe },
  options: VaultOptions & { readonly state?: string | undefined },
): Promise<readonly SiteFinding[]> {
  using state = safeState(context, options.state, safe.safe);
  const findings = await compareAtSites(await sitesOf(vault, safe, options), state);
  for (const line of findingLines(findings)) context.output.note(line);
  return findings;
}
