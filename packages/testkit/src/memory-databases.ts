/*
 * The database port in memory: SQLite itself, one database per path, which keeps its rows when it is closed and opened
 * again. A commit is durable at once, so there is nothing to lose in a crash.
 */

import { assert, type Database, type Databases } from '@twinvault/std';
import { nodeDatabases } from '@twinvault/std/node';

/** A handle on a database that outlives it. */
function handleOn(database: Database): Database {
  let open = true;
  const use = (): Database => {
    assert(open, 'database used after dispose');
    return database;
  };
  return {
    execute: (sql) => use().execute(sql),
    run: (sql, ...parameters) => use().run(sql, ...parameters),
    all: (sql, ...parameters) => use().all(sql, ...parameters),
    transaction: (body) => use().transaction(body),
    [Symbol.dispose]: () => {
      open = false;
    },
  };
}

export function memoryDatabases(): Databases {
  const kept = new Map<string, Database>();
  return {
    open: (path) => {
      if (path === ':memory:') return nodeDatabases.open(path);
      let database = kept.get(path);
      if (database === undefined) {
        database = nodeDatabases.open(':memory:');
        kept.set(path, database);
      }
      return handleOn(database);
    },
  };
}
