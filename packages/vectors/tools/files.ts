/* The files of vectors and what makes each. */

import type { VectorFile } from '../src/vector.ts';
import { differenceVectors } from './format-differences.ts';
import { ledgerVectors } from './format-ledger.ts';
import { cborVectors, safeVectors, slotVectors } from './format-objects.ts';
import { packVectors, refsVectors } from './format-packs.ts';
import { eraseNameVectors, eraseVectors } from './format-erases.ts';
import { planVectors, receiptVectors, recordVectors, stubVectors, tombstoneVectors } from './format-records.ts';

export const vectorFiles: Readonly<Record<string, () => VectorFile>> = {
  cbor: cborVectors,
  difference: differenceVectors,
  erase: eraseVectors,
  'erase-name': eraseNameVectors,
  ledger: ledgerVectors,
  pack: packVectors,
  plan: planVectors,
  receipt: receiptVectors,
  record: recordVectors,
  refs: refsVectors,
  safe: safeVectors,
  slot: slotVectors,
  stub: stubVectors,
  tombstone: tombstoneVectors,
};
