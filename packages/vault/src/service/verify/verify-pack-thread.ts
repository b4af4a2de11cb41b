/* What runs in a thread of PackVerifiers: each blob is hashed when it is there, one pass over the bytes of a pack. */

import { FormatError, PackTable } from '@twinvault/format';
import type { ThreadMain } from '@twinvault/std';
import { demandBlobs } from '../../packs/verify-pack.ts';
import type { VerifyAnswer, VerifyRequest } from './pack-verifiers.ts';

interface Arriving {
  readonly bytes: Uint8Array;
  readonly table: PackTable;
  /** Rows before it are right. */
  row: number;
}

export const main: ThreadMain = (port) => {
  const packs = new Map<number, Arriving>();
  const answer = (id: number, refusal: VerifyAnswer['refusal']): void => {
    if (packs.delete(id)) port.post({ value: { id, refusal } satisfies VerifyAnswer });
  };
  port.onMessage((message) => {
    const request = message as VerifyRequest;
    const { id, type } = request;
    if (type === 'begin') packs.set(id, arrivingOf(request));
    const pack = packs.get(id);
    if (pack === undefined) return;
    const refusal = type === 'arrived' ? verifyUpTo(pack, request.countBytes) : null;
    if (type === 'over' || refusal !== null || pack.row === pack.table.count) answer(id, refusal);
  });
};

/** Of a tail that was verified. */
function arrivingOf({ bytes, tailBytes }: VerifyRequest & { readonly type: 'begin' }): Arriving {
  return { bytes, table: new PackTable(bytes.slice(bytes.length - tailBytes)), row: 0 };
}

/** All blobs that end within so many bytes. */
function verifyUpTo(pack: Arriving, countBytes: number): VerifyAnswer['refusal'] {
  const { bytes, table } = pack;
  try {
    const from = pack.row;
    let to = from;
    while (to < table.count && (table.slipOnlyAt(to) || table.offsetAt(to) + table.lengthAt(to) <= countBytes)) to += 1;
    demandBlobs(table, bytes, { from, to });
    pack.row = to;
    return null;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { code: 'pack-damaged', context: error.context };
  }
}
