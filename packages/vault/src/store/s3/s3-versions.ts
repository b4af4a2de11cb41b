/*
 * Versions of the objects in a bucket. Removing an object means removing its versions, the oldest first: removing the newest alone would
 * bring back what it replaced. Versions that are put while this goes on are not seen, so a late removal never hits them.
 */

import { utf8Decode } from '@twinvault/std';
import { concurrently } from '../concurrently.ts';
import { isTemporaryName } from '../temporary-name.ts';
import type { S3Client } from './s3-client.ts';
import { textOf, uploadsOf, versionPageOf } from './s3-xml.ts';
import type { Version } from './s3-xml.ts';

const removalsAtOnce = 8;

/** Versions under a prefix of keys, by key and the newest first; with `delimiter` none of keys with a "/" behind the prefix. */
export async function* versionsUnder(
  client: S3Client,
  prefix: string,
  { deep }: { readonly deep: boolean },
): AsyncGenerator<Version, void, undefined> {
  let marker: Record<string, string> = {};
  for (;;) {
    const delimiter: Record<string, string> = deep ? {} : { delimiter: '/' };
    const query = { versions: '', prefix, 'encoding-type': 'url', ...delimiter, ...marker };
    const { body } = await client.send({ method: 'GET', key: null, query, statuses: [200] });
    const { versions, next } = versionPageOf(utf8Decode(body) ?? '');
    yield* versions;
    if (next === null) return;
    marker = { 'key-marker': next.key, ...(next.versionId === '' ? {} : { 'version-id-marker': next.versionId }) };
  }
}

/** Versions of one key, the newest first. */
export async function versionsOf(client: S3Client, key: string): Promise<Version[]> {
  const versions: Version[] = [];
  for await (const version of versionsUnder(client, key, { deep: true })) {
    // Keys come in order, and this one is the smallest that begins so.
    if (version.key !== key) break;
    versions.push(version);
  }
  return versions;
}

export async function removeVersion(client: S3Client, { key, versionId }: Pick<Version, 'key' | 'versionId'>): Promise<void> {
  await client.send({ method: 'DELETE', key, query: { versionId }, statuses: [200, 204, 404] });
}

/** `versions` of one key, the newest first. */
export async function removeVersions(client: S3Client, versions: readonly Version[]): Promise<void> {
  for (const version of versions.toReversed()) await removeVersion(client, version);
}

/** Runs of versions of one key, the newest first. */
export async function* versionsByKey(versions: AsyncIterable<Version>): AsyncGenerator<Version[], void, undefined> {
  let run: Version[] = [];
  for await (const version of versions) {
    if (run.length > 0 && run[0]?.key !== version.key) {
      yield run;
      run = [];
    }
    run.push(version);
  }
  if (run.length > 0) yield run;
}

/** All that is under the prefix, whatever it is. */
export async function removeAllUnder(client: S3Client, prefix: string): Promise<void> {
  const runs: Version[][] = [];
  for await (const run of versionsByKey(versionsUnder(client, prefix, { deep: true }))) runs.push(run);
  await concurrently(runs, removalsAtOnce, (run) => removeVersions(client, run));
}

/**
 * What of one key's versions may go: those that were replaced before `beforeMs`, all of a key that is absent since then, and of a
 * temporary name all. Newest first.
 */
export function leftoversOf(versions: readonly Version[], beforeMs: number): readonly Version[] {
  const [latest] = versions;
  if (latest === undefined) return [];
  const isTemporary = isTemporaryName(latest.key.slice(latest.key.lastIndexOf('/') + 1));
  if ((isTemporary || latest.isMarker) && latest.modifiedMs <= beforeMs) return versions;
  return versions.filter((_, index) => {
    const next = versions[index - 1];
    return next !== undefined && next.modifiedMs <= beforeMs;
  });
}

/** Ends uploads in parts that were begun before `beforeMs`; their number. */
export async function abortUploads(client: S3Client, prefix: string, beforeMs: number): Promise<number> {
  const query = { uploads: '', prefix, 'encoding-type': 'url' };
  for (let count = 0; ;) {
    const { body } = await client.send({ method: 'GET', key: null, query, statuses: [200] });
    const xml = utf8Decode(body) ?? '';
    const old = uploadsOf(xml).filter(({ initiatedMs }) => initiatedMs <= beforeMs);
    for (const { key, uploadId } of old) {
      await client.send({ method: 'DELETE', key, query: { uploadId }, statuses: [204, 404] });
    }
    count += old.length;
    // What was ended is listed no more, so the first page shows what came behind it.
    if (old.length === 0 || textOf(xml, 'IsTruncated') !== 'true') return count;
  }
}
