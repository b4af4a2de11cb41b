/* The files of vectors of seal and what makes each. */

import type { VectorFile } from '../src/vector.ts';
import { blobVectors, payloadVectors } from './sealed-chunks.ts';
import { openedPackVectors } from './sealed-packs.ts';
import { enrolmentAnswerVectors, enrolmentRequestVectors, openedRecordVectors } from './sealed-records.ts';
import { keysVectors, kitVectors, openedSlotVectors, passwordVectors, sealedVectors } from './sealed-secrets.ts';

export const sealedVectorFiles: Readonly<Record<string, () => Promise<VectorFile>>> = {
  blob: blobVectors,
  'enrolment-answer': enrolmentAnswerVectors,
  'enrolment-request': enrolmentRequestVectors,
  keys: keysVectors,
  kit: kitVectors,
  'opened-pack': openedPackVectors,
  'opened-record': openedRecordVectors,
  'opened-slot': openedSlotVectors,
  password: passwordVectors,
  payload: payloadVectors,
  sealed: sealedVectors,
};
