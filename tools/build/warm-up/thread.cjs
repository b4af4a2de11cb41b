/* The first file of a thread of the warm-up: keeps V8's code when the thread says that it is done. */
'use strict';

const { renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { parentPort, threadId, workerData } = require('node:worker_threads');

const published = process.env.TWINVAULT_PUBLISHED;
const post = parentPort.postMessage.bind(parentPort);

parentPort.postMessage = (value, transfer) => {
  if (value.type === 'closed') keep();
  post(value, transfer);
};

function keep() {
  const { script } = require.cache[join(published, 'load.cjs')];
  const file = join(published, `${workerData.module.replace('twinvault:', '')}.code`);
  writeFileSync(`${file}.${threadId}`, script.createCachedData());
  renameSync(`${file}.${threadId}`, file);
}

require(join(published, 'thread.cjs'));
