/*
 * One clean-up that compacts, marks, deletes and retires, broken at one operation or step; and what must hold afterwards: nothing live is
 * lost, check finds nothing, the next clean-ups end what was begun, and what was superseded is gone in the end.
 */

import assert from 'node:assert/strict';
import { RefsBuilder } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { dayMs, hourMs, minuteMs, Prng, toHex } from '@twinvault/std';
import type { Files, StdErrorCode } from '@twinvault/std';
import { faultyFiles, following, MemoryDisk, memoryPlatform, sessionOf, settle, TestSafe } from '@twinvault/testkit';
import type { MemoryPlatform, TestComputer, TestPack } from '@twinvault/testkit';
import { createDirectoryVault, openDirectoryVault } from '../src/index.ts';
import type { CleanReport, SiteVault } from '../src/index.ts';
import { assertBlobs } from './blobs.ts';
import { pump, root } from './harness.ts';

const keep = { others: { days: 0, copies: 1, intraday: true } };
const seed = 'compaction';

interface World {
  readonly platform: MemoryPlatform;
  readonly disk: MemoryDisk;
  readonly mine: TestSafe;
  readonly thin: readonly TestPack[];
  readonly small: readonly TestPack[];
}

const needed = [1, 6];
const onStep: { call: (() => void) | null } = { call: null };

/** Two packs of which little is needed, sixteen small ones, one that is dead since yesterday, one safeset that goes. */
async function makeWorld(): Promise<World> {
  const ports = memoryPlatform(seed);
  const disk = new MemoryDisk({ clock: ports.clock, onStep: () => onStep.call?.() });
  const platform = { ...ports, disk, files: disk.mount() };
  const mine = new TestSafe(seed);
  const computer = mine.enrol();
  await using vault = await createDirectoryVault({ path: root, platform });
  await vault.createSafe(mine.newSafe);
  const thin = [1, 2].map(() => mine.pack(computer, { blobCount: 8, blobBytes: 3000 }));
  const small = Array.from({ length: 16 }, () => mine.pack(computer, { kind: 2, blobCount: 1 }));
  const dead = mine.pack(computer);
  await backup(vault, { mine, computer }, { packs: [...thin, dead], refs: refsTo([...thin, dead]) });
  await platform.clock.advance(dayMs);
  await backup(vault, { mine, computer }, { packs: [], refs: refsTo(thin) });
  await vault.clean(mine.safe, { keep, shareMax: 1, compact: null });
  await platform.clock.advance(25 * hourMs);
  const refs = refsTo(small);
  for (const { name } of thin) for (const position of needed) refs.add(name, position);
  await backup(vault, { mine, computer }, { packs: small, refs });
  await platform.clock.advance(hourMs);
  return { platform, disk, mine, thin, small };
}

function refsTo(packs: readonly TestPack[]): RefsBuilder {
  const refs = new RefsBuilder();
  for (const { name, rows } of packs) for (const { position } of rows) refs.add(name, position);
  return refs;
}

async function backup(
  vault: SiteVault,
  { mine, computer }: { mine: TestSafe; computer: TestComputer },
  { packs, refs }: { packs: readonly TestPack[]; refs: RefsBuilder },
): Promise<void> {
  const safe = await vault.openSafe(mine.safe);
  await using session = await sessionOf(safe, mine, computer);
  for (const { name, bytes } of packs) await session.putPack(name, bytes);
  await session.commit(mine.record(computer, { ...following(session), refs: refs.finish() }).bytes);
}

async function clean(world: World, files: Files = world.platform.files): Promise<CleanReport> {
  await using vault = await openDirectoryVault({ path: root, platform: { ...world.platform, files } });
  return await vault.clean(world.mine.safe, { keep, shareMax: 1 });
}

/** Everything that the standing safeset needs is there, and nothing is wrong. */
async function verify({ platform, mine, thin, small }: World): Promise<void> {
  await using vault = await openDirectoryVault({ path: root, platform });
  const safe = await vault.openSafe(mine.safe);
  await using reading = await safe.openReading();
  for (const pack of thin) await assertBlobs(reading, pack, needed);
  for (const pack of small) await assertBlobs(reading, pack);
  const { problems } = await vault.check({ readData: true });
  assert.deepEqual(
    problems.filter(({ severity }) => severity !== 'note'),
    [],
  );
}

/** After the delay of whatever was marked the two made packs alone are left. */
async function finish(world: World): Promise<void> {
  const { platform, mine } = world;
  await verify(world);
  await platform.clock.advance(6 * minuteMs);
  await clean(world);
  await verify(world);
  await platform.clock.advance(25 * hourMs);
  await clean(world);
  await verify(world);
  let packs = 0;
  const folder = `${root}/safes/${toHex(mine.safe)}/packs`;
  for (const { name } of await platform.files.list(folder)) packs += (await platform.files.list(`${folder}/${name}`)).length;
  assert.equal(packs, 2, 'one pack of each kind');
}

export async function countCleanOperations(): Promise<number> {
  const world = await makeWorld();
  const files = faultyFiles(world.platform.files, { failNth: null });
  const report = await pump(world.platform, clean(world, files));
  assert.deepEqual([report.compaction.sources, report.compaction.packs, report.deletedPacks], [18, 2, 1]);
  await pump(world.platform, finish(world));
  return files.calls;
}

export interface CleanFault {
  readonly error: StdErrorCode;
  readonly when: 'before' | 'after';
  readonly times: number;
  readonly nth: number;
}

export async function runCleanFault({ error, when, times, nth }: CleanFault): Promise<void> {
  const world = await makeWorld();
  const files = faultyFiles(world.platform.files, { failNth: nth, times, when, error });
  try {
    await pump(world.platform, clean(world, files));
  } catch (caught) {
    assert.ok(caught instanceof ProtocolError, String(caught));
  }
  try {
    await pump(world.platform, finish(world));
  } catch (cause) {
    throw new Error(`${error} ${when} operation ${nth}, ${times} times: ${String(cause)}`, { cause });
  }
}

export async function countCleanSteps(): Promise<number> {
  const world = await makeWorld();
  let steps = 0;
  onStep.call = () => (steps += 1);
  try {
    await pump(world.platform, clean(world));
  } finally {
    onStep.call = null;
  }
  return steps;
}

/** The power fails at one step of the clean-up; of what was not synced an arbitrary part is left. */
export async function runCleanCrash(step: number): Promise<void> {
  const world = await makeWorld();
  const { disk, platform } = world;
  const state = { steps: 0, over: false };
  onStep.call = () => {
    state.steps += 1;
    if (state.steps !== step) return;
    state.over = true;
    disk.crash(new Prng(`${seed} ${step}`));
  };
  try {
    const work = clean(world).finally(() => (state.over = true));
    work.catch(() => undefined);
    while (!state.over) {
      for (let turn = 0; turn < 20 && !state.over; turn += 1) await settle();
      if (!state.over) await platform.clock.advanceToNext();
    }
  } finally {
    onStep.call = null;
  }
  const after = { ...world, platform: { ...platform, files: disk.mount() } };
  try {
    await platform.clock.advance(6 * minuteMs);
    await pump(after.platform, finish(after));
  } catch (cause) {
    throw new Error(`crash at step ${step} of clean-up: ${String(cause)}`, { cause });
  }
}
