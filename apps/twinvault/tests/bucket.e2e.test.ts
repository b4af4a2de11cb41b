/*
 * A site on a bucket of a real Ceph gateway, as its owner starts it: from a configuration, with credentials and the site's key in files beside it.
 * Killed in the middle and started on another machine (another state folder, the same database and key) it has all that was acknowledged.
 */

import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { VaultSafe } from '@twinvault/protocol';
import { openRemoteVault, parseTokenFile } from '@twinvault/protocol/wire';
import type { RemoteVault } from '@twinvault/protocol/wire';
import { equalBytes, primitives } from '@twinvault/std';
import { nodeNetwork, nodePlatform } from '@twinvault/std/node';
import { following, freePort, s3Missing, sessionOf, startS3, TestSafe } from '@twinvault/testkit';
import type { TestComputer, TestPack } from '@twinvault/testkit';
import { expectExit, start, twinvault } from './support/command.ts';
import type { RunningCommand } from './support/command.ts';
import { temporaryDirectory } from './support/place.ts';

/** Resolves when it serves; rejects when it ended before. */
function serving({ child, ended }: RunningCommand): Promise<void> {
  return new Promise((resolve, reject) => {
    let told = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      told += bytes.toString();
      if (told.includes('"serving"')) resolve();
    });
    void ended.then((outcome) => reject(new Error(`it ended: ${outcome.told}`)));
  });
}

/** The configuration of one node: a state folder and an address of its own, everything else shared. */
async function nodeConfig(folder: string, state: string, endpoint: string): Promise<string> {
  const path = join(folder, `${state}.yaml`);
  const lines = [
    `address: https://localhost:${await freePort()}`,
    `state: ${state}`,
    'database: { sqlite: site.sqlite }',
    `store: { bucket: { endpoint: "${endpoint}", name: ours, prefix: sites/a, credentials: s3.json, siteKey: site.key } }`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

/** By a token that its owner makes. */
async function connect(config: string): Promise<RemoteVault> {
  const tokenFile = `${config}.token`;
  const words = ['--all-safes', '--verbs', 'create,write', '--token-file', tokenFile];
  expectExit(await twinvault(['vault', 'token', '--config', config, ...words]), 0);
  const { vault, pins, capability } = parseTokenFile(readFileSync(tokenFile));
  const { clock, timers, random } = nodePlatform();
  return openRemoteVault({ address: vault, capability, ports: { network: nodeNetwork({ pins }), clock, timers, random } });
}

async function backUp(safe: VaultSafe, mine: OneComputer, packs: readonly TestPack[]): Promise<void> {
  await using held = new AsyncDisposableStack();
  const session = held.use(await sessionOf(safe, mine, mine.computer));
  for (const { name, bytes } of packs) assert.equal(await session.putPack(name, bytes), 'stored');
  await session.commit(mine.record(mine.computer, { ...following(session), packs }).bytes);
}

async function readsBack(vault: RemoteVault, { safe: id }: TestSafe, packs: readonly TestPack[]): Promise<void> {
  const safe = await vault.openSafe(id);
  await using held = new AsyncDisposableStack();
  const reading = held.use(await safe.openReading());
  for (const { name, bytes } of packs) assert.ok(equalBytes(await reading.readPack(name, 0, bytes.length), bytes));
}

class OneComputer extends TestSafe {
  readonly computer: TestComputer = this.enrol();
}

test('a site on a bucket loses nothing with its node', { skip: s3Missing() }, async () => {
  await using held = new AsyncDisposableStack();
  const server = held.use(await startS3());
  await server.makeBucket('ours', { lock: false });
  const folder = temporaryDirectory('bucket');
  const { accessKey, secretKey } = server;
  writeFileSync(join(folder, 's3.json'), JSON.stringify({ accessKey, secretKey }), { mode: 0o600 });
  const one = await nodeConfig(folder, 'one', server.endpoint);
  const first = start(['vault', 'run', '--config', one]);
  await serving(first);
  assert.equal(statSync(join(folder, 'site.key')).mode & 0o777, 0o600);
  const mine = new OneComputer('bucket');
  const vault = await connect(one);
  await vault.createSafe(mine.newSafe);
  const before = [mine.pack(mine.computer), mine.pack(mine.computer)];
  await backUp(await vault.openSafe(mine.safe), mine, before);
  first.child.kill('SIGKILL');
  await first.ended;

  const two = await nodeConfig(folder, 'two', server.endpoint);
  const second = start(['vault', 'run', '--config', two]);
  await serving(second);
  const again = await connect(two);
  assert.deepEqual((await again.site()).publicKey, siteKeyIn(folder));
  await readsBack(again, mine, before);
  const after = [mine.pack(mine.computer)];
  await backUp(await again.openSafe(mine.safe), mine, after);
  await readsBack(again, mine, [...before, ...after]);
  second.child.kill('SIGTERM');
  expectExit(await second.ended, 0);
});

test('credentials and buckets that are wrong are told before anything is served', { skip: s3Missing() }, async () => {
  await using held = new AsyncDisposableStack();
  const server = held.use(await startS3());
  const folder = temporaryDirectory('bucket-wrong');
  const path = await nodeConfig(folder, 'one', server.endpoint);
  const said = async (): Promise<string> => (await twinvault(['vault', 'run', '--config', path])).stderr;
  assert.match(await said(), /secret that is not there/u);
  writeFileSync(join(folder, 's3.json'), '{"key": "hush-hush"}', { mode: 0o600 });
  const told = await said();
  assert.match(told, /store\.bucket\.credentials names a file that is not/u);
  assert.doesNotMatch(told, /hush/u);
  const { accessKey, secretKey } = server;
  writeFileSync(join(folder, 's3.json'), JSON.stringify({ accessKey, secretKey }), { mode: 0o600 });
  assert.match(await said(), /The store lacks something without which data would be lost: the bucket/u);
});

/** Public half of the key that lies beside the configuration. */
function siteKeyIn(folder: string): Uint8Array {
  return primitives.ed25519PublicKey(readFileSync(join(folder, 'site.key')));
}
