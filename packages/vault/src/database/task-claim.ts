/* A task that this node has taken: it stays the node's while it is renewed, and ends by exactly one of `complete`, `fail` and `putBack`. */

import { ProtocolError } from '@twinvault/protocol';
import type { Transaction } from 'kysely';
import type { SiteDatabase } from './site-database.ts';
import type { SiteTables, TasksTable } from './tables.ts';
import { attemptsMax, claimLapseMs, endTask, jsonOf, retryDelayMs } from './tasks.ts';
import type { Json, Task, TaskProblem } from './tasks.ts';

export interface ClaimParts {
  readonly task: Task;
  readonly fence: number;
  readonly token: string;
  readonly memoJson: string | null;
}

export class TaskClaim {
  readonly task: Task;
  /** Grows with each claim of the task. */
  readonly fence: number;
  /** What an earlier attempt left by `remember`; null at the first. */
  readonly memo: Json;
  readonly #database: SiteDatabase;
  readonly #token: string;

  constructor(database: SiteDatabase, { task, fence, token, memoJson }: ClaimParts) {
    this.#database = database;
    this.task = task;
    this.fence = fence;
    this.#token = token;
    this.memo = memoJson === null ? null : (JSON.parse(memoJson) as Json);
  }

  /** Keeps the claim for another `claimLapseMs`; `lease-lost` when another node has the task, or it was dropped. */
  check(): Promise<void> {
    return this.#change({});
  }

  /** What `GET /tasks` shows; keeps the claim. `lease-lost`. */
  progress(progress: Json): Promise<void> {
    return this.#change({ progressJson: jsonOf(progress) });
  }

  /** Where another attempt shall go on; durable. Keeps the claim. `lease-lost`. */
  remember(memo: Json): Promise<void> {
    return this.#change({ memoJson: jsonOf(memo) });
  }

  /** `lease-lost`: another node has the task, and its end counts. */
  async complete(report: Json = null): Promise<void> {
    await this.#end((tables, row, nowMs) => endTask(tables, row, { nowMs, report }));
  }

  /**
   * Tried again after a while that grows, of a recurring one not beyond its period; or, when it was tried often enough or `again` is false, at its end.
   * `lease-lost`.
   */
  async fail(problem: TaskProblem, { again }: { readonly again: boolean }): Promise<'again' | 'ended'> {
    const [spread = 0] = this.#database.random.bytes(1);
    return this.#end(async (tables, row, nowMs) => {
      if (!again || row.attempts >= attemptsMax) {
        await endTask(tables, row, { nowMs, problem });
        return 'ended';
      }
      const problemJson = jsonOf({ code: problem.code, context: problem.context });
      const pauseMs = Math.min(retryDelayMs(row.attempts, spread / 256), row.periodMs ?? Infinity);
      await this.#release(tables, { dueMs: nowMs + pauseMs, problemJson });
      return 'again';
    });
  }

  /** Gives the task back unfinished, as a node does that stops: the next one goes on from the memo, and no attempt is counted. */
  async putBack(): Promise<void> {
    await this.#end(async (tables, row, nowMs) => {
      await this.#release(tables, { dueMs: nowMs, attempts: row.attempts - 1 });
    });
  }

  async #release(tables: Transaction<SiteTables>, set: Partial<TasksTable>): Promise<void> {
    await tables
      .updateTable('tasks')
      .set({ ...set, state: 'waiting', token: null, untilMs: null })
      .where('id', '=', this.task.id)
      .execute();
  }

  async #change(set: Partial<TasksTable>): Promise<void> {
    const changed = await this.#database.change(async (tables) => {
      const untilMs = (await this.#database.nowMs(tables)) + claimLapseMs;
      const { numUpdatedRows } = await tables
        .updateTable('tasks')
        .set({ ...set, untilMs })
        .where('id', '=', this.task.id)
        .where('token', '=', this.#token)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
    if (!changed) throw this.#lost();
  }

  /** `body` once while the claim holds. When the connection broke as it ended, the second try finds the fence at rest: it was made. */
  async #end<T>(body: (tables: Transaction<SiteTables>, row: TasksTable, nowMs: number) => Promise<T>): Promise<T> {
    let answer: { readonly value: T } | null = null;
    return this.#database.change(async (tables) => {
      const row = await tables
        .selectFrom('tasks')
        .selectAll()
        .where('id', '=', this.task.id)
        .$if(this.#database.rowLocks, (query) => query.forUpdate())
        .executeTakeFirst();
      if (row === undefined || row.fence !== this.fence) throw this.#lost();
      if (row.token === null && answer !== null) return answer.value;
      if (row.token !== this.#token) throw this.#lost();
      answer = { value: await body(tables, row, await this.#database.nowMs(tables)) };
      return answer.value;
    });
  }

  #lost(): ProtocolError {
    return new ProtocolError('lease-lost', { context: { task: this.task.id, fence: this.fence } });
  }
}
