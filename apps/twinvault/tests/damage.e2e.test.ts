/*
 * Proves that damage is never taken for data. Every object of a small vault (packs, records, receipts, stub, ledger, slots,
 * descriptor, notes, the site's files, caches) is damaged in many ways, one at a time: a byte changed at its first, last and
 * several random positions, cut short, made longer, emptied, deleted, a pipe or a folder put in its place. Each time
 *  - `check --read-data` names it, or refuses with an explanation;
 *  - a restore brings back exactly the right bytes, or says which files it could not bring back, or refuses with an explanation;
 *  - nothing ends in a failure that has no words.
 * Most of it calls the packages in this process; one case of each kind goes through the command, a backup with it.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { SlotSecret } from '@twinvault/seal';
import type { Prng } from '@twinvault/std';
import { expectExit, resultOf, twinvault } from './support/command.ts';
import { checkVault, kitSecret, restoreSafeset } from './support/in-process.ts';
import { makePlace, password } from './support/place.ts';
import { chance } from './support/seeds.ts';
import { changeTree, makeTree, manifestDifferences, manifestOf } from './support/trees.ts';
import type { Manifest } from './support/trees.ts';
import { filesBelow } from './support/vault-files.ts';

const place = makePlace('damage');
const source = place.path('source');
/** How restores from damaged vaults ended. */
const tally = { equal: 0, listed: 0, refused: 0 };
/** Of the two safesets that can be restored: digest of the record, and what it must bring back. */
const safesets: { record: string; manifest: Manifest }[] = [];

interface Kind {
  readonly kind: string;
  readonly place: RegExp;
  /** Nothing is lost with it: check need not call it worse than a note. */
  readonly mayBeNote?: boolean;
  /** Which safesets must come back whole in spite of it: all, all but the one that it belongs to. */
  readonly restores?: 'all' | 'others';
  readonly flips: number;
}

const kinds: readonly Kind[] = [
  { kind: 'pack', place: /\/packs\//u, flips: 6 },
  { kind: 'record', place: /\/records\//u, restores: 'others', flips: 6 },
  // A missing receipt can be signed again.
  { kind: 'receipt', place: /\/receipts\//u, mayBeNote: true, restores: 'all', flips: 2 },
  { kind: 'stub', place: /\/stubs\//u, restores: 'all', flips: 4 },
  { kind: 'ledger entry', place: /\/ledger\//u, flips: 4 },
  { kind: 'slot', place: /\/slots\//u, flips: 4 },
  { kind: 'descriptor', place: /\/descriptor$/u, flips: 4 },
  { kind: 'site file', place: /^site\/(?:key|generation)$/u, restores: 'all', flips: 3 },
  { kind: 'reserve', place: /^site\/reserve$/u, mayBeNote: true, restores: 'all', flips: 0 },
  { kind: 'marker', place: /^twinvault-vault\.json$/u, flips: 4 },
  { kind: 'note of the last clean-up', place: /\/cleaned$/u, mayBeNote: true, restores: 'all', flips: 2 },
  { kind: 'cache', place: /^cache\//u, mayBeNote: true, restores: 'all', flips: 2 },
];

interface Damage {
  readonly what: string;
  /** What stands in its place; null: nothing. */
  readonly bytes: Uint8Array | 'pipe' | 'folder' | null;
}

function damagesOf(bytes: Buffer, flips: number, prng: Prng): Damage[] {
  // Byte 4 holds the version of an object.
  const positions = new Set([0, 4, bytes.length - 1, ...Array.from({ length: flips }, () => prng.below(bytes.length))]);
  const changed = [...positions].map((position) => {
    const copy = Buffer.from(bytes);
    const bit = 1 << prng.below(8);
    copy[position] = (copy[position] as number) ^ bit;
    return { what: `bit ${bit} of byte ${position} of ${bytes.length} changed`, bytes: copy };
  });
  const half = prng.below(bytes.length);
  return [
    ...changed,
    { what: 'emptied', bytes: Buffer.alloc(0) },
    { what: `cut to ${half} of ${bytes.length} bytes`, bytes: bytes.subarray(0, half) },
    { what: 'its last byte cut off', bytes: bytes.subarray(0, -1) },
    { what: 'one byte added', bytes: Buffer.concat([bytes, Buffer.alloc(1)]) },
    { what: 'zeros from its middle on', bytes: Buffer.concat([bytes.subarray(0, bytes.length >> 1), Buffer.alloc(bytes.length - (bytes.length >> 1))]) }, // prettier-ignore
    { what: 'a pipe in its place', bytes: 'pipe' as const },
    { what: 'a folder in its place', bytes: 'folder' as const },
    { what: 'deleted', bytes: null },
  ].filter((damage) => !(damage.bytes instanceof Uint8Array) || !bytes.equals(damage.bytes));
}

function put(path: string, bytes: Damage['bytes']): void {
  rmSync(path, { recursive: true, force: true });
  if (bytes === 'pipe') execFileSync('mkfifo', [path]);
  else if (bytes === 'folder') mkdirSync(path);
  else if (bytes !== null) writeFileSync(path, bytes);
}

async function checkFinds(path: string, about: string, mayBeNote: boolean): Promise<void> {
  const checked = await checkVault(place.vault);
  if (checked.type === 'refused') {
    assert.notEqual(checked.told.exit, 'unexpected', `check fails without words: ${about}: ${checked.told.details.join('\n')}`);
    return;
  }
  const { problems } = checked.report;
  const list = problems.map(({ severity, code, object, detail }) => `${severity} ${code} ${object} ${detail}`).join('\n');
  assert.ok(mayBeNote || problems.some(({ severity }) => severity !== 'note'), `check finds nothing: ${about}\n${list}`);
  const name = path.slice(path.lastIndexOf('/') + 1);
  const named = problems.some(({ object, detail }) => object === path || object.endsWith(name) || detail.includes(name));
  // Of what is no file any more only what needed it can be named, and nothing where nothing did.
  assert.ok(
    named || path === 'site/reserve' || /deleted$|in its place$/u.test(about),
    `check does not name it: ${about}\n${list}`,
  );
}

/** `whole`: which records must come back without any error. */
async function restoreIsRight(
  secret: SlotSecret,
  about: string,
  whole: (record: string) => boolean = () => false,
): Promise<void> {
  for (const { record, manifest } of safesets) {
    const to = place.path('restored');
    const restored = await restoreSafeset({ vault: place.vault, record, to, secret });
    if (restored.type === 'refused') {
      tally.refused += 1;
      const { exit, code, details } = restored.told;
      assert.ok(!whole(record), `safeset of record ${record} is refused (${code}): ${about}`);
      const gone = /does not show|shows no safe/u.test(details[0] ?? '');
      assert.ok(gone || exit !== 'unexpected', `restore fails without words: ${about}: ${details.join('\n')}`);
    } else {
      const { errors, errorsUnlisted } = restored.report;
      tally[errors.length === 0 ? 'equal' : 'listed'] += 1;
      assert.ok(errors.length === 0 || !whole(record), `not all of record ${record} is restored: ${about}`);
      const found = manifestOf(join(to, source));
      const listed = new Set(errors.map(({ path }) => Buffer.from(path).toString().replaceAll('\0', '/')));
      const wrong = [...found].filter(([path, facts]) => manifest.get(path) !== facts && facts.startsWith('100'));
      assert.deepEqual(wrong, [], `wrong bytes are restored: ${about}`);
      // Where a part of the catalog itself is lost, nobody can say which names it held: how many is told.
      const unknown = errors.some(({ detail }) => detail.includes('entries are unknown'));
      const missing = manifestDifferences(manifest, found).filter(
        (line) => !listed.has(join(source.slice(1), line.slice(0, line.indexOf(': ')))),
      );
      assert.ok(
        unknown || errorsUnlisted > 0 || missing.length === 0,
        `restore does not tell what it left out: ${about}: ${missing.join(', ')}`,
      );
    }
    rmSync(to, { recursive: true, force: true });
  }
}

/** The object is damaged while `body` runs, and whole again afterwards. */
async function whileDamaged(path: string, damage: Damage, body: () => Promise<void>): Promise<void> {
  const full = join(place.vault, path);
  const bytes = readFileSync(full);
  put(full, damage.bytes);
  try {
    await body();
  } finally {
    mkdirSync(dirname(full), { recursive: true });
    put(full, bytes);
  }
}

test('a vault with objects of every kind', async (t) => {
  const prng = chance(t).fork('tree');
  makeTree(source, prng, { files: 25, bytes: 1_500_000 });
  await place.init();
  await place.backup([source]);
  for (let count = 0; count < 2; count += 1) {
    changeTree(source, prng);
    const { record } = await place.backup([source]);
    safesets.push({ record, manifest: manifestOf(source) });
  }
  resultOf(await place.clean(['--days', '0', '--copies', '2', '--intraday', '--delay-hours', '0', '--allow-large']));
  const files = filesBelow(place.vault);
  for (const { kind, place: where } of kinds)
    assert.ok(
      files.some((path) => where.test(path)),
      `there is no ${kind}: ${files.join('\n')}`,
    );
  assert.deepEqual(
    files.filter((path) => !kinds.some((kind) => kind.place.test(path))),
    [],
  );
  const before = await checkVault(place.vault);
  assert.deepEqual(before.type === 'done' && before.report.problems, []);
  await restoreIsRight(kitSecret(place.kitFile), 'no damage');
});

for (const { kind, place: where, mayBeNote = false, restores, flips } of kinds) {
  test(`every damage of every ${kind} is found`, async (t) => {
    const prng = chance(t).fork(kind);
    let count = 0;
    for (const path of filesBelow(place.vault).filter((name) => where.test(name))) {
      const whole = (record: string): boolean => restores === 'all' || (restores === 'others' && !path.endsWith(record));
      for (const damage of damagesOf(readFileSync(join(place.vault, path)), flips, prng)) {
        const about = `${path}: ${damage.what}`;
        await whileDamaged(path, damage, async () => {
          await checkFinds(path, about, mayBeNote);
          await restoreIsRight(kitSecret(place.kitFile), about, whole);
        });
        count += 1;
      }
      if (kind === 'slot') {
        // The password's slot asks for a hash of the password each time: once is enough.
        const bytes = readFileSync(join(place.vault, path));
        const copy = Buffer.from(bytes);
        const position = prng.below(bytes.length);
        copy[position] = (copy[position] as number) ^ 1;
        const about = `${path}: byte ${position} changed, opened with the password`;
        await whileDamaged(path, { what: about, bytes: copy }, () => restoreIsRight({ type: 'password', password }, about));
      }
    }
    const { equal, listed, refused } = tally;
    t.diagnostic(
      `${count} damages; so far of all restores ${equal} were whole, ${listed} told what is missing, ${refused} refused`,
    );
  });
}

test('the vault is as it was', async () => {
  const checked = await checkVault(place.vault);
  assert.deepEqual(checked.type === 'done' && checked.report.problems, []);
});

test('the command says the same, and a backup into a damaged vault ends in words', async (t) => {
  const prng = chance(t).fork('command');
  const whole = place.path('whole');
  for (const name of ['vault', 'state'])
    cpSync(place.path(name), join(whole, name), { recursive: true, preserveTimestamps: true });
  for (const { kind, place: where, mayBeNote = false } of kinds) {
    const path = prng.pick(filesBelow(place.vault).filter((name) => where.test(name)));
    const damage = prng.pick(damagesOf(readFileSync(join(place.vault, path)), 2, prng));
    t.diagnostic(`${kind}: ${path}: ${damage.what}`);
    put(join(place.vault, path), damage.bytes);

    const checked = await twinvault(['check', '--vault', place.vault, '--read-data', '--json']);
    if (!mayBeNote) assert.notEqual(checked.status, 0, checked.told);
    const restored = await place.run('restore', [
      '--kit-file',
      place.kitFile,
      '--safeset',
      'latest',
      '--to',
      place.path('by command'),
    ]);
    if (restored.status === 0) {
      const newest = safesets.at(-1)?.manifest ?? new Map<string, string>();
      const older = safesets[0]?.manifest ?? newest;
      const found = manifestOf(place.path('by command', source));
      // Where the newest record is gone, the one before it is the latest.
      if (manifestDifferences(older, found).length > 0) assert.deepEqual(manifestDifferences(newest, found), [], restored.told);
    }
    rmSync(place.path('by command'), { recursive: true, force: true });
    // Whatever it answers, it answers in words (the helper sees to that) and by a documented code.
    const stored = await place.run('backup', [source]);
    assert.ok([0, 4, 6, 7, 10, 11, 12, 13].includes(stored.status ?? -1), stored.told);

    for (const name of ['vault', 'state']) {
      rmSync(place.path(name), { recursive: true });
      cpSync(join(whole, name), place.path(name), { recursive: true, preserveTimestamps: true });
    }
  }
  expectExit(await twinvault(['check', '--vault', place.vault, '--read-data', '--json']), 0);
  await place.backup([source]);
});
