/*
 * A vault at two sites as one: the vault port over whichever site serves. Lists are united, objects come from the site that has them, changes of the ledger go
 * to the home of the safe. What the sites say is believed no more than what one would say: the caller verifies it.
 */
import { equalBytes, toHex } from '@twinvault/std';
import type { SafeId } from '@twinvault/format';
import type { NewSafe, SafeSummary, SiteInfo, Vault } from '../vault-port.ts';
import { SafeAtSites } from './safe-at-sites.ts';
import type { SiteSet } from './site-set.ts';

export class VaultAtSites implements Vault {
  readonly sites: SiteSet;

  /** Owns the sites. */
  constructor(sites: SiteSet) {
    this.sites = sites;
  }

  /** Of the first site that serves. */
  async site(): Promise<SiteInfo> {
    return await this.sites.any(await this.sites.serving(), async ({ vault }) => await vault.site());
  }

  /** Of all sites that serve. */
  async safes(): Promise<readonly SafeSummary[]> {
    const answers = await this.sites.every(await this.sites.serving(), async ({ vault }) => await vault.safes());
    const safes = new Map<string, SafeSummary>();
    for (const { answer } of answers) {
      for (const safe of answer) {
        const known = safes.get(toHex(safe.safe));
        if (known === undefined || known.label === '') safes.set(toHex(safe.safe), safe);
      }
    }
    return [...safes.values()];
  }

  /** At the first site that serves, which is its home from then on; the other one follows. */
  async createSafe(safe: NewSafe): Promise<void> {
    const [first] = await this.sites.serving();
    await first?.vault.createSafe(safe);
  }

  /** `safe-unknown` when no site that serves has it. */
  async openSafe(safe: SafeId): Promise<SafeAtSites> {
    const home = (await this.safes()).find((known) => equalBytes(known.safe, safe))?.home ?? null;
    const opened = new SafeAtSites(this.sites, { safe, home });
    await opened.descriptor();
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sites[Symbol.asyncDispose]();
  }
}
