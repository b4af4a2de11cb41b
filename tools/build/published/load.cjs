/*
 * Evaluates the bundle with V8's code of what runs usually, which the build has kept beside it: nothing is parsed or compiled twice. Each
 * kind of thread has code of its own. Code of another Node is refused by V8, which then compiles as always.
 */
'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');
const { isMainThread, workerData } = require('node:worker_threads');

function kept(name) {
  try {
    return readFileSync(join(__dirname, `${name}.code`));
  } catch {
    return undefined;
  }
}

const filename = join(__dirname, 'twinvault.cjs');
// A kind of thread that has none of its own runs what the command has run, too.
const cachedData = (isMainThread ? undefined : kept(workerData.module.replace('twinvault:', ''))) ?? kept('command');
// The bundle is plain ASCII.
const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
script.runInThisContext()(exports, require, pathToFileURL(filename));
module.script = script;
