/*
 * Runs the published command once through its usual verbs, in one process, and keeps the code that V8 has made of it by then:
 *
 *   node [the launcher's options] main.cjs PUBLISHED_FOLDER EMPTY_FOLDER
 *
 * Nothing in what is published knows of this: threads are led through thread.cjs here, which keeps theirs.
 */
'use strict';

const { appendFileSync, cpSync, mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { setFlagsFromString } = require('node:v8');
const threads = require('node:worker_threads');

const [published, folder] = process.argv.slice(2);
const load = join(published, 'load.cjs');

threads.Worker = class extends threads.Worker {
  constructor(_, options) {
    super(join(__dirname, 'thread.cjs'), { ...options, env: { ...process.env, TWINVAULT_PUBLISHED: published } });
  }
};

const { runCommand } = require(load);
const place = ['--vault', join(folder, 'vault'), '--safe', 'warm-up', '--state', join(folder, 'state')];
const secret = ['--password-file', join(folder, 'password')];
const data = join(folder, 'data');

function makeData() {
  writeFileSync(join(folder, 'password'), 'nothing is kept under this one\n');
  cpSync(join(__dirname, '../../../docs'), join(data, 'text'), { recursive: true });
  // Content that does not compress, and a file large enough for pages and pieces.
  const bytes = new Uint8Array(6_000_000);
  for (let index = 0, state = 1; index < bytes.length; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    bytes[index] = state >> 16;
  }
  writeFileSync(join(data, 'large'), bytes);
}

async function run(...words) {
  const code = await runCommand([...words, ...place]);
  if (code !== 0) throw new Error(`the warm-up's ${words[0]} ended with ${code}`);
}

async function main() {
  // Code that has not run for some collections would be dropped: the slower the build, the more of it.
  setFlagsFromString('--no-flush-bytecode');
  mkdirSync(data);
  makeData();
  await run('init', ...secret, '--kit-file', join(folder, 'kit.txt'), '--no-check');
  await run('backup', data);
  await run('backup', data);
  appendFileSync(join(data, 'text/style.md'), 'one line more\n');
  appendFileSync(join(data, 'large'), 'some bytes more');
  await run('backup', data);
  await run('safesets');
  await run('ls', ...secret, '--safeset', 'latest', data);
  await run('restore', ...secret, '--safeset', 'latest', '--to', join(folder, 'restored'));
  await run('check', ...secret, '--read-data');
  // V8 takes code under the options alone that it was made under.
  setFlagsFromString('--flush-bytecode');
  writeFileSync(join(published, 'command.code'), require.cache[load].script.createCachedData());
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
