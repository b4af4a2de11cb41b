/*
 * What an operator has a site do, as tasks of its queue: they go on at any node, whether or not anybody asks for them, and a node that dies puts
 * them back.
 */

import { safeIdFromHex } from '@twinvault/format';
import type { CheckBody, CleanBody, RebuildBody } from '@twinvault/protocol/wire';
import { assert, secondMs } from '@twinvault/std';
import type { Clock } from '@twinvault/std';
import type { SafeId } from '@twinvault/format';
import type { CheckProgress } from '../../check/check.ts';
import type { CleanOptions, CleanProgress } from '../../clean/report.ts';
import type { TaskHandler, TaskRun } from '../../database/worker.ts';
import type { RebuildProgress } from '../../rebuild/rebuild.ts';
import type { SiteVault } from '../../site-vault.ts';
import { reportJson } from './report-json.ts';

type Progress = CleanProgress | CheckProgress | RebuildProgress;

/** How often a task says how far it is. */
const tellMs: number = secondMs;

export interface OperatorTasksParts {
  readonly vault: SiteVault;
  readonly clock: Clock;
}

/** By kind; the input of each is the body of its request. */
export function operatorTasks({ vault, clock }: OperatorTasksParts): Readonly<Record<string, TaskHandler>> {
  return {
    clean: async (run) => {
      const options = cleanOptions(run.task.input as CleanBody);
      return reportJson(await vault.clean(safeIn(run), { ...options, progress: teller(run, clock), signal: run.signal }));
    },
    check: async (run) => {
      const options = run.task.input as CheckBody;
      return reportJson(await vault.check({ ...options, safe: safeIn(run), progress: teller(run, clock), signal: run.signal }));
    },
    rebuild: async (run) => {
      const options = run.task.input as RebuildBody;
      return reportJson(await vault.rebuild({ ...options, progress: teller(run, clock), signal: run.signal }));
    },
  };
}

function safeIn({ task: { safe } }: TaskRun): SafeId {
  assert(safe !== null, 'a task for a safe names it');
  return safeIdFromHex(safe);
}

function cleanOptions({ keep, ...rest }: CleanBody): CleanOptions {
  if (keep === undefined || keep === null) return { ...rest, keep: null };
  const { types, others } = keep;
  return { ...rest, keep: { types: new Map(Object.entries(types)), ...(others === undefined ? {} : { others }) } };
}

/** Now and then; a message that cannot be written does not stop the work. */
function teller(run: TaskRun, clock: Clock): (progress: Progress) => void {
  let toldMs = -tellMs;
  return (progress) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - toldMs < tellMs) return;
    toldMs = nowMs;
    run.progress({ ...progress }).catch(() => undefined);
  };
}
