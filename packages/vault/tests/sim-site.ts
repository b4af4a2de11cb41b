/* One of two sites of a simulation: a disk that can lose its power at any step or be put back from an image, and a clock that can be wrong. */

import { minuteMs, Prng, toHex } from '@twinvault/std';
import type { Timer } from '@twinvault/std';
import type { TwinSource } from '@twinvault/protocol';
import { MemoryDisk, memoryPlatform, settle } from '@twinvault/testkit';
import type { DiskImage, FakeClock, MemoryPlatform, TestSafe } from '@twinvault/testkit';
import { readQuarantine } from '../src/clean/quarantine.ts';
import { createDirectoryVault, openDirectoryVault, vaultTwinSource } from '../src/index.ts';
import type { SiteSafe, SiteVault } from '../src/index.ts';
import { readTwinProgress, writeTwinProgress } from '../src/twins/twin-progress.ts';
import { writeTwinSites } from '../src/twins/twins.ts';
import type { UntakenObject } from '../src/twins/taking-in.ts';
import type { TwinSite } from '../src/twins/twins.ts';
import { root } from './harness.ts';

export class SimSite {
  readonly name: string;
  readonly clock: FakeClock;
  /** By how much its clock is wrong. */
  wrongMs = 0;
  /** When each record came first, in true time; null: its clock was wrong then. The twin gives back receipts that an image forgot. */
  readonly arrived = new Map<string, number | null>();
  /** Since when following was broken off: a record that was being taken in then counts from there, and is there when somebody ends it. */
  unfinishedMs: number | null = null;
  /** When it last read the other's feed to its end, in true time. */
  readMs = -Infinity;
  /** Whether both clocks were right then: what a twin's clock does afterwards nobody knows before the next time. */
  readRight = true;
  /** What the last following held, for messages. */
  held: readonly UntakenObject[] = [];
  vault!: SiteVault;
  source!: TwinSource;
  image: { readonly disk: DiskImage; readonly readMs: number; readonly readRight: boolean } | null = null;
  readonly #disk: MemoryDisk;
  readonly #base: MemoryPlatform;
  readonly #prng: Prng;
  #ticking: Timer[] = [];
  #stepsLeft = Infinity;
  #isDown = false;

  constructor(name: string, seed: string) {
    this.name = name;
    this.#base = memoryPlatform(`${seed} ${name}`);
    this.#prng = new Prng(`${seed} ${name} crashes`);
    this.clock = this.#base.clock;
    this.#disk = new MemoryDisk({
      clock: this.clock,
      onStep: () => {
        this.#stepsLeft -= 1;
        if (this.#stepsLeft > 0 || this.#isDown) return;
        this.#isDown = true;
        this.#disk.crash(this.#prng);
      },
    });
  }

  async create(): Promise<void> {
    this.vault = await createDirectoryVault({ path: root, platform: this.#platform() });
    this.source = vaultTwinSource(this.vault, this.#base.random);
  }

  /** Another life of the process. */
  async reopen(): Promise<void> {
    for (const timer of this.#ticking) timer.cancel();
    this.#ticking = [];
    this.#isDown = false;
    this.#stepsLeft = Infinity;
    this.vault = await openDirectoryVault({ path: root, platform: this.#platform() });
    this.source = vaultTwinSource(this.vault, this.#base.random);
    await this.clock.advance(6 * minuteMs);
  }

  #platform(): MemoryPlatform {
    const every = (periodMs: number, tick: () => void): Timer => {
      const timer = this.clock.every(periodMs, tick);
      this.#ticking.push(timer);
      return timer;
    };
    const timers = Object.assign(Object.create(this.clock) as FakeClock, { sleep: this.clock.sleep.bind(this.clock), every });
    return { ...this.#base, disk: this.#disk, files: this.#disk.mount(), timers };
  }

  /** Runs work until it is done, or until the power fails after so many steps of the disk: null then, and the process is another one. */
  async run<T>(work: () => Promise<T>, steps: number | null = null): Promise<T | null> {
    this.#stepsLeft = steps ?? Infinity;
    const state = { done: false };
    const ended = work().finally(() => (state.done = true));
    ended.catch(() => undefined);
    const goesOn = (): boolean => !state.done && !this.#isDown;
    while (goesOn()) {
      for (let turn = 0; turn < 20 && goesOn(); turn += 1) await settle();
      if (goesOn()) await this.clock.advanceToNext();
    }
    this.#stepsLeft = Infinity;
    if (!this.#isDown) return ended;
    await this.reopen();
    return null;
  }

  setClock(wrongMs: number): void {
    this.clock.jump(wrongMs - this.wrongMs);
    this.wrongMs = wrongMs;
  }

  takeImage(): void {
    this.image = { disk: this.#disk.image(), readMs: this.readMs, readRight: this.readRight };
  }

  async putBack(): Promise<void> {
    if (this.image === null) return;
    this.#disk.putBack(this.image.disk);
    this.readMs = this.image.readMs;
    this.readRight = this.image.readRight;
    await this.reopen();
  }

  open(mine: TestSafe): Promise<SiteSafe> {
    return this.vault.openSafe(mine.safe);
  }

  async self(): Promise<TwinSite> {
    const { site, publicKey } = await this.vault.site();
    return { site, publicKey };
  }

  /** Names the other its twin. */
  async pairWith(other: SimSite, mine: TestSafe): Promise<void> {
    const { context } = await this.vault.partsOf(mine.safe);
    await writeTwinSites(context.store, [await other.self()]);
  }

  /** When it asked for what turned out to be the end of the other's feed, by its note; null: never. */
  async endAskedMs(other: SimSite, mine: TestSafe): Promise<number | null> {
    const { context } = await this.vault.partsOf(mine.safe);
    return (await readTwinProgress(context.store, mine.safe, (await other.self()).site))?.endAskedMs ?? null;
  }

  /** Packs that are being deleted: that was decided before, and the power failed. */
  async deleting(mine: TestSafe): Promise<number> {
    const { context } = await this.vault.partsOf(mine.safe);
    const names = await context.store.list(context.layout.inFolder('quarantine'));
    const notes = await Promise.all(names.map((name) => readQuarantine(context, name)));
    return notes.filter((note) => note !== null && note !== 'unreadable' && note.state === 'deleting').length;
  }

  /** Takes in what the other has; whether it read to the end. */
  async follow(other: SimSite, mine: TestSafe): Promise<boolean> {
    const { context } = await this.vault.partsOf(mine.safe);
    const place = { safe: mine.safe, twin: (await other.self()).site };
    const before = await readTwinProgress(context.store, place.safe, place.twin);
    const report = await this.vault.takeIn(mine.safe, { source: other.source, ...(before === null ? {} : { from: before }) });
    const endAskedMs = report.endAskedMs ?? before?.endAskedMs ?? null;
    await writeTwinProgress(context.store, place, { ...report.place, endAskedMs, skewMs: report.skewMs });
    this.held = report.held;
    return report.endAskedMs !== null;
  }

  /** Records that it has, by digest: whether they are retired. */
  async records(mine: TestSafe): Promise<Map<string, boolean>> {
    const records = await (await this.open(mine)).records();
    return new Map(records.map(({ digest, retired }) => [toHex(digest), retired]));
  }
}
