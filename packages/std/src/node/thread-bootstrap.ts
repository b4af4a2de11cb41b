/* The first module of every worker thread: imports the module named in the start-up data and hands it the port. */

import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../assert.ts';
import type { ThreadMain } from '../ports/threads.ts';

const { module, data } = workerData as { readonly module: string; readonly data: unknown };
const parent = parentPort;
assert(parent !== null, 'only a worker thread runs this module');
const { main } = (await import(module)) as { readonly main: ThreadMain };

let stop = (): void => undefined;
await main({
  data,
  post: ({ value, transfer = [] }) => parent.postMessage(value, transfer),
  onMessage: (handler) => {
    stop();
    parent.on('message', handler);
    stop = () => parent.off('message', handler);
  },
});
