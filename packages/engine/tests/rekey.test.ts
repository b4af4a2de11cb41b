/*
 * Copies a safe into one with new keys: every safeset restores from the copy as from the original, in the order and with the times and
 * types that they had; a copy that breaks off at any safeset goes on; nothing of the old safe's ids shows in the new one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rekey } from '@twinvault/engine';
import type { RekeyReport } from '@twinvault/engine';
import { computerId } from '@twinvault/format';
import { Prng, toHex, utf8Encode } from '@twinvault/std';
import { enrolHere, handoverEntry, makeSafe, openSafeReader, succeeds, successionEntry } from '@twinvault/seal';
import type { AgentKeys, OpenedSafe } from '@twinvault/seal';
import { MemoryTree } from '@twinvault/testkit';
import type { VaultSafe } from '@twinvault/protocol';
import { assertRestored, restored } from './restore-world.ts';
import { newWorld, run } from './world.ts';
import type { World } from './world.ts';

interface NewSafe {
  readonly safe: VaultSafe;
  readonly opened: OpenedSafe;
  readonly agent: AgentKeys;
}

/** A safe beside the world's, to which its jobs were handed over. */
async function newSafe(world: World, jobs: readonly string[], label = 'next'): Promise<NewSafe> {
  const { random, clock } = world.platform;
  const parameters = { passes: 3, memoryKiB: 64 * 1024, lanes: 1 };
  const made = await makeSafe({ label, password: 'another horse battery staple', suite: 1, random, clock, parameters });
  const {
    agent,
    entry,
    opened: enrolled,
  } = enrolHere({ opened: made.opened, clock, computer: computerId(random.bytes(16)), name: 'rekey', random });
  let opened = enrolled;
  const entries = [entry];
  const append = (next: Uint8Array): void => {
    entries.push(next);
    opened = opened.withEntry(next);
  };
  append(successionEntry({ opened, clock, before: world.opened }));
  for (const job of jobs)
    append(handoverEntry({ opened, clock, certificate: agent.certificate, computer: world.agent.computer, job }));
  await world.vault.createSafe({ ...made.newSafe, ledger: [...made.newSafe.ledger, ...entries] });
  return { safe: await world.vault.openSafe(opened.safe), opened, agent };
}

async function copy(world: World, to: NewSafe, signal = new AbortController().signal): Promise<RekeyReport> {
  const { platform, safe, opened, vault } = world;
  const siteKey = (await vault.site()).publicKey;
  return await rekey({ from: { safe, opened }, to, agent: to.agent, platform, siteKey, signal });
}

/** The same tree after some nights of work. */
function grow(tree: MemoryTree, prng: Prng, night: number): void {
  tree.file(`root/new-${night}`, prng.bytes(40_000));
  tree.file('root/growing', prng.bytes(300_000 + 1000 * night));
  if (night > 0) tree.remove(`root/new-${night - 1}`);
}

function firstTree(prng: Prng): MemoryTree {
  const tree = new MemoryTree();
  tree.directory('root/deep');
  for (let index = 0; index < 40; index += 1) tree.file(`root/deep/small-${index}`, prng.bytes(prng.below(9000)));
  tree.file('root/large', prng.bytes(3_000_000), { xattrs: [{ name: utf8Encode('user.x'), value: prng.bytes(60_000) }] });
  tree.file('root/sparse', new Uint8Array(500_000), { data: [] });
  tree.link('root/link', 'elsewhere');
  tree.hardLink('root/again', 'root/large');
  return tree;
}

test('a copy holds every safeset as it was, and none of the old ids', async () => {
  const world = await newWorld('rekey');
  const prng = new Prng('rekey');
  const tree = firstTree(prng);
  const other = firstTree(prng.fork('other'));
  for (let night = 0; night < 3; night += 1) {
    grow(tree, prng, night);
    await run(world, tree, { retention: night === 1 ? 'weekly' : 'daily' });
    if (night === 1) await run(world, other, { job: 'other' });
  }
  const to = await newSafe(world, ['job', 'other']);
  assert.ok(succeeds(to.opened.ledger, { safe: world.opened.safe, rootKey: world.opened.rootKey }));
  assert.ok(!succeeds(world.opened.ledger, { safe: to.opened.safe, rootKey: to.opened.rootKey }));
  const before = await world.safe.records();
  const report = await copy(world, to);
  assert.deepEqual(await world.safe.records(), before);
  assert.deepEqual([report.copied.length, report.already], [4, 0]);

  const next: World = { ...world, ...to };
  const copies = await to.safe.records({ kind: 'safeset' });
  const said = ({ public: known }: (typeof before)[number]): unknown[] => {
    const { job, retention, startMs, endMs, result, counts, computerName, computer } = known;
    return [job, retention, startMs, endMs, result, counts, computerName, toHex(computer)];
  };
  // All receipts of the copies have the fake clock's one time, so only the order within a job can be seen.
  for (const job of ['job', 'other']) {
    const ofJob = (records: typeof before): unknown[] =>
      records.filter((record) => record.public.kind === 'safeset' && record.public.job === job).map(said);
    assert.deepEqual(ofJob(copies), ofJob(before));
  }
  assert.deepEqual(
    report.copied.map(({ from }) => from.digest),
    before.filter((record) => record.public.kind === 'safeset').map(({ digest }) => digest),
  );
  const latest = copies.findLast((record) => record.public.job === 'job');
  const { target } = await restored(next, latest?.digest ?? assert.fail());
  assertRestored(tree, target);

  const ids = async (safe: VaultSafe, opened: OpenedSafe): Promise<Set<string>> => {
    const all = new Set<string>();
    const reader = openSafeReader({ vaultSafe: safe, opened });
    for (const { digest } of await safe.records({ kind: 'safeset' })) {
      const safeset = await reader.open(digest);
      const { missing, surplus } = await safeset.recomputeRefs();
      assert.deepEqual([missing.length, surplus], [0, 0]);
      for await (const batch of safeset.catalog.chunkIds()) for (const id of batch) all.add(toHex(id));
    }
    return all;
  };
  const [old, fresh] = [await ids(world.safe, world.opened), await ids(to.safe, to.opened)];
  assert.ok(old.size > 8 && fresh.size > 8);
  for (const id of fresh) assert.ok(!old.has(id));
});

test('a copy that breaks off goes on without copying again, and a second one has nothing to do', async () => {
  const world = await newWorld('rekey again');
  const prng = new Prng('rekey again');
  const tree = firstTree(prng);
  for (let night = 0; night < 4; night += 1) {
    grow(tree, prng, night);
    await run(world, tree);
  }
  const to = await newSafe(world, ['job']);
  const [siteKey, whole] = [(await world.vault.site()).publicKey, await copy(world, await newSafe(world, ['job'], 'whole'))];
  for (const stopAt of [1, 2, 4]) {
    const controller = new AbortController();
    const { platform, safe, opened } = world;
    const stopped = rekey({
      from: { safe, opened },
      to,
      agent: to.agent,
      platform,
      siteKey,
      signal: controller.signal,
      progress: ({ safesets, bytes }) => {
        if (safesets >= stopAt - 1 && bytes > 0) controller.abort(new Error('enough'));
      },
    });
    await assert.rejects(stopped, { message: 'enough' });
    const there = (await to.safe.records({ kind: 'safeset' })).length;
    assert.ok(there < 4, `${there} safesets`);
  }
  const report = await copy(world, to);
  assert.equal(report.copied.length, 4);
  assert.ok(
    report.already >= 1 && report.bytes < whole.bytes,
    `${report.already} already, ${report.bytes} of ${whole.bytes} bytes`,
  );
  const again = await copy(world, to);
  assert.deepEqual([again.already, again.bytes], [4, 0]);
  const latest = (await to.safe.records({ kind: 'safeset' })).at(-1);
  const { target } = await restored({ ...world, ...to }, latest?.digest ?? assert.fail());
  assertRestored(tree, target);
});

test('a safe that holds something else is not copied into', async () => {
  const world = await newWorld('rekey mismatch');
  const tree = firstTree(new Prng('x'));
  await run(world, tree);
  const to = await newSafe(world, ['job']);
  await copy(world, to);
  const rival = await newWorld('rekey rival');
  await run(rival, tree);
  const { platform, safe, opened } = rival;
  const signal = new AbortController().signal;
  // The jobs of that computer were not handed over.
  const foreign = rekey({ from: { safe, opened }, to, agent: to.agent, platform, siteKey: null, signal });
  await assert.rejects(foreign, { code: 'job-foreign' });

  const taken = await newSafe(world, ['job'], 'taken');
  await run({ ...world, safe: taken.safe, agent: { ...taken.agent, computer: world.agent.computer } }, tree);
  await assert.rejects(copy(world, taken), { code: 'rekey-mismatch' });
});
