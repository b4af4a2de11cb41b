/*
 * A vault in a directory, docs/format/directory-vault.md: its objects, leases and caches are files there, and so is the site's key.
 */

import { ProtocolError } from '@twinvault/protocol';
import type { Files, Processes } from '@twinvault/std';
import type { VaultPorts } from './context.ts';
import { FileLeases } from './leases/file-leases.ts';
import { FileTime } from './leases/file-time.ts';
import { createVault, openVault } from './site-vault.ts';
import type { ServerParts, SiteVault, VaultParts } from './site-vault.ts';
import { storeReserve } from './site/reserve.ts';
import { fileSiteKey } from './site/site-key.ts';
import { FileStore } from './store/file-store.ts';
import { siteKeyName } from './store/layout.ts';
import { vaultFiles } from './store/vault-files.ts';

export interface DirectoryPorts extends VaultPorts {
  readonly files: Files;
  /** So that what a killed process of this machine held is free at once, and need not lapse first. */
  readonly processes?: Processes;
}

export interface DirectoryVaultOptions {
  /** Absolute path of the directory. */
  readonly path: string;
  readonly platform: DirectoryPorts;
  /** For a server, which has others to answer meanwhile; left out, everything runs in the caller's thread. */
  readonly server?: ServerParts;
  /** Of a service: nothing younger is retired or deleted from now on, whoever asks and whatever with; as it is when left out. */
  readonly minimumAgeMs?: number;
  /** How long an erase order can be taken back; `eraseWaitMsDefault` when left out. */
  readonly eraseWaitMs?: number;
}

const unknownProcesses: Processes = { self: '', isGone: () => false };

/** Makes the directory a vault, and the directory itself if needed; fine when it is one. `vault-foreign`, and what openDirectoryVault throws. */
export function createDirectoryVault(options: DirectoryVaultOptions): Promise<SiteVault> {
  return atPath(options.path, () => createVault(directoryParts(options)));
}

/** `vault-missing`, `vault-foreign`, `vault-newer`, `vault-damaged`, `vault-denied`. Writes nothing. */
export function openDirectoryVault(options: DirectoryVaultOptions): Promise<SiteVault> {
  return atPath(options.path, () => openVault(directoryParts(options)));
}

/** The same parts for a service on the directory, so that commands can work on it beside the service. */
export function directoryParts({ path, platform, server, minimumAgeMs = 0, eraseWaitMs }: DirectoryVaultOptions): VaultParts {
  const { clock, timers, random, processes = unknownProcesses } = platform;
  const files = vaultFiles(platform.files);
  const time = new FileTime(files, random, `${path}/site`);
  const store = new FileStore({ files, random, time, root: path });
  return {
    ports: { clock, timers, random },
    store,
    cache: store,
    leases: new FileLeases({ files, time, timers, random, processes, root: path }),
    key: fileSiteKey(files, `${path}/${siteKeyName}`),
    reserve: storeReserve(store),
    minimumAgeMs,
    ...(eraseWaitMs === undefined ? {} : { eraseWaitMs }),
    release: () => time.close(),
    ...server,
  };
}

const ofPath: ReadonlySet<string> = new Set(['vault-missing', 'vault-foreign']);

/** Says to the machine's own user where there is no vault. */
async function atPath<T>(path: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof ProtocolError) || !ofPath.has(error.code)) throw error;
    throw new ProtocolError(error.code, { context: { localPath: path }, cause: error });
  }
}
