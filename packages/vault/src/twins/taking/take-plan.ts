/* Plans of compaction taken from the site that is home, and carried out here. */

import { FormatError, parsePlan } from '@twinvault/format';
import { equalBytes, toHex } from '@twinvault/std';
import { readPlan, siteKeys, verifySignedByOne } from '../../compact/plan-store.ts';
import { ensureObject } from '../../store/object-store.ts';
import { carryOutPlan } from './take-pack.ts';
import { bytesOf } from './taking.ts';
import type { Taken, Taking } from './taking.ts';

/** Codes of format. What the plan makes is made at once where this site has all of it. */
export async function takePlan(taking: Taking, hex: string): Promise<Taken> {
  const { context } = taking.parts;
  const bytes = await bytesOf(taking, 'plan', hex);
  if (bytes === null) return 'gone';
  const plan = parsePlan(bytes);
  verifySignedByOne(plan.object, await siteKeys(context));
  if (toHex(plan.object.digest) !== hex) throw new FormatError('object-invalid', { context: { defect: 'another plan' } });
  if (!equalBytes(plan.safe, context.safe)) throw new FormatError('safe-mismatch');
  await ensureObject(context.store, context.layout.inFolder('plans', hex), bytes);
  taking.took({ kind: 'plan', name: hex, bytes: bytes.length });
  const stored = await readPlan(context, hex);
  if (stored !== null) await carryOutPlan(taking, stored);
  return 'taken';
}
