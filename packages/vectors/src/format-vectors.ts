/*
 * Golden vectors of the format as data: bytes that every implementation must take, and bytes with one defect that it must
 * refuse. Isomorphic: a browser's tests import them as Node's do.
 */

import cbor from '../data/v1/cbor.json' with { type: 'json' };
import difference from '../data/v1/difference.json' with { type: 'json' };
import erase from '../data/v1/erase.json' with { type: 'json' };
import eraseName from '../data/v1/erase-name.json' with { type: 'json' };
import ledger from '../data/v1/ledger.json' with { type: 'json' };
import pack from '../data/v1/pack.json' with { type: 'json' };
import plan from '../data/v1/plan.json' with { type: 'json' };
import receipt from '../data/v1/receipt.json' with { type: 'json' };
import record from '../data/v1/record.json' with { type: 'json' };
import refs from '../data/v1/refs.json' with { type: 'json' };
import safe from '../data/v1/safe.json' with { type: 'json' };
import slot from '../data/v1/slot.json' with { type: 'json' };
import stub from '../data/v1/stub.json' with { type: 'json' };
import tombstone from '../data/v1/tombstone.json' with { type: 'json' };
import type { VectorFile } from './vector.ts';

/** Version 1 of the format, by the name of the file. */
export const formatVectors: Readonly<Record<string, VectorFile>> = {
  cbor,
  difference,
  erase,
  'erase-name': eraseName,
  ledger,
  pack,
  plan,
  receipt,
  record,
  refs,
  safe,
  slot,
  stub,
  tombstone,
};
