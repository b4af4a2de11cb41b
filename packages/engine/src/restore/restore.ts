/*
 * Restore: walks the catalog in key order, makes directories and special entries at once, gathers files for the threads, links what
 * belongs together, and at the end sets the metadata of directories from the deepest up.
 *
 * Invariants: nothing is written outside the target (the target port holds that); every byte written was verified against its chunk id;
 * one entry that fails is listed and does not stop the others.
 */
import { CodedError, equalBytes } from '@twinvault/std';
import type { Threads } from '@twinvault/std';
import type { CatalogEntry } from '@twinvault/seal';
import { EngineError } from '../errors.ts';
import { entryTypes } from '../source-port.ts';
import type { Target, TargetModule } from '../target-port.ts';
import { CatalogWalk } from './catalog-walk.ts';
import { Conflicts, directoryRule, placingRule } from './conflicts.ts';
import type { RestoreRule } from './conflicts.ts';
import type { SafesetContents } from './contents.ts';
import { Directories } from './directories.ts';
import { FileGatherer } from './file-gatherer.ts';
import { LinkGroups } from './links.ts';
import type { Place, Settled, WaitingName } from './links.ts';
import { metadataOf } from './metadata.ts';
import { RestorePool } from './pool.ts';
import { Tally } from './restore-report.ts';
import type { RestoreProgress, RestoreReport } from './restore-report.ts';
import { joinName, Selector, showPath } from './selection.ts';
import { TaskRunner } from './task-runner.ts';
import type { FileOutcome } from './task-runner.ts';

export interface RestoreOptions {
  readonly contents: SafesetContents;
  readonly target: TargetModule;
  readonly threads: Threads;
  /** Paths, components joined by 0x00; empty: everything. */
  readonly paths: readonly Uint8Array[];
  readonly strip: Uint8Array;
  readonly conflict: RestoreRule;
  /** When the restore began, ms since 1970, that was broken off and is gone on with: what it had placed is left as it is. */
  readonly brokenOffMs?: number | undefined;
  /** Told once, before anything is written. What it throws ends the restore. */
  readonly onTotals?: ((totals: RestoreTotals) => void) | undefined;
  readonly progress?: (progress: RestoreProgress) => void;
  readonly signal?: AbortSignal;
}

export interface RestoreTotals {
  readonly entries: number;
  /** Of the files' content, with holes, and with those that the conflict rule will leave out. */
  readonly bytes: number;
  /** At the target. */
  readonly freeBytes: number;
}

/**
 * EngineError `path-unknown` when a given path is not in the safeset, `strip-mismatch` when it lies outside `strip`; CodedError with the
 * target's own code when nothing more can be written (`stoppingCodes`), the signal's reason when it is aborted: what stands at the target by
 * then is whole.
 */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const { contents, conflict, threads } = options;
  const selector = new Selector(options);
  const [outside] = selector.outsideStrip();
  if (outside !== undefined) throw new EngineError('strip-mismatch', { context: { localPath: showPath(outside) } });
  const { openTarget } = (await import(options.target.module)) as { openTarget: (config: unknown) => Target };
  const target = openTarget(options.target.config);
  try {
    const pool = new RestorePool(threads, { writeSecret: contents.writeSecret, target: options.target, conflict });
    const run = new Restore(options, selector, { target, pool });
    try {
      await using _held = pool;
      await run.restoreEntries();
    } finally {
      // Also after an abort, when the threads have ended: what is there shall not keep the modes that it was made with.
      run.abandonFiles();
      run.finishDirectories();
    }
    return run.report();
  } finally {
    target.close();
  }
}

class Restore {
  readonly #options: RestoreOptions;
  readonly #selector: Selector;
  readonly #target: Target;
  readonly #tally: Tally;
  readonly #runner: TaskRunner;
  readonly #files: FileGatherer;
  readonly #directories: Directories;
  readonly #conflicts: Conflicts;
  readonly #links = new LinkGroups();
  /** Names to be restored in the stead of the first of their group, which was not. */
  #instead: WaitingName[] = [];
  #lastDirectory: { readonly path: Uint8Array; readonly plain: Uint8Array } | null = null;
  /** Part of the catalog is lost: entries may come without the directories that they lie in. */
  #hasGaps = false;

  constructor(options: RestoreOptions, selector: Selector, { target, pool }: { target: Target; pool: RestorePool }) {
    const { contents, signal } = options;
    this.#options = options;
    this.#selector = selector;
    this.#target = target;
    this.#tally = new Tally(options.progress);
    this.#runner = new TaskRunner({
      contents,
      pool,
      place: { target, conflict: options.conflict },
      ...(signal === undefined ? {} : { signal }),
      onBytes: (bytes) => {
        this.#tally.counts.bytes += bytes;
        this.#tally.progress('restoring');
      },
    });
    this.#files = new FileGatherer(contents.catalog, this.#runner, (...settled) => this.#settleFile(...settled));
    this.#directories = new Directories(target, directoryRule(options.conflict));
    const { conflict: rule, brokenOffMs = null } = options;
    this.#conflicts = new Conflicts(target, this.#directories, { rule, brokenOffMs });
  }

  async restoreEntries(): Promise<void> {
    const { contents, signal } = this.#options;
    const walk = new CatalogWalk(contents.catalog, this.#selector);
    this.#tally.progress('counting');
    const totals = await walk.totals();
    this.#tally.total = totals;
    this.#options.onTotals?.({ ...totals, freeBytes: this.#target.freeBytes() });
    for await (const event of walk.events()) {
      signal?.throwIfAborted();
      if (event.type === 'entries') for (const entry of event.entries) await this.#take(entry);
      else this.#lose(event.path, event.entries);
    }
    await this.#flush();
  }

  abandonFiles(): void {
    this.#runner.abandon();
  }

  finishDirectories(): void {
    this.#tally.progress('finishing');
    this.#directories.finish((path, errors) => {
      if (errors instanceof CodedError) this.#tally.notRestored(path, errors.message);
      else for (const error of errors) this.#tally.note({ path, code: 'metadata-not-restored', detail: error.detail });
    });
  }

  report(): RestoreReport {
    return this.#tally.report(this.#runner.damaged.size);
  }

  async #flush(): Promise<void> {
    while ((await this.#files.flush()) || this.#instead.length > 0) {
      const names = this.#instead;
      this.#instead = [];
      for (const { directory, name } of names) {
        const entry = await this.#options.contents.catalog.entry(directory, name);
        if (entry !== null) await this.#restore(entry);
      }
    }
  }

  async #take(entry: CatalogEntry): Promise<void> {
    this.#tally.entries += 1;
    if (entry.type === entryTypes.directory) {
      await this.#takeDirectory(entry);
      return;
    }
    const answer = this.#links.arrive(entry);
    if (answer.type === 'link') this.#link(entry, answer.to);
    else if (answer.type === 'restore') await this.#restore(entry);
  }

  async #takeDirectory(entry: CatalogEntry): Promise<void> {
    const path = joinName(entry.directory, entry.name).slice();
    const plainPath = this.#selector.placed(path);
    try {
      const place = this.#placeOf(entry);
      if (place === null) return;
      const { metadata, defect } = await metadataOf(this.#options.contents.catalog, entry);
      const isOnlyWay = !this.#selector.isSelected(path);
      if (!this.#directories.make({ ...place, plainPath, path, metadata, isOnlyWay })) this.#tally.counts.skipped += 1;
      else this.#tally.counts.directories += 1;
      if (defect !== null) this.#tally.note({ path, code: 'metadata-not-restored', detail: defect });
    } catch (error) {
      this.#directories.fail(plainPath);
      this.#tally.fail(path, error);
    }
  }

  /** Anything but a directory. */
  async #restore(entry: CatalogEntry): Promise<void> {
    const path = joinName(entry.directory, entry.name);
    try {
      const place = this.#placeOf(entry);
      if (place === null) this.#settleLinks(entry, null);
      else if (this.#isSettled(entry, place)) return;
      else if (entry.type === entryTypes.file) await this.#restoreFile(entry, place);
      else await this.#restoreSpecial(entry, place);
    } catch (error) {
      this.#tally.fail(path, error);
      this.#settleLinks(entry, null);
    }
  }

  /** Whether what stands there already settles it. */
  #isSettled(entry: CatalogEntry, place: Place): boolean {
    const decision = this.#conflicts.decide(entry, place);
    if (decision.type === 'place') return false;
    if (decision.type === 'same') this.#tally.counts.already += 1;
    else this.#tally.counts.skipped += 1;
    if (entry.type === entryTypes.file) this.#tally.passedBytes += entry.sizeBytes;
    this.#settleLinks(entry, decision.type === 'same' ? { ...place, name: decision.name } : null);
    return true;
  }

  async #restoreFile(entry: CatalogEntry, place: Place): Promise<void> {
    const path = joinName(entry.directory, entry.name);
    if (entry.unread === true) {
      this.#tally.notRestored(path, 'its content was never read by a backup');
      this.#settleLinks(entry, null);
      return;
    }
    const { metadata, defect } = await metadataOf(this.#options.contents.catalog, entry);
    if (defect !== null) this.#tally.note({ path, code: 'metadata-not-restored', detail: defect });
    await this.#files.add(entry, place, metadata);
  }

  async #restoreSpecial(entry: CatalogEntry, place: Place): Promise<void> {
    const path = joinName(entry.directory, entry.name);
    const { metadata, defect } = await metadataOf(this.#options.contents.catalog, entry);
    const made = this.#target.makeSpecial(place.directory, place.name, metadata, placingRule(this.#options.conflict));
    for (const error of made.errors) this.#tally.note({ ...error, path });
    if (defect !== null) this.#tally.note({ path, code: 'metadata-not-restored', detail: defect });
    const { name } = made.placed;
    if (name === null) this.#tally.counts.skipped += 1;
    else this.#tally.counts.others += 1;
    this.#settleLinks(entry, name === null ? null : { directory: place.directory, name });
  }

  #settleFile(entry: CatalogEntry, place: Place, outcome: FileOutcome): void {
    const path = joinName(entry.directory, entry.name);
    const { counts } = this.#tally;
    if (outcome.type === 'failed') this.#tally.notRestored(path, outcome.detail);
    else if (outcome.type === 'skipped') {
      counts.skipped += 1;
      this.#tally.passedBytes += entry.sizeBytes;
    } else {
      counts.files += 1;
      if (entry.torn === true) counts.torn += 1;
      if (typeof entry.carried === 'number') counts.carried += 1;
      for (const error of outcome.errors) this.#tally.note({ ...error, path });
    }
    const name = outcome.type === 'written' ? (outcome.name ?? place.name) : null;
    this.#settleLinks(entry, name === null ? null : { directory: place.directory, name });
  }

  #settleLinks(entry: CatalogEntry, place: Place | null): void {
    const settled: Settled = this.#links.settle(entry, place);
    if (settled.type === 'restore') this.#instead.push(settled.name);
    else if (settled.type === 'link') for (const name of settled.names) this.#link(name, settled.to);
  }

  #link(entry: WaitingName, to: Place): void {
    try {
      const place = this.#placeOf(entry);
      if (place === null) return;
      const decision = this.#conflicts.decideLink(entry, place, to);
      if (decision.type === 'same') {
        this.#tally.counts.already += 1;
        return;
      }
      const rule = decision.type === 'leave' ? 'skip' : placingRule(this.#options.conflict);
      const { name } = this.#target.makeHardLink(place.directory, place.name, to.directory, to.name, rule);
      if (name === null) this.#tally.counts.skipped += 1;
      else if (entry.type === entryTypes.file) this.#tally.counts.files += 1;
      else this.#tally.counts.others += 1;
    } catch (error) {
      this.#tally.fail(joinName(entry.directory, entry.name), error);
    }
  }

  /** Where an entry is to stand; null, and counted or listed, when its directory has no place. */
  #placeOf({ directory, name }: Pick<CatalogEntry, 'directory' | 'name'>): Place | null {
    const plain = this.#plainDirectory(directory);
    if (this.#hasGaps && plain.length > 0) this.#directories.ensure(plain);
    const placed = this.#directories.place(plain);
    if (placed === 'left-out') this.#tally.counts.skipped += 1;
    else if (placed === 'failed') {
      this.#tally.notRestored(joinName(directory, name), 'the folder that it lies in could not be made');
    }
    return typeof placed === 'string' ? null : { directory: placed, name };
  }

  /** Where the directory would stand below the target; the same object for entries that follow each other. */
  #plainDirectory(directory: Uint8Array): Uint8Array {
    const last = this.#lastDirectory;
    if (last !== null && equalBytes(last.path, directory)) return last.plain;
    const path = directory.slice();
    const plain = this.#selector.placedDirectory(path);
    this.#lastDirectory = { path, plain };
    return plain;
  }

  #lose(path: Uint8Array, entries: number): void {
    this.#hasGaps = true;
    const detail = `from here on ${entries} entries are unknown: a part of the catalog is damaged or missing in the vault`;
    this.#tally.notRestored(path, detail);
  }
}
