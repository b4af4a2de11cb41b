/** `twinvault history`: the versions of one file over all safesets. */
import { entryTypes, splitName } from '@twinvault/engine';
import type { RecordSummary } from '@twinvault/protocol';
import { entryChange, openSafeReader } from '@twinvault/seal';
import type { CatalogEntry, MetadataPart, SafeReader } from '@twinvault/seal';
import { formatBytes, toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { shownPath } from '../output/entry-errors.ts';
import type { JsonObject } from '../output/output.ts';
import { formatTable, formatTime } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { isLoss } from '../wiring/losses.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { safesetsWanted } from '../wiring/open-safeset.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { safesetPath } from '../wiring/paths.ts';
import { entryKinds, entryTime } from './ls.ts';

export interface HistoryOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly job?: string | undefined;
  readonly computer?: string | undefined;
}

/** One version, or the time without the file, over safesets of one job that follow each other. */
interface Version {
  readonly first: RecordSummary;
  last: RecordSummary;
  safesets: number;
  /** Null: the file was not there. */
  readonly entry: CatalogEntry | null;
  readonly change: 'new' | 'content' | 'metadata' | 'removed' | 'kept';
  readonly metadata: readonly MetadataPart[];
}

export async function history(context: VerbContext, path: string, options: HistoryOptions): Promise<void> {
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const safesets = safesetsWanted(await found.safe.records({ kind: 'safeset' }), options);
  const opened = await openWithSecret(context, found, options);
  const reader = openSafeReader({ vaultSafe: found.safe, opened });
  const wanted = safesetPath(path);
  let [done, unreadable] = [0, 0];
  const versions: Version[] = [];
  for (const chain of chainsOf(safesets)) {
    const line = new Line();
    for (const summary of chain) {
      context.signal.throwIfAborted();
      context.progress.report({ phase: 'Looking', done, total: safesets.length, unit: 'objects' });
      done += 1;
      const entry = await entryIn(reader, summary, wanted);
      if (entry === 'unreadable') unreadable += 1;
      else line.add(summary, entry);
    }
    versions.push(...line.versions);
  }
  context.progress.finish();
  if (unreadable > 0) {
    context.output.note(`${unreadable} safesets could not be read and are left out. twinvault check tells more.`);
    context.setExit('damaged');
  }
  if (!versions.some(({ entry }) => entry !== null)) {
    throw new UsageError(`No safeset holds ${shownPath(wanted)}. twinvault find looks for names anywhere.`, 'missing');
  }
  if (context.output.json) for (const version of versions) context.output.item(versionJson(version), '');
  const told = { path: shownPath(wanted), versions: versions.length, safesets: safesets.length, unreadable };
  context.output.result(told, versionLines(versions));
}

/** Safesets of one job of one computer, oldest first. */
function chainsOf(safesets: readonly RecordSummary[]): Iterable<readonly RecordSummary[]> {
  return Map.groupBy(safesets, ({ public: known }) => `${toHex(known.computer)} ${known.job}`).values();
}

async function entryIn(
  reader: SafeReader,
  summary: RecordSummary,
  path: Uint8Array,
): Promise<CatalogEntry | null | 'unreadable'> {
  try {
    await using safeset = await reader.open(summary.digest);
    const { directory, name } = splitName(path);
    return await safeset.catalog.entry(directory, name);
  } catch (error) {
    if (!isLoss(error)) throw error;
    return 'unreadable';
  }
}

/** Puts safesets of one job together to versions. */
class Line {
  readonly versions: Version[] = [];

  add(summary: RecordSummary, entry: CatalogEntry | null): void {
    const current = this.versions.at(-1);
    if (current === undefined) {
      if (entry !== null) this.#begin(summary, { entry, change: 'new', metadata: [] });
      return;
    }
    const next = nextOf(current.entry, entry);
    if (next === null) {
      current.last = summary;
      current.safesets += 1;
    } else this.#begin(summary, next);
  }

  #begin(summary: RecordSummary, version: Pick<Version, 'entry' | 'change' | 'metadata'>): void {
    this.versions.push({ first: summary, last: summary, safesets: 1, ...version });
  }
}

/** Null: nothing changed. */
function nextOf(before: CatalogEntry | null, entry: CatalogEntry | null): Pick<Version, 'entry' | 'change' | 'metadata'> | null {
  if (entry === null) return before === null ? null : { entry, change: 'removed', metadata: [] };
  if (before === null) return { entry, change: 'new', metadata: [] };
  const { content, metadata } = entryChange(before, entry);
  if (content === 'changed') return { entry, change: 'content', metadata };
  if (metadata.length === 0) return null;
  const isKept = typeof entry.carried === 'number' && typeof before.carried !== 'number';
  return { entry, change: isKept ? 'kept' : 'metadata', metadata };
}

function versionJson({ first, last, safesets, entry, change, metadata }: Version): JsonObject {
  const { job, computerName } = first.public;
  return {
    change,
    ...(metadata.length > 0 ? { metadata } : {}),
    first: toHex(first.public.safeset),
    firstEnd: new Date(first.public.endMs).toISOString(),
    last: toHex(last.public.safeset),
    lastEnd: new Date(last.public.endMs).toISOString(),
    safesets,
    job,
    computerName,
    ...(entry === null ? {} : { kind: entryKinds[entry.type], sizeBytes: entry.sizeBytes, mtime: entryTime(entry) }),
    ...(typeof entry?.carried === 'number' ? { carriedSince: entry.carried } : {}),
    ...(entry?.torn === true ? { torn: true } : {}),
  };
}

const words: Readonly<Record<Version['change'], string>> = {
  new: 'new',
  content: 'content changed',
  metadata: '',
  removed: 'not there',
  kept: 'could not be read; kept from before',
};

function versionLines(versions: readonly Version[]): string[] {
  const jobs = new Set(versions.map(({ first }) => `${first.public.computerName}: ${first.public.job}`));
  const rows = versions.map((version) => {
    const { first, last, safesets, entry, change, metadata } = version;
    const { job, computerName, safeset, endMs } = first.public;
    return [
      ...(jobs.size > 1 ? [`${computerName}: ${job}`] : []),
      toHex(safeset).slice(0, 8),
      formatTime(endMs),
      toHex(last.public.safeset).slice(0, 8),
      formatTime(last.public.endMs),
      String(safesets),
      entry?.type === entryTypes.file ? formatBytes(entry.sizeBytes) : '',
      entry === null ? '' : formatTime(entry.mtimeSeconds * 1000),
      change === 'metadata' ? `${metadata.join(', ')} changed` : words[change],
    ];
  });
  const columns = [
    ...(jobs.size > 1 ? [{ title: 'Job' }] : []),
    { title: 'First' },
    { title: 'of' },
    { title: 'Last' },
    { title: 'of' },
    { title: 'Safesets', align: 'right' },
    { title: 'Size', align: 'right' },
    { title: 'Changed' },
    { title: 'What' },
  ] as const;
  return formatTable(columns, rows);
}
