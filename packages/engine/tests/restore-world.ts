/*
 * For tests of restores: restores out of a world's vault into a target in memory, compares what stands there with the tree that was backed
 * up, and damages what the vault holds.
 */
import assert from 'node:assert/strict';
import { entryTypes, restore } from '@twinvault/engine';
import type { EntryError, RestoreOptions, RestoreReport } from '@twinvault/engine';
import { utf8Decode, utf8Encode, toHex } from '@twinvault/std';
import type { RecordDigest } from '@twinvault/format';
import { openSafeReader, writeSecret } from '@twinvault/seal';
import type { ChunkPlace, SafesetReader } from '@twinvault/seal';
import { inlineThreads, MemoryTargetTree } from '@twinvault/testkit';
import type { MemoryTree } from '@twinvault/testkit';
import type { World } from './world.ts';

export function pathBytes(text: string): Uint8Array {
  return utf8Encode(text.replaceAll('/', '\0'));
}

export interface Restored {
  readonly report: RestoreReport;
  readonly target: MemoryTargetTree;
}

export interface HowToRestore extends Partial<Omit<RestoreOptions, 'paths' | 'strip' | 'target'>> {
  readonly paths?: readonly string[];
  readonly strip?: string;
  readonly target?: MemoryTargetTree;
  /** A thread dies: what it has begun stays as it is. */
  readonly crashes?: boolean;
}

/** Its read lease ends with the world. */
export async function openSafeset(world: World, digest: RecordDigest): Promise<SafesetReader> {
  return await openSafeReader({ vaultSafe: world.safe, opened: world.opened }).open(digest);
}

/** Whatever happens, nothing that was begun is left at the target. */
export async function restored(world: World, digest: RecordDigest, how: HowToRestore = {}): Promise<Restored> {
  const target = how.target ?? new MemoryTargetTree();
  // Its own safeset is opened only where the caller does not bring one: a read lease of it lives as long as the world.
  const contents = how.contents ?? (await contentsOf(world, digest));
  try {
    const report = await restore({
      threads: inlineThreads({ parallelism: 2 }),
      conflict: 'skip',
      ...how,
      contents,
      target: target.module,
      paths: (how.paths ?? []).map(pathBytes),
      strip: pathBytes(how.strip ?? ''),
    });
    return { report, target };
  } finally {
    if (how.crashes !== true) {
      assert.deepEqual([...target.begun], [], 'every file that was begun is finished or given up');
      assert.equal(target.openTargets, 0, 'every target is closed');
    }
  }
}

async function contentsOf(world: World, digest: RecordDigest): Promise<RestoreOptions['contents']> {
  const { catalog, chunks, reading } = await openSafeset(world, digest);
  return { writeSecret: writeSecret(world.opened.rootSecret), catalog, chunks, reading };
}

export function listed(errors: readonly EntryError[]): string[] {
  return errors.map(({ path, code }) => `${code} ${(utf8Decode(path) ?? '').replaceAll('\0', '/')}`).sort();
}

/** What stands at `at` of the target is the entry of the tree. */
export function assertEntry(
  tree: MemoryTree,
  path: string,
  { target, at = path }: { target: MemoryTargetTree; at?: string },
): void {
  const node = tree.nodes.get(path);
  const found = target.nodes.get(at);
  assert.ok(node, path);
  assert.ok(found, `${at} is not there`);
  assert.equal(found.type, node.type, at);
  const { metadata } = found;
  assert.ok(metadata, `${at} has its metadata`);
  assert.equal(metadata.mode, node.mode, at);
  assert.equal(metadata.uid, node.uid, at);
  assert.equal(metadata.details.user, node.user, at);
  assert.equal(metadata.mtimeSeconds * 1000 + metadata.mtimeNanos / 1e6, node.mtimeMs, at);
  assert.deepEqual(metadata.details.xattrs, node.xattrs, at);
  if (node.target !== null) assert.deepEqual(metadata.details.linkTarget, node.target, at);
  if (node.type !== entryTypes.file) return;
  assert.equal(Buffer.compare(found.content, node.content), 0, `content of ${at}`);
  const dataBytes = (ranges: readonly { readonly lengthBytes: number }[]): number =>
    ranges.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  if (node.data !== null) assert.equal(dataBytes(found.data), dataBytes(node.data), `holes of ${at}`);
}

/** The target holds these paths of the tree and nothing else; names of one inode are one file again. */
export function assertRestored(tree: MemoryTree, target: MemoryTargetTree, paths: readonly string[] = tree.paths()): void {
  assert.deepEqual(target.paths(), [...paths].sort());
  const twins = new Map<unknown, unknown>();
  for (const path of paths) {
    assertEntry(tree, path, { target });
    const [node, found] = [tree.nodes.get(path), target.nodes.get(path)];
    const twin = twins.get(node) ?? found;
    assert.equal(twin, found, `${path} is the same file as its other names`);
    twins.set(node, found);
  }
}

/** The path and all below it, and the directories above. */
export function closure(tree: MemoryTree, paths: readonly string[]): string[] {
  return tree.paths().filter((path) => {
    return paths.some((wanted) => path === wanted || path.startsWith(`${wanted}/`) || wanted.startsWith(`${path}/`));
  });
}

export async function placesOf(world: World, digest: RecordDigest, path: string): Promise<ChunkPlace[]> {
  const safeset = await openSafeset(world, digest);
  const at = path.lastIndexOf('/');
  const entry = await safeset.catalog.entry(pathBytes(path.slice(0, Math.max(at, 0))), pathBytes(path.slice(at + 1)));
  assert.ok(entry, path);
  const places: ChunkPlace[] = [];
  for await (const { chunk } of safeset.catalog.extentsOf(entry)) {
    if (chunk !== null) places.push(await safeset.chunks.locate(chunk));
  }
  return places;
}

function packPath(world: World, place: Pick<ChunkPlace, 'pack'>): string {
  const hex = toHex(place.pack);
  return `/vault/safes/${toHex(world.agent.safe)}/packs/${hex.slice(0, 2)}/${hex}`;
}

/** Flips a bit in the middle of the blob. */
export async function damage(world: World, place: ChunkPlace): Promise<void> {
  const { files } = world.platform;
  const path = packPath(world, place);
  const bytes = (await files.read(path, 1 << 30))?.slice();
  assert.ok(bytes);
  const at = place.row.offsetBytes + (place.row.lengthBytes >>> 1);
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  await files.replace(path, [bytes]);
}

/** The pack loses its last third. */
export async function cutOff(world: World, place: Pick<ChunkPlace, 'pack'>): Promise<void> {
  const { files } = world.platform;
  const bytes = await files.read(packPath(world, place), 1 << 30);
  assert.ok(bytes);
  await files.replace(packPath(world, place), [bytes.subarray(0, Math.floor((bytes.length * 2) / 3))]);
}

export async function removePack(world: World, place: ChunkPlace): Promise<void> {
  assert.ok(await world.platform.files.remove(packPath(world, place)));
}
