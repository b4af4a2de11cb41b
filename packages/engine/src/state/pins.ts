/*
 * What an agent has seen and does not accept less than (ledger head, head of each job), which job's first run is on its way on a seed disk,
 * and the history of its runs: rows of the local database. Losing them weakens the check for a rolled-back site until the next run; nothing else. The database carries its version
 * (SQLite's user_version), so that no version takes for its own what a newer one meant otherwise.
 */
import { recordDigest } from '@twinvault/format';
import type { LedgerHead, RecordDigest, SiteId } from '@twinvault/format';
import { assert } from '@twinvault/std';
import type { Database, SqlRow } from '@twinvault/std';
import { EngineError } from '../errors.ts';

const schema = `
  CREATE TABLE IF NOT EXISTS ledger (only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL,
    digest BLOB NOT NULL, root BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS heads (job TEXT PRIMARY KEY, record BLOB NOT NULL, sequence INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY, job TEXT NOT NULL, started INTEGER NOT NULL,
    ended INTEGER NOT NULL, result TEXT NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL,
    uploaded INTEGER NOT NULL, errors INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS seeds (job TEXT PRIMARY KEY, disk BLOB NOT NULL, begun INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS sites (site BLOB PRIMARY KEY, number INTEGER NOT NULL, digest BLOB NOT NULL, root BLOB NOT NULL,
    orders INTEGER NOT NULL, newest BLOB) STRICT;
  CREATE TABLE IF NOT EXISTS site_heads (site BLOB NOT NULL, job TEXT NOT NULL, record BLOB NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (site, job)) STRICT;
  CREATE TABLE IF NOT EXISTS left_runs (site BLOB NOT NULL, job TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (site, job)) STRICT;
`;

/** Of the schema; 0 is a database that nobody wrote to, or one from before there was a version: it has the tables of version 1. 2 added `seeds`, 3 the two of sites, 4 `left_runs`. */
const version = 4;

/** Runs kept per job. */
const runsMax = 400;

export interface JobHead {
  readonly record: RecordDigest;
  readonly sequence: number;
}

/** A job whose head, if it has one, stands on a disk and not yet at a site. */
export interface SeedBegun {
  /** Id of the disk: the site id of the vault on it. */
  readonly disk: Uint8Array;
  readonly begunMs: number;
}

/** What was seen at one site of the safe. */
export interface SeenSite {
  readonly ledger: LedgerHead;
  /** Erase orders in that ledger: what a later one covers may be gone. */
  readonly orders: number;
  /** The record with the newest receipt there; null: it had none. */
  readonly newest: RecordDigest | null;
}

export interface RunRow {
  readonly job: string;
  readonly startedMs: number;
  readonly endedMs: number;
  /** 'ok', 'with errors', 'aborted' or an error's code. */
  readonly result: string;
  readonly files: number;
  readonly bytes: number;
  readonly uploadedBytes: number;
  readonly errors: number;
}

export class Pins {
  private readonly database: Database;

  /** EngineError 'state-newer'. */
  constructor(database: Database) {
    this.database = database;
    const found = Number(database.all('PRAGMA user_version')[0]?.['user_version'] ?? 0);
    if (found > version) throw new EngineError('state-newer', { context: { version: found } });
    if (found === version) return;
    database.execute(schema);
    database.execute(`PRAGMA user_version = ${version}`);
  }

  ledgerHead(): LedgerHead | null {
    const row = this.database.all('SELECT number, digest, root FROM ledger')[0];
    return row === undefined ? null : { number: integer(row, 'number'), digest: blob(row, 'digest'), root: blob(row, 'root') };
  }

  /** Only forwards: an older head changes nothing. */
  pinLedgerHead(head: LedgerHead): void {
    this.database.run(
      `INSERT INTO ledger (only, number, digest, root) VALUES (1, ?, ?, ?)
       ON CONFLICT (only) DO UPDATE SET number = excluded.number, digest = excluded.digest, root = excluded.root
       WHERE excluded.number > ledger.number`,
      head.number,
      head.digest,
      head.root,
    );
  }

  head(job: string): JobHead | null {
    const row = this.database.all('SELECT record, sequence FROM heads WHERE job = ?', job)[0];
    return row === undefined ? null : { record: recordDigest(blob(row, 'record')), sequence: integer(row, 'sequence') };
  }

  pinHead(job: string, head: JobHead): void {
    this.database.run(
      `INSERT INTO heads (job, record, sequence) VALUES (?, ?, ?)
       ON CONFLICT (job) DO UPDATE SET record = excluded.record, sequence = excluded.sequence`,
      job,
      head.record,
      head.sequence,
    );
  }

  /** From the beginning of a seed until a site shows its safeset, or is sent another. */
  seed(job: string): SeedBegun | null {
    const row = this.database.all('SELECT disk, begun FROM seeds WHERE job = ?', job)[0];
    return row === undefined ? null : { disk: blob(row, 'disk'), begunMs: integer(row, 'begun') };
  }

  /** Of a job without head. */
  beginSeed(job: string, { disk, begunMs }: SeedBegun): void {
    this.database.run('INSERT INTO seeds (job, disk, begun) VALUES (?, ?, ?)', job, disk, Math.round(begunMs));
  }

  /** A site has what the seed brought, or more. */
  endSeed(job: string): void {
    this.database.run('DELETE FROM seeds WHERE job = ?', job);
  }

  /** The disk is lost: the job is one that was never backed up. False when no seed of it is on its way. */
  forgetSeed(job: string): boolean {
    if (this.seed(job) === null) return false;
    this.database.transaction(() => {
      this.database.run('DELETE FROM heads WHERE job = ?', job);
      this.database.run('DELETE FROM seeds WHERE job = ?', job);
    });
    return true;
  }

  /** Null: the site was not seen yet. */
  seenSite(site: SiteId): SeenSite | null {
    const row = this.database.all('SELECT number, digest, root, orders, newest FROM sites WHERE site = ?', site)[0];
    if (row === undefined) return null;
    return {
      ledger: { number: integer(row, 'number'), digest: blob(row, 'digest'), root: blob(row, 'root') },
      orders: integer(row, 'orders'),
      newest: row['newest'] === null ? null : recordDigest(blob(row, 'newest')),
    };
  }

  seeSite(site: SiteId, { ledger, orders, newest }: SeenSite): void {
    this.database.run(
      `INSERT OR REPLACE INTO sites (site, number, digest, root, orders, newest) VALUES (?, ?, ?, ?, ?, ?)`,
      site,
      ledger.number,
      ledger.digest,
      ledger.root,
      orders,
      newest,
    );
  }

  /** The head of each job of this computer that was seen at the site. */
  headsAt(site: SiteId): ReadonlyMap<string, JobHead> {
    const rows = this.database.all('SELECT job, record, sequence FROM site_heads WHERE site = ?', site);
    return new Map(
      rows.map((row) => [text(row, 'job'), { record: recordDigest(blob(row, 'record')), sequence: integer(row, 'sequence') }]),
    );
  }

  /** Whether the record was a head of the job at some other site, as far as is remembered. */
  isHeadElsewhere(site: SiteId, job: string, record: RecordDigest): boolean {
    return (
      this.database.all('SELECT site FROM site_heads WHERE site <> ? AND job = ? AND record = ?', site, job, record).length > 0
    );
  }

  pinHeadAt(site: SiteId, job: string, { record, sequence }: JobHead): void {
    this.database.run(
      `INSERT OR REPLACE INTO site_heads (site, job, record, sequence) VALUES (?, ?, ?, ?)`,
      site,
      job,
      record,
      sequence,
    );
  }

  /** When a run of the job was left at the site in the middle, which may hold its claim still; null: none was since the last that ended there. */
  leftAt(site: SiteId, job: string): number | null {
    const row = this.database.all('SELECT since FROM left_runs WHERE site = ? AND job = ?', site, job)[0];
    return row === undefined ? null : integer(row, 'since');
  }

  leaveAt(site: SiteId, job: string, sinceMs: number): void {
    this.database.run('INSERT OR REPLACE INTO left_runs (site, job, since) VALUES (?, ?, ?)', site, job, Math.round(sinceMs));
  }

  endAt(site: SiteId, job: string): void {
    this.database.run('DELETE FROM left_runs WHERE site = ? AND job = ?', site, job);
  }

  addRun(row: RunRow): void {
    this.database.transaction(() => {
      this.database.run(
        `INSERT INTO runs (job, started, ended, result, files, bytes, uploaded, errors) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        row.job,
        Math.round(row.startedMs),
        Math.round(row.endedMs),
        row.result,
        row.files,
        row.bytes,
        row.uploadedBytes,
        row.errors,
      );
      this.database.run(
        `DELETE FROM runs WHERE job = ? AND run NOT IN (SELECT run FROM runs WHERE job = ? ORDER BY run DESC LIMIT ${runsMax})`,
        row.job,
        row.job,
      );
    });
  }

  /** Newest first. */
  runs(job: string): RunRow[] {
    return this.database.all('SELECT * FROM runs WHERE job = ? ORDER BY run DESC', job).map((row) => ({
      job: text(row, 'job'),
      startedMs: integer(row, 'started'),
      endedMs: integer(row, 'ended'),
      result: text(row, 'result'),
      files: integer(row, 'files'),
      bytes: integer(row, 'bytes'),
      uploadedBytes: integer(row, 'uploaded'),
      errors: integer(row, 'errors'),
    }));
  }
}

function integer(row: SqlRow, column: string): number {
  const value = row[column];
  assert(typeof value === 'number' || typeof value === 'bigint', 'the column holds integers');
  return Number(value);
}

function text(row: SqlRow, column: string): string {
  const value = row[column];
  assert(typeof value === 'string', 'the column holds text');
  return value;
}

function blob(row: SqlRow, column: string): Uint8Array {
  const value = row[column];
  assert(value instanceof Uint8Array, 'the column holds bytes');
  return value;
}
