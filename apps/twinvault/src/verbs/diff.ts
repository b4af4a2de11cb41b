/** `twinvault diff`: what changed from one safeset to another. */
import { entryTypes, isWithin } from '@twinvault/engine';
import { packKinds } from '@twinvault/format';
import type { RecordSummary } from '@twinvault/protocol';
import { diffCatalogs, entryChange, entryPath, openSafeReader, sameContent } from '@twinvault/seal';
import type { CatalogChange, CatalogEntry, MetadataPart, SafesetReader, VersionSource } from '@twinvault/seal';
import { formatBytes, toHex } from '@twinvault/std';
import { shownPath } from '../output/entry-errors.ts';
import type { JsonObject } from '../output/output.ts';
import { formatCount, formatTime } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { chooseSafeset } from '../wiring/open-safeset.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { safesetPath } from '../wiring/paths.ts';
import { entryKinds, entryTime } from './ls.ts';

export interface DiffOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly job?: string | undefined;
  readonly below?: string | undefined;
  readonly contentOnly?: true | undefined;
}

interface Difference {
  readonly kind: 'added' | 'removed' | 'content' | 'metadata';
  readonly before: CatalogEntry | null;
  readonly after: CatalogEntry | null;
  readonly metadata: readonly MetadataPart[];
}

export async function diff(
  context: VerbContext,
  names: { readonly before: string; readonly after: string },
  options: DiffOptions,
): Promise<void> {
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const records = await found.safe.records({ kind: 'safeset' });
  const choose = (safeset: string): RecordSummary => chooseSafeset(records, { ...options, safeset });
  const [one, other] = [choose(names.before), choose(names.after)];
  const opened = await openWithSecret(context, found, options);
  const reader = openSafeReader({ vaultSafe: found.safe, opened });
  await using before = await reader.open(one.digest);
  await using after = await reader.open(other.digest);
  const below = safesetPath(options.below ?? '/');
  const counts = { added: 0, removed: 0, content: 0, metadata: 0, bytesAdded: 0, bytesRemoved: 0 };
  for await (const change of diffCatalogs(before.catalog, after.catalog)) {
    context.signal.throwIfAborted();
    const difference = await differenceOf(change, { before, after });
    if (difference === null || !isWithin(below, pathOf(difference))) continue;
    if (options.contentOnly === true && difference.kind === 'metadata') continue;
    counts[difference.kind] += 1;
    counts.bytesAdded += difference.kind === 'metadata' ? 0 : sizeOf(difference.after);
    counts.bytesRemoved += difference.kind === 'metadata' ? 0 : sizeOf(difference.before);
    context.output.item(differenceJson(difference), differenceLine(difference));
  }
  const ids = { before: toHex(one.public.safeset), after: toHex(other.public.safeset) };
  context.output.result({ ...ids, ...counts }, summaryLines(counts, [one, other]));
}

function sourceOf(safeset: SafesetReader): VersionSource {
  return { catalog: safeset.catalog, read: async (id) => await safeset.chunks.read(id, packKinds.data) };
}

/** Null: the same bytes stored in other pieces, or nothing that people would call a difference. */
async function differenceOf(
  { before, after }: CatalogChange,
  safesets: { readonly before: SafesetReader; readonly after: SafesetReader },
): Promise<Difference | null> {
  if (before === null) return { kind: 'added', before, after, metadata: [] };
  if (after === null) return { kind: 'removed', before, after, metadata: [] };
  const { content, metadata } = entryChange(before, after);
  if (content === 'changed') return { kind: 'content', before, after, metadata };
  if (content === 'stored-anew') {
    const [one, other] = [sourceOf(safesets.before), sourceOf(safesets.after)];
    const same = await sameContent({ entry: before, source: one }, { entry: after, source: other });
    if (!same) return { kind: 'content', before, after, metadata };
  }
  return metadata.length === 0 ? null : { kind: 'metadata', before, after, metadata };
}

function pathOf({ before, after }: Pick<Difference, 'before' | 'after'>): Uint8Array {
  const entry = after ?? before;
  return entry === null ? new Uint8Array(0) : entryPath(entry.directory, entry.name);
}

function sizeOf(entry: CatalogEntry | null): number {
  return entry?.type === entryTypes.file ? entry.sizeBytes : 0;
}

const signs: Readonly<Record<Difference['kind'], string>> = { added: '+', removed: '-', content: 'M', metadata: 'm' };

function differenceLine(difference: Difference): string {
  const { kind, before, after, metadata } = difference;
  const shown = `${signs[kind]} ${shownPath(pathOf(difference))}${(after ?? before)?.type === entryTypes.directory ? '/' : ''}`;
  if (kind === 'metadata') return `${shown}  (${metadata.join(', ')})`;
  const isFile = (entry: CatalogEntry | null): entry is CatalogEntry => entry?.type === entryTypes.file;
  if (kind !== 'content') return isFile(after ?? before) ? `${shown}  (${formatBytes(sizeOf(after ?? before))})` : shown;
  if (isFile(before) && isFile(after)) return `${shown}  (${formatBytes(before.sizeBytes)} -> ${formatBytes(after.sizeBytes)})`;
  const [was, is] = [before, after].map((entry) => (entry === null ? '' : entryKinds[entry.type]));
  return was === is ? shown : `${shown}  (${was} -> ${is})`;
}

function differenceJson(difference: Difference): JsonObject {
  const { kind, before, after, metadata } = difference;
  const told = (entry: CatalogEntry): JsonObject => ({
    kind: entryKinds[entry.type],
    sizeBytes: entry.sizeBytes,
    mtime: entryTime(entry),
    mode: entry.mode.toString(8).padStart(4, '0'),
    uid: entry.uid,
    gid: entry.gid,
  });
  return {
    path: shownPath(pathOf(difference)),
    change: kind,
    ...(metadata.length > 0 ? { metadata } : {}),
    before: before === null ? null : told(before),
    after: after === null ? null : told(after),
  };
}

interface Counts {
  readonly added: number;
  readonly removed: number;
  readonly content: number;
  readonly metadata: number;
  readonly bytesAdded: number;
  readonly bytesRemoved: number;
}

function summaryLines(counts: Counts, safesets: readonly RecordSummary[]): string[] {
  const [one = '', other = ''] = safesets.map(
    ({ public: known }) => `${toHex(known.safeset).slice(0, 8)} of ${formatTime(known.endMs)}`,
  );
  const { added, removed, content, metadata } = counts;
  const total = added + removed + content + metadata;
  if (total === 0) return [`No difference from ${one} to ${other}.`];
  const count = (value: number): string => formatCount(value);
  return [
    '',
    `From ${one} to ${other}: ${count(added)} added, ${count(removed)} removed, ${count(content)} with other content, ${count(metadata)} with other metadata.`,
  ];
}
