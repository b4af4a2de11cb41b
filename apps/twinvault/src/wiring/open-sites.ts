/** From `--vault A,B` to a vault at two sites: which one serves, and what people hear when one goes away. */
import { resolve } from 'node:path';
import { SiteSet, VaultAtSites } from '@twinvault/protocol';
import type { SiteEvent, SitePlace } from '@twinvault/protocol';
import { openDirectoryVault } from '@twinvault/vault';
import type { VerbContext } from './context.ts';
import { isAddress, optionsOfEach, pacesOf, remotePlace } from './open-remote.ts';
import type { VaultOptions } from './open-remote.ts';

/** Dispose it to close both. No site is asked before one is needed. */
export async function openSites(context: VerbContext, options: VaultOptions): Promise<VaultAtSites> {
  const paces = await pacesOf(context, options);
  const places = await Promise.all(
    (await optionsOfEach(context, options)).map(async (one) =>
      isAddress(one.vault) ? await remotePlace(context, one, paces) : directoryPlace(context, one.vault),
    ),
  );
  const { clock, timers } = context.platform;
  return new VaultAtSites(new SiteSet({ places, ports: { clock, timers }, told: (event) => tell(context, event) }));
}

function directoryPlace({ platform }: VerbContext, name: string): SitePlace {
  const path = resolve(name);
  return {
    name,
    open: async () => await openDirectoryVault({ path, platform }),
    isReachable: async () => {
      try {
        await using vault = await openDirectoryVault({ path, platform });
        return (await vault.site()).nowMs > 0;
      } catch {
        return false;
      }
    },
  };
}

function tell({ output }: VerbContext, { type, name, code }: SiteEvent): void {
  if (type === 'back') output.note(`${name} serves again.`);
  else output.note(`${name} does not serve (${code ?? 'no reason told'}): the other site is asked.`);
}
