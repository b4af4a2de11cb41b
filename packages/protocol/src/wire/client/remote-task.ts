/*
 * What an operator has done by a site: started once, then asked for until it is over. The site does it whether or not anybody asks.
 */

import type { SafeId } from '@twinvault/format';
import { toHex, utf8Encode } from '@twinvault/std';
import { ProtocolError } from '../../errors.ts';
import { taskAnswer, taskStarted } from '../operator-json.ts';
import type { CheckBody, CleanBody, RebuildBody, TaskAnswer } from '../operator-json.ts';
import { errorOfProblem } from '../problem.ts';
import type { Exchange } from './exchange.ts';

const pollMsMin = 250;
const pollMsMax = 5000;

export type TaskRequest = (
  | { readonly task: 'clean'; readonly safe: SafeId; readonly options: CleanBody }
  | { readonly task: 'check'; readonly safe: SafeId; readonly options: CheckBody }
  | { readonly task: 'rebuild'; readonly options: RebuildBody }
) & {
  readonly progress?: (progress: NonNullable<TaskAnswer['progress']>) => void;
};

/** The task's report; what the task failed with is thrown. Not repeated: a start whose answer got lost may run. */
export async function runTask(exchange: Exchange, request: TaskRequest): Promise<unknown> {
  const { task } = await exchange.json(request.task, taskStarted, {
    ...('safe' in request ? { parameters: { safe: toHex(request.safe) } } : {}),
    body: { type: 'json', value: request.options },
    retryMs: 0,
  });
  for (let pauseMs = pollMsMin; ; pauseMs = Math.min(2 * pauseMs, pollMsMax)) {
    const { state, progress, report, problem } = await exchange.json('task', taskAnswer, { parameters: { task } });
    if (state === 'done') return report;
    if (state === 'failed') throw failureOf(problem);
    if (progress !== undefined) request.progress?.(progress);
    await exchange.pause(pauseMs);
  }
}

function failureOf(problem: TaskAnswer['problem']): ProtocolError {
  const told = problem === undefined ? null : errorOfProblem(utf8Encode(JSON.stringify(problem)));
  return told ?? new ProtocolError('answer-invalid', { context: { defect: 'task' } });
}
