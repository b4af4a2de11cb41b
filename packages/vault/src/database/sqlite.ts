/*
 * A site's database in one file: the default. One connection per process; several processes of one machine may have it open. A commit is
 * durable when it answers (synchronous=FULL): a position of the feed that somebody has read is never given twice.
 */

import BetterSqlite3 from 'better-sqlite3';
import { CompiledQuery, SqliteAdapter, SqliteDialect, SqliteDriver } from 'kysely';
import type { DatabaseConnection, Dialect, DialectAdapter, Driver, SqliteDialectConfig } from 'kysely';

/** Waiting here stops the whole process, so it is short; what takes longer is waited for by SiteDatabase. */
const busyTimeoutMs = 10;

/** `path`: absolute, on a local disk; ':memory:' for a private one. */
export function sqliteDialect(path: string): Dialect {
  return new SiteSqliteDialect({
    database: () => {
      const database = new BetterSqlite3(path, { timeout: busyTimeoutMs });
      if (path !== ':memory:') database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      return Promise.resolve(database);
    },
  });
}

class SiteSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new SiteSqliteDriver(this.#config);
  }

  override createAdapter(): DialectAdapter {
    return new SiteSqliteAdapter();
  }
}

/** A transaction that reads first and writes then would fail as soon as another process wrote between. */
class SiteSqliteDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  /**
   * On a full disk SQLite ends the transaction by itself (https://www.sqlite.org/lang_transaction.html, section 3): what is then said of the
   * rollback would hide why it failed.
   */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('no transaction is active')) throw error;
    }
  }
}

/** SQLite's changes of the schema are part of a transaction, so that a migration is made whole or not at all. */
class SiteSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
