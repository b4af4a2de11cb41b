/*
 * Directories that are proven unchanged are not listed, and no run can tell: over random trees and random edits between runs, by random rules, the
 * entries that a run keeps are those that a scan finds which lists everything. Real files, a vault in memory, and a clock an hour ahead, so that all
 * that was changed before a run counts as older than it.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, mock, test } from 'node:test';
import fc from 'fast-check';
import { backup, openAgentState, unpackEntries } from '@twinvault/engine';
import type { BackupReport, JobState, ScannedEntry, ScanRules } from '@twinvault/engine';
import { computerId } from '@twinvault/format';
import type { VaultSafe } from '@twinvault/protocol';
import { enrolHere, makeSafe } from '@twinvault/seal';
import type { AgentKeys } from '@twinvault/seal';
import { memoryPlatform } from '@twinvault/testkit';
import type { MemoryPlatform } from '@twinvault/testkit';
import { createDirectoryVault } from '@twinvault/vault';
import { linuxFileSource } from '../src/index.ts';
import { keepsTimesOfNames } from '../src/linux/file-systems.ts';
import { System, system } from '../src/linux/system.ts';
import { scanAll } from './copy-through-ports.ts';

const base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'twinvault-known-')));
after(() => fs.rmSync(base, { recursive: true, force: true }));

const skip = process.platform !== 'linux' && 'Linux only';
const skipCount =
  skip ||
  (!keepsTimesOfNames(fs.statfsSync(base).type) && 'the file system of temporary files is not one of those that are trusted');
const plain: ScanRules = { excludes: [], skipCaches: true, oneFileSystem: false };
const hourMs = 3_600_000;

interface World {
  readonly platform: MemoryPlatform;
  readonly safe: VaultSafe;
  readonly agent: AgentKeys;
  readonly job: JobState;
}

async function newWorld(seed: string): Promise<World> {
  const platform = memoryPlatform(seed);
  const { random, clock, files } = platform;
  await clock.advance(Date.now() + hourMs - clock.nowMs());
  await files.makeDirectory('/vault');
  await files.makeDirectory('/state');
  const vault = await createDirectoryVault({ path: '/vault', platform });
  const parameters = { passes: 3, memoryKiB: 64 * 1024, lanes: 1 };
  const made = await makeSafe({ label: 'test', password: 'correct horse battery staple', suite: 1, random, clock, parameters });
  const computer = computerId(random.bytes(16));
  const { entry, agent } = enrolHere({ opened: made.opened, clock, computer, name: 'machine', random });
  await vault.createSafe({ ...made.newSafe, ledger: [...made.newSafe.ledger, entry] });
  const state = openAgentState({ path: '/state', platform }).safe(agent.safe);
  await state.saveAgentKeys(agent);
  return { platform, safe: await vault.openSafe(agent.safe), agent, job: await state.job('job') };
}

async function run({ platform, safe, agent }: World, root: string, rules: ScanRules): Promise<BackupReport> {
  const report = await backup({
    vault: safe,
    agent,
    job: 'job',
    retention: 'standard',
    source: linuxFileSource({ roots: [Buffer.from(root)], rules }),
    state: openAgentState({ path: '/state', platform }),
    platform,
    signal: new AbortController().signal,
  });
  await platform.clock.advance(60_000);
  return report;
}

/** What a run kept of the tree, by the cache that it left. */
async function kept({ job }: World, root: string): Promise<unknown[]> {
  const cache = (await job.openCache()) ?? assert.fail('a run leaves its cache');
  await using _open = cache;
  const entries: ScannedEntry[] = [];
  for (let block = await cache.nextBlock(); block !== null; block = await cache.nextBlock()) {
    entries.push(...unpackEntries({ type: 'entries', items: block.items, count: block.entries, fileBytes: 0 }));
  }
  return compared(entries, root);
}

async function listed(root: string, rules: ScanRules): Promise<unknown[]> {
  return compared((await scanAll(linuxFileSource({ roots: [Buffer.from(root)], rules }))).entries, root);
}

/** Below the root; others change what lies beside it. */
function compared(entries: readonly ScannedEntry[], root: string): unknown[] {
  return entries.flatMap(({ directory, name, stat }) => {
    const path = Buffer.concat([Buffer.from('/'), directory, Buffer.from('/'), name])
      .toString()
      .replaceAll('\0', '/');
    if (!path.startsWith(`${root}/`)) return [];
    const { type, mode, inode, mtimeSeconds, mtimeNanos, ctimeSeconds, ctimeNanos, sizeBytes } = stat;
    return [[path, type, mode, inode, mtimeSeconds, mtimeNanos, ctimeSeconds, ctimeNanos, type === 1 ? sizeBytes : 0]];
  });
}

/** Calls of getdents64 while something is done. */
async function listings(doing: () => Promise<unknown>): Promise<number> {
  const counted = mock.method(System.prototype, 'getDirectoryEntries');
  try {
    await doing();
    return counted.mock.callCount();
  } finally {
    counted.mock.restore();
  }
}

const path = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd.tmp', 'CACHEDIR.TAG'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));
const edit = fc.record({
  what: fc.constantFrom(
    'write',
    'write',
    'directory',
    'remove',
    'rename',
    'replace',
    'link',
    'symlink',
    'swap',
    'times',
    'mode',
    'tag',
  ),
  path,
  other: path,
});
const rules = fc.record<ScanRules>({
  excludes: fc.constantFrom([], [], ['*.tmp'], ['/a/b', 'c/*/b']),
  skipCaches: fc.boolean(),
  oneFileSystem: fc.boolean(),
});
const round = fc.record({ edits: fc.array(edit, { maxLength: 12 }), rules });

function perform(root: string, { what, path: name, other }: { what: string; path: string; other: string }): void {
  const [here, there] = [join(root, name), join(root, other)];
  try {
    switch (what) {
      case 'write':
        fs.mkdirSync(dirname(here), { recursive: true });
        return fs.writeFileSync(here, other);
      case 'directory':
        return void fs.mkdirSync(here, { recursive: true });
      case 'remove':
        return fs.rmSync(here, { recursive: true });
      case 'rename':
        return fs.renameSync(here, there);
      case 'replace':
        fs.writeFileSync(join(root, 'new'), other);
        return fs.renameSync(join(root, 'new'), here);
      case 'link':
        return fs.linkSync(here, there);
      case 'symlink':
        return fs.symlinkSync(other, here);
      case 'swap':
        fs.renameSync(here, join(root, 'aside'));
        fs.renameSync(there, here);
        return fs.renameSync(join(root, 'aside'), there);
      case 'times': {
        // As a program does that puts a directory's mtime back after it changed its names.
        const { mtime } = fs.statSync(here);
        fs.writeFileSync(join(here, 'x'), '');
        return fs.utimesSync(here, mtime, mtime);
      }
      case 'mode':
        return fs.chmodSync(here, other.length % 2 === 0 ? 0o700 : 0o755);
      default:
        return fs.writeFileSync(
          join(here, 'CACHEDIR.TAG'),
          other.length % 2 === 0 ? 'Signature: 8a477f597d28d172789f06886806bc55' : 'none',
        );
    }
  } catch {
    // Nothing is there, or something else: then the next edit.
  }
}

test('any tree, any edits and rules between runs: what is kept is what a listing of everything finds', { skip }, async () => {
  let made = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(edit, { minLength: 10, maxLength: 40 }),
      fc.array(round, { minLength: 2, maxLength: 4 }),
      async (first, rounds) => {
        made += 1;
        const root = join(base, String(made));
        fs.mkdirSync(root);
        for (const each of first) perform(root, each);
        const world = await newWorld(`known ${made}`);
        for (const { edits, rules: given } of rounds) {
          for (const each of edits) perform(root, each);
          const report = await run(world, root, given);
          assert.equal(report.result, 'ok');
          assert.deepEqual(await kept(world, root), await listed(root, given));
        }
      },
    ),
    { numRuns: 12 },
  );
});

test('nothing is listed where nothing changed, and a directory that changed alone', { skip: skipCount }, async () => {
  const root = join(base, 'counted');
  for (let index = 0; index < 60; index += 1)
    perform(root, { what: 'write', path: `d${index % 20}/e${index}/f`, other: 'content' });
  const world = await newWorld('counted');
  const directories = 1 + 20 + 60;
  // Once with names, once at the end.
  assert.equal(await listings(async () => await run(world, root, plain)), 2 * directories);
  assert.equal(await listings(async () => await run(world, root, plain)), 0);
  fs.writeFileSync(join(root, 'd3/e3/f'), 'other');
  assert.equal(await listings(async () => assert.equal((await run(world, root, plain)).counts.filesChanged, 1)), 0);
  fs.writeFileSync(join(root, 'd3/e3/new'), '');
  assert.equal(await listings(async () => assert.equal((await run(world, root, plain)).counts.filesChanged, 1)), 2);
  assert.equal(await listings(async () => await run(world, root, plain)), 0);
  assert.deepEqual(await kept(world, root), await listed(root, plain));
});

test('what was left out once is looked for again', { skip: skipCount }, async () => {
  const root = join(base, 'left-out');
  for (const name of ['a/x', 'a/y.tmp', 'b/x', 'c/CACHEDIR.TAG', 'c/z'])
    perform(root, { what: 'write', path: name, other: 'content' });
  const world = await newWorld('left out');
  await run(world, root, plain);
  const fewer = { ...plain, excludes: ['*.tmp'] };
  // Of c alone, whose tag may say something else by now; the new rule counts for what is not listed.
  assert.equal(await listings(async () => assert.equal((await run(world, root, fewer)).removed, 1)), 2);
  assert.equal(await listings(async () => await run(world, root, fewer)), 4);
  assert.equal(await listings(async () => assert.equal((await run(world, root, plain)).counts.filesChanged, 1)), 4);
  assert.equal(await listings(async () => await run(world, root, plain)), 2);
  fs.writeFileSync(join(root, 'c/CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55');
  assert.equal((await run(world, root, plain)).removed, 1);
  assert.deepEqual(await kept(world, root), await listed(root, plain));
});

test('a directory larger than what is read ahead; one that vanishes under the scan', { skip: skipCount }, async () => {
  const root = join(base, 'large');
  for (let index = 0; index < 9000; index += 1) perform(root, { what: 'write', path: `many/f${index}`, other: '' });
  for (const name of ['gone/x', 'zz/x']) perform(root, { what: 'write', path: name, other: 'content' });
  const world = await newWorld('large');
  await run(world, root, plain);
  assert.equal(await listings(async () => assert.ok((await run(world, root, plain)).unchanged >= 9005)), 0);
  const calls = system();
  const stat = mock.method(calls, 'statAtPart', (...given: Parameters<System['statAtPart']>) => {
    const [, { bytes, start, end }] = given;
    if (Buffer.from(bytes.subarray(start, end)).toString() === 'gone') fs.rmSync(join(root, 'gone'), { recursive: true });
    return System.prototype.statAtPart.apply(calls, given);
  });
  const report = await run(world, root, plain);
  stat.mock.restore();
  assert.equal(report.result, 'with errors');
  assert.equal((await run(world, root, plain)).result, 'ok');
  assert.deepEqual(await kept(world, root), await listed(root, plain));
});
