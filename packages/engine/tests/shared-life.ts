/*
 * The life of a safe that several computers share: nights of edits, of which many bring the same content to two computers; runs that
 * reuse what others stored, runs that stand alone, runs that are stopped, local state that is lost, another compression level;
 * clean-ups with compaction in between, after which nothing is left that no safeset needs.
 *
 * What must hold: every safeset that stands reads back as the tree of its run, after every clean-up, with refs that are exactly what it
 * needs; and each computer can prove its last one against its live files.
 */
import assert from 'node:assert/strict';
import { verifyLive } from '@twinvault/engine';
import type { RecordDigest } from '@twinvault/format';
import { dayMs, Prng, toHex } from '@twinvault/std';
import { memorySource, MemoryTree } from '@twinvault/testkit';
import { assertSame, join, newWorld, readBack, run } from './world.ts';
import type { World } from './world.ts';

interface Computer {
  readonly world: World;
  readonly tree: MemoryTree;
}

interface Kept {
  readonly digest: RecordDigest;
  readonly tree: MemoryTree;
}

/** Contents that travel: what one computer has, another may get. */
class Pool {
  readonly #prng: Prng;
  readonly #contents: Uint8Array[] = [];

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  pick(): Uint8Array {
    const prng = this.#prng;
    if (this.#contents.length < 4 || prng.chance(0.3)) {
      this.#contents.push(prng.bytes(prng.pick([9000, 150_000, 150_000, 400_000])));
    }
    return prng.pick(this.#contents);
  }
}

function edit(tree: MemoryTree, pool: Pool, prng: Prng): void {
  for (let edits = prng.between(1, 6); edits > 0; edits -= 1) {
    const path = `root/${prng.pick(['a', 'b'])}/${prng.below(12)}`;
    const node = tree.nodes.get(path);
    if (node === undefined || prng.chance(0.5)) tree.file(path, pool.pick());
    else if (prng.chance(0.3)) tree.remove(path);
    else {
      const content = node.content.slice();
      const at = prng.below(content.length);
      content.set(prng.bytes(Math.min(5000, content.length - at)), at);
      tree.file(path, content);
    }
  }
}

async function stoppedRun({ world, tree }: Computer, prng: Prng): Promise<void> {
  const abort = new AbortController();
  const files = tree.paths().filter((path) => tree.nodes.get(path)?.type === 1);
  tree.whileRead.set(prng.pick(files), () => abort.abort());
  await run(world, tree, { signal: abort.signal, readAll: true, workers: 1 }).catch((error: unknown) => {
    assert.match(String(error), /run-aborted/);
  });
  tree.whileRead.clear();
}

async function loseState({ world }: Computer): Promise<void> {
  const { platform, state, agent } = world;
  await platform.files.removeTree(`${state.path}/safes`);
  await state.safe(agent.safe).saveAgentKeys(agent);
}

async function checkAll(computers: readonly Computer[], kept: Map<string, Kept>, label: string): Promise<void> {
  const [{ world }] = computers as readonly [Computer];
  const standing = new Set(
    (await world.safe.records({ kind: 'safeset' })).filter(({ retired }) => !retired).map(({ digest }) => toHex(digest)),
  );
  for (const hex of kept.keys()) if (!standing.has(hex)) kept.delete(hex);
  assert.equal(kept.size, standing.size, label);
  for (const { digest, tree } of kept.values()) assertSame(await readBack(world, digest), tree);
  const { problems } = await world.vault.check({ readData: true });
  assert.deepEqual(problems, [], label);
}

/** The number of pieces that were reused. */
export async function sharedLife(seed: string, nights: number): Promise<number> {
  const prng = new Prng(seed);
  const pool = new Pool(prng);
  const first = await newWorld(`shared ${seed}`);
  const second = await join(first, 'second');
  const worlds = [first, second, await join(second, 'third')];
  const computers = worlds.map((world): Computer => ({ world, tree: new MemoryTree() }));
  const kept = new Map<string, Kept>();
  let reused = 0;
  for (let night = 1; night <= nights; night += 1) {
    const label = `seed ${seed}, night ${night}`;
    for (const computer of computers) {
      edit(computer.tree, pool, prng);
      reused += await oneNight(computer, { prng, kept, label });
    }
    await first.platform.clock.advance(dayMs);
    if (night % 3 !== 0) continue;
    const keep = { others: { days: 1, copies: 2, intraday: true } };
    for (let round = 0; round < 3; round += 1) {
      await first.vault.clean(first.safe.safe, { keep, shareMax: 1, quarantineMs: 0 });
    }
    await checkAll(computers, kept, label);
  }
  return reused;
}

interface Night {
  readonly prng: Prng;
  readonly kept: Map<string, Kept>;
  readonly label: string;
}

async function oneNight(computer: Computer, { prng, kept, label }: Night): Promise<number> {
  const { world, tree } = computer;
  if (prng.chance(0.2)) await stoppedRun(computer, prng);
  if (prng.chance(0.15)) await loseState(computer);
  using settings = world.state.safe(world.agent.safe);
  await settings.saveSettings({ reuse: prng.chance(0.2) ? 'computer' : 'safe' });
  const report = await run(world, tree, {
    ...(prng.chance(0.2) ? { level: prng.between(1, 9) } : {}),
    ...(prng.chance(0.3) ? { readAll: true } : {}),
  });
  kept.set(toHex(report.record), { digest: report.record, tree: tree.copy() });
  const { safe: vault, agent, state } = world;
  const live = await verifyLive({ vault, agent, job: 'job', state, reader: memorySource(tree).reader, paths: [] });
  const { changed, damaged, missing } = live.counts;
  assert.deepEqual({ changed, damaged, missing }, { changed: 0, damaged: 0, missing: 0 }, label);
  return report.chunks.reused;
}
