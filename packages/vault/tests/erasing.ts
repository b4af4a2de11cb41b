/* Erase orders for tests, signed by the root of a test's safe. */

import { encodeEraseOrder, parseEraseOrder } from '@twinvault/format';
import type { EraseOrder } from '@twinvault/format';
import { primitives } from '@twinvault/std';
import type { TestSafe } from '@twinvault/testkit';

/** The next order of the safe, and the entry that names it; neither is put anywhere. */
export function orderOf(
  mine: TestSafe,
  change: Partial<EraseOrder> = {},
): { readonly order: Uint8Array; readonly entry: Uint8Array } {
  const order = signed(mine, { number: mine.ledger.eraseOrders().length + 1, ...change });
  return { order, entry: mine.entry({ kind: 'erase', order: parseEraseOrder(order).name, other: null }) };
}

/** What takes the order of this name back. */
export function cancelOf(mine: TestSafe, cancels: Uint8Array): Uint8Array {
  return signed(mine, { cancels, createdMs: 3 });
}

function signed(mine: TestSafe, change: Partial<EraseOrder>): Uint8Array {
  const signer = mine.ledger.descriptor.rootKey;
  const order: EraseOrder = { safe: mine.safe, number: 1, createdMs: 1, jobs: null, signer, other: null, ...change };
  return encodeEraseOrder(order, (message) => primitives.ed25519Sign(mine.rootSeed, message));
}
