/*
 * The durable queue of a site's work: clean-up, checks, scrubbing, whatever goes on without a client waiting for it. Any node of the site
 * takes the next task; a node that dies in the middle of one loses its claim, and another carries it on from its last memo.
 *
 * A task runs at least once. Its handler is written so that running again is right, and calls `claim.check()` before each step that must
 * not be made by two: the fence of the claim is then the newest.
 *
 * A task whose times are further ahead than they can be, since a clock was, is due: else nothing would be done until that clock's time comes.
 *
 * Customers take turns: the next task is one of the customer with the fewest running, and among those of the one served longest ago.
 */

import { toHex } from '@twinvault/std';
import { sql } from 'kysely';
import type { Selectable, Transaction } from 'kysely';
import type { SiteDatabase } from './site-database.ts';
import type { SiteTables, TasksTable } from './tables.ts';
import { TaskClaim } from './task-claim.ts';
import { aheadMsMax } from './times-ahead.ts';
import { attemptsMax, claimLapseMs, endTask, jsonOf, taskKeptMs, taskOf } from './tasks.ts';
import type { NewTask, RecurringTask, Task } from './tasks.ts';

export interface ClaimOptions {
  /** Kinds that this node can do. */
  readonly kinds: readonly string[];
  /** Name of the node, for operators. */
  readonly node: string;
  /** At most so many tasks of one customer run at once, over all nodes; no limit when left out. */
  readonly customerMax?: number;
}

export class WorkQueue {
  readonly #database: SiteDatabase;

  constructor(database: SiteDatabase) {
    this.#database = database;
  }

  /** The id of the task, or of the one that has its key. */
  add(task: NewTask): Promise<string> {
    return this.#add(task, null);
  }

  /** Sees to it that the task is there and has this period; what is under way goes on. Its first run is due after `delayMs`. */
  async recur(task: RecurringTask): Promise<string> {
    return this.#add(task, task.periodMs);
  }

  /** Takes a recurring task away, or one that waits; one that runs loses its claim. False when there is none. */
  async drop(key: string): Promise<boolean> {
    const { numDeletedRows } = await this.#database.change((tables) =>
      tables.deleteFrom('tasks').where('key', '=', key).executeTakeFirst(),
    );
    return numDeletedRows > 0n;
  }

  async find(id: string): Promise<Task | null> {
    const row = await this.#database.read((tables) =>
      tables.selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst(),
    );
    return row === undefined ? null : taskOf(row);
  }

  async findByKey(key: string): Promise<Task | null> {
    const row = await this.#database.read((tables) =>
      tables.selectFrom('tasks').selectAll().where('key', '=', key).executeTakeFirst(),
    );
    return row === undefined ? null : taskOf(row);
  }

  /** How many tasks of each kind are in each state, for metrics. */
  counts(): Promise<readonly { readonly kind: string; readonly state: string; readonly count: number }[]> {
    return this.#database.read((tables) =>
      tables
        .selectFrom('tasks')
        .select(['kind', 'state', ({ fn }) => fn.countAll<number>().as('count')])
        .groupBy(['kind', 'state'])
        .execute(),
    );
  }

  /** The next task that is due, or null. A task whose claims lapsed `attemptsMax` times has failed. */
  async claim(options: ClaimOptions): Promise<TaskClaim | null> {
    if (options.kinds.length === 0) return null;
    const token = toHex(this.#database.random.bytes(16));
    const row = await this.#database.change(async (tables) => {
      // Made by this very call, on a connection that broke before it could answer.
      const mine = await tables.selectFrom('tasks').selectAll().where('token', '=', token).executeTakeFirst();
      return mine ?? this.#take(tables, options, token);
    });
    return row === null
      ? null
      : new TaskClaim(this.#database, { task: taskOf(row), fence: row.fence, token, memoJson: row.memoJson });
  }

  /** Ends claims of nodes that are gone for certain, so that what they ran is due at once and not when the claims lapse. The number of such tasks. */
  async release(isGone: (node: string) => boolean): Promise<number> {
    return this.#database.change(async (tables) => {
      const nowMs = await this.#database.nowMs(tables);
      const running = await tables.selectFrom('tasks').select(['id', 'node', 'fence']).where('state', '=', 'running').execute();
      const left = running.filter(({ node }) => isGone(node));
      for (const { id, fence } of left) {
        await tables.updateTable('tasks').set({ untilMs: nowMs }).where('id', '=', id).where('fence', '=', fence).execute();
      }
      return left.length;
    });
  }

  /** Removes tasks that ended long ago; the number removed. */
  async sweep(): Promise<number> {
    const { numDeletedRows } = await this.#database.change(async (tables) => {
      const nowMs = await this.#database.nowMs(tables);
      return tables
        .deleteFrom('tasks')
        .where('state', 'in', ['done', 'failed'])
        .where('endedMs', '<', nowMs - taskKeptMs)
        .executeTakeFirst();
    });
    return Number(numDeletedRows);
  }

  /** Of the tasks of a safe that are at rest: what they were asked, found and left. Those that recur go on. */
  async forgetReports(safe: string): Promise<void> {
    await this.#database.change(async (tables) => {
      await tables.deleteFrom('tasks').where('safe', '=', safe).where('state', 'in', ['done', 'failed']).execute();
      const forgotten = { memoJson: null, progressJson: null, reportJson: null, problemJson: null };
      await tables.updateTable('tasks').set(forgotten).where('safe', '=', safe).where('state', '=', 'waiting').execute();
    });
  }

  async #add(task: NewTask, periodMs: number | null): Promise<string> {
    const id = task.id ?? toHex(this.#database.random.bytes(16));
    const inputJson = jsonOf(task.input ?? null);
    return this.#database.change(async (tables) => {
      const nowMs = await this.#database.nowMs(tables);
      await tables
        .insertInto('tasks')
        .values({
          ...emptyTask,
          id,
          kind: task.kind,
          key: task.key ?? null,
          customer: task.customer,
          safe: task.safe ?? null,
          inputJson,
          dueMs: nowMs + (task.delayMs ?? 0),
          periodMs,
          createdMs: nowMs,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      if (task.key === undefined) return id;
      const there = await tables
        .selectFrom('tasks')
        .select(['id', 'periodMs', 'customer'])
        .where('key', '=', task.key)
        .executeTakeFirst();
      if (there === undefined) return id;
      const { customer } = task;
      if (periodMs !== null && (there.periodMs !== periodMs || there.customer !== customer)) {
        await tables.updateTable('tasks').set({ periodMs, inputJson, customer }).where('id', '=', there.id).execute();
      }
      return there.id;
    });
  }

  async #take(tables: Transaction<SiteTables>, options: ClaimOptions, token: string): Promise<Selectable<TasksTable> | null> {
    const nowMs = await this.#database.nowMs(tables);
    for (;;) {
      const next = await this.#next(tables, options, nowMs);
      if (next === undefined) return null;
      if (next.attempts >= attemptsMax) {
        // Whoever ran it died each time: it would take one node after the other with it.
        await endTask(tables, next, { nowMs, problem: { code: 'task-abandoned', context: { attempts: next.attempts } } });
        continue;
      }
      const taken = await tables
        .updateTable('tasks')
        .set({
          state: 'running',
          attempts: next.attempts + 1,
          fence: next.fence + 1,
          token,
          node: options.node,
          untilMs: nowMs + claimLapseMs,
          startedMs: nowMs,
          progressJson: null,
        })
        .where('id', '=', next.id)
        .returningAll()
        .executeTakeFirstOrThrow();
      await takeTurn(tables, next.customer);
      return taken;
    }
  }

  #next(
    tables: Transaction<SiteTables>,
    { kinds, customerMax }: ClaimOptions,
    nowMs: number,
  ): Promise<Selectable<TasksTable> | undefined> {
    const running = tables
      .selectFrom('tasks')
      .select(['customer', ({ fn }) => fn.countAll<number>().as('count')])
      .where('state', '=', 'running')
      .where('untilMs', '>', nowMs)
      .where('untilMs', '<=', nowMs + claimLapseMs + aheadMsMax)
      .groupBy('customer')
      .as('running');
    const count = sql<number>`coalesce(${sql.ref('running.count')}, 0)`;
    return tables
      .selectFrom('tasks')
      .leftJoin(running, 'running.customer', 'tasks.customer')
      .leftJoin('turns', 'turns.customer', 'tasks.customer')
      .selectAll('tasks')
      .where('tasks.kind', 'in', kinds)
      .where((eb) =>
        eb.or([
          eb.and([eb('tasks.state', '=', 'waiting'), eb('tasks.dueMs', '<=', nowMs)]),
          eb.and([eb('tasks.state', '=', 'running'), eb('tasks.untilMs', '<=', nowMs)]),
          eb.and([eb('tasks.state', '=', 'running'), eb('tasks.untilMs', '>', nowMs + claimLapseMs + aheadMsMax)]),
          eb.and([
            eb('tasks.state', '=', 'waiting'),
            eb((of) => of.fn.coalesce('tasks.startedMs', 'tasks.createdMs'), '>', nowMs + aheadMsMax),
          ]),
        ]),
      )
      .$if(customerMax !== undefined, (query) => query.where(count, '<', customerMax ?? 0))
      .orderBy(count)
      .orderBy(sql`coalesce(${sql.ref('turns.turn')}, 0)`)
      .orderBy('tasks.dueMs')
      .orderBy('tasks.id')
      .limit(1)
      .$if(this.#database.rowLocks, (query) => query.forUpdate('tasks').skipLocked())
      .executeTakeFirst();
  }
}

const emptyTask = {
  state: 'waiting',
  attempts: 0,
  fence: 0,
  token: null,
  node: '',
  untilMs: null,
  memoJson: null,
  progressJson: null,
  reportJson: null,
  problemJson: null,
  startedMs: null,
  endedMs: null,
} as const;

async function takeTurn(tables: Transaction<SiteTables>, customer: string): Promise<void> {
  const { last } = await tables
    .selectFrom('turns')
    .select(({ fn }) => fn.coalesce(fn.max('turn'), sql<number>`0`).as('last'))
    .executeTakeFirstOrThrow();
  const turn = last + 1;
  await tables
    .insertInto('turns')
    .values({ customer, turn })
    .onConflict((conflict) => conflict.column('customer').doUpdateSet({ turn }))
    .execute();
}
