/*
 * A year of nightly runs on a fake clock, through the engine and a vault in a directory on files in memory: a tree that changes every day,
 * a run every night, a clean-up after it. See year.test.ts for what must hold.
 */
import assert from 'node:assert/strict';
import { bitmapPositions, packName, parseRecord, parseRefs, verifyPackTable } from '@twinvault/format';
import type { RecordDigest } from '@twinvault/format';
import { dayMs, fromHex, minuteMs, primitives, Prng, toHex } from '@twinvault/std';
import { writeSecret } from '@twinvault/seal';
import { inlineThreads, MemoryTree } from '@twinvault/testkit';
import type { CleanReport, KeepRules } from '@twinvault/vault';
import { assertRestored, openSafeset, restored } from './restore-world.ts';
import { newWorld, run } from './world.ts';
import type { World } from './world.ts';

/** Three weeks of days, eleven of weeks, a year of months: 44 safesets at most. */
const keep: KeepRules = {
  types: new Map([
    ['daily', { days: 21, copies: 21, intraday: false }],
    ['weekly', { days: 77, copies: 11, intraday: false }],
    ['monthly', { days: 365, copies: 12, intraday: false }],
  ]),
};

function retentionOf(night: number): string {
  if (night % 28 === 0) return 'monthly';
  return night % 7 === 0 ? 'weekly' : 'daily';
}

export interface Kept {
  readonly digest: RecordDigest;
  readonly tree: MemoryTree;
}

export interface Stored {
  /** Of all packs, and of those that do not wait out the delay of their deletion. */
  readonly allBytes: number;
  readonly standingBytes: number;
  readonly packs: number;
  /** Blobs, rows and slips of all positions that kept safesets refer to. */
  readonly neededBytes: number;
}

interface MetPack {
  readonly sizeBytes: number;
  readonly rows: ReadonlyMap<string, number>;
}

export class Year {
  readonly world: World;
  readonly tree: MemoryTree = new MemoryTree();
  readonly prng: Prng;
  /** By record digest, hexadecimal, oldest first. */
  readonly kept: Map<string, Kept> = new Map();
  night: number = 0;
  /** One is enough for so little, and each takes time to begin. */
  readonly #threads = inlineThreads({ parallelism: 1 });
  /** Packs met so far, which never change, by name. */
  readonly #packs = new Map<string, MetPack>();
  /** By origin and position. */
  readonly #slips = new Map<string, string>();
  readonly #files: string[] = [];
  #made = 0;

  private constructor(world: World, seed: string) {
    this.world = world;
    this.prng = new Prng(`year ${seed}`);
  }

  static async begin(seed: string, files: number): Promise<Year> {
    const year = new Year(await newWorld(seed), seed);
    for (const directory of ['mail', 'photos', 'work']) year.tree.directory(`root/${directory}`);
    for (let count = 0; count < files; count += 1) year.#newFile();
    return year;
  }

  /** One day of changes, the run of its night, and the clean-up after it. */
  async pass(): Promise<CleanReport> {
    const { world, tree } = this;
    if (this.night > 0) this.#edit();
    const platform = { ...world.platform, threads: this.#threads };
    const report = await run(world, tree, { retention: retentionOf(this.night), platform });
    assert.ok(report.record !== null && report.errors.length === 0);
    this.kept.set(toHex(report.record), { digest: report.record, tree: tree.copy() });
    const cleaned = await world.vault.clean(world.agent.safe, { keep });
    for (const { record, action } of cleaned.records) if (action === 'retire') this.kept.delete(record);
    this.night += 1;
    await world.platform.clock.advance(dayMs - minuteMs);
    return cleaned;
  }

  /** Restores this safeset into memory and compares it with the tree of its night. */
  async restore({ digest, tree }: Kept): Promise<void> {
    const safeset = await openSafeset(this.world, digest);
    await using _lease = safeset;
    const { catalog, chunks, reading } = safeset;
    const contents = { writeSecret: writeSecret(this.world.opened.rootSecret), catalog, chunks, reading };
    const { report, target } = await restored(this.world, digest, { contents, threads: this.#threads });
    assert.deepEqual(report.errors, []);
    assertRestored(tree, target);
  }

  /**
   * Told from the files of the vault and the refs of the kept records, not by the code that cleans up. Fails unless every position that a
   * kept safeset needs is there as it was when it was first stored: each blob is held against its hash when its pack is met first.
   */
  async stored(): Promise<Stored> {
    const { files } = this.world.platform;
    const folder = `/vault/safes/${toHex(this.world.agent.safe)}`;
    const waiting = new Set((await files.list(`${folder}/quarantine`)).map(({ name }) => name));
    const rows = new Map<string, number>();
    const sizes = { allBytes: 0, standingBytes: 0, packs: 0 };
    for (const { name: directory } of await files.list(`${folder}/packs`)) {
      for (const { name } of await files.list(`${folder}/packs/${directory}`)) {
        const pack = this.#packs.get(name) ?? this.#met(name, await files.read(`${folder}/packs/${directory}/${name}`, 1 << 26));
        this.#packs.set(name, pack);
        sizes.allBytes += pack.sizeBytes;
        sizes.packs += 1;
        if (waiting.has(name)) continue;
        sizes.standingBytes += pack.sizeBytes;
        for (const [place, bytes] of pack.rows) rows.set(place, bytes);
      }
    }
    let neededBytes = 0;
    for (const place of await this.#needed()) {
      const bytes = rows.get(place);
      assert.ok(bytes !== undefined, 'a position that a kept safeset needs is at the site, outside quarantine');
      neededBytes += bytes;
    }
    return { ...sizes, neededBytes };
  }

  /** Bytes of each row, with slip and blob, by origin and position. */
  #met(name: string, bytes: Uint8Array | null): MetPack {
    assert.ok(bytes !== null);
    const { table } = verifyPackTable(packName(fromHex(name) ?? new Uint8Array(0)), bytes, { safe: this.world.agent.safe });
    const rows = new Map<string, number>();
    for (let row = 0; row < table.count; row += 1) {
      const origin = table.originAt(row);
      const place = `${origin === null ? name : toHex(origin)} ${table.positionAt(row)}`;
      const slip = toHex(table.slipAt(row));
      assert.equal(this.#slips.get(place) ?? slip, slip, 'a row stays what it was');
      this.#slips.set(place, slip);
      rows.set(place, 96 + slip.length / 2 + (table.slipOnlyAt(row) ? 0 : table.lengthAt(row)));
    }
    return { sizeBytes: bytes.length, rows };
  }

  /** What a session would be told that it may use again. */
  async liveList(): Promise<string[]> {
    const { safe, agent } = this.world;
    const { certificate, computer, ledgerHead: ledger } = agent;
    const session = await safe.openSession({ certificate, computer, job: 'other', ledger });
    await using held = new AsyncDisposableStack();
    held.use(session);
    const list: string[] = [];
    for await (const live of session.liveList()) {
      list.push(`${toHex(live.pack)} ${toHex(live.certificate)} ${toHex(primitives.sha256(live.tail))}`);
    }
    return list.sort();
  }

  async #needed(): Promise<Set<string>> {
    const places = new Set<string>();
    for (const { digest } of this.kept.values()) {
      for (const { pack, bitmap } of parseRefs(parseRecord(await this.world.safe.record(digest)).refs).packs()) {
        const origin = toHex(pack);
        for (const position of bitmapPositions(bitmap)) places.add(`${origin} ${position}`);
      }
    }
    return places;
  }

  /** A few documents change, mail grows, photos come and stay, now and then much goes. */
  #edit(): void {
    const { prng, tree } = this;
    for (let count = prng.between(0, 2); count > 0; count -= 1) this.#newFile();
    for (let count = prng.between(1, 4); count > 0; count -= 1) this.#change(prng.pick(this.#files));
    if (prng.chance(0.5)) this.#removeOne();
    if (this.night % 30 === 0) for (let count = 0; count < 15; count += 1) this.#removeOne();
    if (prng.chance(0.1)) tree.chmod(prng.pick(this.#files), 0o640);
  }

  #newFile(): void {
    const { prng, tree } = this;
    this.#made += 1;
    const path = `root/${prng.pick(['mail', 'photos', 'work'])}/file ${this.#made}`;
    tree.file(path, prng.bytes(prng.pick([200, 2000, 10_000, 30_000, 140_000])));
    this.#files.push(path);
  }

  /** Some bytes in place, or some more at the end. */
  #change(path: string): void {
    const { prng, tree } = this;
    const content = tree.nodes.get(path)?.content.slice() ?? new Uint8Array(0);
    const added = prng.bytes(prng.between(10, 4000));
    if (prng.chance(0.5) && content.length > added.length) {
      content.set(added, prng.below(content.length - added.length));
      tree.file(path, content);
      return;
    }
    const longer = new Uint8Array(content.length + added.length);
    longer.set(content);
    longer.set(added, content.length);
    tree.file(path, longer);
  }

  #removeOne(): void {
    if (this.#files.length < 20) return;
    const [path] = this.#files.splice(this.prng.below(this.#files.length), 1);
    if (path !== undefined) this.tree.remove(path);
  }
}

export interface YearOptions {
  readonly seed: string;
  readonly nights: number;
  /** In the tree of the first night. */
  readonly files: number;
  /** Safesets that are restored after each clean-up. */
  readonly restores: number;
}

/** Stored bytes may be so many times those that are needed. */
const storedFactorMax = 1.15;
/** After so many nights all kept safesets are restored, and the index is made anew. */
const seasonNights = 122;

export interface YearTotals {
  /** Largest factors met. */
  standingFactor: number;
  movedBytes: number;
  deletedPacks: number;
  restored: number;
  /** Most packs at once. */
  packs: number;
}

/** A whole year; a failure names the seed and the night. */
export async function wholeYear({ seed, nights, files, restores }: YearOptions): Promise<YearTotals> {
  const year = await Year.begin(seed, files);
  const totals: YearTotals = { standingFactor: 0, movedBytes: 0, deletedPacks: 0, restored: 0, packs: 0 };
  try {
    while (year.night < nights) {
      const cleaned = await year.pass();
      await checkStored(year, cleaned, totals);
      for (const kept of sample(year, restores)) {
        await year.restore(kept);
        totals.restored += 1;
      }
      if (year.night % seasonNights === 0 || year.night === nights) await checkSeason(year, totals);
    }
  } catch (error) {
    throw new Error(`seed "${seed}", night ${year.night}: ${String(error)}`, { cause: error });
  }
  return totals;
}

async function checkStored(year: Year, { compaction, deletedPacks }: CleanReport, totals: YearTotals): Promise<void> {
  const { allBytes, standingBytes, neededBytes, packs } = await year.stored();
  totals.standingFactor = Math.max(totals.standingFactor, standingBytes / neededBytes);
  totals.movedBytes += compaction.bytes;
  totals.deletedPacks += deletedPacks;
  totals.packs = Math.max(totals.packs, packs);
  assert.ok(standingBytes <= storedFactorMax * neededBytes, `stored ${standingBytes}, needed ${neededBytes}`);
  // What was moved last night lies there twice until its delay is over.
  if (compaction.packs === 0) assert.ok(allBytes <= storedFactorMax * neededBytes, `all ${allBytes}, needed ${neededBytes}`);
}

/** The oldest every third night, and drawn ones. */
function sample(year: Year, count: number): Kept[] {
  const all = [...year.kept.values()];
  if (count >= all.length) return all;
  const oldest = year.night % 3 === 0 ? all.slice(0, 1) : [];
  return [...oldest, ...Array.from({ length: count - oldest.length }, () => year.prng.pick(all))];
}

/** Every kept safeset comes back, and the index made anew of the objects is the one that was there. */
async function checkSeason(year: Year, totals: YearTotals): Promise<void> {
  const { vault, agent } = year.world;
  const before = await year.liveList();
  const { safes } = await vault.rebuild({ voidLeases: true });
  const [rebuilt] = safes;
  assert.deepEqual([rebuilt?.differing, rebuilt?.damaged, rebuilt?.receipts], [0, 0, 0]);
  assert.deepEqual(await year.liveList(), before);
  for (const kept of year.kept.values()) {
    await year.restore(kept);
    totals.restored += 1;
  }
  assert.deepEqual((await vault.check({ safe: agent.safe, readData: true })).problems, []);
}
