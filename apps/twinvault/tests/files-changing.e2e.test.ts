/*
 * Proves that a folder in use can be backed up: files that vanish, grow, change or turn into something else while the run goes on,
 * files that may not be read, pipes that nobody writes to. The run never hangs and never breaks off; it ends with 3 and lists what it could
 * not take as it stood, everything else is exact, and of what could not be read the last good version stays restorable. Runs
 * are held (SIGSTOP) between their search and their reading, so that what happens to files comes at the right moment.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'; // prettier-ignore
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { assertHonest, jsonLines, resultOf, start, twinvault } from './support/command.ts';
import type { CommandOptions, Outcome } from './support/command.ts';
import { makePlace } from './support/place.ts';
import type { BackupResult, EntryErrorRow, RestoreResult } from './support/place.ts';
import { opensBelow } from './support/running.ts';
import { cannotSwitchUser, openForOthers, otherUser } from './support/system.ts';
import { differencesBelow, noise } from './support/trees.ts';

const place = makePlace('changing');
const prng = new Prng('changing');
const noUser = cannotSwitchUser();
/** A run that takes longer hangs. */
const limit: CommandOptions = { limitMs: 60_000 };

/** A backup that is held while it reads its first large files, while `meanwhile` happens to the folder. */
async function heldBackup(job: string, folder: string, meanwhile: () => void): Promise<Outcome> {
  const running = start(['backup', ...place.base, '--job', job, '--json', folder]);
  await opensBelow(running, `${folder}/0 large`);
  running.child.kill('SIGSTOP');
  meanwhile();
  running.child.kill('SIGCONT');
  const timer = setTimeout(() => running.child.kill('SIGKILL'), limit.limitMs);
  const outcome = await running.ended;
  clearTimeout(timer);
  assertHonest(outcome);
  return outcome;
}

function codesOf(errors: readonly EntryErrorRow[]): string[] {
  return [...new Set(errors.map(({ code }) => code))].sort();
}

/** Enough to read that the last ones are still unread when the run is held. */
function manyFiles(folder: string): string[] {
  mkdirSync(folder);
  for (let count = 0; count < 4; count += 1) writeFileSync(`${folder}/0 large ${count}`, noise(prng, 12_000_000));
  const names = Array.from({ length: 4000 }, (_, index) => `${folder}/file ${String(index).padStart(4, '0')}`);
  for (const name of names) writeFileSync(name, `content of ${name}`);
  return names;
}

test('a safe', () => place.init());

test('files that vanish while the run goes on are listed, and all others are there', async () => {
  const folder = place.path('vanishing');
  const names = manyFiles(folder);
  const gone = names.filter((_, index) => index % 2 === 1);
  const outcome = await heldBackup('vanishing', folder, () => {
    for (const name of gone) rmSync(name);
  });
  const { errors } = resultOf<BackupResult>(outcome, outcome.status === 0 ? 0 : 3);
  assert.equal(outcome.status, 3, `every vanished file had been read before: ${outcome.told}`);
  assert.deepEqual(codesOf(errors), ['entry-vanished']);
  assert.ok(errors.every(({ path }) => gone.includes(path)));
  await place.restore('latest', place.path('vanished'), ['--job', 'vanishing', '--strip', folder]);
  for (const name of names) {
    const restored = name.replace(folder, place.path('vanished'));
    const content = existsSync(restored) ? readFileSync(restored, 'utf8') : null;
    if (gone.includes(name)) assert.ok(content === null || content === `content of ${name}`, name);
    else assert.equal(content, `content of ${name}`, name);
  }
});

test('files that turn into pipes, folders and links are not followed and block nothing', async () => {
  const folder = place.path('turning');
  const secret = place.path('elsewhere');
  writeFileSync(secret, 'not to be backed up');
  const names = manyFiles(folder);
  const outcome = await heldBackup('turning', folder, () => {
    const turned = names.slice(-600);
    for (const name of turned) rmSync(name);
    execFileSync('mkfifo', turned.slice(0, 200));
    for (const name of turned.slice(200, 400)) mkdirSync(name);
    for (const name of turned.slice(400)) symlinkSync(secret, name);
  });
  const { errors } = resultOf<BackupResult>(outcome, 3);
  assert.deepEqual(codesOf(errors), ['entry-changed']);
  // What turned before it was read has no version yet: it is told again, and not made up.
  const restoring = await place.run('restore', [...place.secret, '--safeset', 'latest', '--job', 'turning', '--to', place.path('turned'), '--strip', folder]); // prettier-ignore
  const left = resultOf<RestoreResult>(restoring, restoring.status === 3 ? 3 : 0);
  const listed = new Set(errors.map(({ path }) => path));
  assert.deepEqual(left.errors.filter(({ path, detail }) => !listed.has(path) || !detail.includes('never read')), []); // prettier-ignore
  for (const name of names) {
    const restored = name.replace(folder, place.path('turned'));
    if (!existsSync(restored)) continue;
    const content = readFileIfFile(restored);
    assert.ok(content === null || content === `content of ${name}`, `${name} holds ${content}`);
  }
  const next = resultOf<BackupResult>(await place.run('backup', ['--job', 'turning', folder], limit));
  assert.deepEqual(next.errors, []);
  await place.restore('latest', place.path('turned again'), ['--job', 'turning', '--strip', folder]);
  assert.deepEqual(differencesBelow(folder, place.path('turned again')), []);
});

/** Null for what is no file; links are not followed. */
function readFileIfFile(path: string): string | null {
  const kind = execFileSync('stat', ['-c', '%F', path], { encoding: 'utf8' }).trim();
  return kind.startsWith('regular') ? readFileSync(path, 'utf8') : null;
}

test('files that change and grow all the time are kept with a mark', async () => {
  const folder = place.path('moving');
  mkdirSync(folder);
  writeFileSync(`${folder}/steady`, noise(prng, 500_000));
  writeFileSync(`${folder}/changing`, noise(prng, 40_000_000));
  writeFileSync(`${folder}/growing`, noise(prng, 40_000_000));
  const line = noise(prng, 1000);
  const fd = openSync(`${folder}/changing`, 'r+');
  const running = start(['backup', ...place.base, '--job', 'moving', '--json', folder]);
  const over: Outcome[] = [];
  void running.ended.then((outcome) => over.push(outcome));
  while (over.length === 0) {
    writeSync(fd, line, 0, line.length, prng.below(39_000_000));
    appendFileSync(`${folder}/growing`, line);
    await new Promise((resolve) => setImmediate(resolve));
  }
  closeSync(fd);
  const outcome = await running.ended;
  assertHonest(outcome);
  const { errors } = resultOf<BackupResult>(outcome, 3);
  assert.deepEqual(codesOf(errors), ['entry-changed']);
  assert.ok(
    errors.some(({ path }) => path === `${folder}/changing`),
    outcome.told,
  );
  const listing = await place.run('ls', [...place.secret, '--safeset', 'latest', '--job', 'moving', folder]);
  resultOf(listing);
  const torn = jsonLines(listing).filter((item) => item['torn'] === true).map((item) => String(item['path'])); // prettier-ignore
  assert.deepEqual(new Set(torn), new Set(errors.map(({ path }) => path)));
  await place.restore('latest', place.path('moved'), ['--job', 'moving', '--strip', folder]);
  assert.ok(readFileSync(place.path('moved/steady')).equals(readFileSync(`${folder}/steady`)));
  assert.equal(readFileSync(place.path('moved/changing')).length, 40_000_000);
  // Once nobody writes any more, the next run has them whole, without being told to read again.
  const next = resultOf<BackupResult>(await place.run('backup', ['--job', 'moving', folder]));
  assert.deepEqual(next.errors, []);
  await place.restore('latest', place.path('moved at last'), ['--job', 'moving', '--strip', folder]);
  assert.deepEqual(differencesBelow(folder, place.path('moved at last')), []);
});

test('pipes and sockets are kept as what they are, and never opened', async () => {
  const folder = place.path('pipes');
  mkdirSync(folder);
  execFileSync('mkfifo', [`${folder}/nobody writes`, `${folder}/a`, `${folder}/z`]);
  writeFileSync(`${folder}/file`, 'between pipes');
  const made = resultOf<BackupResult>(await place.run('backup', ['--job', 'pipes', folder], limit));
  assert.deepEqual([made.counts['others'], made.errors], [3, []]);
  await place.restore('latest', place.path('pipes out'), ['--job', 'pipes', '--strip', folder]);
  assert.deepEqual(differencesBelow(folder, place.path('pipes out')), []);
  // A pipe named by itself is no reason to wait for a writer either.
  const alone = await place.run('backup', ['--job', 'pipe', `${folder}/a`], limit);
  assert.ok([0, 2].includes(alone.status ?? -1), alone.told);
});

test('what may not be read any more keeps its last version', { skip: noUser }, async () => {
  const as = { user: otherUser, ...limit };
  openForOthers(place.root);
  const home = place.path('user');
  mkdirSync(home);
  const folder = `${home}/folder`;
  mkdirSync(`${folder}/closed`, { recursive: true });
  writeFileSync(`${home}/password`, readFileSync(place.passwordFile));
  for (const name of ['kept', 'never', 'open', 'closed/inside']) writeFileSync(`${folder}/${name}`, `first version of ${name}`);
  chmodSync(`${folder}/never`, 0);
  for (const path of [home, folder, `${folder}/closed`]) chownSync(path, otherUser, otherUser);
  const base = ['--vault', `${home}/vault`, '--safe', 'own', '--state', `${home}/state`, '--json'];
  resultOf(await twinvault(['init', ...base, '--password-file', `${home}/password`, '--kit-file', `${home}/kit`], as));
  const first = resultOf<BackupResult>(await twinvault(['backup', ...base, folder], as), 3);
  assert.deepEqual(first.errors.map(({ path, code }) => [path, code]), [[`${folder}/never`, 'entry-denied']]); // prettier-ignore

  writeFileSync(`${folder}/kept`, 'second version, not for everybody');
  writeFileSync(`${folder}/open`, 'second version of open');
  chmodSync(`${folder}/kept`, 0o600);
  chownSync(`${folder}/closed`, 0, 0);
  chmodSync(`${folder}/closed`, 0o700);
  const second = resultOf<BackupResult>(await twinvault(['backup', ...base, folder], as), 3);
  const denied = second.errors.map(({ path, code }) => `${path.slice(folder.length + 1)} ${code}`).sort();
  assert.deepEqual(denied, ['closed entry-denied', 'kept entry-denied', 'never entry-denied']);

  // Root restores it: what the user may not read must not hide what was kept.
  const restored = await twinvault([
    'restore',
    ...base,
    '--kit-file',
    `${home}/kit`,
    '--safeset',
    'latest',
    '--to',
    `${home}/out`,
    '--strip',
    folder,
  ]);
  const { errors } = resultOf<{ errors: readonly EntryErrorRow[] }>(restored, 3);
  assert.deepEqual(errors.map(({ path }) => path), [`${folder}/never`]); // prettier-ignore
  const content = (name: string): string => readFileSync(`${home}/out/${name}`, 'utf8');
  assert.equal(content('kept'), 'first version of kept');
  assert.equal(content('open'), 'second version of open');
  assert.equal(content('closed/inside'), 'first version of closed/inside');
  const listing = await twinvault(['ls', ...base, '--kit-file', `${home}/kit`, '--safeset', 'latest', '-R', folder]);
  resultOf(listing);
  const item = (name: string) => jsonLines(listing).find(({ path }) => path === `${folder}/${name}`);
  assert.equal(item('never')?.['unread'], true);
  assert.ok(item('kept')?.['carriedSince'] === 1, JSON.stringify(item('kept')));
});

test('a folder that is moved away and back between runs is whole again', async () => {
  const folder = place.path('travelling');
  mkdirSync(`${folder}/below`, { recursive: true });
  for (let count = 0; count < 50; count += 1) writeFileSync(`${folder}/below/${count}`, `number ${count}`);
  await place.backup(['--job', 'travelling', folder]);
  renameSync(`${folder}/below`, place.path('away'));
  const without = await place.backup(['--job', 'travelling', folder]);
  assert.equal(without.removed, 51);
  renameSync(place.path('away'), `${folder}/below`);
  const back = await place.backup(['--job', 'travelling', folder]);
  assert.ok(back.uploadedBytes < 20_000, `${back.uploadedBytes} bytes`);
  await place.restore('latest', place.path('travelled'), ['--job', 'travelling', '--strip', folder]);
  assert.deepEqual(differencesBelow(folder, place.path('travelled')), []);
});
