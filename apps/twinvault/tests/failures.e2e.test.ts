/*
 * Proves that what goes wrong in the world is told well and harms nothing: wrong secrets, missing and foreign and newer
 * vaults, places that cannot be written, full disks, runs that meet each other, stop signals, readers that go away. Each must
 * end with its documented exit code, one clear sentence and what to do; then the vault checks clean, what it held is still
 * restored whole, and the next run succeeds at once.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { assertHonest, errorOf, expectExit, launcher, resultOf, start, twinvault } from './support/command.ts';
import { makePlace, Place } from './support/place.ts';
import { opensBelow } from './support/running.ts';
import { cannotMount, cannotSwitchUser, openForOthers, otherUser, SmallDisk } from './support/system.ts';
import { differencesBelow, makeTree, noise } from './support/trees.ts';
import { leftovers, unmatchedPacks } from './support/vault-files.ts';

const place = makePlace('failures');
const source = place.path('source');
const prng = new Prng('failures');
const noMount = cannotMount();
const noUser = cannotSwitchUser();

/** The vault is whole, holds what it held, and goes on working. */
async function unharmed(at: Place = place, folder: string = source): Promise<void> {
  const { problems } = resultOf<{ problems: unknown[] }>(await at.run('check', ['--read-data', '--kit-file', at.kitFile]));
  assert.deepEqual(problems, []);
  const { safeset } = await at.backup([folder]);
  const to = at.path('unharmed');
  await at.restore(safeset, to, ['--strip', folder]);
  assert.deepEqual(differencesBelow(folder, to), []);
  rmSync(to, { recursive: true });
}

function secretFile(name: string, content: string): string {
  writeFileSync(place.path(name), content);
  return place.path(name);
}

const ls = (words: readonly string[]) => place.run('ls', ['--safeset', 'latest', ...words, '/']);

test('a safe with a safeset', async () => {
  makeTree(source, prng, { files: 30, bytes: 3_000_000 });
  await place.init();
  await unharmed();
});

test('wrong secrets', async () => {
  const wrong = errorOf(await ls(['--password-file', secretFile('wrong', 'eight dry horses at dawn\n')]), 5);
  assert.equal(wrong.code, 'password-wrong');
  assert.match(wrong.advice ?? '', /--kit-file/u);
  const kit = readFileSync(place.kitFile, 'utf8');
  const other = makePlace('other');
  await other.init();
  assert.equal(errorOf(await ls(['--kit-file', other.kitFile]), 5).code, 'kit-other-safe');
  const mistyped = kit.replace(
    /^(Code:.*)([A-Z0-9])$/mu,
    (_all, begin: string, last: string) => `${begin}${last === '7' ? '8' : '7'}`,
  );
  const typo = mistyped === kit ? kit.replace(/Code:(\s+)(\S)/u, 'Code:$1') : mistyped;
  assert.notEqual(typo, kit);
  assert.equal(errorOf(await ls(['--kit-file', secretFile('typo', typo)]), 5).code, 'kit-damaged');
  assert.equal(
    errorOf(await ls(['--kit-file', secretFile('cut', kit.slice(0, kit.indexOf('Code:') + 30))]), 5).code,
    'kit-damaged',
  );
  errorOf(await ls(['--kit-file', secretFile('empty', '')]), 5);
});

test('secrets that are not there', async () => {
  const asked = errorOf(await ls([]), 2);
  assert.match(asked.message, /terminal.*--password-file/u);
  errorOf(await ls(['--password-file', place.path('nowhere')]), 2);
  errorOf(await ls(['--password-file', secretFile('empty', '\n')]), 2);
  errorOf(await ls(['--password-file', place.root]), 2);
  errorOf(await ls([...place.secret, '--kit-file', place.kitFile]), 2);
  writeFileSync(place.path('bytes'), Buffer.from([0xff, 0xfe, 0xfd]));
  errorOf(await ls(['--password-file', place.path('bytes')]), 2);
});

test('a password may come from standard input; other pipes are refused, not waited for', async () => {
  const words = ['ls', ...place.base, '--safeset', 'latest', '/'];
  const input = readFileSync(place.passwordFile);
  execFileSync(launcher, [...words, '--password-file', '-'], { input, stdio: ['pipe', 'ignore', 'pipe'] });
  execFileSync('mkfifo', [place.path('pipe')]);
  const refused = errorOf(await place.run('ls', ['--safeset', 'latest', '--password-file', place.path('pipe'), '/']), 2);
  assert.match(refused.message, /standard input/u);
  errorOf(await place.run('ls', ['--safeset', 'latest', '--password-file', `${source}/large`, '/']), 2);
});

test('vaults that are missing, foreign, or not directories', async () => {
  const at = (vault: string, verb: string, words: readonly string[] = []) =>
    twinvault([verb, '--vault', vault, '--safe', 'home', '--state', place.state, '--json', ...words]);
  const missing = place.path('missing');
  for (const [verb, ...words] of [['safesets'], ['backup', source], ['ls', '--safeset', 'latest', ...place.secret]] as const) {
    const error = errorOf(await at(missing, verb, words), 6);
    assert.equal(error.code, 'vault-missing');
    assert.ok(error.message.includes(missing), error.message);
  }
  errorOf(await twinvault(['check', '--vault', missing, '--json']), 6);
  errorOf(await twinvault(['clean', '--vault', missing, '--safe', 'home', '--days', '1', '--copies', '1', '--json']), 6);
  errorOf(await twinvault(['rebuild', '--vault', missing, '--json']), 6);
  assert.ok(!existsSync(missing));

  const foreign = place.path('foreign');
  mkdirSync(foreign);
  writeFileSync(`${foreign}/somebody's`, 'file');
  errorOf(await at(foreign, 'safesets'), 6);
  const init = await at(foreign, 'init', [...place.secret, '--kit-file', place.path('foreign-kit')]);
  assert.equal(errorOf(init, 6).code, 'vault-foreign');
  assert.deepEqual(readdirSync(foreign), ["somebody's"]);
  assert.ok(!existsSync(place.path('foreign-kit')));
  errorOf(await at(place.passwordFile, 'safesets'), 6);
  expectExit(await at('https://example.org/vault', 'safesets'), 2);
  await unharmed();
});

test('names that are not there', async () => {
  const elsewhere = ['--safe', 'away'];
  assert.match(errorOf(await place.run('safesets', elsewhere), 11).message, /"away".*"home"/u);
  errorOf(await place.run('backup', [...elsewhere, source]), 11);
  errorOf(await place.run('ls', [...place.secret, '--safeset', 'latest', '--job', 'away', '/']), 11);
  assert.match(errorOf(await place.run('backup', [place.path('nothing here')]), 11).message, /nothing here/u);
  errorOf(await place.run('backup', ['--exclude-file', place.path('nothing here'), source]), 2);
  errorOf(await place.run('backup', ['--state', place.path('no state'), source]), 13);
  assert.ok(!existsSync(place.path('no state')), 'a computer without keys gets no state');
});

/** A marker or another note of a vault with some values changed and its checksum made right again. */
function changeNote(path: string, change: (note: Record<string, unknown>) => void): void {
  const note = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  delete note['check'];
  change(note);
  const check = createHash('sha256')
    .update(`twinvault note\0${JSON.stringify(note)}`)
    .digest('hex')
    .slice(0, 16);
  writeFileSync(path, `${JSON.stringify({ ...note, check })}\n`);
}

test('a vault of a newer version', async () => {
  const marker = `${place.vault}/twinvault-vault.json`;
  const bytes = readFileSync(marker);
  changeNote(marker, () => undefined);
  assert.ok(readFileSync(marker).equals(bytes), 'this test knows how notes are made');
  changeNote(marker, (note) => {
    note['format'] = 2;
    note['future'] = 'unheard of';
  });
  for (const [verb, ...words] of [
    ['safesets'],
    ['backup', source],
    ['restore', '--safeset', 'latest', '--to', place.path('to'), ...place.secret],
  ] as const) {
    assert.equal(errorOf(await place.run(verb, words), 7).code, 'vault-newer');
  }
  errorOf(await twinvault(['check', '--vault', place.vault, '--json']), 7);
  writeFileSync(marker, bytes);
  await unharmed();
});

test('keys of this computer that are damaged, and a state that is lost', async () => {
  const [safe = ''] = readdirSync(`${place.state}/safes`);
  const keys = `${place.state}/safes/${safe}/agent.key`;
  const bytes = readFileSync(keys);
  for (const damaged of [
    Buffer.alloc(0),
    bytes.subarray(0, 50),
    Buffer.concat([bytes.subarray(0, 50), Buffer.alloc(bytes.length - 50)]),
  ]) {
    writeFileSync(keys, damaged);
    errorOf(await place.run('backup', [source]), 13);
  }
  writeFileSync(keys, bytes);
  // Everything but the keys is a cache.
  for (const name of readdirSync(`${place.state}/safes/${safe}`)) {
    if (name !== 'agent.key') rmSync(`${place.state}/safes/${safe}/${name}`, { recursive: true });
  }
  await unharmed();
  renameSync(place.state, place.path('lost'));
  errorOf(await place.run('backup', [source]), 13);
  resultOf(await place.run('safe enrol', [...place.secret, '--computer', 'again']));
  resultOf(await place.run('backup', ['--job', 'again', source]));
  rmSync(place.state, { recursive: true });
  // Or it is enrolled as what it was, and its jobs go on.
  const { agents } = resultOf<{ agents: { certificate: string; computer: string }[] }>(await place.run('safe agents', []));
  const [first] = agents;
  assert.ok(first);
  errorOf(await place.run('safe enrol', [...place.secret, '--again', 'nobody']), 2);
  const same = resultOf<{ computer: string }>(await place.run('safe enrol', [...place.secret, '--again', first.certificate]));
  assert.equal(same.computer, first.computer);
  const before = (await place.safesets([])).length;
  resultOf(await place.run('backup', [source]));
  const after = await place.safesets([]);
  assert.equal(after.length, before + 1);
  rmSync(place.state, { recursive: true });
  renameSync(place.path('lost'), place.state);
  await unharmed();
});

test('a vault that was set back is not taken for the real one', async () => {
  const older = place.path('older vault');
  cpSync(place.vault, older, { recursive: true, preserveTimestamps: true });
  writeFileSync(`${source}/news`, 'since then\n');
  await place.backup([source]);
  const newer = place.path('newer vault');
  renameSync(place.vault, newer);
  renameSync(older, place.vault);
  assert.equal(errorOf(await place.run('backup', [source]), 12).code, 'head-rolled-back');
  rmSync(place.vault, { recursive: true });
  renameSync(newer, place.vault);
  await unharmed();
});

test('a vault on a disk that can only be read', { skip: noMount }, async (t) => {
  const disk = new SmallDisk(place.path('read-only disk'), 64);
  t.after(() => disk.unmount());
  const there = new Place(place.path('on read-only'), { vault: `${disk.path}/vault` });
  await there.init();
  await there.backup([source]);
  disk.remount('ro');
  errorOf(await there.run('backup', [source]), 9);
  errorOf(await there.clean(['--days', '0', '--copies', '1', '--delay-hours', '0']), 9);
  errorOf(await there.run('safe passwd', [...there.secret, '--new-password-file', there.passwordFile]), 9);
  // Whatever only reads works: this is how one looks into a copy or a snapshot of a vault.
  assert.equal((await there.safesets()).length, 1);
  await there.restore('latest', there.path('out'), ['--strip', source]);
  assert.deepEqual(differencesBelow(source, there.path('out')), []);
  resultOf(await there.run('check', ['--read-data', ...there.secret]));
  resultOf(await there.clean(['--days', '0', '--copies', '1', '--dry-run']));
  disk.remount('rw');
  await unharmed(there);
});

test('a vault, a state and a target of another user', { skip: noUser }, async () => {
  const as = { user: otherUser };
  openForOthers(place.root);
  const there = new Place(place.path('of others'));
  chmodSync(there.passwordFile, 0o644);
  await there.init();
  await there.backup([source]);
  const own = there.path('own');
  mkdirSync(own);
  chownSync(own, otherUser, otherUser);
  const base = ['--vault', there.vault, '--safe', 'home', '--state', `${own}/state`, '--json'];
  errorOf(await twinvault(['safe', 'enrol', ...base, ...there.secret], as), 9);
  errorOf(await twinvault(['restore', ...base, ...there.secret, '--safeset', 'latest', '--to', there.path('closed')], as), 9);
  errorOf(await twinvault(['init', ...base, ...there.secret, '--safe', 'new', '--kit-file', `${own}/kit`], as), 9);
  assert.ok(!existsSync(`${own}/kit`), 'a kit without a safe is not left behind');
  chmodSync(there.vault, 0o700);
  errorOf(await twinvault(['safesets', ...base], as), 9);
  chmodSync(there.vault, 0o755);

  const closed = there.path('closed source');
  mkdirSync(closed, { mode: 0o700 });
  const mine = ['--vault', `${own}/vault`, '--safe', 'own', '--state', `${own}/state`, '--json'];
  resultOf(await twinvault(['init', ...mine, ...there.secret, '--kit-file', `${own}/kit`], as));
  const unread = resultOf<{ errors: { code: string }[] }>(await twinvault(['backup', ...mine, closed], as), 3);
  assert.deepEqual(unread.errors.map(({ code }) => code), ['entry-denied']); // prettier-ignore
  resultOf(await twinvault(['backup', ...mine, '--job', 'own', '--exclude', 'vault', '--exclude', 'state', own], as));
  await unharmed(there);
});

test('a vault on a disk that fills up', { skip: noMount }, async (t) => {
  const disk = new SmallDisk(place.path('small disk'), 12);
  t.after(() => disk.unmount());
  const there = new Place(place.path('on small'), { vault: `${disk.path}/vault` });
  await there.init();
  await there.backup([source]);
  const large = there.path('large');
  mkdirSync(large);
  for (let count = 0; count < 6; count += 1) writeFileSync(`${large}/${count}`, noise(prng, 4_000_000));
  const full = errorOf(await there.run('backup', ['--job', 'large', large]), 8);
  assert.equal(full.code, 'vault-full');
  assert.match(full.advice ?? '', /space/u);
  // Even on a disk without any room left, what is there can be looked at and restored.
  const filler = readdirSync(disk.path).length;
  execFileSync('sh', ['-c', 'dd if=/dev/zero of="$0" bs=4096 2>/dev/null || true', `${disk.path}/filler`]);
  assert.equal(readdirSync(disk.path).length, filler + 1);
  await there.restore('latest', there.path('out'), ['--job', 'default', '--strip', source]);
  assert.deepEqual(differencesBelow(source, there.path('out')), []);
  errorOf(await there.run('backup', [source]), 8);
  rmSync(`${disk.path}/filler`);
  assert.deepEqual((await there.safesets()).map(({ job }) => job), ['default']); // prettier-ignore

  disk.remount('size=200m');
  resultOf(await there.run('backup', ['--job', 'large', large]));
  assert.deepEqual(leftovers(there.vault), []);
  await there.restore('latest', there.path('large-out'), ['--job', 'large', '--strip', large]);
  assert.deepEqual(differencesBelow(large, there.path('large-out')), []);
  for (let count = 0; count < 2; count += 1) resultOf(await there.clean(['--days', '0', '--copies', '5', '--delay-hours', '0']));
  assert.deepEqual(unmatchedPacks(there.vault), { surplus: [], missing: [] });
});

test('a state, and a target, on a disk that fills up', { skip: noMount }, async (t) => {
  const disk = new SmallDisk(place.path('tiny disk'), 1);
  t.after(() => disk.unmount());
  const into = await place.run('restore', [
    ...place.secret,
    '--safeset',
    'latest',
    '--job',
    'default',
    '--to',
    `${disk.path}/out`,
  ]);
  assert.ok(into.status === 8 || into.status === 3, into.told);
  if (into.status === 3) assert.ok(resultOf<{ errors: unknown[] }>(into, 3).errors.length > 0);
  else errorOf(into, 8);
  rmSync(`${disk.path}/out`, { recursive: true, force: true });

  cpSync(place.state, `${disk.path}/state`, { recursive: true });
  execFileSync('sh', ['-c', 'dd if=/dev/zero of="$0" bs=4096 2>/dev/null || true', `${disk.path}/filler`]);
  errorOf(await place.run('backup', ['--state', `${disk.path}/state`, source]), 8);
  rmSync(`${disk.path}/filler`);
  resultOf(await place.run('backup', ['--state', `${disk.path}/state`, source]));
  // The state that was copied is ahead of the first one now: its next run finds the newer head and goes on from it.
  await unharmed();
});

const busyFolder = place.path('busy');

test('a second run of a job finds the first one, and stops', async () => {
  mkdirSync(busyFolder);
  for (let count = 0; count < 20; count += 1) writeFileSync(`${busyFolder}/${count}`, noise(prng, 3_000_000));
  const first = start(['backup', ...place.base, '--job', 'busy', '--json', busyFolder]);
  await opensBelow(first, `${busyFolder}/`);
  // Stopped, so that it is still there when the second one comes, however fast it is.
  first.child.kill('SIGSTOP');
  const second = errorOf(await place.run('backup', ['--job', 'busy', source]), 10);
  assert.match(second.code, /busy/u);
  // Another job is free to run beside it.
  resultOf(await place.run('backup', ['--job', 'beside', source]));
  first.child.kill('SIGCONT');
  const outcome = await first.ended;
  assertHonest(outcome);
  resultOf(outcome);
  await unharmed();
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} stops a backup in order, and the next run goes on`, async () => {
    for (const name of readdirSync(busyFolder)) writeFileSync(`${busyFolder}/${name}`, noise(prng, 3_000_000));
    const before = (await place.safesets(['--job', 'busy'])).length;
    const running = start(['backup', ...place.base, '--job', 'busy', '--json', busyFolder]);
    await opensBelow(running, `${busyFolder}/`);
    running.child.kill(signal);
    const outcome = await running.ended;
    assertHonest(outcome);
    errorOf(outcome, 130);
    assert.deepEqual(leftovers(place.vault), []);
    assert.equal((await place.safesets(['--job', 'busy'])).length, before);
    resultOf(await place.run('backup', ['--job', 'busy', busyFolder]));
    await place.restore('latest', place.path('busy-out'), ['--job', 'busy', '--strip', busyFolder]);
    assert.deepEqual(differencesBelow(busyFolder, place.path('busy-out')), []);
    rmSync(place.path('busy-out'), { recursive: true });
  });
}

test('a reader that goes away ends a listing quietly', async () => {
  const many = place.path('many');
  mkdirSync(many);
  for (let count = 0; count < 5000; count += 1) writeFileSync(`${many}/a file with a rather long name, number ${count}`, '');
  resultOf(await place.run('backup', ['--job', 'many', many]));
  for (const verb of [
    ['ls', '-R', many],
    ['cat', `${source}/large`],
  ] as const) {
    const [name = '', ...rest] = verb;
    const job = name === 'ls' ? 'many' : 'default';
    const words = [name, ...place.base, ...place.secret, '--safeset', 'latest', '--job', job, ...rest];
    const child = spawn('sh', ['-c', '"$0" "$@" | head -c 1 > /dev/null', launcher, ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let told = '';
    child.stderr.on('data', (bytes: Buffer) => (told += bytes.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    assert.equal(told, '');
  }
  expectExit(await place.run('safesets'), 0);
});
