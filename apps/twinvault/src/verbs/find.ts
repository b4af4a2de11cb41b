/** `twinvault find`: where a file is, over all safesets. */
import { entryTypes } from '@twinvault/engine';
import type { RecordSummary } from '@twinvault/protocol';
import { entryPath, openSafeReader, UnseenWalk } from '@twinvault/seal';
import type { CatalogEntry, SafeReader } from '@twinvault/seal';
import { parseGlob } from '@twinvault/sources';
import type { Glob } from '@twinvault/sources';
import { formatBytes, primitives, toHex, utf8Encode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { shownPath } from '../output/entry-errors.ts';
import { formatTime } from '../output/table.ts';
import { parseSize, parseTime } from '../wiring/amounts.ts';
import type { VerbContext } from '../wiring/context.ts';
import { isLoss } from '../wiring/losses.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { safesetsWanted } from '../wiring/open-safeset.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { safesetPath } from '../wiring/paths.ts';
import { entryKinds, entryTime } from './ls.ts';

export interface FindOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly job?: string | undefined;
  readonly computer?: string | undefined;
  readonly safeset?: string | undefined;
  readonly below?: string | undefined;
  readonly kind?: 'file' | 'folder' | 'link' | 'other' | undefined;
  readonly ignoreCase?: true | undefined;
  readonly larger?: string | undefined;
  readonly smaller?: string | undefined;
  readonly changedAfter?: string | undefined;
  readonly changedBefore?: string | undefined;
}

/** Whether an entry is looked for. */
type Wanted = (entry: CatalogEntry) => boolean;

export async function find(context: VerbContext, patterns: readonly string[], options: FindOptions): Promise<void> {
  const wanted = wantedBy(patterns, options, context.platform.clock.nowMs());
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const safesets = safesetsWanted(await found.safe.records({ kind: 'safeset' }), options).toReversed();
  const opened = await openWithSecret(context, found, options);
  const reader = openSafeReader({ vaultSafe: found.safe, opened });
  const search = new Search(context, new UnseenWalk(safesetPath(options.below ?? '/')), wanted);
  for (const [index, summary] of safesets.entries()) {
    context.progress.report({ phase: 'Searching', done: index, total: safesets.length, unit: 'objects', files: search.entries });
    await search.through(reader, summary);
  }
  context.progress.finish();
  const { matches, unreadable, nodesRead, entries } = search;
  if (unreadable > 0) {
    context.output.note(
      `${unreadable} parts of catalogs could not be read, so some files may be missing here. twinvault check tells more.`,
    );
    context.setExit('damaged');
  } else if (matches === 0) context.setExit('missing');
  const lines = matches === 0 ? [`Nothing of the kind in ${safesets.length} safesets.`] : [];
  context.output.result({ matches, safesets: safesets.length, entries, nodesRead, unreadable }, lines);
}

/** Newest safeset first: each version of a path is told once, with the newest safeset that holds it. */
class Search {
  readonly #context: VerbContext;
  readonly #walk: UnseenWalk;
  readonly #wanted: Wanted;
  /** Of what was told: 48 bits of a digest, which for a million matches meet once in hundreds of runs. */
  readonly #told = new Set<number>();
  matches = 0;
  unreadable = 0;
  entries = 0;

  constructor(context: VerbContext, walk: UnseenWalk, wanted: Wanted) {
    this.#context = context;
    this.#walk = walk;
    this.#wanted = wanted;
  }

  get nodesRead(): number {
    return this.#walk.nodesRead;
  }

  async through(reader: SafeReader, summary: RecordSummary): Promise<void> {
    try {
      await using safeset = await reader.open(summary.digest);
      for await (const batch of this.#walk.batches(safeset.catalog, isLoss)) {
        this.#context.signal.throwIfAborted();
        if (batch.type === 'failed') this.unreadable += 1;
        else {
          this.entries += batch.entries.length;
          for (const entry of batch.entries) if (this.#wanted(entry)) this.#tell(entry, summary);
        }
      }
    } catch (error) {
      if (!isLoss(error)) throw error;
      this.unreadable += 1;
    }
  }

  #tell(entry: CatalogEntry, { public: known }: RecordSummary): void {
    const version = versionOf(entry);
    if (this.#told.has(version)) return;
    this.#told.add(version);
    this.matches += 1;
    const path = shownPath(entryPath(entry.directory, entry.name));
    const safeset = toHex(known.safeset);
    const isFile = entry.type === entryTypes.file;
    this.#context.output.item(
      {
        path,
        kind: entryKinds[entry.type],
        ...(isFile ? { sizeBytes: entry.sizeBytes } : {}),
        mtime: entryTime(entry),
        safeset,
        job: known.job,
        computerName: known.computerName,
        end: new Date(known.endMs).toISOString(),
      },
      `${safeset.slice(0, 8)}  ${(isFile ? formatBytes(entry.sizeBytes) : entryKinds[entry.type]).padStart(10)}  ${formatTime(entry.mtimeSeconds * 1000)}  ${path}`,
    );
  }
}

/** Path, kind, size, time and content. */
function versionOf(entry: CatalogEntry): number {
  const chunks = entry.extents.map(({ chunk, offsetBytes }) => `${chunk === null ? '' : toHex(chunk)} ${offsetBytes}`).join();
  const words = [entry.type, entry.sizeBytes, entry.mtimeSeconds, entry.mtimeNanos, chunks, entry.rope ? toHex(entry.rope) : ''];
  const text = `${toHex(entryPath(entry.directory, entry.name))} ${words.join(' ')} ${entry.link ? toHex(entry.link) : ''}`;
  const { buffer, byteOffset } = primitives.sha256(utf8Encode(text));
  const view = new DataView(buffer, byteOffset);
  return view.getUint32(0) * 0x1_0000 + view.getUint16(4);
}

function wantedBy(patterns: readonly string[], options: FindOptions, nowMs: number): Wanted {
  const globs = patterns.map((pattern) => globOf(pattern, options.ignoreCase === true));
  const larger = options.larger === undefined ? null : parseSize(options.larger, '--larger');
  const smaller = options.smaller === undefined ? null : parseSize(options.smaller, '--smaller');
  const after = options.changedAfter === undefined ? null : parseTime(options.changedAfter, '--changed-after', nowMs);
  const before = options.changedBefore === undefined ? null : parseTime(options.changedBefore, '--changed-before', nowMs);
  const onlyFiles = larger !== null || smaller !== null;
  return (entry) => {
    if (onlyFiles && entry.type !== entryTypes.file) return false;
    if (larger !== null && entry.sizeBytes <= larger) return false;
    if (smaller !== null && entry.sizeBytes >= smaller) return false;
    const changedMs = entry.mtimeSeconds * 1000 + entry.mtimeNanos / 1e6;
    if (after !== null && changedMs < after) return false;
    if (before !== null && changedMs >= before) return false;
    if (options.kind !== undefined && kindOf(entry) !== options.kind) return false;
    return globs.length === 0 || globs.some((glob) => glob.matches(entry.directory, entry.name));
  };
}

function globOf(pattern: string, ignoreCase: boolean): Glob {
  const glob = parseGlob(pattern, { ignoreCase });
  if (glob === null) throw new UsageError(`The pattern ${pattern} is incomplete: it leaves "[" open or ends in "\\".`);
  return glob;
}

function kindOf({ type }: CatalogEntry): NonNullable<FindOptions['kind']> {
  if (type === entryTypes.file) return 'file';
  if (type === entryTypes.directory) return 'folder';
  return type === entryTypes.link ? 'link' : 'other';
}
