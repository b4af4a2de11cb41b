/* From a configuration to the vault and the database that it names. */
import { dirname } from 'node:path';
import type { Platform } from '@twinvault/std';
import { createDirectoryVault, directoryParts, VaultError } from '@twinvault/vault';
import type { SiteKey, SiteVault } from '@twinvault/vault';
import { openSiteDatabase } from '@twinvault/vault/service';
import type { DatabaseConfig, SiteConfig, SiteDatabase } from '@twinvault/vault/service';
import { readPem, readSecret } from './site-files.ts';

export interface OpenSite extends AsyncDisposable {
  readonly vault: SiteVault;
  readonly database: SiteDatabase;
  /** The site's secret key, to sign capabilities. */
  readonly key: SiteKey;
}

/** An empty store becomes a vault, and an empty database gets its tables. `config-invalid` for a store that this version does not serve. */
export async function openSite(platform: Platform, config: SiteConfig): Promise<OpenSite> {
  const { store } = config;
  if (store.type !== 'directory') {
    throw new VaultError('config-invalid', { context: { key: 'store.bucket', defect: 'is not served by this version' } });
  }
  const database = await openSiteDatabase({ config: await databaseConfig(platform, config), platform });
  try {
    const options = { path: store.path, platform };
    const vault = await createDirectoryVault(options);
    return {
      vault,
      database,
      key: directoryParts(options).key,
      [Symbol.asyncDispose]: async () => {
        await vault[Symbol.asyncDispose]();
        await database[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

async function databaseConfig(platform: Platform, { database }: SiteConfig): Promise<DatabaseConfig> {
  if (database.type === 'sqlite') {
    await platform.files.makeDirectory(dirname(database.path), { mode: 0o700 });
    return database;
  }
  const { password, tls, ...server } = database.server;
  return {
    type: 'postgres',
    ...server,
    ...(password === undefined ? {} : { password: await readSecret(password) }),
    ...(tls === undefined ? {} : { tls: tls === 'system' ? {} : { authority: await readPem(platform, tls) } }),
  };
}
