/*
 * Property: whatever the tree, the selection, the rule, what stands at the target and what is damaged or refused, every selected entry is
 * either restored as it was, or left out by the rule, or listed; no other entry appears, and what stood there before is only ever replaced
 * when the rule says so.
 *
 * How: fast-check makes the trees and the faults (a failure prints seed and path and shrinks them); the model is the memory tree.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entryTypes } from '@twinvault/engine';
import { Prng, utf8Decode } from '@twinvault/std';
import { inlineThreads, MemoryTargetTree, MemoryTree } from '@twinvault/testkit';
import { assertEntry, closure, damage, placesOf, restored } from './restore-world.ts';
import { newWorld, run } from './world.ts';

const directories = ['root', 'root/a', 'root/a/b', 'root/a/b/c', "root/a'", 'root/z'];
const places = directories.flatMap((directory) => ['1', '2', 'b', 'n\u00e4me'].map((name) => `${directory}/${name}`));

const file = fc.record({
  at: fc.constantFrom(...places),
  type: fc.constantFrom('file', 'file', 'file', 'link', 'hard-link', 'sparse'),
  size: fc.oneof(fc.nat(300), fc.nat(20_000), fc.constantFrom(0, 131_072, 700_000, 3_000_000, 9_000_000)),
  seed: fc.nat(6),
});
const anyPath = fc.constantFrom(...directories, ...places);
const scenario = fc.record({
  files: fc.array(file, { maxLength: 25 }),
  selected: fc.array(anyPath, { maxLength: 4 }),
  older: fc.array(fc.constantFrom(...places), { maxLength: 4 }),
  denied: fc.array(anyPath, { maxLength: 2 }),
  damaged: fc.array(fc.constantFrom(...places), { maxLength: 2 }),
  conflict: fc.constantFrom('skip', 'overwrite', 'rename-incoming', 'rename-existing', 'newer', 'different'),
  parallelism: fc.integer({ min: 1, max: 3 }),
});

function grow(files: readonly { at: string; type: string; size: number; seed: number }[]): MemoryTree {
  const tree = new MemoryTree();
  for (const directory of directories.slice(1)) tree.directory(directory);
  const names: string[] = [];
  for (const { at, type, size, seed } of files) {
    if (tree.nodes.has(at)) continue;
    const earlier = names.at(seed % Math.max(names.length, 1));
    if (type === 'link') tree.link(at, `to ${seed}`);
    else if (type === 'hard-link' && earlier !== undefined) tree.hardLink(at, earlier);
    else if (type === 'sparse') {
      const content = new Uint8Array(size + 8192);
      content.set(new Prng(seed).bytes(8192), size);
      tree.file(at, content, { data: [{ offsetBytes: size, lengthBytes: 8192 }] });
    } else tree.file(at, new Prng(seed).bytes(size));
    if (type !== 'link') names.push(at);
  }
  return tree;
}

test('every selected entry is restored, left out or listed', async () => {
  const world = await newWorld('restore property');
  let jobs = 0;
  await fc.assert(
    fc.asyncProperty(scenario, async ({ files, selected, older: drawn, denied, damaged, conflict, parallelism }) => {
      jobs += 1;
      // A file cannot stand where another stands below.
      const older = drawn.filter((path) => !drawn.some((other) => other.startsWith(`${path}/`)));
      const tree = grow(files);
      const { record } = await run(world, tree, { job: `job ${jobs}` });
      const paths = selected.filter((path) => tree.nodes.has(path));
      const wanted = paths.length > 0 ? closure(tree, paths) : tree.paths();

      const target = new MemoryTargetTree();
      for (const path of older) {
        const parts = path.split('/');
        for (let depth = 1; depth < parts.length; depth += 1) target.older(parts.slice(0, depth).join('/'), null);
        target.older(path, 'older');
      }
      for (const path of denied) if (path !== 'root') target.faults.set(path, 'denied');
      const hit = damaged.filter((path) => tree.nodes.get(path)?.type === entryTypes.file);
      const hitPlaces = (await Promise.all(hit.map(async (path) => await placesOf(world, record, path)))).flatMap(
        (all) => all[0] ?? [],
      );
      const distinct = [...new Map(hitPlaces.map((place) => [`${String(place.pack)} ${place.row.offsetBytes}`, place])).values()];
      for (const place of distinct) await damage(world, place);

      const threads = inlineThreads({ parallelism });
      const { report } = await restored(world, record, { paths, conflict, target, threads });
      // The vault serves all cases.
      for (const place of distinct) await damage(world, place);

      const listedPaths = new Set(report.errors.map(({ path }) => (utf8Decode(path) ?? '').replaceAll('\0', '/')));
      let missing = 0;
      for (const path of wanted) {
        if (listedPaths.has(path)) continue;
        const at = conflict === 'rename-incoming' ? movedTo(target, path) : path;
        const found = target.nodes.get(at);
        const isOurs = found !== undefined && (!found.isOlder || tree.nodes.get(path)?.type === entryTypes.directory);
        if (isOurs && found.metadata !== null) assertEntry(tree, path, { target, at });
        else missing += 1;
      }
      assert.equal(missing, report.skipped);
      assert.equal(report.files + report.directories + report.others + report.skipped + listedPaths.size, wanted.length);
      for (const [path, node] of target.nodes) {
        if (!node.isOlder) assert.ok(wanted.includes(path.replaceAll(/ \((?:restored|before restore) \d+\)/g, '')), path);
      }
      if (conflict === 'skip' || conflict === 'rename-incoming') {
        for (const path of older) assert.ok(target.nodes.get(path)?.isOlder, path);
      }
      if (conflict === 'rename-existing') {
        const kept = [...target.nodes.values()].filter(({ isOlder, type }) => isOlder && type === entryTypes.file);
        assert.equal(kept.length, new Set(older).size, 'what was there is there under some name');
      }
      if (denied.length === 0 && distinct.length === 0)
        assert.deepEqual(
          [...listedPaths].filter((path) => !older.includes(path)),
          [],
        );
    }),
    { numRuns: 40, endOnFailure: true },
  );
});

/** Where rename-incoming put it: with every component that was taken replaced. */
function movedTo(target: MemoryTargetTree, path: string): string {
  let at = '';
  for (const name of path.split('/')) {
    const plain = at === '' ? name : `${at}/${name}`;
    const moved = `${plain} (restored 1)`;
    at = target.nodes.has(moved) ? moved : plain;
  }
  return at;
}
