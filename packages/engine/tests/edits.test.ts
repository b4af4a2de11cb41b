/*
 * Property: whatever is done to a tree between runs, each safeset gives back the tree as it was at its run, and goes on doing
 * so after the later runs; a run in which nothing changed stores nothing but its record.
 *
 * How: fast-check makes scripts of edits with backups between them (a failure prints seed and path and shrinks the script);
 * the model is the memory tree itself, copied at each run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entryTypes } from '@twinvault/engine';
import { Prng } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';
import type { RecordDigest } from '@twinvault/format';
import { assertSame, newWorld, readBack, run } from './world.ts';

type Edit =
  | { readonly type: 'write'; readonly at: number; readonly size: number; readonly seed: number }
  | { readonly type: 'sparse'; readonly at: number; readonly hole: number; readonly seed: number }
  | { readonly type: 'directory' | 'touch' | 'chmod' | 'remove' | 'link' | 'backup'; readonly at: number }
  | { readonly type: 'rename' | 'hard-link' | 'copy'; readonly at: number; readonly to: number };

const places = ['root', 'root/a', 'root/a/b', 'root/c', "root/a'"].flatMap((directory) =>
  ['a', 'b', 'c', 'name', 'name!', 'n\u00e4me', '\ud83d\ude00'].map((name) => `${directory}/${name}`),
);
const place = fc.nat(places.length - 1);
const size = fc.oneof(fc.nat(300), fc.nat(20_000), fc.constantFrom(131_071, 131_072, 131_073, 262_144, 700_000, 5_000_000));
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('write' as const), at: place, size, seed: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('sparse' as const), at: place, hole: size, seed: fc.nat(5) }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constantFrom('directory', 'touch', 'chmod', 'remove', 'link'), at: place }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('rename', 'hard-link', 'copy'), at: place, to: place }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('backup' as const), at: place }) },
);

function ensureParent(tree: MemoryTree, path: string): boolean {
  const parent = path.slice(0, path.lastIndexOf('/'));
  if (parent !== 'root' && !ensureParent(tree, parent)) return false;
  const node = tree.nodes.get(parent);
  if (node === undefined) tree.directory(parent);
  return node === undefined || node.type === entryTypes.directory;
}

function sparseContent(hole: number, seed: number): { content: Uint8Array; offsetBytes: number } {
  const bytes = new Prng(seed).bytes(8192);
  const content = new Uint8Array(hole + 8192);
  content.set(bytes, hole);
  return { content, offsetBytes: hole };
}

/** Edits that make no sense for what stands at the place do nothing. */
function apply(tree: MemoryTree, change: Edit): void {
  const path = places[change.at] ?? 'root/a';
  const node = tree.nodes.get(path);
  if (!ensureParent(tree, path)) return;
  switch (change.type) {
    case 'write':
      if (node?.type === entryTypes.directory) return;
      if (node !== undefined && node.type !== entryTypes.file) tree.remove(path);
      return tree.file(path, new Prng(change.seed).bytes(change.size));
    case 'sparse': {
      if (node !== undefined) tree.remove(path);
      const { content, offsetBytes } = sparseContent(change.hole, change.seed);
      return tree.file(path, content, { data: [{ offsetBytes, lengthBytes: 8192 }] });
    }
    case 'directory':
      return node === undefined ? tree.directory(path) : undefined;
    case 'link':
      return node === undefined ? tree.link(path, `to ${change.at}`) : undefined;
    case 'touch':
      return node === undefined ? undefined : tree.touch(path);
    case 'chmod':
      return node === undefined ? undefined : tree.chmod(path, 0o600 + (change.at % 8));
    case 'remove':
      return node === undefined ? undefined : tree.remove(path);
    case 'rename':
    case 'hard-link':
    case 'copy':
      return applyPair(tree, change);
    case 'backup':
  }
}

function applyPair(tree: MemoryTree, change: Extract<Edit, { type: 'rename' | 'hard-link' | 'copy' }>): void {
  const from = places[change.at] ?? 'root/a';
  const to = places[change.to] ?? 'root/b';
  const node = tree.nodes.get(from);
  if (node === undefined || tree.nodes.has(to) || to.startsWith(`${from}/`) || !ensureParent(tree, to)) return;
  if (change.type === 'rename') tree.rename(from, to);
  else if (node.type !== entryTypes.file) return;
  else if (change.type === 'hard-link') tree.hardLink(to, from);
  else tree.file(to, node.content);
}

test('every safeset of a random history gives back its tree', async () => {
  const world = await newWorld('edits');
  let jobs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 4, maxLength: 40 }), async (edits) => {
      jobs += 1;
      const job = `job ${jobs}`;
      const tree = new MemoryTree(world.platform.clock.nowMs());
      const taken: { record: RecordDigest; tree: MemoryTree }[] = [];
      for (const change of [...edits, { type: 'backup', at: 0 } as const]) {
        apply(tree, change);
        if (change.type !== 'backup') continue;
        // Some entries are older than the last run's start, some are not: those are read again.
        const { record, result } = await run(world, tree, { job });
        assert.equal(result, 'ok');
        taken.push({ record, tree: tree.copy() });
      }
      for (const { record, tree: then } of taken) assertSame(await readBack(world, record), then);
      // Two runs later every time is old enough to prove that nothing changed.
      await world.platform.clock.advance(3_600_000);
      await run(world, tree, { job });
      const again = await run(world, tree, { job, workers: 1 });
      assert.equal(again.packs, 0);
    }),
    { numRuns: 15, endOnFailure: true },
  );
});
