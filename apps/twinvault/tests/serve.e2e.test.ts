/* `twinvault serve` as its owner meets it: two lines, a site that comes back when it is killed, and an end that leaves nothing running. */

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseTokenFile } from '@twinvault/protocol/wire';
import { nodeNetwork } from '@twinvault/std/node';
import { freePort } from '@twinvault/testkit';
import { start, twinvault } from './support/command.ts';
import { childOf, heard, isRunning } from './support/running.ts';
import { temporaryDirectory } from './support/place.ts';

test('serve says where it is and what to do next, keeps its site alive, and goes in order', async () => {
  const folder = join(temporaryDirectory('serve'), 'data');
  const address = `https://localhost:${await freePort()}`;
  const serving = start(['serve', folder, '--address', address]);
  const told = await heard(serving, /Next, .*\n/u);
  const tokenFile = join(folder, 'a', 'token');
  assert.deepEqual(told.trimEnd().split('\n'), [
    `Twinvault serves ${address}/a and keeps everything in ${folder}.`,
    `Next, in another terminal: twinvault init --token-file ${tokenFile} --safe home --kit-file kit.pdf`,
  ]);
  assert.equal(statSync(tokenFile).mode & 0o777, 0o600);
  const { vault, pins, capability } = parseTokenFile(readFileSync(tokenFile));
  assert.equal(vault, `${address}/a`);
  using network = nodeNetwork({ pins });
  const headers = { authorization: `Bearer ${capability}` };
  const request = { method: 'GET', url: `${vault}/v1/safes`, headers, timeoutMs: 30_000, answerBytesMax: 10_000 };
  const status = async (): Promise<number> => (await network.request(request)).status;
  assert.equal(await status(), 200);

  const site = childOf(serving.child.pid);
  process.kill(site, 'SIGKILL');
  while ((await status()) !== 503 && isRunning(site));
  while ((await status()) !== 200);
  const next = childOf(serving.child.pid);
  assert.notEqual(next, site);

  serving.child.kill('SIGINT');
  assert.equal((await serving.ended).status, 0, (await serving.ended).told);
  assert.equal(isRunning(next), false);
});

test('a site whose keeper is killed ends by itself', async () => {
  const folder = join(temporaryDirectory('serve-killed'), 'data');
  const serving = start(['serve', folder, '--address', `https://localhost:${await freePort()}`]);
  await heard(serving, /Next, .*\n/u);
  const site = childOf(serving.child.pid);
  serving.child.kill('SIGKILL');
  await serving.ended;
  while (isRunning(site)) await new Promise((resolve) => setImmediate(resolve));
});

test('what keeps serve from starting is said in a sentence', async () => {
  const folder = join(temporaryDirectory('serve-busy'), 'data');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const busy = await twinvault(['serve', folder, '--address', `https://localhost:${port}`]);
  await new Promise((resolve) => server.close(resolve));
  assert.equal(busy.status, 10, busy.told);
  assert.match(busy.stderr, /cannot listen at 127\.0\.0\.1, port \d+: EADDRINUSE/u);
  const mistakes: readonly (readonly [string[], RegExp])[] = [
    [['--address', 'backup.example'], /https/u],
    [['--acme', '--address', 'https://192.0.2.1'], /--address has to have a name/u],
    [['--acme', 'http://authority.example'], /--acme has to be the https/u],
    [['--acme', '--acme-listen', 'here'], /--acme-listen has to be an address and a port/u],
    [['--acme', '--certificate', 'a', '--key', 'b'], /either --certificate and --key, or --acme/u],
    [['--acme-listen', ':80'], /goes with --acme/u],
    [['--authorities', 'a'], /goes with/u],
  ];
  for (const [words, expected] of mistakes) {
    const wrong = await twinvault(['serve', folder, ...words]);
    assert.equal(wrong.status, 2, wrong.told);
    assert.match(wrong.stderr, expected);
  }
});
