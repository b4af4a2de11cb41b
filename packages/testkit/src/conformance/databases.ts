/* What every implementation of databases must do. `directory` is an empty one that exists, or a made-up path in memory. */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Databases, StdError } from '@twinvault/std';

export interface DatabasesUnderTest extends AsyncDisposable {
  readonly databases: Databases;
  readonly directory: string;
}

function throwsWith(code: string, action: () => unknown): void {
  assert.throws(action, (error) => error instanceof StdError && error.code === code);
}

const cases: Readonly<Record<string, (given: DatabasesUnderTest) => void>> = {
  'rows go in and come out as they were': ({ databases }) => {
    using database = databases.open(':memory:');
    database.execute('CREATE TABLE t (a INTEGER, b TEXT, c BLOB, d REAL, e)');
    const big = Number.MAX_SAFE_INTEGER;
    assert.equal(database.run('INSERT INTO t VALUES (?, ?, ?, ?, ?)', big, 'ä', Uint8Array.of(0, 255), 0.5, null), 1);
    assert.equal(database.run('INSERT INTO t VALUES (?, ?, ?, ?, ?)', -7n, '', new Uint8Array(0), -1.25, 3), 1);
    const rows = database.all('SELECT *, typeof(e) AS kind FROM t ORDER BY rowid').map((row) => ({ ...row }));
    assert.deepEqual(rows, [
      { a: big, b: 'ä', c: Uint8Array.of(0, 255), d: 0.5, e: null, kind: 'null' },
      { a: -7, b: '', c: new Uint8Array(0), d: -1.25, e: 3, kind: 'integer' },
    ]);
    assert.equal(database.run('UPDATE t SET b = ?', 'x'), 2);
    assert.equal(database.run('DELETE FROM t WHERE a = ?', 12), 0);
  },

  'integers beyond 2^53 are errors, both ways': ({ databases }) => {
    using database = databases.open(':memory:');
    database.execute('CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (9007199254740993)');
    throwsWith('database-failed', () => database.all('SELECT a FROM t'));
    throwsWith('database-failed', () => database.run('INSERT INTO t VALUES (?)', 2n ** 53n));
    throwsWith('database-failed', () => database.run('INSERT INTO t VALUES (?)', 2 ** 53));
    assert.equal(database.all('SELECT count(*) AS n FROM t')[0]?.['n'], 1);
  },

  'a transaction is whole or not at all': ({ databases }) => {
    using database = databases.open(':memory:');
    database.execute('CREATE TABLE t (a INTEGER UNIQUE)');
    const result = database.transaction(() => database.run('INSERT INTO t VALUES (1), (2)'));
    assert.equal(result, 2);
    const broken = new Error('broken');
    const fail = (): never => {
      database.run('INSERT INTO t VALUES (3)');
      throw broken;
    };
    assert.throws(() => database.transaction(fail), broken);
    throwsWith('database-failed', () => database.transaction(() => database.run('INSERT INTO t VALUES (4), (1)')));
    assert.throws(() => database.transaction(() => database.transaction(() => undefined)));
    assert.equal(database.all('SELECT count(*) AS n FROM t')[0]?.['n'], 2);
    database.transaction(() => database.run('INSERT INTO t VALUES (5)'));
  },

  'rows outlive the handle; private ones do not': ({ databases, directory }) => {
    const path = `${directory}/state.db`;
    {
      using database = databases.open(path);
      database.execute('CREATE TABLE t (a INTEGER)');
      database.run('INSERT INTO t VALUES (?)', 5);
    }
    {
      using database = databases.open(path);
      assert.deepEqual(
        database.all('SELECT a FROM t').map((row) => row['a']),
        [5],
      );
      using other = databases.open(`${directory}/other.db`);
      throwsWith('database-failed', () => other.all('SELECT a FROM t'));
    }
    using first = databases.open(':memory:');
    first.execute('CREATE TABLE t (a INTEGER)');
    using second = databases.open(':memory:');
    throwsWith('database-failed', () => second.all('SELECT a FROM t'));
  },

  'wrong SQL is an error, and disposing twice is none': ({ databases }) => {
    const database = databases.open(':memory:');
    throwsWith('database-failed', () => database.all('SELEC 1'));
    throwsWith('database-failed', () => database.execute('CREATE TABLE'));
    database[Symbol.dispose]();
    database[Symbol.dispose]();
    assert.throws(() => database.all('SELECT 1'));
  },
};

export function databasesConformance(name: string, make: () => Promise<DatabasesUnderTest>): void {
  suite(`databases: ${name}`, () => {
    for (const [title, body] of Object.entries(cases)) {
      test(title, async () => {
        await using given = await make();
        body(given);
      });
    }
  });
}
