/*
 * Proves that a run that is killed at any moment harms nothing. Backups, restores, checks and clean-ups are killed
 * (SIGKILL) at random moments of their usual duration, twenty of each, all on one vault. After each: every safeset that was
 * there is there (but for those that a clean-up may take), the next run of the same kind succeeds at once, without waiting for the
 * lease of the killed one, and what is restored is what stood in the folder when its backup ran. At the end two clean-ups
 * leave nothing behind of all the broken runs: no temporary file, no lease, no pack that nothing needs.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import type { Prng } from '@twinvault/std';
import { resultOf, start, twinvault } from './support/command.ts';
import type { Outcome } from './support/command.ts';
import { makePlace } from './support/place.ts';
import { chance } from './support/seeds.ts';
import { changeTree, makeTree, manifestDifferences, manifestOf } from './support/trees.ts';
import type { Manifest } from './support/trees.ts';
import { ageTemporaries, filesBelow, leftovers, unmatchedPacks } from './support/vault-files.ts';

const kills = 20;
/** What clean-ups keep. */
const copies = 4;
/** Every so many kills an earlier safeset is restored and compared. */
const restoreEach = 5;

const place = makePlace('kill');
const source = place.path('source');
/** Each safeset that must be there, oldest first, with what the source held. */
const stored = new Map<string, Manifest>();
/** How long each kind of run takes when nobody kills it, in ms. */
const usualMs = new Map<string, number>();

/** Runs to the end, which must be a good one; its duration is what kills are spread over. */
async function whole(kind: string, words: readonly string[]): Promise<Outcome> {
  const startMs = performance.now();
  const outcome = await twinvault([kind, ...words]);
  usualMs.set(kind, performance.now() - startMs);
  resultOf(outcome);
  return outcome;
}

/** Starts it and kills it at a moment between its first and its last; it may have ended before. */
async function killed(
  prng: Prng,
  kind: string,
  words: readonly string[],
): Promise<{ readonly afterMs: number; readonly ended: boolean }> {
  const afterMs = (usualMs.get(kind) ?? 1000) * (0.1 + 0.95 * prng.fraction());
  const { child, ended } = start([kind, ...words]);
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
  const outcome = await ended;
  clearTimeout(timer);
  if (outcome.status !== null) assert.equal(outcome.status, 0, outcome.told);
  return { afterMs, ended: outcome.status !== null };
}

const backupWords = [...place.base, '--json', source];
const cleanWords = ['--vault', place.vault, '--safe', 'home', '--json', '--days', '0', '--copies', String(copies), '--intraday', '--delay-hours', '0', '--allow-large']; // prettier-ignore
const checkWords = ['--vault', place.vault, '--json', '--read-data'];

function restoreWords(safeset: string, to: string): string[] {
  return [...place.base, '--json', ...place.secret, '--safeset', safeset, '--to', to, '--strip', place.root];
}

/** Of a line of manifestDifferences. */
function onlyTimeOfLink(line: string): boolean {
  const [, before = '', after = ''] = /: (120777 .*) \| (120777 .*)$/u.exec(line) ?? [];
  const rest = (facts: string): string => facts.replace(/ \d{19} /u, ' ');
  return before !== '' && rest(before) === rest(after);
}

async function backupWhole(): Promise<void> {
  const { safeset } = resultOf<{ safeset: string }>(await whole('backup', backupWords));
  stored.set(safeset, manifestOf(source));
}

/**
 * All that must be there is there; a new one is one whose backup was killed when its commit could no longer fail. It may be seen
 * at once, or when the next run has rolled the commit forward. `atKill`: what that backup had to save.
 */
async function expectListed(when: string, atKill = manifestOf(source)): Promise<void> {
  const listed = (await place.safesets()).map(({ safeset }) => safeset);
  const missing = [...stored.keys()].filter((safeset) => !listed.includes(safeset));
  assert.deepEqual(missing, [], `safesets are gone after ${when}`);
  const fresh = listed.filter((safeset) => !stored.has(safeset));
  assert.ok(fresh.length <= 1, `more safesets than runs after ${when}`);
  const known = new Map(stored);
  for (const safeset of fresh) known.set(safeset, atKill);
  // In the order of the list, which is that of time.
  stored.clear();
  for (const safeset of listed) stored.set(safeset, known.get(safeset) ?? atKill);
}

async function expectRestores(safeset: string, when: string): Promise<void> {
  const to = place.path('compared');
  await whole('restore', restoreWords(safeset, to));
  const differences = manifestDifferences(stored.get(safeset) ?? new Map(), manifestOf(`${to}/source`));
  assert.deepEqual(differences, [], `safeset ${safeset} after ${when}`);
  rmSync(to, { recursive: true });
}

test('a vault with a few safesets', async (t) => {
  const prng = chance(t).fork('tree');
  makeTree(source, prng, { files: 150, bytes: 20_000_000 });
  await place.init();
  for (let count = 0; count < 2; count += 1) {
    await backupWhole();
    changeTree(source, prng);
  }
  await backupWhole();
});

test('killed backups', async (t) => {
  const prng = chance(t).fork('backup');
  let broken = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    changeTree(source, prng);
    const { afterMs, ended } = await killed(prng, 'backup', backupWords);
    if (!ended) broken += 1;
    const when = `kill ${kill} of a backup, ${afterMs.toFixed(0)} ms after its start`;
    const atKill = manifestOf(source);
    await expectListed(when, atKill);
    if (kill % restoreEach === 0) await expectRestores(prng.pick([...stored.keys()]), when);
    if (kill % 2 === 0) changeTree(source, prng);
    await backupWhole();
    await expectListed(`the run after ${when}`, atKill);
  }
  assert.ok(broken >= kills / 4, `only ${broken} backups were broken off`);
});

test('killed restores', async (t) => {
  const prng = chance(t).fork('restore');
  let broken = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    const to = place.path(`restored ${kill}`);
    const safeset = prng.pick([...stored.keys()]);
    const { afterMs, ended } = await killed(prng, 'restore', restoreWords(safeset, to));
    if (!ended) broken += 1;
    const when = `kill ${kill} of a restore, ${afterMs.toFixed(0)} ms after its start`;
    const expected = stored.get(safeset) ?? new Map();
    if (existsSync(`${to}/source`)) {
      // Whatever has its name already is whole: the same restore goes on from there.
      const found = [...manifestOf(`${to}/source`)].filter(([, facts]) => facts.startsWith('100'));
      assert.deepEqual(found.filter(([path, facts]) => expected.get(path) !== facts), [], `half restored files after ${when}`); // prettier-ignore
    }
    await whole('restore', restoreWords(safeset, to));
    // Rule "skip" touches nothing that stands there: a link that was made in the very moment of the kill stays without its time.
    const found = manifestOf(`${to}/source`);
    const differences = manifestDifferences(expected, found).filter((line) => !onlyTimeOfLink(line));
    assert.deepEqual(differences, [], `restored again after ${when}`);
    rmSync(to, { recursive: true });
  }
  await expectListed('killed restores');
  assert.ok(broken >= kills / 4, `only ${broken} restores were broken off`);
});

test('killed checks', async (t) => {
  const prng = chance(t).fork('check');
  const before = filesBelow(place.vault).filter((path) => !/\/(?:leases|locks)\//u.test(path));
  await whole('check', checkWords);
  for (let kill = 1; kill <= kills; kill += 1) await killed(prng, 'check', checkWords);
  await whole('check', checkWords);
  await expectListed('killed checks');
  const objects = filesBelow(place.vault).filter((path) => path.startsWith('safes/') && !/\/(?:leases|locks|\.)/u.test(path));
  assert.deepEqual(
    objects,
    before.filter((path) => path.startsWith('safes/') && !path.includes('/.')),
  );
});

test('killed clean-ups', async (t) => {
  const prng = chance(t).fork('clean');
  const forget = (): void => {
    for (const safeset of [...stored.keys()].slice(0, -copies)) stored.delete(safeset);
  };
  for (let kill = 1; kill <= kills; kill += 1) {
    // From here on any of the older ones may be gone, all at once or one by one.
    forget();
    const { afterMs } = await killed(prng, 'clean', cleanWords);
    const when = `kill ${kill} of a clean-up, ${afterMs.toFixed(0)} ms after its start`;
    const listed = (await place.safesets()).map(({ safeset }) => safeset);
    assert.deepEqual(listed.slice(-copies), [...stored.keys()], `the newest after ${when}`);
    if (kill % restoreEach === 0) await expectRestores(prng.pick([...stored.keys()]), when);
    // A clean-up that changes as much as the killed one meant to, or a backup that is first after it.
    if (kill % 2 === 0) await whole('clean', cleanWords);
    changeTree(source, prng);
    await backupWhole();
    if (kill % 2 === 1) await whole('clean', cleanWords);
  }
  forget();
});

test('nothing is left of all that', async () => {
  await whole('clean', cleanWords);
  ageTemporaries(place.vault);
  await whole('clean', cleanWords);
  assert.deepEqual(leftovers(place.vault), []);
  assert.deepEqual(unmatchedPacks(place.vault), { surplus: [], missing: [] });
  assert.deepEqual(
    filesBelow(place.state).filter((path) => /tmp|\.tv-|journal/u.test(path)),
    [],
  );
  const { problems } = resultOf<{ problems: unknown[] }>(await place.run('check', ['--read-data', ...place.secret]));
  assert.deepEqual(problems, []);
  await expectListed('everything');
  for (const safeset of stored.keys()) await expectRestores(safeset, 'everything');
  assert.ok(!readdirSync(place.root).includes('compared'));
});
