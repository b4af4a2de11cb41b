/*
 * A job's state while it is put together from its base and its logs: a scratch database, so that memory stays flat whatever the
 * number of files. Nothing in it outlives the run; it is never committed.
 */
import type { Database, Databases, Files } from '@twinvault/std';
import { applyDifference } from '../delta/difference.ts';
import { decodeSignature, encodeSignature, extentListDigest } from '../delta/signature.ts';
import type { SignedVersion } from '../delta/signature.ts';
import { BodyView, bodyExtentBytes, isWholeBody, withContent, writeExtent } from '../entries/entry-body.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import { isSigned } from '../state/signature-store.ts';
import type { SignatureRow } from '../state/signature-store.ts';
import type { StoredStatePart } from './state-tails.ts';
import { stateRecords } from './state-stream.ts';
import type { StateRecord } from './state-stream.ts';

const schema = `
  BEGIN IMMEDIATE;
  CREATE TABLE parts (base BLOB, number INTEGER, part INTEGER, last INTEGER, id BLOB, stored INTEGER, bytes BLOB,
    PRIMARY KEY (base, number, part)) WITHOUT ROWID;
  CREATE TABLE entries (key BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE signatures (content BLOB PRIMARY KEY, uses INTEGER NOT NULL, bytes BLOB NOT NULL);
`;
const rowsAtOnce = 500;

export interface StateEntry {
  readonly key: Uint8Array;
  readonly body: Uint8Array;
}

export class StateRows implements AsyncDisposable {
  private readonly database: Database;
  private readonly path: string;
  private readonly files: Files;

  private constructor(database: Database, path: string, files: Files) {
    this.database = database;
    this.path = path;
    this.files = files;
  }

  static async make(path: string, { files, databases }: { files: Files; databases: Databases }): Promise<StateRows> {
    await removeDatabase(files, path);
    const database = databases.open(path);
    database.execute(schema);
    return new StateRows(database, path, files);
  }

  addPart({ base, number, part, last, id, storedBytes, bytes }: StoredStatePart): void {
    const sql = 'INSERT OR IGNORE INTO parts (base, number, part, last, id, stored, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)';
    this.database.run(sql, base, number, part, last ? 1 : 0, id, storedBytes, bytes);
  }

  /** Bases of which at least the beginning is there. */
  bases(): Uint8Array[] {
    const rows = this.database.all('SELECT base FROM parts WHERE number = 0 AND part = 0');
    return rows.map(({ base }) => base).filter((base) => base instanceof Uint8Array);
  }

  /** Null when it is not there. */
  part(base: Uint8Array, number: number, part: number): StoredStatePart | null {
    const sql = 'SELECT last, id, stored, bytes FROM parts WHERE base = ? AND number = ? AND part = ?';
    const row = this.database.all(sql, base, number, part)[0];
    const [id, bytes] = [row?.['id'], row?.['bytes']];
    if (!(id instanceof Uint8Array) || !(bytes instanceof Uint8Array)) return null;
    return { base, number, part, last: row?.['last'] === 1, id, storedBytes: Number(row?.['stored']), bytes };
  }

  /** Nothing of what `body` did stays when it throws or gives false. */
  async whole(body: () => Promise<boolean>): Promise<boolean> {
    this.database.execute('SAVEPOINT step');
    let done = false;
    try {
      done = await body();
      return done;
    } finally {
      this.database.execute(done ? 'RELEASE step' : 'ROLLBACK TO step; RELEASE step');
    }
  }

  apply(record: StateRecord, pageKey: Uint8Array): void {
    const { what, key, body, rest } = record;
    const entry = what === stateRecords.changed ? this.changed(record, pageKey) : { body, signature: rest };
    if (what === stateRecords.gone || entry === null || !isWholeBody(entry.body)) {
      this.database.run('DELETE FROM entries WHERE key = ?', key);
      return;
    }
    this.database.run('INSERT OR REPLACE INTO entries (key, body) VALUES (?, ?)', key, entry.body);
    if (entry.signature.length === 0) return;
    const digest = extentListDigest(new BodyView(entry.body).extentBytes);
    this.database.run('INSERT OR REPLACE INTO signatures (content, uses, bytes) VALUES (?, 0, ?)', digest, entry.signature);
  }

  /** Null when what it is a difference to is not there. */
  private changed({ key, body, rest }: StateRecord, pageKey: Uint8Array): { body: Uint8Array; signature: Uint8Array } | null {
    const before = this.database.all('SELECT body FROM entries WHERE key = ?', key)[0]?.['body'];
    if (!(before instanceof Uint8Array) || !isWholeBody(body)) return null;
    const list = new BodyView(before).extentBytes;
    const signed = this.signatureOf(extentListDigest(list));
    const old = signed === null ? null : decodeSignature(signed, list, pageKey);
    const next = old === null ? null : applyDifference(old, rest);
    if (next === null) return null;
    const { sizeBytes, marks } = new BodyView(body);
    if (next.extents.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0) !== sizeBytes) return null;
    return { body: withContent(body, { extents: next.extents, sizeBytes, marks }), signature: encoded(next, pageKey) };
  }

  private signatureOf(digest: Uint8Array): Uint8Array | null {
    const bytes = this.database.all('SELECT bytes FROM signatures WHERE content = ?', digest)[0]?.['bytes'];
    return bytes instanceof Uint8Array ? bytes : null;
  }

  /** By key, some at a time; counts what uses which signature. */
  *entries(): Generator<readonly StateEntry[], void, undefined> {
    let after: Uint8Array = new Uint8Array(0);
    for (;;) {
      const sql = `SELECT key, body FROM entries WHERE key > ? ORDER BY key LIMIT ${rowsAtOnce}`;
      const rows: StateEntry[] = [];
      for (const { key, body } of this.database.all(sql, after)) {
        if (!(key instanceof Uint8Array) || !(body instanceof Uint8Array)) continue;
        rows.push({ key, body });
        if (isSigned(body)) this.use(extentListDigest(new BodyView(body).extentBytes));
      }
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.key;
      yield rows;
    }
  }

  private use(digest: Uint8Array): void {
    this.database.run('UPDATE signatures SET uses = uses + 1 WHERE content = ?', digest);
  }

  /** Signatures of the entries given out, one at a time. */
  *signatures(): Generator<SignatureRow, void, undefined> {
    let after: Uint8Array = new Uint8Array(0);
    for (;;) {
      const sql = 'SELECT content, uses, bytes FROM signatures WHERE content > ? AND uses > 0 ORDER BY content LIMIT 1';
      const row = this.database.all(sql, after)[0];
      const [content, bytes] = [row?.['content'], row?.['bytes']];
      if (!(content instanceof Uint8Array) || !(bytes instanceof Uint8Array)) return;
      after = content;
      yield { content, uses: Number(row?.['uses']), bytes };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.database.execute('ROLLBACK');
    this.database[Symbol.dispose]();
    await removeDatabase(this.files, this.path);
  }
}

function encoded({ extents, pieces, words }: SignedVersion, key: Uint8Array): Uint8Array {
  const list = new PackedWriter(bodyExtentBytes * extents.length);
  for (const extent of extents) writeExtent(list, extent);
  return encodeSignature({ list: list.take(), key, pieces, words: [words] });
}

async function removeDatabase(files: Files, path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await files.remove(`${path}${suffix}`);
}
