/*
 * Proves that whose stored data a computer uses again is its own stored choice: made where it is enrolled, shown, changed, and held to by each
 * later backup without a word on the command line.
 */
import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { errorOf, expectExit, resultOf, twinvault } from './support/command.ts';
import { makePlace, Place } from './support/place.ts';
import { makeTree } from './support/trees.ts';
import { filesBelow } from './support/vault-files.ts';

interface ShownReuse {
  readonly reuse: string;
}

interface Shared {
  readonly chunks: { readonly reused: number; readonly stored: number };
}

const place = makePlace('reuse');
const source = place.path('source');

class Second extends Place {
  override get base(): string[] {
    return [...super.base.slice(0, -1), place.path('second state')];
  }

  async chunks(): Promise<Shared['chunks']> {
    return resultOf<Shared>(await this.run('backup', [source])).chunks;
  }
}
const second = new Second(place.root);

function settingsPath(): string {
  const state = place.path('second state');
  const [path, more] = filesBelow(state).filter((found) => found.endsWith('/settings'));
  assert.ok(path !== undefined && more === undefined);
  return `${state}/${path}`;
}

/** Something new, stored by the first computer already. */
async function changed(): Promise<void> {
  edits += 1;
  writeFileSync(`${source}/more`, new Prng(`edit ${edits}`).bytes(300_000));
  await place.backup([source]);
}
let edits = 0;

test('the choice of safe enrol holds for each later backup', async () => {
  makeTree(source, new Prng('reuse'), { files: 30, bytes: 2_000_000 });
  await place.init();
  await place.backup([source]);
  assert.equal(resultOf<ShownReuse>(await place.run('safe reuse')).reuse, 'safe');
  resultOf(await second.run('safe enrol', [...place.secret, '--computer', 'second', '--reuse', 'computer']));
  assert.equal(resultOf<ShownReuse>(await second.run('safe reuse')).reuse, 'computer');
  const alone = await second.chunks();
  assert.equal(alone.reused, 0);
  assert.ok(alone.stored > 0, `${alone.stored}`);
  await changed();
  const again = await second.chunks();
  assert.equal(again.reused, 0);
  assert.ok(again.stored > 0);
});

test('it can be changed, is shown, and is this computer’s alone', async () => {
  const { agents } = resultOf<{ agents: { name: string; here?: true; reuse?: string }[] }>(await second.run('safe agents'));
  assert.deepEqual(
    agents.map(({ name, here, reuse }) => [name, here ?? false, reuse ?? null]),
    [
      ['first', false, null],
      ['second', true, 'computer'],
    ],
  );
  const told = await twinvault(['safe', 'reuse', 'safe', ...second.base]);
  expectExit(told, 0);
  assert.match(told.stdout.toString(), /what any computer of the safe has stored.*from its next backup on/u);
  await changed();
  const shared = await second.chunks();
  assert.ok(shared.reused > 0);
  assert.equal(resultOf<ShownReuse>(await second.run('safe reuse', ['computer'])).reuse, 'computer');
  assert.equal(resultOf<ShownReuse>(await place.run('safe reuse')).reuse, 'safe');
  assert.equal(statSync(settingsPath()).mode & 0o777, 0o600);
});

test('settings that are damaged stop a backup; a computer that is not enrolled has none', async () => {
  writeFileSync(settingsPath(), 'reuse = safe');
  assert.equal(errorOf(await second.run('backup', [source]), 13).code, 'settings-damaged');
  resultOf(await second.run('safe reuse', ['computer']));
  await second.backup([source]);
  assert.equal(errorOf(await place.run('safe reuse', ['--state', place.path('nowhere')]), 13).code, 'agent-missing');
  expectExit(await place.run('backup', ['--reuse', 'safe', source]), 2);
});
