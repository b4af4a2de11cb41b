/*
 * A vault in a directory: the vault port in process, docs/format/directory-vault.md. It holds no key that opens data; all state is in the
 * directory, so several processes and machines may have the same one open.
 */

import { ProtocolError } from '@twinvault/protocol';
import type { NewSafe, SafeSummary, SiteInfo, Vault } from '@twinvault/protocol';
import type { SafeId } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import type { Processes } from '@twinvault/std';
import { checkVault } from './check/check.ts';
import type { CheckOptions, CheckReport } from './check/check.ts';
import { cleanSafe } from './clean/clean.ts';
import type { CleanOptions, CleanReport } from './clean/report.ts';
import { sweepVault } from './clean/sweep.ts';
import { safeContext } from './context.ts';
import type { VaultContext, VaultPorts } from './context.ts';
import { DirectorySafe, safeParts } from './directory-safe.ts';
import type { SafeParts } from './directory-safe.ts';
import { FileTime } from './leases/file-time.ts';
import { rebuildVault } from './rebuild/rebuild.ts';
import type { RebuildOptions, RebuildReport } from './rebuild/rebuild.ts';
import { createSafe, listSafes, safeIds } from './safes/safes.ts';
import { createSite, fillReserve, readGeneration, readMarker } from './site/site.ts';
import { safeStats } from './stats.ts';
import type { SafeStats } from './stats.ts';
import { cacheFolder, reserveName, SafeLayout } from './store/layout.ts';
import { FileStore } from './store/object-store.ts';
import { asProtocol, vaultFiles } from './store/vault-files.ts';

export interface DirectoryVaultOptions {
  /** Absolute path of the directory. */
  readonly path: string;
  readonly platform: VaultPorts;
}

const unknownProcesses: Processes = { self: '', isGone: () => false };

/** Makes the directory a vault, and the directory itself if needed; fine when it is one. `vault-foreign`, and what openDirectoryVault throws. */
export async function createDirectoryVault(options: DirectoryVaultOptions): Promise<DirectoryVault> {
  const { path, platform } = options;
  const { clock, random } = platform;
  await asProtocol(() => createSite({ files: vaultFiles(platform.files), clock, random }, path));
  return openDirectoryVault(options);
}

/** `vault-missing`, `vault-foreign`, `vault-newer`, `vault-damaged`, `vault-denied`. Writes nothing. */
export async function openDirectoryVault({ path, platform }: DirectoryVaultOptions): Promise<DirectoryVault> {
  const files = vaultFiles(platform.files);
  const ports = { ...platform, files };
  const marker = await readMarker(files, path);
  const time = new FileTime(files, ports.random, `${path}/site`);
  const processes = platform.processes ?? unknownProcesses;
  const leases = { files, time, timers: ports.timers, random: ports.random, processes };
  return new DirectoryVault({ root: path, ports, store: new FileStore(files, path), time, leases, marker });
}

export class DirectoryVault implements Vault {
  readonly #context: VaultContext;

  /** Only createDirectoryVault and openDirectoryVault make one. */
  constructor(context: VaultContext) {
    this.#context = context;
  }

  site(): Promise<SiteInfo> {
    return asProtocol(async () => {
      const { marker, ports, root } = this.#context;
      const generation = await readGeneration(ports.files, root);
      return { site: marker.site, publicKey: marker.publicKey, generation, nowMs: ports.clock.nowMs() };
    });
  }

  safes(): Promise<readonly SafeSummary[]> {
    return asProtocol(() => listSafes(this.#context));
  }

  createSafe(safe: NewSafe): Promise<void> {
    return asProtocol(async () => {
      await createSafe(this.#context, safe);
    });
  }

  openSafe(safe: SafeId): Promise<DirectorySafe> {
    return asProtocol(async () => {
      await this.#demandSafe(safe);
      return new DirectorySafe(this.#parts(safe));
    });
  }

  /** Findings about the vault or one safe; see check.ts. Writes nothing but the cache unless `setAside` is on. */
  check(options: CheckOptions = {}): Promise<CheckReport> {
    return asProtocol(() => checkVault(this.#context, options, (safe) => this.#parts(safe)));
  }

  /** Retention and clean-up of one safe; see clean.ts. `vault-busy`, `clean-stopped`, `vault-damaged`, `safe-unknown`. */
  clean(safe: SafeId, options: CleanOptions = {}): Promise<CleanReport> {
    return asProtocol(async () => {
      await this.#demandSafe(safe);
      const report = await this.#cleanWithRoom(safe, options);
      if (options.dryRun !== true) await sweepVault(this.#context, report.nowMs);
      return report;
    });
  }

  /** Makes caches and generation anew; see rebuild.ts. `vault-busy`. */
  rebuild(options: RebuildOptions = {}): Promise<RebuildReport> {
    return asProtocol(() => rebuildVault(this.#context, options, (safe) => this.#parts(safe)));
  }

  /** One row for each safe, in order of their ids. */
  stats(): Promise<readonly SafeStats[]> {
    return asProtocol(async () => {
      const rows: SafeStats[] = [];
      for (const safe of await safeIds(this.#context)) rows.push(await safeStats(this.#parts(safe)));
      return rows;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await asProtocol(() => this.#context.time.close()).catch(() => undefined);
  }

  /** Clean-up has to work on a disk that is full: reserve and caches give it the room that it needs to begin. */
  async #cleanWithRoom(safe: SafeId, options: CleanOptions): Promise<CleanReport> {
    const { ports, store, root } = this.#context;
    try {
      return await cleanSafe(this.#parts(safe), options);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'vault-full' || options.dryRun === true) throw error;
      await store.remove(reserveName);
      await ports.files.removeTree(store.path(cacheFolder));
      const report = await cleanSafe(this.#parts(safe), options);
      await fillReserve(ports.files, root).catch(() => undefined);
      return report;
    }
  }

  #parts(safe: SafeId): SafeParts {
    return safeParts(safeContext(this.#context, safe));
  }

  async #demandSafe(safe: SafeId): Promise<void> {
    const { descriptor } = new SafeLayout(safe);
    if ((await this.#context.store.size(descriptor)) === null)
      throw new ProtocolError('safe-unknown', { context: { safe: toHex(safe) } });
  }
}
