/*
 * Compaction, docs/format/packs.md: the new packs that a plan makes, as a pure function of the plan and of the rows that it
 * names. Blobs are not needed for it, since the table holds their hashes: who carries the plan out copies them into place.
 *
 * Invariant: same plan, same rows, same tails and names, at every site, whether a row lies in its origin or in a pack that an
 * earlier plan made.
 */

import { concatBytes, equalBytes, primitives, toHex, utf8Encode } from '@twinvault/std';
import type { CompactionPlan } from './compaction-plan.ts';
import { demand } from './errors.ts';
import type { PackName } from './ids.ts';
import { kemCiphertextBytes, packBytesTarget, packRowsMax, packSectionsMax } from './limits.ts';
import { u32 } from './objects.ts';
import { encodePackTail } from './pack.ts';
import { encodePackHeader } from './pack-header.ts';
import type { PackHeader } from './pack-header.ts';
import { packTrailerBytes, rowFixedBytes, sectionBytes, slipBytesOf } from './pack-layout.ts';
import type { PackSection } from './pack-sections.ts';
import type { PackRow } from './pack-table.ts';
import { bitmapPositions } from './refs.ts';

/** A row of an origin and the header of that origin, wherever they lie now. */
export interface OriginRow {
  readonly header: PackHeader;
  readonly row: PackRow;
}

/** Gives the row of a position of an origin pack; a plan names only what its site has, so that a missing one throws there. */
export type OriginRows = (origin: PackName, position: number) => OriginRow;

/** From which position of which origin the blob of a row is copied. */
export interface BlobSource {
  readonly origin: PackName;
  readonly position: number;
  /** In the new pack. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** The new pack is header | the blobs of `sources` in that order | tail. */
export interface CompactedPack {
  readonly name: PackName;
  readonly header: Uint8Array;
  readonly tail: Uint8Array;
  readonly sources: readonly BlobSource[];
}

/** A new pack in the making. */
interface Draft {
  /** The first section's. */
  readonly header: PackHeader;
  readonly headerBytes: number;
  readonly sections: PackSection[];
  readonly rows: PackRow[];
  readonly sources: BlobSource[];
  readonly kems: Set<string>;
  blobsBytes: number;
  /** Of the whole pack so far. */
  packBytes: number;
}

/** `planDigest` is the digest of the plan's stored bytes. `object-invalid` when the plan makes another number of packs than it says. */
export function compactedPacks(plan: CompactionPlan, planDigest: Uint8Array, rows: OriginRows): CompactedPack[] {
  const drafts = draftsOf(plan.keep, rows);
  demand(drafts.length === plan.packs, 'object-invalid', 'number of packs');
  return drafts.map((draft, index) => finished(draft, planNonce(planDigest, index)));
}

/** How many packs a plan makes that keeps these: what it has to say of itself. */
export function compactedPackCount(keep: CompactionPlan['keep'], rows: OriginRows): number {
  return draftsOf(keep, rows).length;
}

/** Nonce of the pack with this number, from 0, that a plan makes. */
export function planNonce(planDigest: Uint8Array, index: number): Uint8Array {
  return primitives.sha256(concatBytes(utf8Encode('twinvault v1 plan'), planDigest, u32(index)));
}

function draftsOf(keep: CompactionPlan['keep'], rows: OriginRows): Draft[] {
  const drafts: Draft[] = [];
  let draft: Draft | null = null;
  for (const { pack: origin, bitmap } of keep) {
    for (const position of bitmapPositions(bitmap)) {
      const { header, row } = rows(origin, position);
      if (draft === null || !fits(draft, origin, { header, row })) {
        draft = begun(header);
        drafts.push(draft);
      }
      put(draft, origin, { header, row });
    }
  }
  return drafts;
}

function begun(header: PackHeader): Draft {
  const headerBytes = encodePackHeader(header).length;
  return {
    header,
    headerBytes,
    sections: [],
    rows: [],
    sources: [],
    kems: new Set(),
    blobsBytes: 0,
    // Two bytes count the KEM ciphertexts.
    packBytes: headerBytes + 2 + packTrailerBytes,
  };
}

/** Whether the row may stand in this pack too. */
function fits(draft: Draft, origin: PackName, { header, row }: OriginRow): boolean {
  if (header.kind !== draft.header.kind || draft.rows.length === packRowsMax) return false;
  if (!isLastOrigin(draft, origin) && draft.sections.length === packSectionsMax) return false;
  return draft.packBytes + addedBytes(draft, origin, { header, row }) <= packBytesTarget;
}

function isLastOrigin(draft: Draft, origin: PackName): boolean {
  const last = draft.sections.at(-1)?.origin ?? null;
  return last !== null && equalBytes(last, origin);
}

function addedBytes(draft: Draft, origin: PackName, { header, row }: OriginRow): number {
  let added = rowFixedBytes + slipBytesOf(header.suite) + (row.slipOnly ? 0 : row.lengthBytes);
  if (isLastOrigin(draft, origin)) return added;
  added += sectionBytes;
  if (header.kem.length > 0 && !draft.kems.has(toHex(header.kem))) added += kemCiphertextBytes;
  return added;
}

function put(draft: Draft, origin: PackName, { header, row }: OriginRow): void {
  draft.packBytes += addedBytes(draft, origin, { header, row });
  if (!isLastOrigin(draft, origin)) {
    draft.sections.push({ origin, header });
    if (header.kem.length > 0) draft.kems.add(toHex(header.kem));
  }
  const offsetBytes = row.slipOnly ? 0 : draft.headerBytes + draft.blobsBytes;
  draft.rows.push({ ...row, section: draft.sections.length - 1, offsetBytes });
  if (row.slipOnly) return;
  draft.sources.push({ origin, position: row.position, offsetBytes, lengthBytes: row.lengthBytes });
  draft.blobsBytes += row.lengthBytes;
}

function finished(draft: Draft, nonce: Uint8Array): CompactedPack {
  const header = encodePackHeader({ ...draft.header, nonce });
  const { rows, sections, blobsBytes, sources } = draft;
  const { tail, name } = encodePackTail({ header, rows, sections, blobsBytes });
  return { name, header, tail, sources };
}
