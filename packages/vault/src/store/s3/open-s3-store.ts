/*
 * Opens a bucket as a store, after it was tried that the bucket really does what a site needs: providers differ, and some say yes to what
 * they then do not do. Each start tries anew, with objects of temporary names, which the sweep takes away.
 *
 * Needed: versions (turned on here), and no retention that the bucket gives to every object by itself. Used where they work: puts that fail when
 * the name is taken, without which a lease is taken for each put that has to be the only one (RADOS Gateway 16 overlooks the condition in
 * buckets with versions, tried 2026-11); and retention of single objects (object lock).
 */

import { ProtocolError } from '@twinvault/protocol';
import { minuteMs, utf8Decode, utf8Encode } from '@twinvault/std';
import type { PutGate } from '../put-gate.ts';
import { temporaryName } from '../temporary-name.ts';
import { S3Client } from './s3-client.ts';
import type { S3Bucket, S3Ports } from './s3-client.ts';
import { S3Store } from './s3-store.ts';
import type { LockMode } from './s3-store.ts';
import { removeVersion, removeVersions, versionsOf } from './s3-versions.ts';
import { textOf } from './s3-xml.ts';

export interface S3Options {
  readonly bucket: S3Bucket;
  readonly ports: S3Ports;
  /** For buckets that overlook conditions. */
  readonly gate: PutGate;
  /** How objects are locked where the bucket can: by `COMPLIANCE` nobody can take it back. */
  readonly lockMode: LockMode;
  /** Above this objects are put in parts; 64 MiB when left out. */
  readonly partBytes?: number;
}

/** So long a probe of the lock stays. */
const probeLockMs: number = 2 * minuteMs;

/** `store-unfit` (context: lacks), `store-away`, `vault-denied`. Turns versions on; writes and removes objects of temporary names. */
export async function openS3Store({ bucket, ports, gate, lockMode, partBytes }: S3Options): Promise<S3Store> {
  const client = new S3Client(bucket, ports);
  await turnOnVersions(client);
  const key = `${bucket.prefix}${temporaryName(ports.random)}`;
  const hasConditions = await tryConditions(client, key);
  await tryRemoval(client, key);
  const isLocking = (await mayLock(client)) && (await tryLock(client, { lockMode, nowMs: ports.clock.nowMs() }));
  return new S3Store(client, {
    gate: hasConditions ? null : gate,
    lockMode: isLocking ? lockMode : null,
    ...(partBytes === undefined ? {} : { partBytes }),
  });
}

type Lacks = 'the bucket' | 'versions' | 'removal of versions' | 'freedom from a default retention';

function unfit(lacks: Lacks): ProtocolError {
  return new ProtocolError('store-unfit', { context: { lacks } });
}

async function turnOnVersions(client: S3Client): Promise<void> {
  const query = { versioning: '' };
  const isOn = async (): Promise<boolean> => {
    const { status, body } = await client.send({ method: 'GET', key: null, query, statuses: [200, 404, 501] });
    if (status === 404) throw unfit('the bucket');
    return textOf(utf8Decode(body) ?? '', 'Status') === 'Enabled';
  };
  if (await isOn()) return;
  const body = utf8Encode('<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
  await client.send({ method: 'PUT', key: null, query, body, statuses: [200, 400, 403, 405, 501] });
  if (!(await isOn())) throw unfit('versions');
}

/** Whether a put of a name that is taken is refused when that is its condition. Leaves the object. */
async function tryConditions(client: S3Client, key: string): Promise<boolean> {
  const put = { method: 'PUT', key, body: utf8Encode('probe') } as const;
  await client.send({ ...put, statuses: [200] });
  const { status } = await client.send({ ...put, headers: { 'if-none-match': '*' }, statuses: [200, 400, 405, 412, 501] });
  return status === 412;
}

/** A version that is replaced stays until it is removed, and what is removed is gone. */
async function tryRemoval(client: S3Client, key: string): Promise<void> {
  await client.send({ method: 'PUT', key, body: utf8Encode('probe again'), statuses: [200] });
  const versions = await versionsOf(client, key);
  if (versions.length < 2 || versions.some(({ versionId }) => versionId === '' || versionId === 'null')) throw unfit('versions');
  await removeVersions(client, versions);
  const { status } = await client.send({ method: 'HEAD', key, statuses: [200, 404] });
  if (status !== 404 || (await versionsOf(client, key)).length > 0) throw unfit('removal of versions');
}

/** Whether the bucket is set up to lock objects; `store-unfit` when it locks all of them by itself, since notes must be removable. */
async function mayLock(client: S3Client): Promise<boolean> {
  const { status, body } = await client.send({
    method: 'GET',
    key: null,
    query: { 'object-lock': '' },
    statuses: [200, 400, 403, 404, 405, 501],
  });
  if (status !== 200) return false;
  const xml = utf8Decode(body) ?? '';
  if (textOf(xml, 'DefaultRetention') !== null) throw unfit('freedom from a default retention');
  return textOf(xml, 'ObjectLockEnabled') === 'Enabled';
}

/** Whether a locked object really cannot be removed. It stays for a while. */
async function tryLock(client: S3Client, { lockMode, nowMs }: { lockMode: LockMode; nowMs: number }): Promise<boolean> {
  const name = temporaryName(client.random);
  const store = new S3Store(client, { gate: null, lockMode });
  const key = `${client.bucket.prefix}${name}`;
  await client.send({ method: 'PUT', key, body: utf8Encode('probe'), statuses: [200] });
  if (!(await store.lock(name, nowMs + probeLockMs))) return false;
  const [version] = await versionsOf(client, key);
  if (version === undefined) return false;
  try {
    await removeVersion(client, version);
    return false;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'vault-denied') return true;
    throw error;
  }
}
