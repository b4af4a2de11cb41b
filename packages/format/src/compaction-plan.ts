/*
 * Compaction plans (`TVCP`), docs/format/packs.md: which positions a home site keeps when it makes new packs of old ones.
 * Signed by the home site.
 */

import { toHex } from '@twinvault/std';
import { demand } from './errors.ts';
import { Fields, isBytes } from './fields.ts';
import { packName, safeId } from './ids.ts';
import type { SafeId } from './ids.ts';
import { planBytesMax, planPacksMax } from './limits.ts';
import { encodeSigned, parseSigned } from './objects.ts';
import type { Sign } from './objects.ts';
import type { SignedBy } from './receipt.ts';
import { isBitmap } from './refs.ts';
import type { RefsPack } from './refs.ts';

export interface CompactionPlan {
  readonly safe: SafeId;
  /** Counts up in each safe. */
  readonly number: number;
  readonly createdMs: number;
  /** How many packs it makes, 1 to `planPacksMax`: so that a pack tells by its nonce which plan made it. */
  readonly packs: number;
  /** Origins that stay, in the order in which they are copied; each pack once. */
  readonly keep: readonly RefsPack[];
}

const keepMax = 262_144;

/** `sign` signs with the home site's key. Throws as parsePlan does when no reader would take it. */
export function encodePlan(plan: CompactionPlan, sign: Sign): Uint8Array {
  const { createdMs, number, packs, safe } = plan;
  const keep = plan.keep.map(({ pack, bitmap }) => [pack, bitmap] as const);
  const bytes = encodeSigned('plan', { created: createdMs, keep, number, packs, safe }, sign);
  parsePlan(bytes);
  return bytes;
}

/** Form alone: `verifySigned(plan.object, siteKey)` checks who signed. */
export function parsePlan(bytes: Uint8Array): CompactionPlan & SignedBy {
  const object = parseSigned('plan', bytes, planBytesMax);
  const fields = new Fields(object.body, 'object-invalid');
  const keep = fields.list('keep', keepMax).map(readKeep);
  const plan = {
    safe: safeId(fields.bytes('safe', 16)),
    number: fields.uint('number'),
    createdMs: fields.uint('created'),
    packs: fields.uint('packs'),
    keep,
    object,
  };
  fields.end();
  demand(keep.length > 0, 'object-invalid', 'nothing to keep');
  demand(plan.packs >= 1 && plan.packs <= planPacksMax, 'object-invalid', 'number of packs');
  demand(new Set(keep.map(({ pack }) => toHex(pack))).size === keep.length, 'object-invalid', 'pack twice');
  return plan;
}

function readKeep(item: unknown): RefsPack {
  demand(Array.isArray(item) && item.length === 2, 'object-invalid', 'pack to keep');
  const [pack, bitmap] = item as unknown[];
  demand(isBytes(pack, 32), 'object-invalid', 'pack to keep');
  demand(bitmap instanceof Uint8Array && isBitmap(bitmap), 'object-invalid', 'bitmap to keep');
  return { pack: packName(pack), bitmap };
}
