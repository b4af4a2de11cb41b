/* The files of vectors of seal and what makes each. */

import type { VectorFile } from '../src/vector.ts';
import { bundleVectors, cuttingVectors, gearVectors, siphashVectors } from './catalog-cutting.ts';
import { nodeVectors } from './catalog-nodes.ts';
import { catalogVectors } from './catalog-trees.ts';
import { openedAdmissionVectors } from './sealed-admission.ts';
import { blobVectors, payloadVectors } from './sealed-chunks.ts';
import { openedPackVectors } from './sealed-packs.ts';
import { enrolmentAnswerVectors, enrolmentRequestVectors, openedRecordVectors } from './sealed-records.ts';
import { keysVectors, kitVectors, openedSlotVectors, passwordVectors, sealedVectors } from './sealed-secrets.ts';

export const sealedVectorFiles: Readonly<Record<string, () => Promise<VectorFile>>> = {
  blob: blobVectors,
  bundle: bundleVectors,
  catalog: catalogVectors,
  cutting: cuttingVectors,
  'enrolment-answer': enrolmentAnswerVectors,
  'enrolment-request': enrolmentRequestVectors,
  gear: gearVectors,
  keys: keysVectors,
  kit: kitVectors,
  node: nodeVectors,
  'opened-admission': openedAdmissionVectors,
  'opened-pack': openedPackVectors,
  'opened-record': openedRecordVectors,
  'opened-slot': openedSlotVectors,
  password: passwordVectors,
  payload: payloadVectors,
  sealed: sealedVectors,
  siphash: siphashVectors,
};
