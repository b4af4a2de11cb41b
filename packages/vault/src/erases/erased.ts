/*
 * What erase orders took in that were begun at this site, docs/format/records.md, Erasing: it is answered `erased`, whoever asks. The certificate says that an
 * order was begun, the order itself says what it covers.
 */

import { ProtocolError } from '@twinvault/protocol';
import type { TwinObjectKind } from '@twinvault/protocol';
import { equalBytes } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import { isDigestName } from '../store/layout.ts';
import { readOrder } from './orders.ts';

export interface JobName {
  readonly computer: Uint8Array;
  readonly job: string;
}

export interface Erased {
  /** Name of the order that took in the whole safe, hexadecimal. */
  readonly whole: string | null;
  /** Name of an order that took in the job, or the whole safe; null when none did. */
  readonly orderOf: (job: JobName) => string | null;
}

/** Whether an object of this kind stays when its safe is erased, since it proves why. */
export function isProof(kind: TwinObjectKind): boolean {
  return kind === 'erase' || kind === 'ledger';
}

const nothing: Erased = { whole: null, orderOf: () => null };

/** Read each time: another node or a command may have begun an order. `vault-damaged` when it cannot be told. */
export async function erasedOf(context: SafeContext): Promise<Erased> {
  const begun = (await context.store.list(context.layout.inFolder('erased'))).filter(isDigestName);
  if (begun.length === 0) return nothing;
  const jobs: (JobName & { readonly hex: string })[] = [];
  for (const hex of begun) {
    const order = await readOrder(context, hex);
    if (order === null) throw new ProtocolError('vault-damaged', { context: { object: context.layout.inFolder('erases', hex) } });
    if (order.jobs === null) return { whole: hex, orderOf: () => hex };
    jobs.push(...order.jobs.map((job) => ({ ...job, hex })));
  }
  return {
    whole: null,
    orderOf: ({ computer, job }) =>
      jobs.find((erased) => erased.job === job && equalBytes(erased.computer, computer))?.hex ?? null,
  };
}

/** `erased` when an order that was begun here took in the safe or, where one is given, the job. */
export async function demandNotErased(context: SafeContext, job?: JobName): Promise<void> {
  const erased = await erasedOf(context);
  const order = job === undefined ? erased.whole : erased.orderOf(job);
  if (order !== null) throw new ProtocolError('erased', { context: { safe: context.layout.safeHex, order } });
}
