/*
 * What every feature of the vault works with: the ports, the site, and for one safe its places. Made once when a vault is opened and
 * handed down; features keep nothing at module level.
 */

import type { SafeId, Sign } from '@twinvault/format';
import { EventTurns, toHex } from '@twinvault/std';
import type { Clock, Random, Timers } from '@twinvault/std';
import type { Lease, Leases, OpenLease } from './leases/leases.ts';
import { lockWaitMsDefault, withLock } from './leases/locks.ts';
import type { SiteKey } from './site/site-key.ts';
import { readGeneration, siteSigner } from './site/site.ts';
import type { LookUps } from './lookup/look-up.ts';
import type { Marker } from './site/site.ts';
import type { Cache } from './store/cache.ts';
import type { VerifyPack } from './packs/verify-pack.ts';
import { SafeLayout } from './store/layout.ts';
import type { Twins } from './twins/twins.ts';
import type { ObjectStore } from './store/object-store.ts';

export interface VaultPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

export interface VaultContext {
  /** How packs that arrive are verified. */
  readonly verifyPack: VerifyPack;
  readonly ports: VaultPorts;
  readonly store: ObjectStore;
  readonly leases: Leases;
  readonly cache: Cache;
  readonly key: SiteKey;
  readonly marker: Marker;
  /** How far the times of `store` and `leases` may be apart; 0 where they are the same. */
  readonly skewMs: number;
  readonly lookUps: LookUps;
  /** Nothing younger is retired or deleted, whoever asks; 0: no such promise. Read each time: `vault-damaged`. */
  readonly minimumAgeMs: () => Promise<number>;
  /** How long an erase order can be taken back before it is begun. */
  readonly eraseWaitMs: number;
  readonly twins: Twins;
}

export interface SafeContext extends VaultContext {
  readonly safe: SafeId;
  readonly layout: SafeLayout;
  readonly turns: EventTurns;
}

/** So long nobody else has the event loop at most, as far as the steps between two looks go. */
const turnMs = 10;

export function safeContext(context: VaultContext, safe: SafeId): SafeContext {
  return { ...context, safe, layout: new SafeLayout(safe), turns: new EventTurns(context.ports, turnMs) };
}

/** Read each time: a rebuild by another process changes it. */
export async function generationHex({ store }: VaultContext): Promise<string> {
  return toHex(await readGeneration(store));
}

export function signerOf({ key, marker }: VaultContext): Promise<Sign> {
  return siteSigner(key, marker);
}

/** Sessions and readings of the safe that stand at `nowMs`, in the time of the leases. */
export function openLeases({ leases, layout }: SafeContext, nowMs: number): Promise<OpenLease[]> {
  return leases.open(layout.inFolder('leases'), nowMs);
}

export type LockName = 'commit' | 'clean';

export interface LockOptions {
  readonly name: LockName;
  readonly waitMs?: number;
}

/** One holder of this lock in the safe at a time, over all processes; `vault-busy`. */
export async function inLock<T>(context: SafeContext, options: LockOptions, body: (lock: Lease) => Promise<T>): Promise<T> {
  const { ports, leases, layout } = context;
  const request = {
    name: layout.inFolder('locks', options.name),
    generation: await generationHex(context),
    waitMs: options.waitMs ?? lockWaitMsDefault,
  };
  return withLock({ ...ports, leases }, request, body);
}
