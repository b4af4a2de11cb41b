/*
 * `signatures.db`: page signatures of the job's newest safeset, by the digest of the list of extents that they belong to
 * (docs/format/delta.md), and their segments, by their names. What a run changes is written when its record is committed, and not
 * at all otherwise; what gave way in it stays until then.
 *
 * Only a cache: an error of the database, whatever it is, turns it off for the run and never ends a backup. One that cannot
 * be opened is removed, so that the next run begins a new one.
 */
import { equalBytes } from '@twinvault/std';
import type { Database, Databases, Files, Random } from '@twinvault/std';
import { bundledBytesMax, newPageKey, pageKeyBytes } from '@twinvault/seal';
import { extentListDigest, segmentNamesIn, segmentWords } from '../delta/signature.ts';
import type { SegmentSink } from '../delta/version-writer.ts';
import { BodyView, hasTag } from '../entries/entry-body.ts';

export interface SignatureStoreOptions {
  readonly path: string;
  readonly databases: Databases;
  readonly files: Files;
  readonly random: Random;
  /** Nothing is known of the last safeset, so no signature belongs to anything. */
  readonly fresh: boolean;
}

export interface SignatureRow {
  /** Digest of the list of extents. */
  readonly content: Uint8Array;
  readonly uses: number;
  readonly bytes: Uint8Array;
}

export interface SegmentRow {
  readonly name: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Counts up when rows of before are of no use. */
const version = 2;
export const signatureTables = `
  CREATE TABLE IF NOT EXISTS signatures (content BLOB PRIMARY KEY, uses INTEGER NOT NULL, bytes BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS segments (name BLOB PRIMARY KEY, bytes BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS segment_uses (content BLOB, name BLOB, PRIMARY KEY (content, name)) WITHOUT ROWID;
`;
/** Of signatures that nothing uses any more, and of segments that no signature names. */
export const dropUnusedSignatures = `
  DELETE FROM signatures WHERE uses <= 0;
  DELETE FROM segment_uses WHERE content NOT IN (SELECT content FROM signatures);
  DELETE FROM segments WHERE name NOT IN (SELECT name FROM segment_uses);
`;

export interface RestoredSignatures {
  readonly signatures: Iterable<SignatureRow>;
  readonly segments: Iterable<SegmentRow>;
}

export class SignatureStore implements Disposable, SegmentSink {
  private readonly options: SignatureStoreOptions;
  private database: Database | null = null;
  private state: 'closed' | 'open' | 'off' = 'closed';
  private committed = false;
  private pageKey: Uint8Array | null = null;

  constructor(options: SignatureStoreOptions) {
    this.options = options;
  }

  /** Under which pages are hashed, the same for all files of the job. */
  get key(): Uint8Array {
    this.attempt((database) => this.keyFrom(database), null);
    return (this.pageKey ??= newPageKey(this.options.random));
  }

  has(body: Uint8Array): boolean {
    if (!isSigned(body)) return false;
    const digest = digestOf(body);
    return this.attempt((database) => database.all('SELECT 1 FROM signatures WHERE content = ?', digest).length > 0, false);
  }

  /** Of the content that a body has; null when none is kept. */
  of(body: Uint8Array): Uint8Array | null {
    if (!isSigned(body)) return null;
    const digest = digestOf(body);
    return this.attempt((database) => {
      const bytes = database.all('SELECT bytes FROM signatures WHERE content = ?', digest)[0]?.['bytes'];
      return bytes instanceof Uint8Array ? bytes : null;
    }, null);
  }

  /** A copy; null when it is not there. A damaged one is dropped, so that the next run writes it again. */
  segment(name: Uint8Array): Uint8Array | null {
    return this.attempt((database) => {
      const bytes = database.all('SELECT bytes FROM segments WHERE name = ?', name)[0]?.['bytes'];
      if (!(bytes instanceof Uint8Array)) return null;
      if (segmentWords(name, bytes) !== null) return bytes;
      database.run('DELETE FROM segments WHERE name = ?', name);
      return null;
    }, null);
  }

  /** One of a signature that comes later in this run, or never. */
  addSegment({ name, bytes }: SegmentRow): void {
    this.attempt((database) => database.run('INSERT OR IGNORE INTO segments (name, bytes) VALUES (?, ?)', name, bytes), 0);
  }

  /** The words stay the caller's. */
  keepSegment(name: Uint8Array, words: Uint32Array): boolean {
    this.addSegment({ name, bytes: new Uint8Array(words.buffer, words.byteOffset, words.byteLength) });
    return false;
  }

  /** An entry was read: what its last version had gives way to what it has now. */
  replace(last: Uint8Array | null, body: Uint8Array, signature: Uint8Array | null): void {
    const before = last !== null && isSigned(last) ? digestOf(last) : null;
    if (before === null && signature === null) return;
    const after = digestOf(body);
    const same = before !== null && equalBytes(before, after);
    if (signature !== null) this.add(after, signature, same ? 0 : 1);
    if (before !== null && !same) this.subtract(before);
  }

  /** The same content stands under another key, too, or from now on. */
  retain(body: Uint8Array): void {
    if (!isSigned(body)) return;
    const digest = digestOf(body);
    this.attempt((database) => database.run('UPDATE signatures SET uses = uses + 1 WHERE content = ?', digest), 0);
  }

  /** An entry is gone; its signature stays until the run ends, since the same content may come under another key. */
  drop(last: Uint8Array): void {
    if (isSigned(last)) this.subtract(digestOf(last));
  }

  private add(digest: Uint8Array, signature: Uint8Array, uses: number): void {
    this.attempt((database) => {
      database.run(
        `INSERT INTO signatures (content, uses, bytes) VALUES (?, 1, ?)
         ON CONFLICT (content) DO UPDATE SET uses = uses + ?, bytes = excluded.bytes`,
        digest,
        signature,
        uses,
      );
      useSegments(database, digest, signature);
    }, undefined);
  }

  private subtract(digest: Uint8Array): void {
    this.attempt((database) => {
      database.run('UPDATE signatures SET uses = uses - 1 WHERE content = ?', digest);
    }, undefined);
  }

  /** After the record's commit. */
  async keep(): Promise<void> {
    if (this.state === 'open') {
      this.attempt((database) => {
        database.execute(dropUnusedSignatures);
        database.execute('COMMIT');
        this.committed = true;
      }, undefined);
    }
    if (this.state === 'off') await this.remove();
    this[Symbol.dispose]();
  }

  private async remove(): Promise<void> {
    const { path, files } = this.options;
    try {
      for (const suffix of ['', '-wal', '-shm']) await files.remove(`${path}${suffix}`);
    } catch {
      // Then the next run finds it as this one did.
    }
  }

  /** All that is there gives way to what was restored; before anything else is asked for. */
  replaceAll(key: Uint8Array, { signatures, segments }: RestoredSignatures): void {
    this.attempt((database) => {
      database.execute('DELETE FROM signatures; DELETE FROM segments; DELETE FROM segment_uses;');
      database.run('INSERT OR REPLACE INTO page_key (only, bytes) VALUES (1, ?)', key);
      for (const { content, uses, bytes } of signatures) {
        database.run('INSERT INTO signatures (content, uses, bytes) VALUES (?, ?, ?)', content, uses, bytes);
        useSegments(database, content, bytes);
      }
      for (const segment of segments) this.addSegment(segment);
      database.execute(dropUnusedSignatures);
      database.execute('COMMIT');
      this.committed = true;
    }, undefined);
  }

  private attempt<T>(use: (database: Database) => T, otherwise: T): T {
    if (this.state === 'off') return otherwise;
    try {
      this.database ??= this.open();
      this.state = 'open';
      return use(this.database);
    } catch {
      this.close();
      this.state = 'off';
      return otherwise;
    }
  }

  private open(): Database {
    const { databases, path, fresh } = this.options;
    const database = databases.open(path);
    try {
      database.execute(`BEGIN IMMEDIATE;
        CREATE TABLE IF NOT EXISTS page_key (only INTEGER PRIMARY KEY CHECK (only = 1), bytes BLOB NOT NULL);
        ${signatureTables}`);
      const isOld = Number(database.all('PRAGMA user_version')[0]?.['user_version']) < version;
      if (fresh || isOld) database.execute('DELETE FROM signatures; DELETE FROM segments; DELETE FROM segment_uses;');
      if (isOld) database.execute(`PRAGMA user_version = ${version}`);
      return database;
    } catch (error) {
      database[Symbol.dispose]();
      throw error;
    }
  }

  private keyFrom(database: Database): void {
    if (this.pageKey !== null) return;
    const bytes = database.all('SELECT bytes FROM page_key')[0]?.['bytes'];
    if (bytes instanceof Uint8Array && bytes.length === pageKeyBytes) {
      this.pageKey = bytes;
      return;
    }
    this.pageKey = newPageKey(this.options.random);
    database.run('INSERT OR REPLACE INTO page_key (only, bytes) VALUES (1, ?)', this.pageKey);
  }

  private close(): void {
    const { database } = this;
    this.database = null;
    for (const step of [() => this.committed || database?.execute('ROLLBACK'), () => database?.[Symbol.dispose]()]) {
      try {
        step();
      } catch {
        // It is only a cache, and closing it is all that is left to do.
      }
    }
  }

  /** Without `keep` before: what the run changed is forgotten. */
  [Symbol.dispose](): void {
    this.close();
    this.state = 'off';
  }
}

/** So that they stay as long as the signature does. */
export function useSegments(database: Database, content: Uint8Array, signature: Uint8Array): void {
  for (const name of segmentNamesIn(signature)) {
    database.run('INSERT OR IGNORE INTO segment_uses (content, name) VALUES (?, ?)', content, name);
  }
}

/** Only large files have signatures: small ones lie in bundles. */
export function isSigned(body: Uint8Array): boolean {
  if (hasTag(body)) return false;
  const view = new BodyView(body);
  return view.extentCount > 0 && view.sizeBytes >= bundledBytesMax;
}

function digestOf(body: Uint8Array): Uint8Array {
  return extentListDigest(new BodyView(body).extentBytes);
}
