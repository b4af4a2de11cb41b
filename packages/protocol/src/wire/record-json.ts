/* What a site knows of a record, between the vault port and JSON. */

import { encodeRecordPublic, parseRecordPublic, recordDigestFromHex, siteIdFromHex } from '@twinvault/format';
import { fromHex, toHex } from '@twinvault/std';
import { ProtocolError } from '../errors.ts';
import type { RecordSummary } from '../vault-port.ts';
import type { RecordJson } from './safe-json.ts';

export function recordJsonOf({ digest, public: facts, measure, sites, ...rest }: RecordSummary): RecordJson {
  return {
    ...rest,
    digest: toHex(digest),
    public: toHex(encodeRecordPublic(facts)),
    ...(measure === undefined ? {} : { measure: { ...measure } }),
    ...(sites === undefined ? {} : { sites: sites.map(toHex) }),
  };
}

/** Codes of format for a public part that does not parse; `answer-invalid`. */
export function recordOfJson({ digest, public: facts, sites, ...rest }: RecordJson): RecordSummary {
  const bytes = fromHex(facts);
  if (bytes === null) throw new ProtocolError('answer-invalid', { context: { defect: 'public part' } });
  return {
    ...rest,
    digest: recordDigestFromHex(digest),
    public: parseRecordPublic(bytes),
    ...(sites === undefined ? {} : { sites: sites.map(siteIdFromHex) }),
  };
}
