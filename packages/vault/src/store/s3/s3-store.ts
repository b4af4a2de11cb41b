/*
 * Objects in a bucket that keeps versions, docs/operating/stores.md. A put is one request with a condition, or, where a bucket with versions
 * overlooks conditions, one under a lease; replacing makes a new version; removing removes versions, so that a late removal never hits
 * what was put meanwhile. Only openS3Store makes one, after it has tried what the bucket does.
 */

import { ProtocolError } from '@twinvault/protocol';
import { utf8Decode, utf8Encode } from '@twinvault/std';
import type { OpenFile } from '@twinvault/std';
import type {
  ErasedObject,
  ErasedRemains,
  ErasureMeans,
  LockedRemain,
  ObjectStat,
  ObjectStore,
  PutOptions,
  SweepOptions,
} from '../object-store.ts';
import type { PutGate } from '../put-gate.ts';
import { isTemporaryName } from '../temporary-name.ts';
import { s3CodeOf } from './s3-client.ts';
import type { S3Client } from './s3-client.ts';
import { demandDone, partBytesDefault, upload } from './s3-upload.ts';
import type { Uploaded } from './s3-upload.ts';
import {
  abortUploads,
  leftoversOf,
  removeAllUnder,
  removeVersion,
  removeVersions,
  versionsByKey,
  versionsOf,
  versionsUnder,
} from './s3-versions.ts';
import { keyPageOf } from './s3-xml.ts';
import type { Version } from './s3-xml.ts';

export type LockMode = 'COMPLIANCE' | 'GOVERNANCE';

export interface S3StoreOptions {
  /** Null: the bucket itself refuses to put a name that is taken. */
  readonly gate: PutGate | null;
  /** Null: the bucket does not lock. */
  readonly lockMode: LockMode | null;
  /** Above this objects are put in parts. */
  readonly partBytes?: number;
}

export class S3Store implements ObjectStore {
  readonly locks: boolean;
  readonly #client: S3Client;
  readonly #options: S3StoreOptions;

  constructor(client: S3Client, options: S3StoreOptions) {
    this.#client = client;
    this.#options = options;
    this.locks = options.lockMode !== null;
  }

  async put(name: string, parts: readonly Uint8Array[], { byContent = false }: PutOptions = {}): Promise<boolean> {
    const { gate } = this.#options;
    if (gate === null) return (await this.#upload(name, parts, 'absent')) !== null;
    if (!byContent) return gate(name, (demand) => this.#putAlone(name, parts, demand));
    if ((await this.stat(name)) !== null) return false;
    await this.#upload(name, parts, null);
    return true;
  }

  /** Nobody else puts this name meanwhile. Should that turn out not to be so, what was put is taken back. */
  async #putAlone(name: string, parts: readonly Uint8Array[], demand: () => Promise<void>): Promise<boolean> {
    if ((await this.stat(name)) !== null) return false;
    await demand();
    const put = await this.#upload(name, parts, null);
    if (put === null) return false;
    try {
      await demand();
      return true;
    } catch (error) {
      await removeVersion(this.#client, { key: this.#key(name), versionId: put.versionId });
      throw error;
    }
  }

  async replace(name: string, parts: readonly Uint8Array[]): Promise<void> {
    await this.#upload(name, parts, null);
  }

  #upload(name: string, parts: readonly Uint8Array[], condition: 'absent' | null): Promise<Uploaded | null> {
    const partBytes = this.#options.partBytes ?? partBytesDefault;
    return upload(this.#client, { key: this.#key(name), parts, partBytes, condition });
  }

  async get(name: string, maxBytes: number): Promise<Uint8Array | null> {
    const answer = await this.#client.send({
      method: 'GET',
      key: this.#key(name),
      answerBytesMax: maxBytes,
      statuses: [200, 404],
    });
    if (answer.status === 404) return missing(answer);
    const { body } = answer;
    if (body.length > maxBytes) throw new ProtocolError('vault-damaged', { context: { sizeBytes: body.length, maxBytes } });
    return body;
  }

  async open(name: string): Promise<OpenFile | null> {
    const key = this.#key(name);
    const there = await this.#head(key);
    if (there === null) return null;
    const { sizeBytes, versionId } = there;
    return {
      sizeBytes,
      read: (offsetBytes, lengthBytes) => this.#readRange({ key, versionId, offsetBytes, lengthBytes }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  async stat(name: string): Promise<ObjectStat | null> {
    const there = await this.#head(this.#key(name));
    return there === null ? null : { sizeBytes: there.sizeBytes, modifiedMs: there.modifiedMs };
  }

  async list(folder: string): Promise<string[]> {
    const { names } = await this.#list(folder, { deep: false });
    return names;
  }

  async folders(folder: string): Promise<string[]> {
    const { folders } = await this.#list(folder, { deep: false });
    return folders;
  }

  async listDeep(folder: string): Promise<string[]> {
    const { names } = await this.#list(folder, { deep: true });
    return names;
  }

  async entries(folder: string): Promise<string[]> {
    const { names, folders } = await this.#list(folder, { deep: false });
    return [...names, ...folders];
  }

  async remove(name: string): Promise<boolean> {
    const versions = await versionsOf(this.#client, this.#key(name));
    const isThere = versions[0]?.isMarker === false;
    if (isThere) await this.#hide(versions);
    return isThere;
  }

  async removeThis(name: string, demand: () => Promise<void>): Promise<boolean> {
    const versions = await versionsOf(this.#client, this.#key(name));
    const isThere = versions[0]?.isMarker === false;
    if (!isThere) return false;
    await demand();
    await removeVersions(this.#client, versions);
    return true;
  }

  async move(from: string, to: string): Promise<boolean> {
    const versions = await versionsOf(this.#client, this.#key(from));
    const [latest] = versions;
    if (latest === undefined || latest.isMarker) return false;
    const { bucket } = this.#client.bucket;
    const source = `/${bucket}/${latest.key.split('/').map(encodeURIComponent).join('/')}`;
    const headers = { 'x-amz-copy-source': `${source}?versionId=${encodeURIComponent(latest.versionId)}` };
    demandDone(await this.#client.send({ method: 'PUT', key: this.#key(to), headers, statuses: [200] }));
    await this.#hide(versions);
    return true;
  }

  clear(folder: string): Promise<void> {
    return removeAllUnder(this.#client, this.#key(`${folder}/`));
  }

  async sweep(folder: string, { beforeMs, deep }: SweepOptions): Promise<number> {
    const prefix = this.#key(folder === '' ? '' : `${folder}/`);
    let count = deep ? await abortUploads(this.#client, prefix, beforeMs) : 0;
    for await (const versions of versionsByKey(versionsUnder(this.#client, prefix, { deep }))) {
      for (const version of leftoversOf(versions, beforeMs).toReversed()) {
        if (await this.#removeUnlessLocked(version)) count += 1;
        // What is newer stays above what is locked, so that it does not come back.
        else break;
      }
    }
    return count;
  }

  erasure(): Promise<ErasureMeans> {
    return Promise.resolve({ type: 'bucket' });
  }

  async erase(name: string, demand: () => Promise<void>): Promise<ErasedObject | null> {
    const key = this.#key(name);
    const versions = await versionsOf(this.#client, key);
    if (versions[0]?.isMarker !== false) return null;
    const { sizeBytes: bytes = 0 } = (await this.#head(key)) ?? {};
    await demand();
    await abortUploads(this.#client, key, Infinity);
    await this.#hide(versions);
    const left = await this.#eraseVersions(await versionsOf(this.#client, key));
    return { bytes, readBack: null, lockedMs: left?.lockedMs ?? null };
  }

  async eraseRemains(folder: string, beforeMs: number): Promise<ErasedRemains> {
    const prefix = this.#key(folder === '' ? '' : `${folder}/`);
    let objects = await abortUploads(this.#client, prefix, beforeMs);
    const locked: LockedRemain[] = [];
    for await (const versions of versionsByKey(versionsUnder(this.#client, prefix, { deep: true }))) {
      const remains = leftoversOf(versions, beforeMs);
      const left = await this.#eraseVersions(remains);
      if (left === null) objects += remains.length;
      else locked.push(left);
    }
    return { objects, bytes: 0, readBack: null, locked };
  }

  /** Versions of one key, the newest first; null when all are gone, else the lock that ends last. What is newer than a locked one stays above it. */
  async #eraseVersions(versions: readonly Version[]): Promise<LockedRemain | null> {
    for (const version of versions.toReversed()) {
      if (await this.#removeUnlessLocked(version)) continue;
      return this.#lockOf(versions.filter(({ isMarker }) => !isMarker));
    }
    return null;
  }

  async #lockOf(versions: readonly Version[]): Promise<LockedRemain | null> {
    let last: LockedRemain | null = null;
    for (const { key, versionId } of versions) {
      const { status, headers } = await this.#client.send({ method: 'HEAD', key, query: { versionId }, statuses: [200, 404] });
      if (status === 404) continue;
      const lockedMs = Date.parse(headers['x-amz-object-lock-retain-until-date'] ?? '');
      const bytes = Number(headers['content-length'] ?? 0);
      const name = key.slice(this.#client.bucket.prefix.length);
      if (last === null || lockedMs > last.lockedMs) last = { name, bytes, lockedMs: Number.isNaN(lockedMs) ? 0 : lockedMs };
    }
    return last;
  }

  /** To the second, as HTTP has it. */
  async nowMs(): Promise<number> {
    const { headers } = await this.#client.send({ method: 'HEAD', key: null, statuses: [200, 404] });
    const nowMs = Date.parse(headers['date'] ?? '');
    if (Number.isNaN(nowMs)) throw new ProtocolError('vault-failed', { context: { defect: 'no date in the answer' } });
    return nowMs;
  }

  async lock(name: string, untilMs: number): Promise<boolean> {
    const { lockMode } = this.#options;
    if (lockMode === null) return false;
    const until = new Date(untilMs).toISOString();
    const body = utf8Encode(`<Retention><Mode>${lockMode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`);
    const key = this.#key(name);
    const answer = await this.#client.send({ method: 'PUT', key, query: { retention: '' }, body, statuses: [200, 403, 404] });
    if (answer.status === 200) return true;
    if (answer.status === 404) return false;
    // Refused: it may be locked for longer already.
    const there = await this.#client.send({ method: 'HEAD', key, statuses: [200, 404] });
    const lockedMs = Date.parse(there.headers['x-amz-object-lock-retain-until-date'] ?? '');
    if (there.status === 404) return false;
    if (lockedMs >= untilMs) return true;
    throw new ProtocolError('vault-denied', { context: { status: answer.status, s3: s3CodeOf(answer) } });
  }

  #key(name: string): string {
    return `${this.#client.bucket.prefix}${name}`;
  }

  async #head(key: string): Promise<(ObjectStat & { readonly versionId: string }) | null> {
    const { status, headers } = await this.#client.send({ method: 'HEAD', key, statuses: [200, 404] });
    if (status === 404) return null;
    const sizeBytes = Number(headers['content-length']);
    const modifiedMs = Date.parse(headers['last-modified'] ?? '');
    if (!Number.isSafeInteger(sizeBytes) || Number.isNaN(modifiedMs)) {
      throw new ProtocolError('vault-failed', { context: { defect: 'size or time is missing' } });
    }
    return { sizeBytes, modifiedMs, versionId: headers['x-amz-version-id'] ?? 'null' };
  }

  async #readRange({ key, versionId, offsetBytes, lengthBytes }: Range): Promise<Uint8Array> {
    if (lengthBytes === 0) return new Uint8Array(0);
    const { status, body } = await this.#client.send({
      method: 'GET',
      key,
      query: { versionId },
      headers: { range: `bytes=${offsetBytes}-${offsetBytes + lengthBytes - 1}` },
      answerBytesMax: lengthBytes,
      statuses: [206, 404, 416],
    });
    if (status === 206 && body.length === lengthBytes) return body;
    throw new ProtocolError('vault-failed', { context: { status, offsetBytes, lengthBytes, sizeBytes: body.length } });
  }

  async #list(folder: string, { deep }: { deep: boolean }): Promise<{ names: string[]; folders: string[] }> {
    const prefix = this.#key(folder === '' ? '' : `${folder}/`);
    const delimiter: Record<string, string> = deep ? {} : { delimiter: '/' };
    const found = { names: [] as string[], folders: [] as string[] };
    let next: string | null = null;
    do {
      const after: Record<string, string> = next === null ? {} : { 'continuation-token': next };
      const query = { 'list-type': '2', prefix, 'encoding-type': 'url', ...delimiter, ...after };
      const { body } = await this.#client.send({ method: 'GET', key: null, query, statuses: [200] });
      const page = keyPageOf(utf8Decode(body) ?? '');
      const below = (key: string): string => key.slice(prefix.length);
      found.names.push(...page.keys.map(below).filter(isName));
      found.folders.push(...page.folders.map((each) => below(each).slice(0, -1)).filter(isName));
      next = page.next;
    } while (next !== null);
    return found;
  }

  /** Takes the object away; where the store refuses to remove it, since it is locked, it is absent and its versions wait for the sweep. */
  async #hide(versions: readonly Version[]): Promise<void> {
    for (const version of versions.toReversed()) {
      if (await this.#removeUnlessLocked(version)) continue;
      await this.#client.send({ method: 'DELETE', key: version.key, statuses: [200, 204] });
      return;
    }
  }

  async #removeUnlessLocked(version: Version): Promise<boolean> {
    try {
      await removeVersion(this.#client, version);
      return true;
    } catch (error) {
      if (this.locks && error instanceof ProtocolError && error.code === 'vault-denied') return false;
      throw error;
    }
  }
}

interface Range {
  readonly key: string;
  readonly versionId: string;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Whether nothing of it belongs to the store itself. */
function isName(name: string): boolean {
  return name !== '' && !name.split('/').some(isTemporaryName);
}

/** Null, unless it is the bucket that is missing. */
function missing(answer: Parameters<typeof s3CodeOf>[0]): null {
  const s3 = s3CodeOf(answer);
  if (s3 === 'NoSuchBucket') throw new ProtocolError('store-away', { context: { status: answer.status, s3 } });
  return null;
}
