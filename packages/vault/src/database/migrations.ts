/*
 * The schema's history: each step once, in order of its name, on SQLite and PostgreSQL alike. A step that was released is never changed;
 * a new one adds. Steps only add tables, columns and indexes, so that nodes of two versions can stand side by side during an upgrade.
 */

import { ProtocolError } from '@twinvault/protocol';
import { sql } from 'kysely';
import type { CreateTableBuilder, Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Migration } from 'kysely/migration';

type Schema = Kysely<unknown>;

const steps: Readonly<Record<string, Migration>> = {
  '0001-begin': { up: begin },
  '0002-twins': { up: beginTwins },
  '0003-nodes': { up: beginNodes },
};

/** Brings the tables up to date; fine when they are. `vault-newer` when a newer program has changed them. */
export async function migrate(database: Schema): Promise<void> {
  const migrator = new Migrator({ db: database, provider: { getMigrations: () => Promise.resolve({ ...steps }) } });
  const executed = await executedSteps(database);
  const newer = executed.find((name) => !(name in steps));
  if (newer !== undefined) throw new ProtocolError('vault-newer', { context: { step: newer } });
  if (executed.length === Object.keys(steps).length) return;
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/** None where no table is there yet. */
async function executedSteps(database: Schema): Promise<string[]> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === 'kysely_migration')) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(database);
  return rows.map(({ name }) => name);
}

async function begin(database: Schema): Promise<void> {
  await textKeyed(database, 'facts', ['name']).addColumn('value', 'text', filled).execute();
  await textKeyed(database, 'leases', ['folder', 'name'])
    .addColumn('token', 'text', filled)
    .addColumn('fence', 'bigint', filled)
    .addColumn('generation', 'text', filled)
    .addColumn('holder', 'text', filled)
    .addColumn('since_ms', 'bigint', filled)
    .addColumn('renewed_ms', 'bigint', filled)
    .addColumn('lapse_ms', 'bigint', filled)
    .addColumn('about_json', 'text', filled)
    .execute();
  await database.schema.createIndex('leases_token').unique().on('leases').column('token').execute();
  await textKeyed(database, 'exchanges', ['safe', 'kind', 'id'])
    .addColumn('customer', 'text', filled)
    .addColumn('state_json', 'text', filled)
    .addColumn('opened_ms', 'bigint', filled)
    .addColumn('until_ms', 'bigint', filled)
    .addColumn('lapse_ms', 'bigint', filled)
    .execute();
  await database.schema.createIndex('exchanges_until').on('exchanges').column('until_ms').execute();
  await beginTasks(database);
  await beginInventory(database);
}

async function beginTasks(database: Schema): Promise<void> {
  await textKeyed(database, 'tasks', ['id'])
    .addColumn('kind', 'text', filled)
    .addColumn('key', 'text', (column) => column.unique())
    .addColumn('customer', 'text', filled)
    .addColumn('safe', 'text')
    .addColumn('input_json', 'text', filled)
    .addColumn('state', 'text', filled)
    .addColumn('due_ms', 'bigint', filled)
    .addColumn('period_ms', 'bigint')
    .addColumn('attempts', 'bigint', filled)
    .addColumn('fence', 'bigint', filled)
    .addColumn('token', 'text')
    .addColumn('node', 'text', filled)
    .addColumn('until_ms', 'bigint')
    .addColumn('memo_json', 'text')
    .addColumn('progress_json', 'text')
    .addColumn('report_json', 'text')
    .addColumn('problem_json', 'text')
    .addColumn('created_ms', 'bigint', filled)
    .addColumn('started_ms', 'bigint')
    .addColumn('ended_ms', 'bigint')
    .execute();
  await database.schema.createIndex('tasks_due').on('tasks').columns(['state', 'due_ms']).execute();
  await textKeyed(database, 'turns', ['customer']).addColumn('turn', 'bigint', filled).execute();
}

async function beginInventory(database: Schema): Promise<void> {
  await textKeyed(database, 'inventory', ['safe', 'kind', 'name'])
    .addColumn('bytes', 'bigint', filled)
    .addColumn('position', 'bigint', filled)
    .addColumn('stored_ms', 'bigint', filled)
    .addColumn('verified_ms', 'bigint', filled)
    .addColumn('state', 'text', filled)
    .addColumn('locked_ms', 'bigint', filled)
    .execute();
  await database.schema.createIndex('inventory_position').unique().on('inventory').columns(['safe', 'position']).execute();
  await database.schema.createIndex('inventory_verified').on('inventory').columns(['state', 'verified_ms']).execute();
  await textKeyed(database, 'positions', ['safe']).addColumn('position', 'bigint', filled).execute();
  await database.schema
    .createTable('metering')
    .addColumn('safe', 'text', filled)
    .addColumn('computer', 'text', filled)
    .addColumn('job', 'text', filled)
    .addColumn('day', 'bigint', filled)
    .addColumn('customer', 'text', filled)
    .addColumn('protected_bytes', 'bigint', filled)
    .addColumn('stored_bytes', 'bigint', filled)
    .addColumn('safesets', 'bigint', filled)
    .addPrimaryKeyConstraint('metering_key', ['safe', 'computer', 'job', 'day'])
    .execute();
  await database.schema.createIndex('metering_day').on('metering').column('day').execute();
}

async function beginTwins(database: Schema): Promise<void> {
  await textKeyed(database, 'twin_lags', ['twin', 'safe'])
    .addColumn('behind_objects', 'bigint', filled)
    .addColumn('behind_bytes', 'bigint', filled)
    .addColumn('behind_since_ms', 'bigint')
    .addColumn('read_ms', 'bigint')
    .addColumn('compared_ms', 'bigint')
    .addColumn('skew_ms', 'bigint', filled)
    .addColumn('problem', 'text')
    .execute();
}

async function beginNodes(database: Schema): Promise<void> {
  await textKeyed(database, 'nodes', ['node']).addColumn('seen_ms', 'bigint', filled).execute();
}

const filled = <Column extends { notNull(): Column }>(column: Column): Column => column.notNull();

function textKeyed(database: Schema, table: string, key: readonly string[]): CreateTableBuilder<string, string> {
  let builder: CreateTableBuilder<string, string> = database.schema.createTable(table);
  for (const column of key) builder = builder.addColumn(column, 'text', filled);
  return builder.addPrimaryKeyConstraint(`${table}_key`, [...key]);
}
