/*
 * What a site stands on fails under backups over HTTPS, with the real command: its disk is full, its PostgreSQL is restarted. What was acknowledged stays and
 * restores bit for bit, the error is a clear one, and the next run goes through as soon as there is room again.
 */

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { MiB } from '@twinvault/std';
import { mountSmallDisk, postgresMissing, startPostgres } from '@twinvault/testkit';
import { errorOf, resultOf, start, twinvault } from './support/command.ts';
import type { CommandOptions } from './support/command.ts';
import { Place, temporaryDirectory } from './support/place.ts';
import { chance } from './support/seeds.ts';
import { startSite } from './support/site.ts';
import type { TestSite } from './support/site.ts';
import { changeTree, copyTree, differencesBelow, makeTree } from './support/trees.ts';

const root = temporaryDirectory('site-faults');
const diskBytes = 64 * MiB;

const disk = mountSmallDisk(`${root}/disk`, diskBytes);

interface Agent {
  readonly place: Place;
  readonly options: CommandOptions;
  readonly source: string;
  /** The safesets that were acknowledged, with what they hold. */
  readonly copies: { readonly safeset: string; readonly copy: string }[];
}

async function newAgent(name: string, site: TestSite): Promise<Agent> {
  const options = { environment: { TWINVAULT_TOKEN_FILE: await site.token('token', { verbs: ['create', 'write', 'operate'] }) } };
  const place = new Place(`${root}/${name}-place`, { vault: site.address });
  resultOf(await place.run('init', [...place.secret, '--kit-file', place.kitFile, '--computer', 'first'], options));
  return { place, options, source: `${root}/${name}-source`, copies: [] };
}

function acknowledged({ copies, source }: Agent, safeset: string): void {
  const copy = `${source}-${copies.length}`;
  copyTree(source, copy);
  copies.push({ safeset, copy });
}

async function expectRestores({ place, options, source, copies }: Agent): Promise<void> {
  for (const { safeset, copy } of copies) {
    const to = place.path(`back-${safeset}`);
    resultOf(await place.run('restore', [...place.secret, '--safeset', safeset, '--to', to, '--strip', source], options));
    assert.deepEqual(differencesBelow(copy, to), []);
    rmSync(to, { recursive: true });
  }
}

async function expectWhole({ options }: Agent, site: TestSite): Promise<void> {
  const checked = await twinvault(['check', '--read-data', '--vault', site.address, '--json'], options);
  assert.equal(resultOf<{ ok: boolean }>(checked).ok, true);
}

test(
  'a disk that is full takes nothing with it, and the next run after room was made goes through',
  { skip: disk === null ? 'needs the right to mount' : false },
  async (t) => {
    assert.ok(disk !== null);
    const prng = chance(t);
    const site = await startSite(`${disk.path}/site`);
    // When the site has ended: its files are there.
    site.running.child.once('close', () => disk.unmount());
    const agent = await newAgent('disk', site);
    const { place, options, source } = agent;
    makeTree(source, prng, { files: 40, bytes: 4_000_000 });
    acknowledged(agent, resultOf<{ safeset: string }>(await place.run('backup', [source], options)).safeset);
    for (const leftBytes of [6 * MiB, 1 * MiB, 0]) {
      disk.fill(leftBytes);
      changeTree(source, prng);
      writeFileSync(`${source}/large`, prng.bytes(10 * MiB));
      const told = errorOf(await place.run('backup', [source], options), 8);
      assert.equal(told.code, 'vault-full', `${leftBytes} bytes left`);
      disk.free();
      acknowledged(agent, resultOf<{ safeset: string }>(await place.run('backup', [source], options)).safeset);
    }
    await expectRestores(agent);
    await expectWhole(agent, site);
  },
);

test('a PostgreSQL that is restarted again and again under a backup is waited for', { skip: postgresMissing() }, async (t) => {
  const prng = chance(t);
  const server = await startPostgres();
  const { host, port, database, user } = server.config();
  const lines = [`database: { postgresql: { host: "${host}", port: ${port}, database: ${database}, user: ${user} } }`];
  const site = await startSite(`${root}/postgres-site`, lines);
  after(() => server[Symbol.asyncDispose]());
  const agent = await newAgent('postgres', site);
  const { place, options, source } = agent;
  makeTree(source, prng, { files: 60, bytes: 30_000_000 });
  let restarts = 0;
  for (let round = 0; round < 3; round += 1) {
    const words = ['backup', '--vault', site.address, '--safe', 'home', '--state', place.state, '--json', source];
    const run = start(words, options);
    const state = { over: false };
    const ended = run.ended.finally(() => (state.over = true));
    while (!state.over && restarts < 2 * (round + 1)) {
      // A moment that nobody chose: some turns of the event loop.
      for (let turns = prng.below(60_000); turns > 0 && !state.over; turns -= 1)
        await new Promise((resolve) => setImmediate(resolve));
      if (state.over) break;
      await (prng.chance(0.5) ? server.stop() : server.kill());
      await server.start();
      restarts += 1;
    }
    acknowledged(agent, resultOf<{ safeset: string }>(await ended).safeset);
    changeTree(source, prng);
    writeFileSync(`${source}/more`, prng.bytes(10 * MiB));
  }
  t.diagnostic(`${restarts} restarts`);
  assert.ok(restarts > 0, 'it was restarted at least once');
  await expectRestores(agent);
  await expectWhole(agent, site);
});
