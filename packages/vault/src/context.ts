/*
 * What every feature of the vault works with: the ports, the store, the site, and for one safe its places. Made once when a vault
 * is opened and handed down; features keep nothing at module level.
 */

import type { SafeId, Sign } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import type { Clock, Files, Processes, Random, Timers } from '@twinvault/std';
import type { FileTime } from './leases/file-time.ts';
import type { Lease, LeasePorts } from './leases/lease.ts';
import { lockWaitMsDefault, withLock } from './leases/locks.ts';
import { readGeneration, siteSigner } from './site/site.ts';
import type { Marker } from './site/site.ts';
import { SafeLayout } from './store/layout.ts';
import type { FileStore, ObjectStore } from './store/object-store.ts';

export interface VaultPorts {
  readonly files: Files;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** So that what a killed process of this machine held is free at once, and need not lapse first. */
  readonly processes?: Processes;
}

export interface VaultContext {
  /** Absolute path of the vault's directory. */
  readonly root: string;
  readonly ports: VaultPorts;
  readonly store: FileStore;
  readonly time: FileTime;
  readonly leases: LeasePorts;
  readonly marker: Marker;
}

export interface SafeContext extends VaultContext {
  readonly safe: SafeId;
  readonly layout: SafeLayout;
}

/** What can be told of a safe from its objects alone: enough for all that looks up what refs name. */
export interface SafeObjects {
  readonly store: ObjectStore;
  readonly safe: SafeId;
  readonly layout: SafeLayout;
}

export function safeContext(context: VaultContext, safe: SafeId): SafeContext {
  return { ...context, safe, layout: new SafeLayout(safe) };
}

/** Read each time: a rebuild by another process changes it. */
export async function generationHex({ ports, root }: VaultContext): Promise<string> {
  return toHex(await readGeneration(ports.files, root));
}

export function signerOf({ ports, root, marker }: VaultContext): Promise<Sign> {
  return siteSigner(ports.files, root, marker);
}

export type LockName = 'commit' | 'clean';

export interface LockOptions {
  readonly name: LockName;
  readonly waitMs?: number;
}

/** One holder of this lock in the safe at a time, over all processes; `vault-busy`. */
export async function inLock<T>(context: SafeContext, options: LockOptions, body: (lock: Lease) => Promise<T>): Promise<T> {
  const request = {
    path: context.store.path(context.layout.inFolder('locks', options.name)),
    generation: await generationHex(context),
    clock: context.ports.clock,
    waitMs: options.waitMs ?? lockWaitMsDefault,
  };
  return withLock(context.leases, request, body);
}
