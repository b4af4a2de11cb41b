/*
 * Two sites of one safe, each a process of its own: one is killed in the middle of a backup, which ends at the other; and what is there is listed, restored and
 * checked without the one that is gone.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRemoteVault, parseTokenFile } from '@twinvault/protocol/wire';
import { nodeNetwork, nodePlatform } from '@twinvault/std/node';
import type { RemoteVault } from '@twinvault/protocol/wire';
import { errorOf, expectExit, jsonLines, resultOf, start, twinvault } from './support/command.ts';
import type { Outcome } from './support/command.ts';
import { temporaryDirectory } from './support/place.ts';
import { chance } from './support/seeds.ts';
import { startSite } from './support/site.ts';
import type { TestSite } from './support/site.ts';
import { differencesBelow, makeTree } from './support/trees.ts';

interface BackupResult {
  readonly safeset: string;
  readonly siteName: string;
  readonly sequence: number;
}

async function openAt(site: TestSite, tokenFile: string): Promise<RemoteVault> {
  const { pins, capability } = parseTokenFile(readFileSync(tokenFile));
  const { clock, timers, random } = nodePlatform();
  const network = nodeNetwork({ pins });
  return await openRemoteVault({
    address: site.address,
    capability,
    ports: { network, clock, timers, random },
    onClose: () => network[Symbol.dispose](),
  });
}

/** The twin has the safe, as it would by following. */
async function standsAt(from: RemoteVault, to: RemoteVault): Promise<void> {
  const [known] = await from.safes();
  assert.ok(known);
  const safe = await from.openSafe(known.safe);
  const [descriptor, slots, ledger] = await Promise.all([safe.descriptor(), safe.slots(), safe.ledger(1)]);
  await to.createSafe({ descriptor, slots, ledger });
}

/** Packs that the site has taken. */
function packsAt({ vault }: TestSite): number {
  const names = readdirSync(vault, { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile() && /\/packs\/[0-9a-f]{2}$/u.test(entry.parentPath) && !entry.name.startsWith('.'))
    .length;
}

function notes(outcome: Outcome): string {
  return jsonLines(outcome)
    .filter(({ type }) => type === 'note')
    .map(({ text }) => String(text))
    .join('\n');
}

test('a backup whose site is killed ends at the other one, and all goes on without the dead one', async (t) => {
  const prng = chance(t);
  const root = temporaryDirectory('two-sites');
  const [a, b] = [await startSite(join(root, 'a')), await startSite(join(root, 'b'))];
  const verbs = ['create', 'read', 'write', 'operate'] as const;
  const tokens = [await a.token('token', { verbs }), await b.token('token', { verbs })];
  const [tokenA = '', tokenB = ''] = tokens;
  // Each token file says which site it is for: the order is not asked.
  const vault = ['--vault', `${a.address},${b.address}`, '--token-file', `${tokenB},${tokenA}`];
  const base = [...vault, '--safe', 'home', '--state', join(root, 'state'), '--json'];
  const password = join(root, 'password');
  writeFileSync(password, 'seven wet ponies at noon\n', { mode: 0o600 });
  const secret = ['--password-file', password];
  resultOf(await twinvault(['init', ...base, ...secret, '--kit-file', join(root, 'kit.txt')]));
  await using atA = await openAt(a, tokenA);
  await using atB = await openAt(b, tokenB);
  await standsAt(atA, atB);
  const tree = join(root, 'tree');
  makeTree(tree, prng, { files: 60, bytes: 60_000_000 });

  const run = start(['backup', ...base, '--limit-upload', '6M', tree]);
  while (packsAt(a) === 0) await new Promise((resolve) => setImmediate(resolve));
  a.running.child.kill('SIGKILL');
  const outcome = await run.ended;
  const first = resultOf<BackupResult>(outcome);
  assert.equal(first.siteName, b.address);
  assert.match(notes(outcome), /takes this run no further.*it goes on at/u);

  const second = resultOf<BackupResult>(await twinvault(['backup', ...base, tree]));
  assert.deepEqual([second.siteName, second.sequence], [b.address, 2]);
  const listed = resultOf<{ safesets: { safeset: string }[]; findings: unknown[] }>(await twinvault(['safesets', ...base]));
  assert.deepEqual(
    listed.safesets.map(({ safeset }) => safeset),
    [first.safeset, second.safeset],
  );
  assert.deepEqual(listed.findings, []);
  const to = join(root, 'restored');
  resultOf(await twinvault(['restore', ...base, ...secret, '--safeset', 'latest', '--to', to, '--strip', tree]));
  assert.deepEqual(differencesBelow(tree, to), []);
  // One site is whole; that the other could not be looked at is said.
  const checked = await twinvault(['check', ...base, '--read-data']);
  assert.equal(resultOf<{ ok: boolean }>(checked, 14).ok, false);
  assert.match(notes(checked), /could not be checked/u);
  // With neither site there is nothing, and the command says so.
  b.running.child.kill('SIGKILL');
  errorOf(await twinvault(['safesets', ...base]), 14);
});

test('what is wrong with two places is said in a sentence', async () => {
  const root = temporaryDirectory('two-places');
  const site = await startSite(join(root, 'site'));
  const token = await site.token('token', { verbs: ['create', 'read', 'write', 'operate'] });
  const ask = async (vault: string, ...more: string[]): Promise<Outcome> =>
    await twinvault(['safesets', '--vault', vault, '--safe', 'home', '--json', ...more]);
  assert.match(errorOf(await ask(`${site.address},https://other.invalid/b`), 2).message, /token file/u);
  assert.match(
    errorOf(await ask(`${site.address},${site.address}`, '--token-file', `${token},${token}`), 2).message,
    /same site/u,
  );
  assert.match(errorOf(await ask('/a,/b,/c'), 2).message, /2 sites at most/u);
  assert.match(errorOf(await ask(`${root}/none,${root}/neither`), 6).message, /no vault/u);
  expectExit(await twinvault(['clean', '--vault', `${root}/x,${root}/y`, '--safe', 'home']), 2);
});
