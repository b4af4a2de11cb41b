/* The networks that tests make do what they say. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { makeNetwork, noNetworks } from './support/network.ts';

const skip = noNetworks() ?? false;

test('hosts reach each other until a cable is cut, and again when it is mended', { skip }, async (context) => {
  const network = makeNetwork(context, ['a', 'b', 'c']);
  const [a, b, c] = [network.host('a'), network.host('b'), network.host('c')];
  const script = 'require("net").createServer((s)=>s.end("here")).listen(8080,()=>console.log("listening"))';
  const server = spawn('ip', [...b.within.slice(1), process.execPath, '-e', script]);
  context.after(() => server.kill());
  await new Promise((done) => server.stdout.once('data', done));
  const ask = `const s=require("net").connect({host:"${b.address}",port:8080});s.setTimeout(700,()=>process.exit(7));s.on("data",(d)=>process.stdout.write(d))`;
  const answer = (within: readonly string[]): string =>
    spawnSync('ip', [...within.slice(1), process.execPath, '-e', ask], { encoding: 'utf8' }).stdout;
  assert.deepEqual([answer(a.within), answer(c.within)], ['here', 'here']);
  network.part('a', 'b');
  assert.deepEqual([answer(a.within), answer(c.within)], ['', 'here']);
  network.cut('b');
  network.mend('a');
  assert.deepEqual([answer(a.within), answer(c.within)], ['', '']);
  network.mend('b');
  network.slow('b', 1);
  assert.deepEqual([answer(a.within), answer(c.within)], ['here', 'here']);
});
