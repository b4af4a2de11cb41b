/* What somebody has seen of a ledger: docs/format/keys.md, Ledger. */

import type { Fields } from './fields.ts';
import { digestBytes } from './limits.ts';

export interface LedgerHead {
  /** Of the newest entry; 0 before entry 1. */
  readonly number: number;
  /** Of the newest entry; the descriptor's before entry 1. */
  readonly digest: Uint8Array;
  /** Of the newest entry that the root signed; the descriptor's if there is none. */
  readonly root: Uint8Array;
}

/** From a map with these three keys and no others. */
export function readLedgerHead(fields: Fields): LedgerHead {
  const head = {
    number: fields.uint('number'),
    digest: fields.bytes('digest', digestBytes),
    root: fields.bytes('root', digestBytes),
  };
  fields.end();
  return head;
}
