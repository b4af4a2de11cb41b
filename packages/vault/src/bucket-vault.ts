/*
 * A vault whose objects are in a bucket: leases are those of the site's database, caches lie on the node's own disk, and the site's secret key
 * in a file beside the configuration, never in the bucket.
 */

import { ProtocolError } from '@twinvault/protocol';
import { minuteMs } from '@twinvault/std';
import type { Files, Network } from '@twinvault/std';
import type { VaultPorts } from './context.ts';
import { FileTime } from './leases/file-time.ts';
import type { Leases } from './leases/leases.ts';
import { createVault } from './site-vault.ts';
import type { ServerParts, SiteVault, VaultParts } from './site-vault.ts';
import { fileSiteKey } from './site/site-key.ts';
import { FileStore } from './store/file-store.ts';
import { leaseGate } from './store/put-gate.ts';
import { openS3Store } from './store/s3/open-s3-store.ts';
import type { S3Bucket } from './store/s3/s3-client.ts';
import type { LockMode } from './store/s3/s3-store.ts';
import { vaultFiles } from './store/vault-files.ts';

export interface BucketVaultOptions {
  readonly bucket: S3Bucket;
  /** By `COMPLIANCE` nobody can take back what was locked, where the bucket locks at all. */
  readonly lockMode: LockMode;
  /** Of all nodes of the site. */
  readonly leases: Leases;
  /** Absolute path of a folder of this node's own; made when missing. */
  readonly cachePath: string;
  /** Absolute path of the file with the site's secret key; made with the site. */
  readonly keyPath: string;
  /** Nothing younger is retired or deleted, whoever asks; 0 when left out. */
  readonly minimumAgeMs?: number;
  /** How long an erase order can be taken back; `eraseWaitMsDefault` when left out. */
  readonly eraseWaitMs?: number;
  readonly platform: VaultPorts & { readonly files: Files; readonly network: Network };
  readonly server?: ServerParts;
}

/** By so much the times of store and leases may differ. A bucket tells its time to the second, and refuses requests by clocks that are off by 15 minutes. */
export const storeSkewMsMax: number = 2 * minuteMs;

/** Makes the bucket a vault; fine when it is one. `vault-foreign`, what `bucketParts` and `openVault` throw. */
export async function createBucketVault(options: BucketVaultOptions): Promise<SiteVault> {
  const { endpoint, bucket, prefix } = options.bucket;
  try {
    return await createVault(await bucketParts(options));
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.code !== 'vault-foreign') throw error;
    throw new ProtocolError(error.code, { context: { localPath: `${endpoint}/${bucket}/${prefix}` }, cause: error });
  }
}

/** What `createVault` and `openVault` take. `store-unfit` (also when its time is off: lacks "the time"), `store-away`, `vault-denied`. */
export async function bucketParts(options: BucketVaultOptions): Promise<VaultParts> {
  const { bucket, lockMode, leases, cachePath, keyPath, minimumAgeMs = 0, eraseWaitMs, platform } = options;
  const { clock, timers, random, network } = platform;
  const ports = { clock, timers, random };
  const files = vaultFiles(platform.files);
  const gate = leaseGate({ leases, ...ports });
  const store = await openS3Store({ bucket, ports: { network, ...ports }, gate, lockMode });
  const apartMs = Math.abs((await store.nowMs()) - (await leases.nowMs()));
  if (apartMs > storeSkewMsMax)
    throw new ProtocolError('store-unfit', { context: { lacks: 'the time of the database', apartMs } });
  await files.makeDirectory(cachePath);
  const time = new FileTime(files, random, cachePath);
  return {
    ports,
    store,
    leases,
    cache: new FileStore({ files, random, time, root: cachePath }),
    key: fileSiteKey(files, keyPath),
    skewMs: storeSkewMsMax,
    minimumAgeMs,
    ...(eraseWaitMs === undefined ? {} : { eraseWaitMs }),
    release: () => time.close(),
    ...options.server,
  };
}
