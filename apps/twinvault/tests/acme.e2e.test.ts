/*
 * Certificates of a real authority (Pebble, out of Debian) for `serve` and `vault run`, and clients that verify them by the authorities of their token file. A
 * failed order never takes a site down.
 */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { parseTokenFile } from '@twinvault/protocol/wire';
import { Prng, StdError } from '@twinvault/std';
import { nodeNetwork } from '@twinvault/std/node';
import { freePort, pebbleMissing, startPebble } from '@twinvault/testkit';
import type { PebbleServer } from '@twinvault/testkit';
import { expectExit, resultOf, start, twinvault } from './support/command.ts';
import { Place, temporaryDirectory } from './support/place.ts';
import { heard } from './support/running.ts';
import { makeTree } from './support/trees.ts';

async function answers(address: string, authorities: string): Promise<number> {
  using network = nodeNetwork({ authorities: [authorities], onlyTheseAuthorities: true });
  const request = { method: 'GET', url: `${address}/v1/site`, headers: {}, timeoutMs: 20_000, answerBytesMax: 100_000 };
  return (await network.request(request)).status;
}

async function metric(port: number, name: string): Promise<number> {
  const text = await new Promise<string>((resolve, reject) => {
    const asked = http.get({ host: '127.0.0.1', port, path: '/metrics' }, (answer) => {
      let body = '';
      answer.on('data', (bytes: Buffer) => (body += bytes.toString())).on('end', () => resolve(body));
    });
    asked.on('error', reject);
  });
  const line = text.split('\n').find((found) => found.startsWith(`twinvault_${name} `));
  assert.ok(line !== undefined, `${name} in ${text.slice(0, 500)}`);
  return Number(line.split(' ')[1]);
}

suite('certificates of an authority', { skip: pebbleMissing() }, () => {
  let pebble: PebbleServer;
  const root = temporaryDirectory('acme');
  const authorities = join(root, 'authorities.pem');

  before(async () => {
    // Short enough to be due again as soon as it is there.
    pebble = await startPebble({ validitySeconds: 60 });
    mkdirSync(root, { recursive: true });
    writeFileSync(authorities, `What the authority is:\n${pebble.authorities}`);
  });
  after(() => pebble[Symbol.asyncDispose]());

  test('serve gets one while it serves, and clients verify it by the token file', async () => {
    const folder = join(root, 'served');
    const address = `https://localhost:${await freePort()}`;
    const acme = ['--acme', pebble.directory, '--acme-listen', `127.0.0.1:${pebble.challengePort}`, '--authorities', authorities];
    const serving = start(['serve', folder, '--address', address, ...acme]);
    const issued = heard(serving, /A new certificate is in use/u, 'stderr');
    await heard(serving, /Next, .*\n/u);
    await issued;
    assert.equal(await answers(`${address}/a`, pebble.authorities), 200);
    const tokenFile = join(folder, 'a', 'token');
    const token = parseTokenFile(readFileSync(tokenFile));
    assert.deepEqual([token.pins, token.authorities], [[], pebble.authorities]);
    const made = join(root, 'made.token');
    const words = ['vault', 'token', '--config', join(folder, 'a', 'site.yaml'), '--all-safes', '--token-file', made];
    expectExit(await twinvault(words), 0);
    assert.equal(parseTokenFile(readFileSync(made)).authorities, pebble.authorities);

    const options = { environment: { TWINVAULT_TOKEN_FILE: tokenFile } };
    const place = new Place(join(root, 'place'), { vault: `${address}/a` });
    makeTree(join(root, 'source'), new Prng('acme'), { files: 5, bytes: 50_000 });
    resultOf(await place.run('init', [...place.secret, '--kit-file', place.kitFile], options));
    resultOf(await place.run('backup', [join(root, 'source')], options));

    const [account = ''] = readdirSync(join(folder, 'acme'));
    assert.equal(statSync(join(folder, 'acme', account, 'account.key')).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder, 'tls.key')).mode & 0o777, 0o600);
    serving.child.kill('SIGTERM');
    expectExit(await serving.ended, 0);
  });

  test('vault run renews what is due, and goes on with the old one where the authority is away', async () => {
    const folder = join(root, 'run');
    mkdirSync(folder);
    const [port, operations] = [await freePort(), await freePort()];
    const config = join(folder, 'site.yaml');
    const own = await startPebble({ validitySeconds: 60 });
    writeFileSync(join(folder, 'authorities.pem'), own.authorities);
    const lines = [
      `address: https://localhost:${port}`,
      `operations: 127.0.0.1:${operations}`,
      'state: state',
      'store: { directory: vault }',
      'certificate:',
      '  authorities: authorities.pem',
      `  acme: { terms: agreed, directory: "${own.directory}", challenges: "127.0.0.1:${own.challengePort}" }`,
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const address = `https://localhost:${port}`;
    const run = async (words: RegExp): Promise<{ log: string; stop: () => Promise<void> }> => {
      const running = start(['vault', 'run', '--config', config]);
      const log = await heard(running, words);
      const stop = async (): Promise<void> => {
        running.child.kill('SIGTERM');
        expectExit(await running.ended, 0);
      };
      return { log, stop };
    };
    const first = await run(/"msg":"certificate"/u);
    assert.equal(await answers(address, own.authorities), 200);
    assert.ok((await metric(operations, 'certificate_days_left')) < 1);
    assert.equal(await metric(operations, 'certificate_failed_renewals'), 0);
    await first.stop();

    await own[Symbol.asyncDispose]();
    const second = await run(/certificate not renewed/u);
    assert.match(second.log, /"code":"network-unreachable"/u);
    assert.equal(await metric(operations, 'certificate_failed_renewals'), 1);
    // It is served as ever; whether its dates still hold is for the client to say.
    const seen = await answers(address, own.authorities).catch((error: unknown) => error);
    assert.ok(seen === 200 || (seen instanceof StdError && seen.context['systemCode'] === 'CERT_HAS_EXPIRED'), String(seen));
    await second.stop();

    // A site that is started again and again asks no more often for it.
    const third = await run(/certificate order waits/u);
    assert.match(third.log, /"failures":1,/u);
    assert.equal(await metric(operations, 'certificate_failed_renewals'), 1);
    await third.stop();
    const [account = ''] = readdirSync(join(folder, 'state', 'acme'));
    rmSync(join(folder, 'state', 'acme', account, 'attempts.json'));
    const fourth = await run(/certificate not renewed/u);
    assert.doesNotMatch(fourth.log, /order waits/u);
    await fourth.stop();
  });
});
