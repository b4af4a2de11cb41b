/* From a configuration to the vault and the database that it names. */
import { dirname } from 'node:path';
import type { Platform } from '@twinvault/std';
import { createDirectoryVault, directoryParts, fileSiteKey, VaultError } from '@twinvault/vault';
import type { ServerParts, SiteKey, SiteVault } from '@twinvault/vault';
import { createBucketVault, DatabaseLeases, openSiteDatabase } from '@twinvault/vault/service';
import type { BucketConfig, DatabaseConfig, S3Bucket, SiteConfig, SiteDatabase } from '@twinvault/vault/service';
import { readPem, readSecret } from './site-files.ts';

export interface OpenSite extends AsyncDisposable {
  readonly vault: SiteVault;
  readonly database: SiteDatabase;
  /** The site's secret key, to sign capabilities. */
  readonly key: SiteKey;
}

/** `server`: what a process that serves does in threads. An empty store becomes a vault, and an empty database gets its tables. `config-invalid` for credentials that cannot be read, `store-unfit`. */
export async function openSite(platform: Platform, config: SiteConfig, server: ServerParts = {}): Promise<OpenSite> {
  const database = await openSiteDatabase({ config: await databaseConfig(platform, config), platform });
  try {
    const { vault, key } = await openStore({ platform, database, server }, config);
    return {
      vault,
      database,
      key,
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

interface StoreParts {
  readonly platform: Platform;
  readonly database: SiteDatabase;
  readonly server: ServerParts;
}

async function openStore(
  { platform, database, server }: StoreParts,
  { store, state, minimumAgeMs, eraseWaitMs }: SiteConfig,
): Promise<Pick<OpenSite, 'vault' | 'key'>> {
  if (store.type === 'directory') {
    const options = { path: store.path, platform, server, minimumAgeMs, eraseWaitMs };
    return { vault: await createDirectoryVault(options), key: directoryParts(options).key };
  }
  const { siteKey: keyPath } = store.bucket;
  const vault = await createBucketVault({
    bucket: await bucketOf(store.bucket),
    lockMode: 'COMPLIANCE',
    leases: new DatabaseLeases({ database, timers: platform.timers, processes: platform.processes }),
    cachePath: `${state}/cache`,
    keyPath,
    minimumAgeMs,
    eraseWaitMs,
    platform,
    server,
  });
  return { vault, key: fileSiteKey(platform.files, keyPath) };
}

/** With the credentials out of their file. `config-invalid`, and what readSecret throws. */
async function bucketOf({ endpoint, region, name, prefix, addressing, credentials }: BucketConfig): Promise<S3Bucket> {
  const { accessKey, secretKey } = credentialsIn(await readSecret(credentials));
  return {
    endpoint,
    region: region ?? 'us-east-1',
    bucket: name,
    prefix: prefix === undefined ? '' : `${prefix.replace(/\/+$/u, '')}/`,
    addressing: addressing ?? 'path',
    accessKey,
    secretKey,
  };
}

function credentialsIn(text: string): { readonly accessKey: string; readonly secretKey: string } {
  try {
    const { accessKey, secretKey } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (typeof accessKey === 'string' && typeof secretKey === 'string') return { accessKey, secretKey };
  } catch {
    // Not told further: the reason would quote the secret.
  }
  const defect = 'names a file that is not {"accessKey": "…", "secretKey": "…"}';
  throw new VaultError('config-invalid', { context: { key: 'store.bucket.credentials', defect } });
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
