/** `twinvault mount`: safesets as a read-only folder, until Ctrl-C. */
import { resolve } from 'node:path';
import { mountFuse, safesetsTree, safesetTree } from '@twinvault/mount';
import type { FuseMount } from '@twinvault/mount';
import { openSafeReader } from '@twinvault/seal';
import { CodedError, toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { formatTime } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { safesetsWanted } from '../wiring/open-safeset.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';

export interface MountOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly safeset?: string | undefined;
  readonly job?: string | undefined;
  readonly computer?: string | undefined;
  readonly allowOthers?: true | undefined;
}

export async function mount(context: VerbContext, folder: string, options: MountOptions): Promise<void> {
  const { output, platform, signal } = context;
  const directory = await existingDirectory(context, folder);
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const safesets = safesetsWanted(await found.safe.records({ kind: 'safeset' }), options);
  const opened = await openWithSecret(context, found, options);
  // While it lives nothing of these safesets is deleted.
  await using _lease = await found.safe.openReading();
  const reader = openSafeReader({ vaultSafe: found.safe, opened });
  const shown = { reader, safesets, formatTime: (ms: number): string => formatTime(ms).replace(' ', '_').replaceAll(':', '-') };
  const failures = new Failures(context);
  const mounted = await mountFuse({
    directory,
    tree: options.safeset === undefined ? safesetsTree(shown) : safesetTree(shown),
    threads: platform.threads,
    allowOthers: options.allowOthers === true,
    onFailure: (error) => failures.take(error),
  });
  const count =
    safesets.length === 1
      ? `Safeset ${toHex(safesets[0]?.public.safeset ?? new Uint8Array()).slice(0, 8)} is`
      : `${safesets.length} safesets are`;
  output.note(`${count} at ${directory}, to be read only. Ctrl-C ends it.`);
  const wasFree = await untilEnded(mounted, signal);
  if (!wasFree) output.note('Somebody was still in the folder; it is out of sight now.');
  output.result({ directory, safesets: safesets.length, failures: failures.count }, [`${directory} is a plain folder again.`]);
}

async function existingDirectory({ platform }: VerbContext, folder: string): Promise<string> {
  const path = resolve(folder);
  if ((await platform.files.stat(path)) === null)
    throw new UsageError(`There is no folder ${path} to mount at. Make an empty one.`, 'missing');
  const stat = await platform.files.stat(path);
  if (stat?.kind !== 'directory' && stat?.kind !== 'link') throw new UsageError(`${path} is no folder.`);
  if ((await platform.files.list(path)).length > 0)
    throw new UsageError(`${path} is not empty. Name an empty folder: what is in it would be hidden.`);
  return path;
}

/** By Ctrl-C, or by `umount` of somebody; false: it was in use. */
async function untilEnded(mounted: FuseMount, signal: AbortSignal): Promise<boolean> {
  let wasFree = true;
  const unmount = (): void => {
    void mounted.unmount().then((free) => (wasFree = free));
  };
  if (signal.aborted) unmount();
  else signal.addEventListener('abort', unmount, { once: true });
  await mounted.ended;
  signal.removeEventListener('abort', unmount);
  return wasFree;
}

/** What could not be read: each kind of it is said once. */
class Failures {
  readonly #context: VerbContext;
  readonly #said = new Set<string>();
  count = 0;

  constructor(context: VerbContext) {
    this.#context = context;
  }

  take(error: unknown): void {
    if (!(error instanceof CodedError)) throw error;
    this.count += 1;
    this.#context.setExit('damaged');
    if (this.#said.has(error.code)) return;
    this.#said.add(error.code);
    this.#context.output.note(`Something could not be read (${error.code}): ${error.message} twinvault check tells more.`);
  }
}
