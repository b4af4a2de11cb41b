/*
 * What a site that keeps a safe beside another may retire, docs/format/records.md, Two sites: nothing while the two are apart or a clock is
 * wrong, and where it is not home only what home has retired.
 */

import { equalBytes, fromHex, toHex } from '@twinvault/std';
import { FormatError, recordDigest, signedBytesMax, verifyTombstone } from '@twinvault/format';
import type { SiteId } from '@twinvault/format';
import type { SafeContext } from '../context.ts';
import { homeOf } from '../homes/homes.ts';
import type { HomeParts } from '../homes/homes.ts';
import { heldBack, twinKey } from '../twins/twins.ts';
import type { HeldBack, TwinRead } from '../twins/twins.ts';
import type { CleanedRecord } from './report.ts';

export interface CleanRights {
  /** As far as it was read when the clean-up began. */
  readonly reads: readonly TwinRead[];
  /** Why nothing is retired now. */
  readonly held: HeldBack | null;
  /** Null: this site is home, and needs nobody's consent. */
  readonly home: { readonly site: SiteId; readonly publicKey: Uint8Array | null } | null;
}

export async function cleanRights(parts: HomeParts, nowMs: number): Promise<CleanRights> {
  const { twins, safe, marker } = parts.context;
  const reads = await twins.reads(safe);
  const held = heldBack(reads, nowMs);
  const site = await homeOf(parts);
  if (equalBytes(site, marker.site)) return { reads, held, home: null };
  return { reads, held, home: { site, publicKey: await twinKey(twins, site) } };
}

/** The decisions, but for what must not be retired here and now. */
export async function consented(
  context: SafeContext,
  records: readonly CleanedRecord[],
  { held, home }: CleanRights,
): Promise<CleanedRecord[]> {
  const decided: CleanedRecord[] = [];
  for (const record of records) {
    if (record.action === 'keep') decided.push(record);
    else if (held !== null) decided.push({ ...record, action: 'keep', reason: held });
    else if (home !== null && !(await hasConsent(context, record.record, home)))
      decided.push({ ...record, action: 'keep', reason: 'no-consent' });
    else decided.push(record);
  }
  return decided;
}

/** Whether home has retired the record: by its own signature, whoever put the object there. */
async function hasConsent(
  { store, layout, safe }: SafeContext,
  hex: string,
  { site, publicKey }: NonNullable<CleanRights['home']>,
): Promise<boolean> {
  // Of a site that was never reached nothing can be verified.
  if (publicKey === null || publicKey.length === 0) return false;
  const bytes = await store.get(layout.twin(toHex(site), 'tombstones', hex), signedBytesMax);
  if (bytes === null) return false;
  try {
    const tombstone = verifyTombstone(bytes, publicKey);
    const isThis = equalBytes(tombstone.record, recordDigest(fromHex(hex) ?? new Uint8Array(0)));
    return isThis && equalBytes(tombstone.safe, safe) && equalBytes(tombstone.site, site);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
