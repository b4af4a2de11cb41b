/* What an operator asks of a site, and what it says of its tasks and of what it holds. */

import { Type } from 'typebox';
import type { TUnsafe } from 'typebox';
import { jobBytesMax, retentionTypesMax, safesMax, sitesMax } from '../limits.ts';
import { countJson, customerJson, idJson, strict, textOf, typed } from './json-parts.ts';
import { problemJson } from './site-json.ts';
import type { Problem } from './site-json.ts';

export interface RuleJson {
  days: number;
  copies: number;
  intraday: boolean;
}

const ruleJson: TUnsafe<RuleJson> = typed(strict({ days: countJson, copies: countJson, intraday: Type.Boolean() }));

/** `POST …/clean`: what is left out has the default of `twinvault clean`. */
export interface CleanBody {
  /** Null: no safeset goes, only what nothing refers to any more. */
  keep?: { types: Record<string, RuleJson>; others?: RuleJson } | null;
  dryRun?: boolean;
  quarantineMs?: number;
  /** 0 to 1. */
  shareMax?: number;
  clockOk?: boolean;
  compact?: { unusedMax?: number; bytesMax?: number } | null;
}

const shareJson = Type.Number({ minimum: 0, maximum: 1 });

export const cleanBody: TUnsafe<CleanBody> = typed(
  strict({
    keep: Type.Optional(
      Type.Union([
        Type.Null(),
        strict({
          types: Type.Record(Type.String({ maxLength: 256 }), ruleJson, { maxProperties: retentionTypesMax }),
          others: Type.Optional(ruleJson),
        }),
      ]),
    ),
    dryRun: Type.Optional(Type.Boolean()),
    quarantineMs: Type.Optional(countJson),
    shareMax: Type.Optional(shareJson),
    clockOk: Type.Optional(Type.Boolean()),
    compact: Type.Optional(
      Type.Union([
        Type.Null(),
        strict({ unusedMax: Type.Optional(Type.Number({ minimum: 0 })), bytesMax: Type.Optional(countJson) }),
      ]),
    ),
  }),
);

/** `POST …/check`. */
export interface CheckBody {
  readData?: boolean;
  setAside?: boolean;
}

export const checkBody: TUnsafe<CheckBody> = typed(
  strict({ readData: Type.Optional(Type.Boolean()), setAside: Type.Optional(Type.Boolean()) }),
);

/** `POST /rebuild`. */
export interface RebuildBody {
  voidLeases?: boolean;
  waitMs?: number;
}

export const rebuildBody: TUnsafe<RebuildBody> = typed(
  strict({ voidLeases: Type.Optional(Type.Boolean()), waitMs: Type.Optional(countJson) }),
);

export interface TaskStarted {
  task: string;
}

export const taskStarted: TUnsafe<TaskStarted> = typed(Type.Object({ task: idJson }));

export interface TaskAnswer {
  state: 'waiting' | 'running' | 'done' | 'failed';
  /** As the feature tells it: `step`, `done`, `total` and more. */
  progress?: Record<string, string | number>;
  /** Of a task that is done: the report of the feature, with digests as hexadecimal. */
  report?: unknown;
  /** Of one that failed. */
  problem?: Problem;
}

export const taskAnswer: TUnsafe<TaskAnswer> = typed(
  Type.Object({
    state: Type.Union([Type.Literal('waiting'), Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
    progress: Type.Optional(
      Type.Record(Type.String({ maxLength: 32 }), Type.Union([textOf(128), Type.Number()]), { maxProperties: 16 }),
    ),
    report: Type.Optional(Type.Unknown()),
    problem: Type.Optional(problemJson),
  }),
);

export interface MeteringQuery {
  /** Days since 1970 in UTC, `from` included and `to` not. */
  from: number;
  to: number;
}

export const meteringQuery: TUnsafe<MeteringQuery> = typed(strict({ from: countJson, to: countJson }));

export interface MeteringAnswer {
  rows: {
    safe: string;
    customer: string;
    computer: string;
    job: string;
    day: number;
    protectedBytes: number;
    storedBytes: number;
    safesets: number;
  }[];
}

export const meteringAnswer: TUnsafe<MeteringAnswer> = typed(
  Type.Object({
    rows: Type.Array(
      Type.Object({
        safe: idJson,
        customer: customerJson,
        computer: textOf(32),
        job: textOf(jobBytesMax),
        day: countJson,
        protectedBytes: countJson,
        storedBytes: countJson,
        safesets: countJson,
      }),
    ),
  }),
);

/** `PUT /safes/{safe}/customer`. */
export interface CustomerBody {
  customer: string;
}

export const customerBody: TUnsafe<CustomerBody> = typed(strict({ customer: customerJson }));

/** How far a twin's feed of one safe was taken in. */
export interface TwinSafeJson {
  safe: string;
  /** Not looked at yet. */
  behindObjects: number;
  behindBytes: number;
  /** Left out where nothing is behind. */
  behindSinceMs?: number;
  /** When its feed was read to its end last; left out before the first time. */
  readMs?: number;
  skewMs: number;
  /** The code of what went wrong last; left out when nothing did. */
  problem?: string;
}

/** `GET /twins`. */
export interface TwinsAnswer {
  nowMs: number;
  twins: { site: string; address: string; safes: TwinSafeJson[] }[];
}

export const twinsAnswer: TUnsafe<TwinsAnswer> = typed(
  Type.Object({
    nowMs: countJson,
    twins: Type.Array(
      Type.Object({
        site: idJson,
        address: textOf(2048),
        safes: Type.Array(
          Type.Object({
            safe: idJson,
            behindObjects: countJson,
            behindBytes: countJson,
            behindSinceMs: Type.Optional(countJson),
            readMs: Type.Optional(countJson),
            skewMs: Type.Integer(),
            problem: Type.Optional(textOf(64)),
          }),
          { maxItems: safesMax },
        ),
      }),
      { maxItems: sitesMax },
    ),
  }),
);
