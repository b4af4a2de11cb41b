/** `twinvault ls`: what a safeset holds. */
import { entryTypes } from '@twinvault/engine';
import { splitName } from '@twinvault/engine';
import type { CatalogEntry, CatalogReader } from '@twinvault/seal';
import { formatBytes } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { shownPath } from '../output/entry-errors.ts';
import type { JsonObject } from '../output/output.ts';
import { formatTime, printableName } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { SafesetOptions } from '../wiring/open-safeset.ts';
import { openSafeset } from '../wiring/open-safeset.ts';
import { openVault } from '../wiring/open-vault.ts';
import { safesetPath } from '../wiring/paths.ts';

export interface LsOptions extends SafesetOptions {
  readonly recursive?: true | undefined;
}

export async function ls(context: VerbContext, path: string, options: LsOptions): Promise<void> {
  await using vault = await openVault(context, options);
  await using opened = await openSafeset(context, vault, options);
  const { catalog } = opened.safeset;
  let entries = 0;
  for await (const entry of entriesAt(catalog, safesetPath(path), options)) {
    context.signal.throwIfAborted();
    entries += 1;
    context.output.item(entryJson(entry), entryLine(entry, options.recursive === true));
  }
  context.output.result({ entries }, []);
}

async function* entriesAt(catalog: CatalogReader, path: Uint8Array, { recursive }: LsOptions): AsyncGenerator<CatalogEntry> {
  if (path.length > 0) {
    const { directory, name } = splitName(path);
    const entry = await catalog.entry(directory, name);
    if (entry === null) throw new UsageError(`The safeset holds no ${shownPath(path)}.`, 'missing');
    if (entry.type !== entryTypes.directory) {
      yield entry;
      return;
    }
  }
  yield* recursive === true ? catalog.walk({ prefix: path }) : catalog.list(path);
}

const letters: Readonly<Record<CatalogEntry['type'], string>> = { 1: '-', 2: 'd', 3: 'l', 4: 'p', 5: 's', 6: 'c', 7: 'b' };
export const entryKinds: Readonly<Record<CatalogEntry['type'], string>> = {
  1: 'file',
  2: 'directory',
  3: 'link',
  4: 'fifo',
  5: 'socket',
  6: 'character device',
  7: 'block device',
};

/** As ls -l writes it. */
function permissions({ type, mode }: CatalogEntry): string {
  const bits = Array.from('rwxrwxrwx', (letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'));
  const special = (bit: number, index: number, letter: string): void => {
    if ((mode & bit) === 0) return;
    bits[index] = bits[index] === 'x' ? letter : letter.toUpperCase();
  };
  special(0o4000, 2, 's');
  special(0o2000, 5, 's');
  special(0o1000, 8, 't');
  return (letters[type] ?? '?') + bits.join('');
}

function marks(entry: CatalogEntry): string {
  const all = [
    entry.torn === true ? 'torn' : '',
    typeof entry.carried === 'number' ? 'kept from before' : '',
    entry.unread === true ? 'not read' : '',
  ];
  const set = all.filter((mark) => mark !== '');
  return set.length === 0 ? '' : `  [${set.join(', ')}]`;
}

function fullPath(entry: CatalogEntry): Uint8Array {
  const { directory, name } = entry;
  if (directory.length === 0) return name;
  const path = new Uint8Array(directory.length + 1 + name.length);
  path.set(directory);
  path.set(name, directory.length + 1);
  return path;
}

function entryLine(entry: CatalogEntry, whole: boolean): string {
  const size = entry.type === entryTypes.file ? formatBytes(entry.sizeBytes) : '';
  const shown = whole ? shownPath(fullPath(entry)) : printableName(entry.name);
  const target = entry.link ? ` -> ${printableName(entry.link)}` : '';
  const owner = `${entry.user ?? entry.uid}:${entry.group ?? entry.gid}`;
  return `${permissions(entry)}  ${owner.padEnd(12)}  ${size.padStart(10)}  ${formatTime(entry.mtimeSeconds * 1000)}  ${shown}${target}${marks(entry)}`;
}

/** Seconds since 1970 with nine digits of fraction. */
export function entryTime({ mtimeSeconds, mtimeNanos }: Pick<CatalogEntry, 'mtimeSeconds' | 'mtimeNanos'>): string {
  return `${mtimeSeconds}.${String(mtimeNanos).padStart(9, '0')}`;
}

function entryJson(entry: CatalogEntry): JsonObject {
  return {
    path: shownPath(fullPath(entry)),
    kind: entryKinds[entry.type],
    mode: entry.mode.toString(8).padStart(4, '0'),
    uid: entry.uid,
    gid: entry.gid,
    user: entry.user ?? null,
    group: entry.group ?? null,
    sizeBytes: entry.sizeBytes,
    mtime: entryTime(entry),
    ...(entry.link ? { target: printableName(entry.link) } : {}),
    ...(entry.torn === true ? { torn: true } : {}),
    ...(typeof entry.carried === 'number' ? { carriedSince: entry.carried } : {}),
    ...(entry.unread === true ? { unread: true } : {}),
  };
}
