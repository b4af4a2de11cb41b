/*
 * The reports of operators' tasks, as a site tells them: what `check`, `clean` and `rebuild` of a vault report, with digests as hexadecimal. Lists are cut after
 * `reportRowsMax` rows; how many were left out stands beside them.
 *
 * What a site says in words of its own is printed to a terminal, so it holds no control characters.
 */

import { Type } from 'typebox';
import type { TObject, TSchema, TUnsafe } from 'typebox';
import { jobBytesMax, reportRowsMax } from '../limits.ts';
import { countJson, digestJson, idJson, textOf, typed } from './json-parts.ts';

function printable(lengthMax: number): TUnsafe<string> {
  return Type.Unsafe<string>(Type.String({ maxLength: lengthMax, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' }));
}

function rows<Schema extends TSchema>(row: Schema): ReturnType<typeof Type.Array<Schema>> {
  return Type.Array(row, { maxItems: reportRowsMax });
}

export interface CheckReportJson {
  problems: {
    code: string;
    severity: 'loss' | 'fault' | 'note';
    object: string;
    meaning: string;
    advice: string;
    detail: string;
  }[];
  problemsLeftOut?: number;
  safes: number;
  objects: number;
  packs: number;
  records: number;
  readBytes: number;
}

export const checkReport: TUnsafe<CheckReportJson> = typed(
  Type.Object({
    problems: rows(
      Type.Object({
        code: printable(64),
        severity: Type.Union([Type.Literal('loss'), Type.Literal('fault'), Type.Literal('note')]),
        object: printable(1024),
        meaning: printable(1024),
        advice: printable(1024),
        detail: printable(1024),
      }),
    ),
    problemsLeftOut: Type.Optional(countJson),
    safes: countJson,
    objects: countJson,
    packs: countJson,
    records: countJson,
    readBytes: countJson,
  }),
);

export interface CleanedRecordJson {
  record: string;
  computer: string;
  job: string;
  kind: 'safeset' | 'checkpoint';
  type: string;
  sequence: number;
  receivedMs: number;
  storedBytes: number;
  action: 'keep' | 'retire';
  reason: string;
}

export interface CleanReportJson {
  safe: string;
  dryRun: boolean;
  nowMs: number;
  records: CleanedRecordJson[];
  recordsLeftOut?: number;
  packs: { pack: string; bytes: number; action: string; reason: string }[];
  packsLeftOut?: number;
  totalPacks: number;
  totalBytes: number;
  compaction: {
    sources: number;
    sourceBytes: number;
    liveBytes: number;
    deadBytes: number;
    plans: number;
    packs: number;
    bytes: number;
    damaged: string[];
    stopped: 'vault-full' | null;
  };
  markedShare: number;
  stopped: boolean;
  heldBack: string | null;
  deletedPacks: number;
  deletedBytes: number;
  swept: number;
}

const cleanedRecord: TObject = Type.Object({
  record: digestJson,
  computer: idJson,
  job: textOf(jobBytesMax),
  kind: Type.Union([Type.Literal('safeset'), Type.Literal('checkpoint')]),
  type: textOf(jobBytesMax),
  sequence: countJson,
  receivedMs: countJson,
  storedBytes: countJson,
  action: Type.Union([Type.Literal('keep'), Type.Literal('retire')]),
  reason: printable(64),
});

export const cleanReport: TUnsafe<CleanReportJson> = typed(
  Type.Object({
    safe: idJson,
    dryRun: Type.Boolean(),
    nowMs: countJson,
    records: rows(Type.Unsafe<CleanedRecordJson>(cleanedRecord)),
    recordsLeftOut: Type.Optional(countJson),
    packs: rows(Type.Object({ pack: digestJson, bytes: countJson, action: printable(64), reason: printable(64) })),
    packsLeftOut: Type.Optional(countJson),
    totalPacks: countJson,
    totalBytes: countJson,
    compaction: Type.Object({
      sources: countJson,
      sourceBytes: countJson,
      liveBytes: countJson,
      deadBytes: countJson,
      plans: countJson,
      packs: countJson,
      bytes: countJson,
      damaged: rows(digestJson),
      stopped: Type.Union([Type.Literal('vault-full'), Type.Null()]),
    }),
    markedShare: Type.Number({ minimum: 0 }),
    stopped: Type.Boolean(),
    heldBack: Type.Union([printable(64), Type.Null()]),
    deletedPacks: countJson,
    deletedBytes: countJson,
    swept: countJson,
  }),
);

export interface RebuildReportJson {
  generation: string;
  safes: { safe: string; packs: number; differing: number; damaged: number; receipts: number; leases: number }[];
}

export const rebuildReport: TUnsafe<RebuildReportJson> = typed(
  Type.Object({
    generation: idJson,
    safes: rows(
      Type.Object({
        safe: idJson,
        packs: countJson,
        differing: countJson,
        damaged: countJson,
        receipts: countJson,
        leases: countJson,
      }),
    ),
  }),
);
