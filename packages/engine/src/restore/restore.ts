/*
 * Restore: walks the catalog in key order, makes directories and special entries at once, gathers files into windows that are planned by
 * pack and written by threads, then links, then directory metadata from the deepest up.
 *
 * Invariants: nothing is written outside the target (the target port holds that); every byte written was verified against its chunk id;
 * one entry that fails is listed and does not stop the others.
 */
import { CodedError, equalBytes, toHex } from '@twinvault/std';
import type { Threads } from '@twinvault/std';
import { chunkId } from '@twinvault/format';
import type { CatalogEntry, CatalogReader, Extent } from '@twinvault/seal';
import { EngineError } from '../errors.ts';
import { entryTypes } from '../source-port.ts';
import type { EntryError } from '../source-port.ts';
import type { ConflictRule, EntryMetadata, Target, TargetModule } from '../target-port.ts';
import type { SafesetContents } from './contents.ts';
import { metadataOf } from './metadata.ts';
import type { FileToRestore } from './planner.ts';
import { joinName, pathsDownTo, Selector, showPath, splitName } from './selection.ts';
import { WindowRunner } from './window.ts';
import type { FileOutcome } from './window.ts';

/** Files gathered before they are planned: bounds memory, and is enough for neighbours in packs to meet. */
export const windowFilesMax = 20_000;
/** Extents gathered before they are planned. */
export const windowExtentsMax = 200_000;

export interface RestoreProgress {
  readonly phase: 'counting' | 'restoring' | 'finishing';
  readonly entries: number;
  readonly entriesTotal: number | null;
  readonly bytes: number;
  readonly bytesTotal: number | null;
}

export interface RestoreOptions {
  readonly contents: SafesetContents;
  readonly target: TargetModule;
  readonly threads: Threads;
  /** Paths, components joined by 0x00; empty: everything. */
  readonly paths: readonly Uint8Array[];
  readonly strip: Uint8Array;
  readonly conflict: ConflictRule;
  readonly progress?: (progress: RestoreProgress) => void;
  readonly signal?: AbortSignal;
}

export interface RestoreReport {
  readonly files: number;
  readonly directories: number;
  readonly others: number;
  readonly skipped: number;
  readonly bytes: number;
  /** What was not restored, or not whole. */
  readonly errors: readonly EntryError[];
  /** Errors beyond those listed. */
  readonly errorsUnlisted: number;
  /** Chunks that the vault has not or has damaged. */
  readonly damagedChunks: number;
}

const errorsListedMax = 100_000;

/** `path-unknown` when a given path is not in the safeset; `strip-mismatch` when it lies outside --strip. */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const selector = new Selector(options);
  const [outside] = selector.outsideStrip();
  if (outside !== undefined) throw new EngineError('strip-mismatch', { context: { localPath: showPath(outside) } });
  const { openTarget } = (await import(options.target.module)) as { openTarget: (config: unknown) => Target };
  const target = openTarget(options.target.config);
  try {
    await using runner = new WindowRunner(options);
    const run = new Restore(options, selector, { target, runner });
    return await run.run();
  } finally {
    target.close();
  }
}

interface Parts {
  readonly target: Target;
  readonly runner: WindowRunner;
}

interface PlacedDirectory {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  /** In the safeset. */
  readonly path: Uint8Array;
  readonly metadata: EntryMetadata;
}

interface LinkGroup {
  /** Where the first one restored stands; null while nobody was. */
  leader: { readonly directory: Uint8Array; readonly name: Uint8Array } | null;
  readonly waiting: CatalogEntry[];
}

/** Chunk ids are copied: an entry's are views that would keep its whole node in memory. Neighbours in a bundle share one copy. */
async function extentsOf(catalog: CatalogReader, entry: CatalogEntry): Promise<Extent[]> {
  const extents: Extent[] = [];
  let last: Extent['chunk'] = null;
  for await (const extent of catalog.extentsOf(entry)) {
    if (extent.chunk !== null && (last === null || !equalBytes(last, extent.chunk))) last = chunkId(extent.chunk.slice());
    extents.push(extent.chunk === null ? extent : { ...extent, chunk: last });
  }
  return extents;
}

class Restore {
  private readonly options: RestoreOptions;
  private readonly selector: Selector;
  private readonly target: Target;
  private readonly runner: WindowRunner;
  private readonly directories: PlacedDirectory[] = [];
  /** Directories that got another name (rename-incoming), by their path below the target. */
  private readonly renamed = new Map<string, Uint8Array>();
  private readonly unplaced = new Set<string>();
  private readonly links = new Map<string, LinkGroup>();
  private readonly errors: EntryError[] = [];
  private errorCount = 0;
  private window: { file: FileToRestore; entry: CatalogEntry }[] = [];
  private windowExtents = 0;
  private nextFile = 0;
  private counts = { files: 0, directories: 0, others: 0, skipped: 0, bytes: 0 };
  private total: { entries: number; bytes: number } | null = null;
  private entries = 0;

  constructor(options: RestoreOptions, selector: Selector, { target, runner }: Parts) {
    this.options = options;
    this.selector = selector;
    this.target = target;
    this.runner = runner;
  }

  async run(): Promise<RestoreReport> {
    await this.count();
    for await (const entry of this.selected()) {
      this.options.signal?.throwIfAborted();
      await this.take(entry);
    }
    await this.flush();
    await this.restoreLinks();
    this.progress('finishing');
    this.finishDirectories();
    return {
      ...this.counts,
      errors: this.errors,
      errorsUnlisted: this.errorCount - this.errors.length,
      damagedChunks: this.runner.damagedChunks,
    };
  }

  /** Walks once to know how much there is; a path that leads nowhere is found out before anything is written. */
  private async count(): Promise<void> {
    const { catalog } = this.options.contents;
    for (const start of this.selector.starts) {
      if (start.length > 0) {
        const { directory, name } = splitName(start);
        if ((await catalog.entry(directory, name)) === null) {
          throw new EngineError('path-unknown', { context: { localPath: showPath(start) } });
        }
      }
    }
    let [entries, bytes] = [0, 0];
    for await (const entry of this.selected()) {
      entries += 1;
      if (entry.type === entryTypes.file) bytes += entry.sizeBytes;
      if (entries % 10_000 === 0) {
        this.options.signal?.throwIfAborted();
        this.options.progress?.({ phase: 'counting', entries, entriesTotal: null, bytes, bytesTotal: null });
      }
    }
    this.total = { entries, bytes };
  }

  private async *selected(): AsyncIterable<CatalogEntry> {
    const { catalog } = this.options.contents;
    const ways = new Set<string>();
    for (const start of this.selector.starts) {
      if (start.length > 0) {
        // The directories above come first, each once.
        for (const path of pathsDownTo(start)) {
          const name = toHex(path);
          if (ways.has(name) || this.selector.role(path) === 'leave') continue;
          ways.add(name);
          const parts = splitName(path);
          const entry = await catalog.entry(parts.directory, parts.name);
          if (entry !== null) yield entry;
        }
      }
      for await (const entry of catalog.walk({ prefix: start })) {
        if (this.selector.role(joinName(entry.directory, entry.name)) === 'take') yield entry;
      }
    }
  }

  private async take(entry: CatalogEntry): Promise<void> {
    this.entries += 1;
    const path = joinName(entry.directory, entry.name);
    const placed = splitName(this.placedPath(this.selector.placed(path)));
    if (this.isUnplaced(placed.directory)) {
      this.counts.skipped += 1;
      return;
    }
    try {
      if (entry.type === entryTypes.directory) await this.takeDirectory(entry, placed);
      else if (entry.type === entryTypes.file) await this.takeFile(entry, placed);
      else await this.takeSpecial(entry, placed);
    } catch (error) {
      this.fail(path, error);
      if (entry.type === entryTypes.directory) this.unplaced.add(toHex(joinName(placed.directory, placed.name)));
    }
  }

  private async takeDirectory(
    entry: CatalogEntry,
    { directory, name }: { directory: Uint8Array; name: Uint8Array },
  ): Promise<void> {
    const placed = this.target.makeDirectory(directory, name, this.options.conflict);
    const path = joinName(directory, name);
    if (placed.name === null) {
      // Something that is not a directory stands there: what lies below has no place.
      this.unplaced.add(toHex(path));
      this.counts.skipped += 1;
      return;
    }
    if (toHex(placed.name) !== toHex(name)) this.renamed.set(toHex(path), joinName(directory, placed.name));
    const metadata = await metadataOf(this.options.contents.catalog, entry);
    this.directories.push({ directory, name: placed.name, path: joinName(entry.directory, entry.name).slice(), metadata });
    this.counts.directories += 1;
  }

  private async takeSpecial(
    entry: CatalogEntry,
    { directory, name }: { directory: Uint8Array; name: Uint8Array },
  ): Promise<void> {
    if (this.linkLater(entry)) return;
    const metadata = await metadataOf(this.options.contents.catalog, entry);
    const { placed, errors } = this.target.makeSpecial(directory, name, metadata, this.options.conflict);
    for (const error of errors) this.note(error);
    if (placed.name === null) this.counts.skipped += 1;
    else this.counts.others += 1;
    this.lead(entry, placed.name === null ? null : { directory, name: placed.name });
  }

  private async takeFile(entry: CatalogEntry, placed: { directory: Uint8Array; name: Uint8Array }): Promise<void> {
    if (entry.unread === true) {
      this.note({
        path: joinName(entry.directory, entry.name),
        code: 'entry-not-restored',
        detail: 'its content was never read by a backup',
      });
      return;
    }
    if (this.linkLater(entry)) return;
    const { catalog } = this.options.contents;
    const extents = await extentsOf(catalog, entry);
    const metadata: EntryMetadata = await metadataOf(catalog, entry);
    const file = { file: this.nextFile, ...placed, sizeBytes: entry.sizeBytes, extents, metadata };
    this.nextFile += 1;
    this.window.push({ file, entry });
    this.windowExtents += extents.length;
    if (this.window.length >= windowFilesMax || this.windowExtents >= windowExtentsMax) await this.flush();
  }

  /** True when the entry waits for the first of its hard-link group. */
  private linkLater(entry: CatalogEntry): boolean {
    if (entry.hardlink === undefined || entry.hardlink === null) return false;
    const name = `${entry.hardlink.device}:${entry.hardlink.inode}`;
    const group = this.links.get(name);
    if (group === undefined) {
      this.links.set(name, { leader: null, waiting: [] });
      return false;
    }
    group.waiting.push(entry);
    return true;
  }

  private lead(entry: CatalogEntry, place: LinkGroup['leader']): void {
    if (entry.hardlink === undefined || entry.hardlink === null) return;
    const group = this.links.get(`${entry.hardlink.device}:${entry.hardlink.inode}`);
    if (group !== undefined) group.leader = place;
  }

  private async flush(): Promise<void> {
    const window = this.window;
    this.window = [];
    this.windowExtents = 0;
    const outcomes = await this.runner.run(
      window.map(({ file }) => file),
      (bytes) => {
        this.counts.bytes += bytes;
        this.progress('restoring');
      },
    );
    for (const { file, entry } of window) this.settle(file, entry, outcomes.get(file.file));
  }

  private settle(file: FileToRestore, entry: CatalogEntry, outcome: FileOutcome | undefined): void {
    const path = joinName(entry.directory, entry.name);
    if (outcome === undefined || outcome.type === 'failed') {
      this.note({
        path,
        code: 'entry-not-restored',
        detail: outcome === undefined ? 'no answer from its thread' : outcome.detail,
      });
    } else if (outcome.type === 'skipped') this.counts.skipped += 1;
    else {
      this.counts.files += 1;
      for (const error of outcome.errors) this.note({ ...error, path });
      this.lead(entry, { directory: file.directory, name: outcome.name });
    }
  }

  /** Links to what was restored; where the first of a group was not, the next one is restored in its place. */
  private async restoreLinks(): Promise<void> {
    for (;;) {
      let left = false;
      for (const group of this.links.values()) {
        while (group.leader !== null && group.waiting.length > 0) this.link(group, group.leader);
        const next = group.waiting.shift();
        if (next === undefined) continue;
        left = true;
        await this.retake(next);
      }
      await this.flush();
      if (!left) return;
    }
  }

  private link(group: LinkGroup, leader: NonNullable<LinkGroup['leader']>): void {
    const entry = group.waiting.shift();
    if (entry === undefined) return;
    const { directory, name } = splitName(this.placedPath(this.selector.placed(joinName(entry.directory, entry.name))));
    try {
      const placed = this.target.makeHardLink(directory, name, leader.directory, leader.name, this.options.conflict);
      if (placed.name === null) this.counts.skipped += 1;
      else if (entry.type === entryTypes.file) this.counts.files += 1;
      else this.counts.others += 1;
    } catch (error) {
      this.fail(joinName(entry.directory, entry.name), error);
    }
  }

  private async retake(entry: CatalogEntry): Promise<void> {
    const group =
      entry.hardlink === undefined || entry.hardlink === null ? null : `${entry.hardlink.device}:${entry.hardlink.inode}`;
    const waiting = group === null ? [] : (this.links.get(group)?.waiting ?? []);
    if (group !== null) this.links.delete(group);
    this.entries -= 1;
    await this.take(entry);
    if (group !== null) this.links.get(group)?.waiting.push(...waiting);
  }

  /** From the deepest up: each directory after all that lies in it. */
  private finishDirectories(): void {
    for (const { directory, name, path, metadata } of this.directories.toReversed()) {
      this.options.signal?.throwIfAborted();
      try {
        for (const error of this.target.finishDirectory(directory, name, metadata)) this.note({ ...error, path });
      } catch (error) {
        this.fail(path, error);
      }
    }
  }

  /** The path below the target with renamed directories put in. */
  private placedPath(path: Uint8Array): Uint8Array {
    if (this.renamed.size === 0) return path;
    const { directory, name } = splitName(path);
    if (directory.length === 0) return path;
    const parent = this.placedPath(directory);
    return joinName(this.renamed.get(toHex(parent)) ?? parent, name);
  }

  private isUnplaced(directory: Uint8Array): boolean {
    if (this.unplaced.size === 0 || directory.length === 0) return false;
    return this.unplaced.has(toHex(directory)) || this.isUnplaced(splitName(directory).directory);
  }

  private fail(path: Uint8Array, error: unknown): void {
    if (!(error instanceof CodedError)) throw error;
    this.note({ path, code: 'entry-not-restored', detail: error.message });
  }

  private note(error: EntryError): void {
    this.errorCount += 1;
    if (this.errors.length < errorsListedMax) this.errors.push(error);
  }

  private progress(phase: RestoreProgress['phase']): void {
    this.options.progress?.({
      phase,
      entries: this.entries,
      entriesTotal: this.total?.entries ?? null,
      bytes: this.counts.bytes,
      bytesTotal: this.total?.bytes ?? null,
    });
  }
}
