/*
 * What the rules of a site know of its twins: the sites that keep the same safes. A site without one is held back by nothing.
 *
 * Both facts stand in the store, beside the objects that they are about: a disk image that is put back forgets with them what was read
 * since, so that nothing is deleted before it was read again.
 */

import { siteId } from '@twinvault/format';
import type { SafeId, SiteId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { dayMs, equalBytes, hourMs, toHex } from '@twinvault/std';
import { bytesOfName, twinsName } from '../store/layout.ts';
import { decodeNote, encodeNote, noteBytesMax, noteTexts } from '../store/notes.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readTwinProgress } from './twin-progress.ts';

/** By how much the clocks of two sites may differ before neither retires or deletes anything. */
export const twinSkewMsMax: number = hourMs;
/** How long ago the twin's feed may have been read to its end, at most, when something is retired or deleted. */
export const twinReadMsMax: number = dayMs;

export interface TwinSite {
  readonly site: SiteId;
  /** Ed25519: its receipts, tombstones and, where it is home, plans. Empty until it was reached first. */
  readonly publicKey: Uint8Array;
}

/** How far a twin's feed of a safe was read. */
export interface TwinRead {
  readonly twin: TwinSite;
  /** Our time, in that of the leases, when we asked for the page that turned out to be the last; null: never read to the end. */
  readonly endAskedMs: number | null;
  /** The twin's clock less ours, then. */
  readonly skewMs: number;
}

export interface Twins {
  /** `vault-damaged` when it cannot be told. */
  sites(): Promise<readonly TwinSite[]>;
  /** One for each of `sites`. */
  reads(safe: SafeId): Promise<readonly TwinRead[]>;
}

type Store = Pick<ObjectStore, 'get'>;

/** What stands in the store; read each time, since a service and commands work on one store. */
export function storedTwins(store: Store): Twins {
  const sites = (): Promise<readonly TwinSite[]> => readTwinSites(store);
  return {
    sites,
    reads: async (safe) => {
      const reads: TwinRead[] = [];
      for (const twin of await sites()) {
        const progress = await readTwinProgress(store, safe, twin.site);
        reads.push({ twin, endAskedMs: progress?.endAskedMs ?? null, skewMs: progress?.skewMs ?? 0 });
      }
      return reads;
    },
  };
}

/** The sites that a configuration or a seed named; `vault-damaged`, since a site that forgot its twin would delete without it. */
export async function readTwinSites(store: Store): Promise<readonly TwinSite[]> {
  const bytes = await store.get(twinsName, noteBytesMax);
  if (bytes === null) return [];
  const note = decodeNote(bytes);
  const [sites, keys] = [note && noteTexts(note, 'sites'), note && noteTexts(note, 'keys')];
  if (sites === null || keys === null || sites.length !== keys.length) throw damaged();
  return sites.map((name, index) => {
    const [site, publicKey] = [bytesOfName(name, 16), keyOf(keys[index])];
    if (site === null || publicKey === null) throw damaged();
    return { site: siteId(site), publicKey };
  });
}

/** Of a twin that was never reached there is none: nothing that it signed can be believed yet. */
function keyOf(digits: string | undefined): Uint8Array | null {
  return digits === '' ? new Uint8Array(0) : bytesOfName(digits ?? '', 32);
}

function damaged(): ProtocolError {
  return new ProtocolError('vault-damaged', { context: { object: twinsName } });
}

/** Durable when it resolves; none: the site is alone from now on. */
export async function writeTwinSites(store: Pick<ObjectStore, 'replace'>, sites: readonly TwinSite[]): Promise<void> {
  const keys = sites.map(({ publicKey }) => toHex(publicKey));
  await store.replace(twinsName, [encodeNote({ keys, sites: sites.map(({ site }) => toHex(site)) })]);
}

/** Ed25519; null for a site that is no twin. */
export async function twinKey(twins: Twins, site: SiteId): Promise<Uint8Array | null> {
  return (await twins.sites()).find((twin) => equalBytes(twin.site, site))?.publicKey ?? null;
}

/** Why nothing may be retired or deleted now; `clock`: a clock, ours or the twin's, is wrong. */
export type HeldBack = 'apart' | 'clock';

/**
 * Null when nothing holds back: every twin's feed was read to its end not long before `nowMs`, and after `afterMs` where that is given, with
 * clocks that agreed. A time that is still to come shows that ours was set back.
 */
export function heldBack(reads: readonly TwinRead[], nowMs: number, afterMs: number = -Infinity): HeldBack | null {
  for (const { endAskedMs, skewMs } of reads) {
    if (endAskedMs === null) return 'apart';
    if (Math.abs(skewMs) > twinSkewMsMax || endAskedMs > nowMs) return 'clock';
    if (endAskedMs <= afterMs || nowMs - endAskedMs > twinReadMsMax) return 'apart';
  }
  return null;
}
