/* The first module of every worker thread: imports the module named in the start-up data and hands it the port. */

import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { assert } from '../assert.ts';
import type { ThreadMain } from '../ports/threads.ts';

const { module, data } = workerData as { readonly module: string; readonly data: unknown };
const parent = parentPort;
assert(parent !== null, 'only a worker thread runs this module');

/** Not awaited at module level, which a bundle of CommonJS does not know; what it throws ends the thread with an error either way. */
async function run(port: MessagePort): Promise<void> {
  const { main } = (await import(module)) as { readonly main: ThreadMain };
  let stop = (): void => undefined;
  await main({
    data,
    post: ({ value, transfer = [] }) => port.postMessage(value, transfer),
    onMessage: (handler) => {
      stop();
      port.on('message', handler);
      stop = () => port.off('message', handler);
    },
  });
}

void run(parent);
