/*
 * The database port on node:sqlite. Numbers: a whole JavaScript number is bound as an INTEGER, not as the REAL that
 * node:sqlite would make of it; reading an INTEGER beyond 2^53 fails, and so does writing one.
 */

import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { assert } from '../assert.ts';
import { StdError, type StdErrorCode } from '../errors.ts';
import type { Database, Databases, SqlRow, SqlValue } from '../ports/database.ts';
import { fileSystemType } from './file-space.ts';

const busyTimeoutMs = 10_000;
const statementCountMax = 256;

/** Primary and extended result codes, https://www.sqlite.org/rescode.html. */
const codes: Readonly<Record<number, StdErrorCode>> = {
  3: 'file-denied',
  5: 'database-busy',
  6: 'database-busy',
  8: 'file-read-only',
  13: 'file-disk-full',
  // SQLITE_IOERR_SHMSIZE: the file that WAL shares memory by cannot grow.
  4874: 'file-disk-full',
};

function databaseError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (!('errcode' in error) || typeof error.errcode !== 'number') {
    // node:sqlite's own refusals, such as an INTEGER that does not fit.
    return new StdError('database-failed', { context: { systemCode: String(error.code) }, cause: error });
  }
  const code = codes[error.errcode] ?? codes[error.errcode & 0xff] ?? 'database-failed';
  return new StdError(code, { context: { sqliteCode: error.errcode }, cause: error });
}

function guarded<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw databaseError(error);
  }
}

function bound(value: SqlValue): SqlValue {
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return value;
    if (Number.isSafeInteger(value)) return BigInt(value);
  } else if (typeof value !== 'bigint' || Number.isSafeInteger(Number(value))) return value;
  throw new StdError('database-failed', { context: { systemCode: 'integer above 2^53' } });
}

class NodeDatabase implements Database {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #inTransaction = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  execute(sql: string): void {
    guarded(() => this.#database.exec(sql));
  }

  run(sql: string, ...parameters: readonly SqlValue[]): number {
    return guarded(() => Number(this.#prepare(sql).run(...parameters.map(bound)).changes));
  }

  all(sql: string, ...parameters: readonly SqlValue[]): SqlRow[] {
    return guarded(() => this.#prepare(sql).all(...parameters.map(bound)) as SqlRow[]);
  }

  transaction<T>(body: () => T): T {
    assert(!this.#inTransaction, 'transactions do not nest');
    this.execute('BEGIN IMMEDIATE');
    this.#inTransaction = true;
    try {
      const result = body();
      assert(!(result instanceof Promise), 'a transaction does not wait');
      this.execute('COMMIT');
      return result;
    } catch (error) {
      // A full disk and some other failures have rolled back by themselves.
      if (this.#database.isTransaction) this.execute('ROLLBACK');
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  [Symbol.dispose](): void {
    if (!this.#database.isOpen) return;
    this.#statements.clear();
    guarded(() => this.#database.close());
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= statementCountMax) this.#statements.clear();
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** WAL needs shared memory between all who have the file open, which network file systems do not give. */
function onNetwork(path: string): boolean {
  return ['nfs', 'smb', 'fuse', '9p', 'ceph'].includes(fileSystemType(statfsSync(dirname(path)).type));
}

export const nodeDatabases: Databases = {
  open: (path) =>
    guarded(() => {
      const inMemory = path === ':memory:';
      const journal = inMemory ? 'MEMORY' : onNetwork(path) ? 'DELETE' : 'WAL';
      const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
      try {
        database.exec(`PRAGMA journal_mode=${journal}; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;`);
      } catch (error) {
        database.close();
        throw error;
      }
      return new NodeDatabase(database);
    }),
};
