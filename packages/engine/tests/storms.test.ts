/*
 * Faults of everything below the engine, over a whole history: calls of the files port fail (once, a few times, for good;
 * before or after they took effect; in the vault, in the local state, in both), or the machine stops at any step of any
 * file operation and forgets what was not durable.
 *
 * What must hold: a run ends with a report or with one of our errors; a safeset that was reported opens and is the tree of
 * its run, then and later; the next run without faults goes through.
 *
 * How: one vault lives through all rounds, each with a seed of its own that a failure prints.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAgentState } from '@twinvault/engine';
import type { BackupReport } from '@twinvault/engine';
import { AssertionFailure, CodedError, Prng } from '@twinvault/std';
import type { Files, Platform, StdErrorCode } from '@twinvault/std';
import { faultyFiles, memoryDatabases, MemoryTree } from '@twinvault/testkit';
import type { FakeClock } from '@twinvault/testkit';
import { openDirectoryVault } from '@twinvault/vault';
import { assertSame, newWorld, readBack, run } from './world.ts';
import type { World } from './world.ts';

const rounds = 40;
/** Longer than any lease of the vault lives unrenewed. */
const leasesLapseMs = 20 * 60 * 1000;

function edit(tree: MemoryTree, prng: Prng): void {
  for (let edits = prng.between(1, 4); edits > 0; edits -= 1) {
    const path = `root/${prng.pick(['a', 'b', 'c'])}${prng.below(8)}`;
    if (prng.chance(0.2)) tree.remove(path);
    else tree.file(path, prng.bytes(prng.pick([10, 5000, 140_000, 900_000])));
  }
}

/**
 * Lets time pass until the promise settles, so that retries and leases come to their turn. Null some time after `left` says
 * so: a run of a machine that has stopped never ends.
 */
async function drive<T>(clock: FakeClock, promise: Promise<T>, left: () => boolean = () => false): Promise<T | Error | null> {
  const outcome: { settled: T | Error | null } = { settled: null };
  promise.then(
    (value) => (outcome.settled = value),
    (error: unknown) => (outcome.settled = error instanceof Error ? error : new Error(String(error))),
  );
  for (let turnsLeft = 40; outcome.settled === null && turnsLeft > 0; await clock.advance(500)) {
    if (left()) turnsLeft -= 1;
  }
  return outcome.settled;
}

/** A run without faults. */
async function mustRun(world: World, tree: MemoryTree, label: string): Promise<BackupReport> {
  const report = await drive(world.platform.clock, run(world, tree));
  assert.ok(report !== null && !(report instanceof Error), `${label}: afterwards ${report instanceof Error ? report.stack : ''}`);
  return report;
}

/** The same vault and state, reached through other files. */
async function reached(world: World, files: { vault: Files; state: Files }, platform: Platform): Promise<World> {
  const vault = await openDirectoryVault({ path: '/vault', platform: { ...platform, files: files.vault } });
  const state = openAgentState({ path: '/state', platform: { files: files.state, databases: platform.databases } });
  const safe = await vault.openSafe(world.agent.safe);
  return { ...world, vault, safe, state, platform: { ...world.platform, ...platform, files: files.state } as World['platform'] };
}

function isOurs(error: Error): boolean {
  return error instanceof CodedError && !(error instanceof AssertionFailure);
}

async function checkReported(world: World, report: BackupReport, tree: MemoryTree): Promise<void> {
  assertSame(await readBack(world, report.record), tree);
}

test('whatever call of the files fails, nothing reported is lost and the next run goes through', async () => {
  const world = await newWorld('storm');
  const { platform } = world;
  const tree = new MemoryTree();
  let failures = 0;
  for (let round = 0; round < rounds; round += 1) {
    const prng = new Prng(`storm ${round}`);
    edit(tree, prng);
    const error: StdErrorCode = prng.pick(['file-failed', 'file-disk-full', 'file-denied']);
    const fault = {
      failNth: prng.between(1, 90),
      when: prng.pick(['before', 'after'] as const),
      times: prng.pick([1, 3, 9999]),
      error,
    };
    const faulty = faultyFiles(platform.files, fault);
    const where = prng.pick(['vault', 'state', 'both'] as const);
    const files = { vault: where === 'state' ? platform.files : faulty, state: where === 'vault' ? platform.files : faulty };
    const attempt = async (): Promise<BackupReport> => await run(await reached(world, files, platform), tree, { workers: 2 });
    const result = await drive(platform.clock, attempt());
    const label = `${prng.seed}: ${where} ${JSON.stringify(fault)}`;
    if (result instanceof Error) {
      failures += 1;
      assert.ok(isOurs(result), `${label}: ${result.stack}`);
    } else if (result !== null) await checkReported(world, result, tree);
    await platform.clock.advance(leasesLapseMs);
    await checkReported(world, await mustRun(world, tree, label), tree);
    await platform.clock.advance(leasesLapseMs);
  }
  assert.ok(failures > rounds / 4 && failures < rounds, `${failures} of ${rounds} runs failed`);
});

test('wherever the machine stops, nothing reported is lost and the next run goes through', async () => {
  let stepsLeft = Number.POSITIVE_INFINITY;
  let stop = (): void => undefined;
  const world = await newWorld('power cuts', () => {
    stepsLeft -= 1;
    if (stepsLeft === 0) stop();
  });
  const { clock, disk } = world.platform;
  const tree = new MemoryTree();
  const taken: { report: BackupReport; tree: MemoryTree }[] = [];
  let stops = 0;
  for (let round = 0; round < rounds; round += 1) {
    const prng = new Prng(`power cut ${round}`);
    edit(tree, prng);
    const steps = prng.between(1, 400);
    stop = () => disk.crash(prng.chance(0.5) ? prng.fork('torn') : undefined);
    stepsLeft = steps;
    const result = await drive(
      clock,
      started(world, disk.mount()).then(async (each) => await run(each, tree)),
      () => stepsLeft <= 0,
    );
    stepsLeft = Number.POSITIVE_INFINITY;
    if (result === null) stops += 1;
    const label = `${prng.seed}, step ${steps}`;
    assert.ok(!(result instanceof Error), `${label}: ${result instanceof Error ? result.stack : ''}`);
    if (result !== null) taken.push({ report: result, tree: tree.copy() });
    await clock.advance(leasesLapseMs);
    const restarted = await started(world, disk.mount());
    taken.push({ report: await mustRun(restarted, tree, label), tree: tree.copy() });
    for (const { report, tree: then } of [...taken.slice(-2), prng.pick(taken)]) await checkReported(restarted, report, then);
    await clock.advance(leasesLapseMs);
  }
  assert.ok(stops > rounds / 4 && stops < rounds, `${stops} of ${rounds} runs were stopped`);
});

/** The machine after a start: its disk, and none of the databases, which the engine must do without. */
async function started(world: World, files: Files): Promise<World> {
  const platform: Platform = { ...world.platform, files, databases: memoryDatabases() };
  return await reached(world, { vault: files, state: files }, platform);
}
