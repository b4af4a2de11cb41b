/*
 * Random lives of two sites that keep one safe: backups at either, each following the other, clean-ups with compaction, holds; with the
 * network cut, clocks a year off, the power failing at any step, and a site put back from an old image. After each step:
 *
 * - what a site has and has not retired is there, byte for byte, at that site;
 * - what was acknowledged is at one site at least, and retired nowhere before its time in true time, or while it is held;
 * - the site that is not home retires nothing that home has not; neither retires or deletes anything while it has not read the other for a
 *   day, while its own clock is wrong, or where a clock was wrong when it read the other last.
 *
 * At the end, when both are connected and their clocks are right, both have the same.
 */

import assert from 'node:assert/strict';
import { ProtocolError } from '@twinvault/protocol';
import { dayMs, hourMs, minuteMs, primitives, Prng, toHex } from '@twinvault/std';
import { following, sessionOf, TestSafe } from '@twinvault/testkit';
import type { TestComputer, TestPack, TestRecord } from '@twinvault/testkit';
import type { CleanReport } from '../src/index.ts';
import { assertBlobs } from './blobs.ts';
import { SimSite } from './sim-site.ts';

const jobs = ['x', 'y'] as const;
const days = 1;
const keep = { others: { days, copies: 1, intraday: true } };
const cleanOptions = { keep, shareMax: 1, quarantineMs: 6 * hourMs, compact: { unusedMax: 0.05 } };

interface Kept {
  readonly record: TestRecord;
  readonly packs: readonly TestPack[];
  held: boolean;
}

class TwoSitesLife {
  readonly log: string[] = [];
  deletions = 0;
  retirements = 0;
  readonly #prng: Prng;
  readonly #mine: TestSafe;
  readonly #computer: TestComputer;
  readonly #operator: Uint8Array;
  readonly #a: SimSite;
  readonly #b: SimSite;
  readonly #kept = new Map<string, Kept>();
  readonly #packs = new Map<string, TestPack>();
  /** What home has retired in any of its lives. */
  readonly #retiredAtHome = new Set<string>();
  #isCut = false;

  constructor(seed: string) {
    this.#prng = new Prng(seed);
    this.#mine = new TestSafe(seed);
    this.#computer = this.#mine.enrol();
    this.#operator = this.#prng.bytes(32);
    const key = primitives.ed25519PublicKey(this.#operator);
    this.#mine.append({ kind: 'party', key, name: 'operator', role: 'operator' });
    this.#a = new SimSite('a', seed);
    this.#b = new SimSite('b', seed);
  }

  async run(steps: number): Promise<void> {
    for (const site of [this.#a, this.#b]) await site.create();
    await this.#a.vault.createSafe(this.#mine.newSafe);
    await this.#b.vault.takeIn(this.#mine.safe, { source: this.#a.source });
    await this.#a.pairWith(this.#b, this.#mine);
    await this.#b.pairWith(this.#a, this.#mine);
    for (let step = 0; step < steps; step += 1) {
      await this.#step();
      await this.#sameTime();
      await this.#verify();
    }
    await this.#converge();
  }

  /** Since the beginning, in true time. */
  get #nowMs(): number {
    return Math.max(this.#a.clock.monotonicMs(), this.#b.clock.monotonicMs());
  }

  async #sameTime(moreMs = 0): Promise<void> {
    const toMs = this.#nowMs + moreMs;
    for (const { clock } of [this.#a, this.#b]) await clock.advance(toMs - clock.monotonicMs());
  }

  #otherOf(site: SimSite): SimSite {
    return site === this.#a ? this.#b : this.#a;
  }

  /** Most steps go well; some end with a power failure in the middle. */
  #steps(): number | null {
    return this.#prng.chance(0.15) ? this.#prng.between(1, 250) : null;
  }

  async #step(): Promise<void> {
    const wrong = [this.#a, this.#b].find(({ wrongMs }) => wrongMs !== 0);
    if (wrong !== undefined && this.#prng.chance(0.2)) return this.#moveClock(wrong);
    if (this.#isCut && this.#prng.chance(0.2)) return this.#cut();
    const site = this.#prng.chance(0.5) ? this.#a : this.#b;
    const roll = this.#prng.between(0, 99);
    if (roll < 15) return this.#backup(site);
    if (roll < 45) return this.#follow(site);
    if (roll < 70) return this.#clean(site);
    if (roll < 92) return this.#sameTime(this.#prng.between(hourMs, 12 * hourMs));
    if (roll < 93) return this.#cut();
    if (roll < 94) return this.#moveClock(site);
    if (roll < 95) return this.#hold();
    if (roll < 98) return this.#image(site);
    return this.#putBack(site);
  }

  async #backup(site: SimSite, job: string = this.#prng.pick(jobs), steps: number | null = this.#steps()): Promise<void> {
    const isRight = site.wrongMs === 0;
    const fresh = [this.#mine.pack(this.#computer, { blobCount: this.#prng.between(1, 3), blobBytes: 20 })];
    const made: { record?: TestRecord; packs: TestPack[]; done: boolean } = { packs: [], done: false };
    const work = async (): Promise<void> => {
      await using session = await sessionOf(await site.open(this.#mine), this.#mine, this.#computer, job);
      const live: TestPack[] = [];
      for await (const { pack } of session.liveList()) {
        const known = this.#packs.get(toHex(pack));
        if (known !== undefined && this.#prng.chance(0.3)) live.push(known);
      }
      for (const { name, bytes } of fresh) await session.putPack(name, bytes);
      made.packs = [...fresh, ...live];
      made.record = this.#mine.record(this.#computer, { ...following(session), job, packs: made.packs });
      await session.commit(made.record.bytes);
      made.done = true;
    };
    const outcome = await this.#told(site, `backup ${job}`, () => site.run(work, steps));
    for (const pack of fresh) this.#packs.set(toHex(pack.name), pack);
    if (made.record === undefined || outcome !== 'done') return;
    // Committed and not acknowledged is known nowhere but at the site.
    const hex = toHex(made.record.digest);
    const isThere = made.done || (await site.records(this.#mine)).has(hex);
    if (!isThere) return;
    this.#kept.set(hex, { record: made.record, packs: made.packs, held: false });
    site.arrived.set(hex, isRight ? this.#nowMs : null);
  }

  /** What may be refused is told in the log: `lost` when the power failed, else the code. */
  async #told(site: SimSite, what: string, work: () => Promise<unknown>): Promise<string> {
    let outcome = 'done';
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      outcome = error.code;
      assert.ok(
        ['ledger-behind', 'clock-jumped', 'job-busy', 'vault-busy'].includes(outcome),
        `${what} at ${site.name}: ${String(error.stack)}`,
      );
    }
    this.log.push(`${site.name} ${what}: ${outcome}`);
    return outcome;
  }

  async #follow(site: SimSite): Promise<void> {
    if (this.#isCut) return;
    const other = this.#otherOf(site);
    const isRight = site.wrongMs === 0;
    const startedMs = this.#nowMs;
    let isBrokenOff = false;
    await this.#told(site, 'follow', async () => {
      const askedMs = this.#nowMs;
      const before = await site.endAskedMs(other, this.#mine);
      isBrokenOff = (await site.run(() => site.follow(other, this.#mine), this.#steps())) === null;
      // The power may have failed after that was written.
      if ((await site.endAskedMs(other, this.#mine)) === before) return;
      site.readMs = askedMs;
      site.readRight = this.#clocksAgree();
    });
    for (const hex of (await site.records(this.#mine)).keys()) {
      if (!site.arrived.has(hex)) site.arrived.set(hex, isRight ? (site.unfinishedMs ?? this.#nowMs) : null);
    }
    site.unfinishedMs = isBrokenOff ? (site.unfinishedMs ?? startedMs) : null;
  }

  async #clean(site: SimSite): Promise<void> {
    const before = await site.records(this.#mine);
    const deleting = await site.deleting(this.#mine);
    let report: CleanReport | null = null;
    const clean = (clockOk: boolean) => async (): Promise<void> => {
      report = await site.run(() => site.vault.clean(this.#mine.safe, { ...cleanOptions, clockOk }), this.#steps());
    };
    const outcome = await this.#told(site, 'clean', clean(false));
    // Somebody looks at the clock, and says so when it is right.
    if (outcome === 'clock-jumped' && site.wrongMs === 0) await this.#told(site, 'clean, clock ok', clean(true));
    const after = await site.records(this.#mine);
    const retired = [...after].filter(([hex, isRetired]) => isRetired && before.get(hex) === false).map(([hex]) => hex);
    const { deletedPacks } = (report as CleanReport | null) ?? { deletedPacks: 0 };
    this.deletions += deletedPacks;
    this.retirements += retired.length;
    if (retired.length > 0 || deletedPacks > deleting) this.#assertTogether(site);
    for (const hex of retired) this.#assertDue(site, hex);
    if (site === this.#a) for (const hex of retired) this.#retiredAtHome.add(hex);
  }

  #assertTogether(site: SimSite): void {
    assert.ok(this.#nowMs - site.readMs <= dayMs + hourMs, `${site.name} had not read the other for a day`);
    assert.ok(site.wrongMs === 0 || this.#clocksAgree(), `${site.name} deletes although its clock is wrong`);
    assert.ok(site.readRight, `${site.name} deletes although a clock was wrong when it read the other`);
  }

  #clocksAgree(): boolean {
    return Math.abs(this.#a.wrongMs - this.#b.wrongMs) <= hourMs;
  }

  #assertDue(site: SimSite, hex: string): void {
    const what = `${site.name} retires ${hex}`;
    const kept = this.#kept.get(hex);
    const arrivedMs = site.arrived.get(hex);
    // One whose acknowledgement the power took counts from when it was offered.
    if (kept !== undefined && typeof arrivedMs === 'number')
      assert.ok(this.#nowMs - arrivedMs > days * dayMs - hourMs, `${what} too early`);
    assert.notEqual(kept?.held, true, `${what}, which is held`);
    if (site !== this.#a) assert.ok(this.#retiredAtHome.has(hex), `${what} without consent`);
  }

  #cut(): Promise<void> {
    this.#isCut = !this.#isCut;
    this.log.push(this.#isCut ? 'cut' : 'connected');
    return Promise.resolve();
  }

  #moveClock(site: SimSite): Promise<void> {
    const wrongMs = site.wrongMs === 0 ? this.#prng.pick([366, 30, 3, -366, -3]) * dayMs : 0;
    site.setClock(wrongMs);
    this.log.push(`${site.name} clock ${wrongMs / dayMs} days off`);
    return Promise.resolve();
  }

  /** At home, and only by somebody who has seen its whole ledger. */
  async #hold(): Promise<void> {
    const safe = await this.#a.open(this.#mine);
    const there = await safe.ledger(this.#mine.head.number);
    const standing = [...(await this.#a.records(this.#mine))].filter(([, isRetired]) => !isRetired);
    if (there.length === 0 || standing.length === 0) return;
    const [hex] = this.#prng.pick(standing);
    const kept = this.#kept.get(hex);
    if (kept === undefined) return;
    const payload = { kind: 'hold', note: '', on: true, record: kept.record.digest } as const;
    await safe.appendLedger(this.#mine.append(payload, this.#operator));
    kept.held = true;
    this.log.push(`hold ${hex}`);
  }

  #image(site: SimSite): Promise<void> {
    site.takeImage();
    this.log.push(`${site.name} image`);
    return Promise.resolve();
  }

  /** Only what the other has too may be lost with a disk. */
  async #putBack(site: SimSite): Promise<void> {
    if (site.image === null) return;
    const [own, there] = [await site.records(this.#mine), await this.#otherOf(site).records(this.#mine)];
    const ledgers = await Promise.all(
      [this.#a, this.#b].map(async (each) => (await (await each.open(this.#mine)).ledger(1)).length),
    );
    const isCopied = [...own.keys()].every((hex) => there.has(hex)) && ledgers[0] === ledgers[1];
    if (!isCopied) return;
    await site.putBack();
    this.log.push(`${site.name} is put back from its image`);
  }

  async #verify(): Promise<void> {
    const lists = new Map([this.#a, this.#b].map((site) => [site, new Map<string, boolean>()]));
    for (const site of [this.#a, this.#b]) {
      const records = await site.records(this.#mine);
      lists.set(site, records);
      await using reading = await (await site.open(this.#mine)).openReading();
      for (const [hex, isRetired] of records) {
        const kept = this.#kept.get(hex);
        if (isRetired || kept === undefined) continue;
        for (const pack of kept.packs) await assertBlobs(reading, pack);
      }
    }
    for (const [hex, { held }] of this.#kept) {
      const standing = [...lists.values()].map((list) => list.get(hex)).filter((isRetired) => isRetired !== undefined);
      assert.ok(standing.length > 0, `${hex} is nowhere`);
      if (held) assert.ok(standing.includes(false), `${hex} is held and retired`);
    }
  }

  /** Everything is repaired; then time goes on, for longer than any clock was wrong. */
  async #converge(): Promise<void> {
    this.#isCut = false;
    for (const site of [this.#a, this.#b]) site.setClock(0);
    this.log.push('repaired');
    for (const site of [this.#b, this.#a]) await this.#calmly(site);
    await this.#sameTime(6 * minuteMs);
    // The next run of a job joins its forks: until then each site may take another head for its newest.
    for (const job of jobs) await this.#backup(this.#a, job, null);
    for (let month = 0; month < 15; month += 1) {
      for (const site of [this.#a, this.#b, this.#a, this.#b]) await this.#calmly(site);
      await this.#sameTime(30 * dayMs);
    }
    const [a, b] = [await this.#standing(this.#a), await this.#standing(this.#b)];
    assert.deepEqual(a, b, 'both have the same');
    await this.#verify();
    for (const site of [this.#a, this.#b]) {
      const { problems } = (await site.run(() => site.vault.check({ readData: true }))) ?? { problems: [] };
      const bad = problems.filter(({ severity }) => severity !== 'note');
      assert.deepEqual(bad, [], site.name);
    }
  }

  /**
   * Sorted. Without those that stay since a later one is flagged: home may have retired them before that one was made, and nobody gives consent
   * to what stands at the other since. And without those that are held since home was put back from before it retired them: the other has retired them by
   * then, and they stand at home alone.
   */
  async #standing(site: SimSite): Promise<string[]> {
    const { records } = await site.vault.clean(this.#mine.safe, { ...cleanOptions, clockOk: true, dryRun: true });
    const atOneAlone = records.filter(({ record, reason }) => {
      return reason === 'before-flagged' || (reason === 'held' && this.#retiredAtHome.has(record));
    });
    const left = new Set(atOneAlone.map(({ record }) => record));
    return standingOf(await site.records(this.#mine)).filter((hex) => !left.has(hex));
  }

  async #calmly(site: SimSite): Promise<void> {
    const other = this.#otherOf(site);
    const isRead = await site.run(() => site.follow(other, this.#mine));
    assert.equal(isRead, true, `${site.name} reads to the end: ${JSON.stringify(site.held)}`);
    // What a dead process held lapses.
    for (let busy = true; busy; await this.#sameTime(3 * minuteMs)) {
      const work = site.run(() => site.vault.clean(this.#mine.safe, { ...cleanOptions, clockOk: true }));
      busy = (await this.#told(site, 'clean, calm', () => work)) === 'vault-busy';
    }
    for (const [hex, isRetired] of await this.#a.records(this.#mine)) if (isRetired) this.#retiredAtHome.add(hex);
  }
}

function standingOf(records: ReadonlyMap<string, boolean>): string[] {
  return [...records].flatMap(([hex, isRetired]) => (isRetired ? [] : [hex])).sort();
}

export interface LivesLived {
  /** Packs that were deleted and records that were retired while all went wrong: lives in which nothing ever goes prove little. */
  readonly deletions: number;
  readonly retirements: number;
}

/** A failure names its seed and the steps that led to it. */
export async function liveTwoSites(seeds: readonly string[], steps: number): Promise<LivesLived> {
  let [deletions, retirements] = [0, 0];
  for (const seed of seeds) {
    const life = new TwoSitesLife(seed);
    try {
      await life.run(steps);
    } catch (error) {
      throw new Error(`seed "${seed}": ${String(error)}\n${life.log.join('\n')}`, { cause: error });
    }
    deletions += life.deletions;
    retirements += life.retirements;
  }
  return { deletions, retirements };
}
