/* What a task of the queue is, how it ends, and the limits of both. */

import { ProtocolError } from '@twinvault/protocol';
import { dayMs, hourMs, minuteMs, secondMs } from '@twinvault/std';
import type { ErrorContext } from '@twinvault/std';
import type { Kysely, Selectable } from 'kysely';
import type { SiteTables, TasksTable } from './tables.ts';

/** What JSON can say; nothing else goes into a task. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface NewTask {
  readonly kind: string;
  /** Whose turn it takes; "site" for what serves all. */
  readonly customer: string;
  /** Hexadecimal. */
  readonly safe?: string;
  readonly input?: Json;
  /** At most one waiting or running task has a key; adding another answers with the one that is there. */
  readonly key?: string;
  /** From now; 0 when left out. */
  readonly delayMs?: number;
  /** Drawn by the caller, so that the same call again adds nothing; drawn here when left out. 32 hexadecimal digits. */
  readonly id?: string;
}

export interface RecurringTask extends NewTask {
  readonly key: string;
  /** From one beginning to the next; a run that takes longer is followed at once. */
  readonly periodMs: number;
}

export type TaskState = 'waiting' | 'running' | 'done' | 'failed';

/** What went wrong, for operators: a code of docs/errors.md, ids, sizes and counts. */
export interface TaskProblem {
  readonly code: string;
  readonly context: Readonly<Record<string, string | number | boolean>>;
}

export interface Task {
  readonly id: string;
  readonly kind: string;
  readonly key: string | null;
  readonly customer: string;
  readonly safe: string | null;
  readonly input: Json;
  readonly state: TaskState;
  readonly dueMs: number;
  readonly periodMs: number | null;
  /** Beginnings since it was added, or since a recurring one last came to an end. */
  readonly attempts: number;
  readonly progress: Json;
  /** Of the last run that came to a good end. */
  readonly report: Json;
  /** Of the last run that failed; null after a good one. */
  readonly problem: TaskProblem | null;
  readonly createdMs: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
}

/** A claim lapses when it was not renewed for so long. */
export const claimLapseMs: number = 2 * minuteMs;
export const attemptsMax = 8;
const retryMsMin: number = 10 * secondMs;
const retryMsMax: number = hourMs;
/** How long a task that has ended can be asked for. */
export const taskKeptMs: number = 30 * dayMs;
export const jsonBytesMax = 1_000_000;

export interface TaskEnd {
  readonly nowMs: number;
  /** Of a good end. */
  readonly report?: Json;
  readonly problem?: TaskProblem;
}

/** A task that runs once is over; a recurring one waits for its next time. */
export async function endTask(
  tables: Kysely<SiteTables>,
  task: Pick<TasksTable, 'id' | 'periodMs' | 'startedMs'>,
  { nowMs, report, problem }: TaskEnd,
): Promise<void> {
  const next =
    task.periodMs === null
      ? ({ state: problem === undefined ? 'done' : 'failed', key: null } as const)
      : ({ state: 'waiting', attempts: 0, dueMs: Math.max(nowMs, (task.startedMs ?? nowMs) + task.periodMs) } as const);
  await tables
    .updateTable('tasks')
    .set({
      ...next,
      token: null,
      untilMs: null,
      memoJson: null,
      endedMs: nowMs,
      problemJson: problem === undefined ? null : jsonOf({ code: problem.code, context: problem.context }),
      ...(report === undefined ? {} : { reportJson: jsonOf(report) }),
    })
    .where('id', '=', task.id)
    .execute();
}

/** Grows by the factor 3 from 10 s to an hour. `spread` in [0, 1) shortens it by up to a half. */
export function retryDelayMs(attempts: number, spread: number): number {
  const fullMs = Math.min(retryMsMax, retryMsMin * 3 ** Math.max(0, attempts - 1));
  return Math.floor(fullMs * (1 - spread / 2));
}

/** `limit-exceeded` as a failed task, not as a full database. */
export function jsonOf(value: Json): string {
  const text = JSON.stringify(value);
  if (text.length > jsonBytesMax)
    throw new ProtocolError('vault-failed', { context: { defect: 'task says too much', size: text.length } });
  return text;
}

/** Numbers above 2^53 as text; what else JSON lacks does not stand in a context. */
export function problemOf(code: string, context: ErrorContext): TaskProblem {
  const entries = Object.entries(context).filter(([key]) => key !== 'localPath');
  return {
    code,
    context: Object.fromEntries(entries.map(([key, value]) => [key, typeof value === 'bigint' ? String(value) : value])),
  };
}

export function taskOf(row: Selectable<TasksTable>): Task {
  const { id, kind, key, customer, safe, dueMs, periodMs, attempts, createdMs, startedMs, endedMs } = row;
  return {
    id,
    kind,
    key,
    customer,
    safe,
    dueMs,
    periodMs,
    attempts,
    createdMs,
    startedMs,
    endedMs,
    state: row.state as TaskState,
    input: parsed(row.inputJson) as Json,
    progress: parsed(row.progressJson) as Json,
    report: parsed(row.reportJson) as Json,
    problem: parsed(row.problemJson) as TaskProblem | null,
  };
}

function parsed(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}
