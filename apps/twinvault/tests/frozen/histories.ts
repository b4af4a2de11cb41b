/* Arbitrary histories of a safe, for both readers: what each finds must be the same, whatever happened. A failure names its test seed. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minimumSuiteEntry } from '@twinvault/seal';
import { dayMs, Prng, utf8Encode } from '@twinvault/std';
import { MemoryTree, runDecoder } from '@twinvault/testkit';
import type { MemoryNode } from '@twinvault/testkit';
import { listFrozen, openFrozen } from './listing.ts';
import { frozenPassword } from './places.ts';
import { copyOut, SafeMaker } from './safe-maker.ts';
import type { Computer } from './safe-maker.ts';

const letters = ['a', 'b', 'ü', '\udcff', 'x'.repeat(60)];

function somePath(prng: Prng): string {
  const depth = prng.below(4);
  const folders = Array.from({ length: depth }, () => `d${prng.pick(letters)}${prng.below(3)}`);
  return ['root', ...folders, `${prng.pick(letters)}${prng.below(12)}`].join('/');
}

function makeParents(tree: MemoryTree, path: string): boolean {
  const parts = path.split('/');
  for (let depth = 2; depth < parts.length; depth += 1) {
    const folder = parts.slice(0, depth).join('/');
    if ((tree.nodes.get(folder)?.type ?? 2) !== 2) return false;
    tree.directory(folder);
  }
  return true;
}

/** Runs of data and holes; many of them are a rope. */
function sparse(prng: Prng): { content: Uint8Array; data: MemoryNode['data'] } {
  const runs = prng.pick([1, 3, 63, 64, 200]);
  const lengths = Array.from({ length: runs }, () => [prng.between(1, 3000), prng.between(1, 700)] as const);
  const content = new Uint8Array(lengths.reduce((sum, [hole, run]) => sum + hole + run, prng.below(2)));
  const data: { offsetBytes: number; lengthBytes: number }[] = [];
  let at = 0;
  for (const [hole, run] of lengths) {
    content.set(prng.bytes(run), at + hole);
    data.push({ offsetBytes: at + hole, lengthBytes: run });
    at += hole + run;
  }
  return { content, data };
}

function someAttributes(prng: Prng): Partial<MemoryNode> {
  if (!prng.chance(0.2)) return {};
  const count = prng.between(1, 5);
  const xattrs = Array.from({ length: count }, (_, index) => ({
    name: utf8Encode(`user.${index}`),
    value: prng.bytes(prng.pick([0, 10, 20_000])),
  }));
  return { xattrs, mode: prng.below(4096), uid: prng.below(3), user: prng.pick(['root', 'anna', null]) };
}

function edit(tree: MemoryTree, prng: Prng): void {
  const path = somePath(prng);
  const there = tree.nodes.get(path);
  if (there !== undefined && prng.chance(0.3)) return tree.remove(path);
  if (!makeParents(tree, path) || there?.type === 2) return;
  const what = prng.below(12);
  if (what === 0) tree.directory(path);
  else if (what === 1 && there === undefined) tree.link(path, 'x'.repeat(prng.between(1, 300)));
  else if (what === 2 && there?.type === 1) tree.hardLink(`${path} again`, path);
  else if (what === 3) {
    const { content, data } = sparse(prng);
    tree.file(path, content, { data });
  } else if (what === 4 && there?.type === 1 && there.content.length > 20_000) changeInside(tree, path, prng);
  else if (there === undefined || there.type === 1) {
    tree.file(path, prng.bytes(prng.pick([0, 1, 200, 5000, 60_000, 200_000, 700_000])), someAttributes(prng));
  }
}

function changeInside(tree: MemoryTree, path: string, prng: Prng): void {
  const content = tree.nodes.get(path)?.content.slice() ?? new Uint8Array();
  for (let pages = prng.between(1, 6); pages > 0; pages -= 1) content.set(prng.bytes(16), prng.below(content.length - 16));
  tree.file(path, content);
}

async function live(maker: SafeMaker, prng: Prng, nights: number): Promise<void> {
  const computers: Computer[] = [await maker.create(prng.pick([1, 2])), await maker.enrol('second')];
  const trees = computers.map(() => new MemoryTree());
  for (let night = 1; night <= nights; night += 1) {
    for (const [index, computer] of computers.entries()) {
      const tree = trees[index] ?? new MemoryTree();
      for (let edits = prng.between(3, 25); edits > 0; edits -= 1) edit(tree, prng);
      const shared = trees[1 - index]?.nodes.get('root/shared');
      if (prng.chance(0.5)) tree.file('root/shared', shared?.content ?? prng.bytes(300_000));
      await maker.run(computer, tree, { job: `job ${index}` });
    }
    if (prng.chance(0.2)) {
      await maker.append(minimumSuiteEntry({ opened: maker.opened, minimum: 2, clock: maker.platform.clock }));
    }
    if (prng.chance(0.4)) await maker.clean();
    await maker.platform.clock.advance(dayMs);
  }
}

/** Lives a history and holds what the independent reader finds against what Twinvault's own readers find. */
export async function compareReaders(seed: string, nights: number): Promise<void> {
  const maker = new SafeMaker(seed);
  await live(maker, new Prng(`history ${seed}`), nights);
  const opened = await openFrozen('/vault', maker.platform, { type: 'password', password: frozenPassword });
  const expected = await listFrozen(opened);
  assert.ok(expected.length >= 2, seed);
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-history-'));
  try {
    await copyOut(maker, join(folder, 'vault'));
    writeFileSync(join(folder, 'password'), frozenPassword);
    const words = [join(folder, 'vault'), '--password-file', join(folder, 'password'), '--safeset', 'all', '--list'];
    const { status, stdout, stderr } = await runDecoder('twinvault_decode.py', words);
    assert.equal(status, 0, `${seed}: ${stderr}`);
    const listed = stdout.trimEnd().split('\n');
    assert.deepEqual(
      listed.map((line) => JSON.parse(line) as unknown),
      expected,
      seed,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
