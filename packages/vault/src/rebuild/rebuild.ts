/*
 * Makes everything that is no object anew: a new generation, the index from the packs' own tables, receipts that are missing. All leases
 * are void afterwards, and clean-up waits its whole delay again.
 *
 * Nothing that is an object is changed or removed; a rebuild that is broken off is simply run again.
 */

import type { SafeId } from '@twinvault/format';
import { verifyReceipt } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { primitives, secondMs, toHex } from '@twinvault/std';
import { quarantinedNames, readQuarantine, takeBack, writeQuarantine } from '../clean/quarantine.ts';
import { ensureReceipt, recoverCommits } from '../commit/commit.ts';
import type { CommitParts } from '../commit/commit.ts';
import { inLock, openLeases } from '../context.ts';
import type { SafeContext, VaultContext } from '../context.ts';
import type { Lease } from '../leases/leases.ts';
import { packNames } from '../packs/pack-files.ts';
import { indexEntries } from '../packs/pack-index.ts';
import { readSegment, segmentNames } from '../packs/segments.ts';
import type { IndexEntry } from '../packs/segments.ts';
import { safeIds } from '../safes/safes.ts';
import { writeGeneration } from '../site/site.ts';
import { cacheFolder } from '../store/layout.ts';

export interface RebuildOptions {
  /** How long to wait for open sessions and readings to end; 0 when left out. */
  readonly waitMs?: number;
  /** Goes on although sessions or readings are open: they lose their leases. */
  readonly voidLeases?: boolean;
  readonly progress?: (progress: RebuildProgress) => void;
  readonly signal?: AbortSignal;
}

export interface RebuildProgress {
  /** Hexadecimal. */
  readonly safe: string;
  readonly done: number;
  readonly total: number;
}

export interface RebuiltSafe {
  readonly safe: string;
  readonly packs: number;
  /** Packs whose row in the old index was another one; 0 unless the old index was wrong. */
  readonly differing: number;
  /** Packs that are damaged at their ends and stand in no index. */
  readonly damaged: number;
  readonly receipts: number;
  readonly leases: number;
}

export interface RebuildReport {
  readonly generation: Uint8Array;
  readonly safes: readonly RebuiltSafe[];
}

const pollMs = secondMs;

/** `vault-busy` (context: leases) while sessions or readings are open, unless they are to be voided. */
export async function rebuildVault(
  context: VaultContext,
  options: RebuildOptions,
  partsOf: (safe: SafeId) => CommitParts,
): Promise<RebuildReport> {
  const safes = (await safeIds(context)).map(partsOf);
  await waitForLeases(safes, options);
  const { ports, store, cache } = context;
  const generation = ports.random.bytes(16);
  await writeGeneration(store, generation);
  const rebuilt: RebuiltSafe[] = [];
  for (const parts of safes) rebuilt.push(await rebuildSafe(parts, options));
  const known = new Set(rebuilt.map(({ safe }) => safe));
  for (const name of await cache.folders(cacheFolder)) {
    if (!known.has(name)) await cache.clear(`${cacheFolder}/${name}`);
  }
  return { generation, safes: rebuilt };
}

async function waitForLeases(safes: readonly CommitParts[], options: RebuildOptions): Promise<void> {
  if (options.voidLeases === true) return;
  for (const { context } of safes) {
    const { clock, timers } = context.ports;
    const startedMs = clock.monotonicMs();
    for (;;) {
      const open = await openLeases(context, await context.leases.nowMs());
      if (open.length === 0) break;
      if (clock.monotonicMs() - startedMs >= (options.waitMs ?? 0)) {
        throw new ProtocolError('vault-busy', { context: { leases: open.length } });
      }
      await timers.sleep(pollMs, options.signal);
    }
  }
}

async function rebuildSafe(parts: CommitParts, options: RebuildOptions): Promise<RebuiltSafe> {
  const { context } = parts;
  await recoverCommits(parts);
  return inLock(context, { name: 'clean' }, async (lock) => {
    const leases = await inLock(context, { name: 'commit' }, () => context.leases.voidAll(context.layout.inFolder('leases')));
    await restartQuarantine(context, lock);
    const index = await rebuildIndex(context, options);
    const receipts = await mendReceipts(parts);
    return { safe: context.layout.safeHex, ...index, receipts, leases };
  });
}

/** Every mark counts from now; a deletion that was broken off is decided again. */
async function restartQuarantine(context: SafeContext, lock: Lease): Promise<void> {
  const present = await packNames(context);
  const markedMs = await context.leases.nowMs();
  const clockMs = context.ports.clock.nowMs();
  for (const hex of await quarantinedNames(context)) {
    await lock.check();
    if (!present.has(hex)) await takeBack(context, hex);
    else if ((await readQuarantine(context, hex)) !== null) {
      await writeQuarantine(context, hex, { state: 'quarantined', markedMs, clockMs, leases: [] });
    }
  }
}

async function rebuildIndex(
  context: SafeContext,
  { progress, signal }: RebuildOptions,
): Promise<Pick<RebuiltSafe, 'packs' | 'differing' | 'damaged'>> {
  const { cache, layout } = context;
  const before = new Map<string, string>();
  for (const name of await segmentNames(context)) {
    for (const entry of (await readSegment(context, name)) ?? []) before.set(entry.hex, digestOf(entry));
  }
  await cache.clear(layout.index);
  await cache.clear(layout.refs);
  const wanted = await packNames(context);
  let packs = 0;
  let differing = 0;
  let damaged = 0;
  for await (const entry of indexEntries(context, { wanted, damaged: () => (damaged += 1) })) {
    signal?.throwIfAborted();
    packs += 1;
    if (before.has(entry.hex) && before.get(entry.hex) !== digestOf(entry)) differing += 1;
    progress?.({ safe: layout.safeHex, done: packs, total: wanted.size });
  }
  return { packs, differing, damaged };
}

function digestOf({ header, session, packBytes, tail }: IndexEntry): string {
  const hash = primitives.sha256Stream().update(header).update(session).update(tail);
  return `${packBytes} ${toHex(hash.digest())}`;
}

/** Signs what is missing or was not signed by this site; the number of new receipts. */
async function mendReceipts(parts: CommitParts): Promise<number> {
  const { context, records } = parts;
  const { store, layout, marker } = context;
  let count = 0;
  for (const { digest, retired } of await records.all()) {
    const bytes = await records.receiptBytes(digest);
    if (bytes !== null && isGood(bytes, marker.publicKey)) continue;
    if (retired) continue;
    await store.remove(layout.receipt(digest));
    await ensureReceipt(parts, digest);
    count += 1;
  }
  return count;
}

function isGood(bytes: Uint8Array, siteKey: Uint8Array): boolean {
  try {
    verifyReceipt(bytes, siteKey);
    return true;
  } catch {
    return false;
  }
}
