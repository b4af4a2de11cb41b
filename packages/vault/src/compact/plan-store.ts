/*
 * Compaction plans of a safe as stored, docs/format/packs.md. A plan is durable before its first pack; the newest always stays.
 */

import { encodePlan, FormatError, objectDigest, parsePlan, planBytesMax, planNonce, verifySigned } from '@twinvault/format';
import type { CompactionPlan, SignedObject } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import { signerOf } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { bytesOfName } from '../store/layout.ts';
import { ensureObject } from '../store/object-store.ts';
import { parseStored } from '../store/vault-files.ts';

export interface StoredPlan {
  /** Digest, hexadecimal. */
  readonly hex: string;
  readonly digest: Uint8Array;
  readonly plan: CompactionPlan;
}

export async function planNames({ store, layout }: SafeContext): Promise<string[]> {
  return (await store.list(layout.inFolder('plans'))).filter((name) => bytesOfName(name, 32) !== null).sort();
}

/** Null when it is not there; `vault-damaged` when it is not what its name says or no site of the safe signed it. */
export async function readPlan(context: SafeContext, hex: string): Promise<StoredPlan | null> {
  const { store, layout, safe } = context;
  const name = layout.inFolder('plans', hex);
  const bytes = await store.get(name, planBytesMax);
  if (bytes === null) return null;
  const keys = await siteKeys(context);
  return parseStored(name, () => {
    const { object, ...plan } = parsePlan(bytes);
    verifySignedByOne(object, keys);
    const isThis = toHex(object.digest) === hex && equalBytes(plan.safe, safe);
    if (!isThis) throw new FormatError('object-invalid', { context: { defect: 'another plan' } });
    return { hex, digest: object.digest, plan };
  });
}

/** Of this site and its twins, any of which may have been home when a plan was made. */
export async function siteKeys({ marker, twins }: SafeContext): Promise<readonly Uint8Array[]> {
  return [marker.publicKey, ...(await twins.sites()).map(({ publicKey }) => publicKey)];
}

/** `signature-invalid` unless one of the keys signed it. */
export function verifySignedByOne(object: SignedObject, keys: readonly Uint8Array[]): void {
  if (!keys.some((key) => isSignedBy(object, key))) throw new FormatError('signature-invalid', { context: { defect: 'site' } });
}

function isSignedBy(object: SignedObject, key: Uint8Array): boolean {
  try {
    verifySigned(object, key);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** All that can be read, by number. One that cannot tells nothing; a check reports it. */
export async function readPlans(context: SafeContext): Promise<StoredPlan[]> {
  const plans: StoredPlan[] = [];
  for (const hex of await planNames(context)) {
    const plan = await readPlan(context, hex).catch((error: unknown) => {
      if (error instanceof ProtocolError && error.code === 'vault-damaged') return null;
      throw error;
    });
    if (plan !== null) plans.push(plan);
  }
  return plans.sort((a, b) => a.plan.number - b.plan.number);
}

/** Durable when it resolves. */
export async function writePlan(context: SafeContext, plan: CompactionPlan): Promise<StoredPlan> {
  const bytes = encodePlan(plan, await signerOf(context));
  const digest = objectDigest(bytes);
  const hex = toHex(digest);
  await ensureObject(context.store, context.layout.inFolder('plans', hex), bytes);
  return { hex, digest, plan };
}

/** From the nonces of the packs that the plans make, hexadecimal, to the numbers of the plans. */
export function numbersByNonce(plans: readonly StoredPlan[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const { digest, plan } of plans) {
    for (let index = 0; index < plan.packs; index += 1) numbers.set(toHex(planNonce(digest, index)), plan.number);
  }
  return numbers;
}

/** Removes the plans of which no pack is left, but never the newest. `standing`: numbers of those of which one is. */
export async function removeSpentPlans(context: SafeContext, standing: ReadonlySet<number>): Promise<void> {
  const plans = await readPlans(context);
  for (const { hex, plan } of plans.slice(0, -1)) {
    if (!standing.has(plan.number)) await context.store.remove(context.layout.inFolder('plans', hex));
  }
}
