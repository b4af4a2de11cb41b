/* From a configuration to the vault that it names. */
import type { Platform } from '@twinvault/std';
import { createDirectoryVault, VaultError } from '@twinvault/vault';
import type { SiteVault } from '@twinvault/vault';
import type { SiteConfig } from '@twinvault/vault/service';

/** An empty store becomes a vault. `config-invalid` for a store that this version does not serve. */
export function openSite(platform: Platform, { store }: SiteConfig): Promise<SiteVault> {
  if (store.type !== 'directory') {
    throw new VaultError('config-invalid', { context: { key: 'store.bucket', defect: 'is not served by this version' } });
  }
  return createDirectoryVault({ path: store.path, platform });
}
