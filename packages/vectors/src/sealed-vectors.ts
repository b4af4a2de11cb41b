/*
 * Golden vectors of what only key holders read, as data: cutting, catalogs, key schedule, passwords, kits, sealing, payloads, blobs, and slots,
 * packs, records and enrolment messages that open. Isomorphic, as format-vectors.ts is.
 */

import blob from '../data/v1/blob.json' with { type: 'json' };
import bundle from '../data/v1/bundle.json' with { type: 'json' };
import catalog from '../data/v1/catalog.json' with { type: 'json' };
import cutting from '../data/v1/cutting.json' with { type: 'json' };
import enrolmentAnswer from '../data/v1/enrolment-answer.json' with { type: 'json' };
import enrolmentRequest from '../data/v1/enrolment-request.json' with { type: 'json' };
import gear from '../data/v1/gear.json' with { type: 'json' };
import keys from '../data/v1/keys.json' with { type: 'json' };
import kit from '../data/v1/kit.json' with { type: 'json' };
import node from '../data/v1/node.json' with { type: 'json' };
import openedAdmission from '../data/v1/opened-admission.json' with { type: 'json' };
import openedPack from '../data/v1/opened-pack.json' with { type: 'json' };
import openedRecord from '../data/v1/opened-record.json' with { type: 'json' };
import openedSlot from '../data/v1/opened-slot.json' with { type: 'json' };
import password from '../data/v1/password.json' with { type: 'json' };
import payload from '../data/v1/payload.json' with { type: 'json' };
import sealed from '../data/v1/sealed.json' with { type: 'json' };
import siphash from '../data/v1/siphash.json' with { type: 'json' };
import type { VectorFile } from './vector.ts';

/** Version 1 of the format, by the name of the file. */
export const sealedVectors: Readonly<Record<string, VectorFile>> = {
  blob,
  bundle,
  catalog,
  cutting,
  'enrolment-answer': enrolmentAnswer,
  'enrolment-request': enrolmentRequest,
  gear,
  keys,
  kit,
  node,
  'opened-admission': openedAdmission,
  'opened-pack': openedPack,
  'opened-record': openedRecord,
  'opened-slot': openedSlot,
  password,
  payload,
  sealed,
  siphash,
};
