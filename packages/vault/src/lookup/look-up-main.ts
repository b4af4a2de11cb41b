/* A thread that looks up: does what it is called for, and asks the thread that started it for every byte that it reads. */

import type { SafeId } from '@twinvault/format';
import type { ThreadMain } from '@twinvault/std';
import { askedObjects } from './asked-objects.ts';
import { LookUpHere } from './look-up-here.ts';
import type { LookUpTask } from './look-up.ts';
import { answerOf, Calls, message } from './messages.ts';
import type { ToThread } from './messages.ts';

export const main: ThreadMain = (port) => {
  const questions = new Calls();
  const objects = askedObjects(port.data as SafeId, (question, ...input) => {
    return questions.make((call) => port.post(message({ type: 'question', call, question, input }, [])));
  });
  const lookUp = new LookUpHere(objects);
  const perform = async (call: number, task: LookUpTask, input: unknown): Promise<void> => {
    const answer = await answerOf(() => lookUp[task](input as never));
    const given = answer.type === 'value' ? answer.value : null;
    const parts = typeof given === 'object' && given !== null ? Object.values(given) : [];
    port.post(message({ type: 'answer', call, answer }, parts));
  };
  port.onMessage((value) => {
    const told = value as ToThread;
    if (told.type === 'answer') questions.answered(told.call, told.answer);
    else void perform(told.call, told.task, told.input);
  });
};
