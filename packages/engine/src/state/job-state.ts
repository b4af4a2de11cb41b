/*
 * Local files of one job, and the lock that keeps two runs of it apart on this computer: an open write transaction on a
 * database of its own, which the operating system ends with the process, so that no stale lock is ever left.
 */
import type { Database, Databases, Files, Random } from '@twinvault/std';
import { CodedError } from '@twinvault/std';
import type { RecordDigest } from '@twinvault/format';
import { EngineError } from '../errors.ts';
import { CacheReader, CacheWriter } from './catalog-cache.ts';
import { readRefsFile, writeRefsFile } from './refs-file.ts';
import type { KnownRefs } from './refs-file.ts';
import { SignatureStore } from './signature-store.ts';
import type { RestoredSignatures } from './signature-store.ts';
import { removeTemporaries } from './temporaries.ts';
import { readWornBundles, writeWornBundles } from './worn-bundles.ts';
import type { WornBundles } from './worn-bundles.ts';

export interface JobStateOptions {
  readonly path: string;
  readonly job: string;
  readonly files: Files;
  readonly databases: Databases;
}

export class JobState {
  readonly path: string;
  readonly job: string;
  private readonly files: Files;
  private readonly databases: Databases;

  constructor({ path, job, files, databases }: JobStateOptions) {
    this.path = path;
    this.job = job;
    this.files = files;
    this.databases = databases;
  }

  /** EngineError 'state-busy' while another run of the job holds it. */
  lock(): Disposable {
    const database = this.databases.open(`${this.path}/lock.db`);
    try {
      database.execute('BEGIN EXCLUSIVE');
    } catch (cause) {
      database[Symbol.dispose]();
      if (cause instanceof CodedError && cause.code !== 'database-busy') throw cause;
      throw new EngineError('state-busy', { cause });
    }
    return { [Symbol.dispose]: () => unlock(database) };
  }

  /** What a killed run left half written; while the lock is held. */
  async removeLeftovers(): Promise<void> {
    await removeTemporaries(this.files, this.path);
  }

  get reportPath(): string {
    return `${this.path}/last-run.jsonl`;
  }

  async openCache(): Promise<CacheReader | null> {
    return await CacheReader.open(this.files, `${this.path}/catalog`);
  }

  /** Whether a cache lies there, of whatever version and however damaged. */
  async hasCache(): Promise<boolean> {
    return (await this.files.stat(`${this.path}/catalog`)) !== null;
  }

  /** `last`: the one that stands there, open until the new one is finished. */
  newCache(last: CacheReader | null = null): CacheWriter {
    return new CacheWriter(this.files, `${this.path}/catalog`, last);
  }

  /** Of the last safeset of the job that was committed from here; null where they were lost. */
  async lastRefs(): Promise<KnownRefs | null> {
    return await readRefsFile(this.files, this.refsPath);
  }

  async keepRefs(digest: RecordDigest, refs: Uint8Array): Promise<void> {
    await writeRefsFile(this.files, this.refsPath, { digest, refs });
  }

  async wornBundles(): Promise<WornBundles> {
    return await readWornBundles(this.files, this.wornPath);
  }

  async keepWornBundles(worn: WornBundles): Promise<void> {
    await writeWornBundles(this.files, this.wornPath, worn);
  }

  private get wornPath(): string {
    return `${this.path}/worn-bundles`;
  }

  private get refsPath(): string {
    return `${this.path}/refs`;
  }

  /** `fresh`: there is no catalog cache that signatures could belong to. */
  signatures(random: Random, fresh: boolean): SignatureStore {
    const { files, databases } = this;
    return new SignatureStore({ path: `${this.path}/signatures.db`, files, databases, random, fresh });
  }

  /** What was restored of them; best effort, they are only a cache. */
  replaceSignatures(key: Uint8Array, restored: RestoredSignatures, random: Random): void {
    using signatures = this.signatures(random, false);
    signatures.replaceAll(key, restored);
  }
}

function unlock(database: Database): void {
  try {
    database.execute('ROLLBACK');
  } finally {
    database[Symbol.dispose]();
  }
}
