/*
 * Nights in which some of many small files change, at random over the whole tree, through the engine and a vault in memory: what is sent, and what a
 * restore fetches. See bundle-upkeep.test.ts for what must hold.
 */
import assert from 'node:assert/strict';
import { packKinds } from '@twinvault/format';
import type { RecordDigest } from '@twinvault/format';
import type { BackupOptions, BackupReport } from '@twinvault/engine';
import { Prng, toHex } from '@twinvault/std';
import { openSafeReader } from '@twinvault/seal';
import { inlineThreads, MemoryTree } from '@twinvault/testkit';
import { newWorld, run } from './world.ts';
import type { World } from './world.ts';

const fileBytesMax = 8000;

export interface Night {
  readonly report: BackupReport;
  readonly changedBytes: number;
  readonly tree: MemoryTree;
}

export class BundleNights {
  readonly world: World;
  readonly tree: MemoryTree = new MemoryTree();
  readonly prng: Prng;
  readonly files: string[] = [];
  #first: RecordDigest | null = null;
  readonly #threads = inlineThreads({ parallelism: 1 });

  private constructor(world: World, seed: string) {
    this.world = world;
    this.prng = new Prng(`bundles ${seed}`);
  }

  static async begin(seed: string, files: number): Promise<BundleNights> {
    const nights = new BundleNights(await newWorld(seed), seed);
    for (let index = 0; index < files; index += 1) {
      const directory = `root/d${Math.floor(index / 100)}`;
      nights.tree.directory(directory);
      nights.files.push(`${directory}/f${index}`);
      nights.#write(`${directory}/f${index}`);
    }
    nights.#first = (await nights.night(0)).report.record;
    return nights;
  }

  #write(path: string): number {
    const content = this.prng.bytes(1 + this.prng.below(fileBytesMax));
    this.tree.file(path, content);
    return content.length;
  }

  /** Changes so many files, then runs. */
  async night(changed: number): Promise<Night> {
    let changedBytes = 0;
    const paths = new Set(Array.from({ length: changed }, () => this.files[this.prng.below(this.files.length)] ?? ''));
    for (const path of paths) changedBytes += this.#write(path);
    return await this.run(changedBytes);
  }

  /** A run over the tree as it is. */
  async run(changedBytes: number, options: Partial<BackupOptions> = {}): Promise<Night> {
    const { world, tree } = this;
    const report = await run(world, tree, { platform: { ...world.platform, threads: this.#threads }, ...options });
    return { report, changedBytes, tree: tree.copy() };
  }

  async wornPath(): Promise<string> {
    const { files } = this.world.platform;
    const [safe] = await files.list('/state/safes');
    const [job] = await files.list(`/state/safes/${safe?.name}/jobs`);
    return `/state/safes/${safe?.name}/jobs/${job?.name}/worn-bundles`;
  }

  get treeBytes(): number {
    return this.files.reduce((sum, path) => sum + (this.tree.nodes.get(path)?.content.length ?? 0), 0);
  }

  /** Of the first run. */
  get first(): RecordDigest {
    assert.ok(this.#first !== null);
    return this.#first;
  }

  /** Plain bytes of all chunks that a restore of the safeset fetches. */
  async fetchedBytes(digest: RecordDigest): Promise<number> {
    return [...(await this.#chunks(digest)).values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Their ids, hexadecimal. */
  async chunksOf(digest: RecordDigest): Promise<Iterable<string>> {
    return (await this.#chunks(digest)).keys();
  }

  async #chunks(digest: RecordDigest): Promise<ReadonlyMap<string, number>> {
    const reader = openSafeReader({ vaultSafe: this.world.safe, opened: this.world.opened });
    const safeset = await reader.open(digest);
    await using _held = safeset;
    const met = new Map<string, number>();
    for await (const entry of safeset.catalog.walk()) {
      for await (const { chunk } of safeset.catalog.extentsOf(entry)) {
        if (chunk === null || met.has(toHex(chunk))) continue;
        met.set(toHex(chunk), (await safeset.chunks.read(chunk, packKinds.data)).length);
      }
    }
    return met;
  }
}
