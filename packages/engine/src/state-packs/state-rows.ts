/*
 * A job's state while it is put together from its base and its logs: a scratch database, so that memory stays flat whatever the
 * number of files. Nothing in it outlives the run; it is never committed.
 */
import type { Database, Databases, Files } from '@twinvault/std';
import { DifferenceReader } from '../delta/difference.ts';
import { decodeSignature, extentListDigest } from '../delta/signature.ts';
import type { Signature } from '../delta/signature.ts';
import { BodyView, isWholeBody, withContent } from '../entries/entry-body.ts';
import { dropUnusedSignatures, isSigned, signatureTables, useSegments } from '../state/signature-store.ts';
import type { SegmentRow, SignatureRow } from '../state/signature-store.ts';
import type { StoredStatePart } from './state-tails.ts';
import { stateRecords } from './state-stream.ts';
import type { StateDifference, StateRecord } from './state-stream.ts';

const schema = `
  BEGIN IMMEDIATE;
  CREATE TABLE parts (base BLOB, number INTEGER, part INTEGER, last INTEGER, id BLOB, stored INTEGER, bytes BLOB,
    PRIMARY KEY (base, number, part)) WITHOUT ROWID;
  CREATE TABLE entries (key BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
  ${signatureTables}
`;
const rowsAtOnce = 500;

export interface StateEntry {
  readonly key: Uint8Array;
  readonly body: Uint8Array;
}

interface OpenDifference {
  readonly key: Uint8Array;
  /** Without extents. */
  readonly body: Uint8Array;
  reader: DifferenceReader | null;
}

export class StateRows implements AsyncDisposable {
  private readonly database: Database;
  private readonly path: string;
  private readonly files: Files;
  /** The entry whose difference is being read. */
  private open: OpenDifference | null = null;

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
      if (done) this.database.execute(dropUnusedSignatures);
      return done;
    } finally {
      this.database.execute(done ? 'RELEASE step' : 'ROLLBACK TO step; RELEASE step');
    }
  }

  apply(record: StateRecord | StateDifference, pageKey: Uint8Array): void {
    if (record.what === 'difference') return this.goOn(record.part, pageKey);
    const { what, key, body } = record;
    if (what === stateRecords.gone || !isWholeBody(body)) this.replace(key, null);
    else if (what === stateRecords.put) this.replace(key, body);
    this.open = null;
    if (what === stateRecords.gone || what === stateRecords.put) return;
    const before = what === stateRecords.changed ? this.signedVersion(key, pageKey) : null;
    const isLost = !isWholeBody(body) || (what === stateRecords.changed && before === null);
    const { sizeBytes } = isLost ? { sizeBytes: 0 } : new BodyView(body);
    const load = (name: Uint8Array): Uint8Array | null => this.segment(name);
    const sink = { keepSegment: (name: Uint8Array, words: Uint32Array): boolean => this.keepSegment(name, words) };
    const reader = isLost ? null : new DifferenceReader({ before, load, sink, sizeBytes });
    this.open = { key: key.slice(), body: body.slice(), reader };
  }

  /** Without the reader the entry is one of which nothing is known: what it is a difference to is not there, or it is none. */
  private goOn(part: Uint8Array | null, pageKey: Uint8Array): void {
    const { open } = this;
    if (open === null) return;
    if (part !== null) {
      if (open.reader?.take(part) === false) open.reader = null;
      return;
    }
    this.open = null;
    const version = open.reader?.finish(pageKey) ?? null;
    if (version === null || version.signature === null) return this.replace(open.key, null);
    const { list, signature } = version;
    const digest = extentListDigest(list);
    this.database.run(
      `INSERT INTO signatures (content, uses, bytes) VALUES (?, 0, ?) ON CONFLICT (content) DO UPDATE SET bytes = excluded.bytes`,
      digest,
      signature,
    );
    useSegments(this.database, digest, signature);
    const { sizeBytes, marks } = new BodyView(open.body);
    this.replace(open.key, withContent(open.body, { extents: list, sizeBytes, marks }));
  }

  /** What entries use is counted, so that signatures go with the log that made the last use of them go. */
  private replace(key: Uint8Array, body: Uint8Array | null): void {
    const before = this.bodyOf(key);
    if (before !== null) this.use(before, -1);
    if (body === null) this.database.run('DELETE FROM entries WHERE key = ?', key);
    else {
      this.database.run('INSERT OR REPLACE INTO entries (key, body) VALUES (?, ?)', key, body);
      this.use(body, 1);
    }
  }

  private bodyOf(key: Uint8Array): Uint8Array | null {
    const body = this.database.all('SELECT body FROM entries WHERE key = ?', key)[0]?.['body'];
    return body instanceof Uint8Array ? body : null;
  }

  /** Null when it is not there. */
  private signedVersion(key: Uint8Array, pageKey: Uint8Array): Signature | null {
    const body = this.bodyOf(key);
    if (body === null) return null;
    const list = new BodyView(body).extentBytes;
    const signed = this.signatureOf(extentListDigest(list));
    return signed === null ? null : decodeSignature(signed, list, pageKey);
  }

  private segment(name: Uint8Array): Uint8Array | null {
    const bytes = this.database.all('SELECT bytes FROM segments WHERE name = ?', name)[0]?.['bytes'];
    return bytes instanceof Uint8Array ? bytes : null;
  }

  private keepSegment(name: Uint8Array, words: Uint32Array): boolean {
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.database.run('INSERT OR IGNORE INTO segments (name, bytes) VALUES (?, ?)', name, bytes);
    return false;
  }

  private signatureOf(digest: Uint8Array): Uint8Array | null {
    const bytes = this.database.all('SELECT bytes FROM signatures WHERE content = ?', digest)[0]?.['bytes'];
    return bytes instanceof Uint8Array ? bytes : null;
  }

  /** By key, some at a time; counts anew what uses which signature. */
  *entries(): Generator<readonly StateEntry[], void, undefined> {
    this.database.run('UPDATE signatures SET uses = 0');
    let after: Uint8Array = new Uint8Array(0);
    for (;;) {
      const sql = `SELECT key, body FROM entries WHERE key > ? ORDER BY key LIMIT ${rowsAtOnce}`;
      const rows: StateEntry[] = [];
      for (const { key, body } of this.database.all(sql, after)) {
        if (!(key instanceof Uint8Array) || !(body instanceof Uint8Array)) continue;
        rows.push({ key, body });
        this.use(body, 1);
      }
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.key;
      yield rows;
    }
  }

  private use(body: Uint8Array, count: number): void {
    if (!isSigned(body)) return;
    const digest = extentListDigest(new BodyView(body).extentBytes);
    this.database.run('UPDATE signatures SET uses = uses + ? WHERE content = ?', count, digest);
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

  /** One at a time. */
  *segments(): Generator<SegmentRow, void, undefined> {
    let after: Uint8Array = new Uint8Array(0);
    for (;;) {
      const row = this.database.all('SELECT name, bytes FROM segments WHERE name > ? ORDER BY name LIMIT 1', after)[0];
      const [name, bytes] = [row?.['name'], row?.['bytes']];
      if (!(name instanceof Uint8Array) || !(bytes instanceof Uint8Array)) return;
      after = name;
      yield { name, bytes };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.database.execute('ROLLBACK');
    this.database[Symbol.dispose]();
    await removeDatabase(this.files, this.path);
  }
}

async function removeDatabase(files: Files, path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await files.remove(`${path}${suffix}`);
}
