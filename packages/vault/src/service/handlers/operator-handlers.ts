/* What an operator asks for: tasks of the site, how far they are, and metering. */

import { meteringDaysMax, ProtocolError } from '@twinvault/protocol';
import type { ProtocolErrorCode } from '@twinvault/protocol';
import { checkBody, cleanBody, customerBody, meteringQuery, problemOf, rebuildBody } from '@twinvault/protocol/wire';
import type { MeteringAnswer, TaskAnswer, TwinSafeJson, TwinsAnswer } from '@twinvault/protocol/wire';
import { toHex } from '@twinvault/std';
import type { FollowedTwin } from '../../care/follow.ts';
import type { Metering } from '../../database/metering.ts';
import type { SiteDatabase } from '../../database/site-database.ts';
import { TwinLags } from '../../database/twin-lags.ts';
import type { TwinLag } from '../../database/twin-lags.ts';
import type { Json, Task, TaskProblem } from '../../database/tasks.ts';
import type { WorkQueue } from '../../database/work-queue.ts';
import type { Answer, Call } from '../http/call.ts';
import type { Handlers } from '../http/http-app.ts';
import { done, json, jsonOf, openSafeOf, parameterOf, queryOf, safeOf } from './handler-parts.ts';
import type { HandlerParts } from './handler-parts.ts';

export interface OperatorParts extends HandlerParts {
  readonly queue: WorkQueue;
  readonly metering: Metering;
  readonly database: SiteDatabase;
  readonly twins: readonly Pick<FollowedTwin, 'site' | 'address'>[];
  /** Has this node look for work at once. */
  readonly wake: () => void;
}

const siteCustomer = 'site';

export function operatorHandlers(parts: OperatorParts): Handlers {
  const { queue, metering } = parts;
  return {
    clean: (call) => forSafe(parts, call, { kind: 'clean', input: jsonOf(cleanBody, call) }),
    check: (call) => forSafe(parts, call, { kind: 'check', input: jsonOf(checkBody, call) }),
    rebuild: (call) => add(parts, { kind: 'rebuild', customer: siteCustomer, input: jsonOf(rebuildBody, call) }),
    task: async (call) => {
      const id = parameterOf(call, 'task');
      const task = await queue.find(id);
      if (task === null) throw new ProtocolError('task-unknown', { context: { task: id } });
      return json(taskAnswerOf(task));
    },
    assignCustomer: async (call) => {
      await parts.vault.assignCustomer(safeOf(call), jsonOf(customerBody, call).customer);
      return done;
    },
    twins: async () => json(await twinsAnswerOf(parts)),
    metering: async (call) => {
      const { from, to } = queryOf(meteringQuery, call);
      if (to < from || to - from > meteringDaysMax) throw new ProtocolError('request-invalid', { context: { from, to } });
      const rows = await metering.rows({ from, to: to - 1 });
      const answer: MeteringAnswer = {
        rows: rows.map(({ safe, customer, computer, job, day, protectedBytes, storedBytes, safesets }) => ({
          safe,
          customer,
          computer,
          job,
          day,
          protectedBytes,
          storedBytes,
          safesets,
        })),
      };
      return json(answer);
    },
  };
}

async function twinsAnswerOf({ database, twins }: OperatorParts): Promise<TwinsAnswer> {
  const lags = await new TwinLags(database).all();
  return {
    nowMs: Math.floor(await database.nowMs()),
    twins: twins.map(({ site, address }) => {
      const hex = toHex(site);
      return { site: hex, address, safes: lags.filter(({ twin }) => twin === hex).map(twinSafeOf) };
    }),
  };
}

function twinSafeOf({ safe, behindObjects, behindBytes, behindSinceMs, readMs, skewMs, problem }: TwinLag): TwinSafeJson {
  return {
    safe,
    behindObjects,
    behindBytes,
    skewMs,
    ...(behindSinceMs === null ? {} : { behindSinceMs: Math.floor(behindSinceMs) }),
    ...(readMs === null ? {} : { readMs: Math.floor(readMs) }),
    ...(problem === null ? {} : { problem }),
  };
}

interface Wanted {
  readonly kind: string;
  readonly input: object;
}

/** `safe-unknown`. */
async function forSafe(parts: OperatorParts, call: Call, { kind, input }: Wanted): Promise<Answer> {
  await openSafeOf(parts.vault, call);
  const customer = await parts.vault.customerOf(safeOf(call));
  return add(parts, { kind, customer, safe: parameterOf(call, 'safe'), input });
}

async function add(
  { queue, wake }: OperatorParts,
  task: Wanted & { readonly customer: string; readonly safe?: string },
): Promise<Answer> {
  const id = await queue.add({ ...task, input: task.input as Json });
  wake();
  return json({ task: id }, 202);
}

function taskAnswerOf({ state, progress, report, problem }: Task): TaskAnswer {
  return {
    state,
    ...(progress === null ? {} : { progress: progress as Record<string, string | number> }),
    ...(state === 'done' ? { report } : {}),
    ...(state === 'failed' && problem !== null ? { problem: problemOf(errorOf(problem)) } : {}),
  };
}

/** problemOf tells a code that it does not know as a failure without words. */
function errorOf({ code, context }: TaskProblem): Error {
  try {
    return new ProtocolError(code as ProtocolErrorCode, { context });
  } catch {
    return new ProtocolError('vault-failed', { context: { task: code } });
  }
}
