/* What is said in JSON about one safe: records, sessions, readings, the feed. */

import { Type } from 'typebox';
import type { TUnsafe } from 'typebox';
import { packBytesMax, recordPublicBytesMax } from '@twinvault/format';
import {
  feedPageMax,
  feedWaitMsMax,
  heldPacksPerOriginMax,
  holdersOriginsMax,
  jobBytesMax,
  rangesMax,
  recordPageMax,
  sitesMax,
  suspectsMax,
} from '../limits.ts';
import { countJson, digestJson, hexOf, idJson, strict, textOf, typed } from './json-parts.ts';

/** `RecordSummary` of the vault port; `public` is the record's public part as it was stored (CBOR, docs/format/records.md). */
export interface RecordJson {
  digest: string;
  public: string;
  receivedMs: number;
  storedBytes: number;
  retired: boolean;
  measure?: { bytes: number; bytesNew: number; origins: number; originsReused: number; suspect: boolean };
  sites?: string[];
}

const recordParts = Type.Object({
  digest: digestJson,
  public: hexOf(recordPublicBytesMax),
  receivedMs: countJson,
  storedBytes: countJson,
  retired: Type.Boolean(),
  measure: Type.Optional(
    Type.Object({
      bytes: countJson,
      bytesNew: countJson,
      origins: countJson,
      originsReused: countJson,
      suspect: Type.Boolean(),
    }),
  ),
  sites: Type.Optional(Type.Array(idJson, { maxItems: sitesMax })),
});

export interface RecordsQuery {
  job?: string;
  computer?: string;
  kind?: 'safeset' | 'checkpoint';
  /** `next` of the page before. */
  after?: string;
}

export const recordsQuery: TUnsafe<RecordsQuery> = typed(
  strict({
    job: Type.Optional(textOf(jobBytesMax)),
    computer: Type.Optional(idJson),
    kind: Type.Optional(Type.Union([Type.Literal('safeset'), Type.Literal('checkpoint')])),
    after: Type.Optional(textOf(128)),
  }),
);

/** Oldest receipt first; `next` where more follow. */
export interface RecordsAnswer {
  records: RecordJson[];
  next?: string;
}

export const recordsAnswer: TUnsafe<RecordsAnswer> = typed(
  Type.Object({ records: Type.Array(recordParts, { maxItems: recordPageMax }), next: Type.Optional(textOf(128)) }),
);

export interface LedgerQuery {
  from: number;
}

export const ledgerQuery: TUnsafe<LedgerQuery> = typed(strict({ from: countJson }));

export interface FeedQuery {
  /** `next` of the page before; from the beginning when left out. */
  after?: string;
  /** How long to wait, ms, where nothing is there yet. */
  wait?: number;
}

export const feedQuery: TUnsafe<FeedQuery> = typed(
  strict({ after: Type.Optional(textOf(128)), wait: Type.Optional(Type.Integer({ minimum: 0, maximum: feedWaitMsMax })) }),
);

export interface FeedAnswer {
  generation: string;
  events: { position: number; kind: string; name: string; bytes: number }[];
  next: string;
  /** The newest position of the safe. */
  last: number;
  /** The site's time. */
  nowMs: number;
}

export const feedAnswer: TUnsafe<FeedAnswer> = typed(
  Type.Object({
    generation: idJson,
    events: Type.Array(Type.Object({ position: countJson, kind: textOf(32), name: textOf(128), bytes: countJson }), {
      maxItems: feedPageMax,
    }),
    next: textOf(128),
    last: countJson,
    nowMs: countJson,
  }),
);

export interface ObjectQuery {
  /** Of a receipt: who signed it; the site itself when left out. */
  site?: string;
}

export const objectQuery: TUnsafe<ObjectQuery> = typed(strict({ site: Type.Optional(idJson) }));

export interface SessionBody {
  certificate: string;
  computer: string;
  job: string;
  /** The ledger's head that the agent has seen. */
  ledger: { number: number; digest: string; root: string };
}

export const sessionBody: TUnsafe<SessionBody> = typed(
  strict({
    certificate: idJson,
    computer: idJson,
    job: textOf(jobBytesMax),
    ledger: strict({ number: countJson, digest: digestJson, root: digestJson }),
  }),
);

/** A lease is renewed after `renewMs` and over when it was not for `lapseMs`. */
export interface LeaseAnswer {
  renewMs: number;
  lapseMs: number;
}

export const leaseAnswer: TUnsafe<LeaseAnswer> = typed(Type.Object({ renewMs: countJson, lapseMs: countJson }));

export interface SessionAnswer extends LeaseAnswer {
  heads: RecordJson[];
}

export const sessionAnswer: TUnsafe<SessionAnswer> = typed(
  Type.Object({ renewMs: countJson, lapseMs: countJson, heads: Type.Array(recordParts, { maxItems: recordPageMax }) }),
);

export interface LiveQuery {
  /** `twinvault-next` of the page before. */
  after?: string;
}

export const liveQuery: TUnsafe<LiveQuery> = typed(strict({ after: Type.Optional(textOf(128)) }));

export interface RangesBody {
  ranges: { pack: string; offset: number; length: number }[];
}

export const rangesBody: TUnsafe<RangesBody> = typed(
  strict({
    ranges: Type.Array(
      strict({
        pack: digestJson,
        offset: Type.Integer({ minimum: 0, maximum: packBytesMax }),
        length: Type.Integer({ minimum: 0, maximum: packBytesMax }),
      }),
      { minItems: 1, maxItems: rangesMax },
    ),
  }),
);

/** `POST …/suspects`. */
export interface SuspectsBody {
  packs: string[];
}

export const suspectsBody: TUnsafe<SuspectsBody> = typed(
  strict({ packs: Type.Array(digestJson, { minItems: 1, maxItems: suspectsMax }) }),
);

export interface HoldersBody {
  origins: string[];
}

export const holdersBody: TUnsafe<HoldersBody> = typed(
  strict({ origins: Type.Array(digestJson, { minItems: 1, maxItems: holdersOriginsMax }) }),
);

export interface HoldersAnswer {
  holders: string[][];
}

export const holdersAnswer: TUnsafe<HoldersAnswer> = typed(
  Type.Object({
    holders: Type.Array(Type.Array(digestJson, { maxItems: heldPacksPerOriginMax }), { maxItems: holdersOriginsMax }),
  }),
);
