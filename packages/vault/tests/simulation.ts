/*
 * Random lives of a vault: sessions of several jobs that live long, reuse what was on their live list hours ago, whole packs and parts of
 * them, die without a word; clean-ups with compaction and rebuilds between them; a clock that is moved on. After each step of importance the
 * promises are checked:
 *
 * - what was acknowledged is known; what is not retired is there byte for byte, wherever compaction put it; the newest of each job is
 *   never retired;
 * - nothing that stood on a session's live list, or was put in it, is missing at its commit as long as it renews its leases.
 */

import assert from 'node:assert/strict';
import { PackTable, RefsBuilder } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { LivePack, VaultSession } from '@twinvault/protocol';
import { hourMs, minuteMs, Prng, toHex } from '@twinvault/std';
import type { Timer } from '@twinvault/std';
import { following, memoryPlatform, sessionOf, TestSafe } from '@twinvault/testkit';
import type { MemoryPlatform, TestComputer, TestPack } from '@twinvault/testkit';
import { createDirectoryVault, openDirectoryVault } from '../src/index.ts';
import type { SiteSafe, SiteVault } from '../src/index.ts';
import { assertBlobs } from './blobs.ts';
import { pump, root } from './harness.ts';

const jobs = ['a', 'b', 'c'] as const;

/** Rows of one pack as it was put: what a record refers to, whatever pack holds them now. */
interface Part {
  readonly pack: TestPack;
  readonly positions: readonly number[];
}

interface OpenSession {
  readonly job: string;
  readonly session: VaultSession;
  /** What it may refer to. */
  readonly usable: Part[];
  readonly die: () => void;
  records: number;
}

export class Simulation {
  readonly #prng: Prng;
  readonly #platform: MemoryPlatform;
  readonly #mine: TestSafe;
  readonly #computer: TestComputer;
  readonly #packs = new Map<string, TestPack>();
  /** Acknowledged records: digest to what they need; by job the newest. */
  readonly #records = new Map<string, readonly Part[]>();
  readonly #newest = new Map<string, string>();
  #open: OpenSession[] = [];
  /** What was done, for whoever looks for the reason of a failure. */
  readonly log: string[] = [];

  constructor(seed: string) {
    this.#prng = new Prng(seed);
    this.#platform = memoryPlatform(seed);
    this.#mine = new TestSafe(seed);
    this.#computer = this.#mine.enrol();
  }

  async run(steps: number): Promise<void> {
    const vault = await createDirectoryVault({ path: root, platform: this.#platform });
    await vault.createSafe(this.#mine.newSafe);
    for (let step = 0; step < steps; step += 1) await this.#step(vault);
    for (const open of this.#open) open.die();
    await this.#verify(vault);
    const { problems } = await vault.check({ readData: true });
    assert.deepEqual(
      problems.filter(({ severity }) => severity !== 'note'),
      [],
    );
  }

  async #step(vault: SiteVault): Promise<void> {
    const [roll, chosen] = [this.#prng.between(0, 99), this.#prng.between(0, Math.max(0, this.#open.length - 1))];
    const open = this.#open[chosen];
    if (roll < 18) return this.#openSession();
    if (roll < 40 && open !== undefined) return this.#put(open);
    if (roll < 58 && open !== undefined) return this.#commit(open);
    if (roll < 64 && open !== undefined) return this.#end(open);
    if (roll < 67 && open !== undefined) return this.#kill(open);
    if (roll < 85) {
      this.log.push('time');
      return this.#platform.clock.advance(this.#prng.between(minuteMs, 2 * hourMs));
    }
    if (roll < 99) return this.#clean(vault);
    return this.#rebuild(vault);
  }

  /** In a process of its own, so that its timers can be stopped with it. */
  async #openSession(): Promise<void> {
    const job = jobs[this.#prng.between(0, jobs.length - 1)] ?? 'a';
    const { clock } = this.#platform;
    const ticking: Timer[] = [];
    const every = (periodMs: number, tick: () => void): Timer => {
      const timer = clock.every(periodMs, tick);
      ticking.push(timer);
      return timer;
    };
    const timers = { sleep: clock.sleep.bind(clock), every };
    const vault = await openDirectoryVault({ path: root, platform: { ...this.#platform, timers } });
    const safe = await vault.openSafe(this.#mine.safe);
    try {
      const session = await pump(this.#platform, sessionOf(safe, this.#mine, this.#computer, job));
      const usable: Part[] = [];
      for await (const live of session.liveList()) usable.push(...this.#partsOf(live));
      const die = (): void => ticking.forEach((timer) => timer.cancel());
      this.#open.push({ job, session, usable, die, records: 0 });
      this.log.push(`open ${job}`);
    } catch (error) {
      assert.ok(error instanceof ProtocolError && error.code === 'job-busy', String(error));
    }
  }

  #partsOf({ pack, tail }: LivePack): Part[] {
    const table = new PackTable(tail);
    const positions = new Map<string, number[]>();
    for (let row = 0; row < table.count; row += 1) {
      const origin = toHex(table.originAt(row) ?? pack);
      const known = positions.get(origin) ?? [];
      known.push(table.positionAt(row));
      positions.set(origin, known);
    }
    return [...positions].map(([origin, of]) => {
      const found = this.#packs.get(origin);
      assert.ok(found, 'a pack that nobody put');
      return { pack: found, positions: of };
    });
  }

  async #put(open: OpenSession): Promise<void> {
    const again = this.#prng.chance(0.2) ? this.#anyPack() : undefined;
    const pack = again ?? this.#mine.pack(this.#computer, { blobCount: this.#prng.between(1, 3), blobBytes: 20 });
    await pump(this.#platform, open.session.putPack(pack.name, pack.bytes));
    this.#packs.set(toHex(pack.name), pack);
    open.usable.push({ pack, positions: pack.rows.map(({ position }) => position) });
    this.log.push(`put ${open.job}`);
  }

  #anyPack(): TestPack | undefined {
    return [...this.#packs.values()][this.#prng.between(0, Math.max(0, this.#packs.size - 1))];
  }

  async #commit(open: OpenSession): Promise<void> {
    // One safeset for a session: the heads were told at its beginning. Checkpoints as often as one likes.
    const kind = open.records === 0 && this.#prng.chance(0.6) ? 'safeset' : 'checkpoint';
    if (open.records > 0) return;
    const parts = open.usable.filter(() => this.#prng.chance(0.4)).map((part) => this.#partOf(part));
    const refs = refsOfParts(parts);
    const record = this.#mine.record(this.#computer, { ...following(open.session), job: open.job, kind, refs });
    await pump(this.#platform, open.session.commit(record.bytes));
    this.log.push(`commit ${open.job} ${kind}`);
    if (kind === 'checkpoint') return;
    open.records += 1;
    this.#records.set(toHex(record.digest), parts);
    this.#newest.set(open.job, toHex(record.digest));
  }

  /** All of it, or one row: what is left behind then is for compaction. */
  #partOf({ pack, positions }: Part): Part {
    return this.#prng.chance(0.7) ? { pack, positions } : { pack, positions: [this.#prng.pick(positions)] };
  }

  async #end(open: OpenSession): Promise<void> {
    this.log.push(`end ${open.job}`);
    this.#open = this.#open.filter((other) => other !== open);
    await open.session[Symbol.asyncDispose]();
  }

  #kill(open: OpenSession): Promise<void> {
    this.log.push(`kill ${open.job}`);
    this.#open = this.#open.filter((other) => other !== open);
    open.die();
    return Promise.resolve();
  }

  async #clean(vault: SiteVault): Promise<void> {
    const copies = this.#prng.between(0, 2);
    const keep = { others: { days: 0, copies, intraday: true } };
    const report = await pump(this.#platform, vault.clean(this.#mine.safe, { keep, shareMax: 1, quarantineMs: hourMs }));
    this.log.push(`clean ${report.packs.map(({ action, reason }) => `${action}:${reason}`).join(' ')}`);
    await this.#verify(vault);
  }

  async #rebuild(vault: SiteVault): Promise<void> {
    this.log.push('rebuild');
    for (const open of this.#open) open.die();
    this.#open = [];
    const { safes } = await pump(this.#platform, vault.rebuild({ voidLeases: true }));
    for (const { differing, damaged } of safes) assert.deepEqual([differing, damaged], [0, 0]);
    await this.#verify(vault);
  }

  async #verify(vault: SiteVault): Promise<void> {
    const safe: SiteSafe = await vault.openSafe(this.#mine.safe);
    const summaries = new Map((await safe.records()).map((record) => [toHex(record.digest), record]));
    for (const newest of this.#newest.values()) assert.equal(summaries.get(newest)?.retired, false, 'newest of its job');
    await using reading = await safe.openReading();
    for (const [digest, parts] of this.#records) {
      const summary = summaries.get(digest);
      assert.ok(summary, 'acknowledged record');
      if (summary.retired) continue;
      for (const { pack, positions } of parts) await assertBlobs(reading, pack, positions);
    }
  }
}

function refsOfParts(parts: readonly Part[]): Uint8Array {
  const refs = new RefsBuilder();
  const added = new Set<string>();
  for (const { pack, positions } of parts) {
    for (const position of positions) {
      const key = `${toHex(pack.name)} ${position}`;
      if (!added.has(key)) refs.add(pack.name, position);
      added.add(key);
    }
  }
  return refs.finish();
}

/** Deletions over the whole run: a simulation in which nothing ever goes proves little. */
export function deletionsOf({ log }: Simulation): number {
  return log.filter((line) => line.includes('delete:')).length;
}
