/* What `GET /site`, `GET /safes` and every refusal answer. */

import { Type } from 'typebox';
import type { TUnsafe } from 'typebox';
import { labelBytesMax } from '@twinvault/format';
import { problemContextMax, safesMax } from '../limits.ts';
import { countJson, customerJson, idJson, publicKeyJson, textOf, typed } from './json-parts.ts';

export interface SiteAnswer {
  site: string;
  publicKey: string;
  generation: string;
  nowMs: number;
  /** Versions of the protocol that the site speaks. */
  protocol: { from: number; to: number };
  limits: SiteLimits;
}

/** Those that a client keeps; never above those of limits.ts. */
export interface SiteLimits {
  rangesMax: number;
  rangesBytesMax: number;
  holdersOriginsMax: number;
  bodiesInFlightMax: number;
}

export const siteAnswer: TUnsafe<SiteAnswer> = typed(
  Type.Object({
    site: idJson,
    publicKey: publicKeyJson,
    generation: idJson,
    nowMs: countJson,
    protocol: Type.Object({ from: countJson, to: countJson }),
    limits: Type.Object({
      rangesMax: countJson,
      rangesBytesMax: countJson,
      holdersOriginsMax: countJson,
      bodiesInFlightMax: countJson,
    }),
  }),
);

export interface SafesAnswer {
  /** `home`: a site's id; `customer` is told to operators and twins. */
  safes: { safe: string; label: string; home?: string; erased?: true; customer?: string }[];
}

export const safesAnswer: TUnsafe<SafesAnswer> = typed(
  Type.Object({
    safes: Type.Array(
      Type.Object({
        safe: idJson,
        label: textOf(labelBytesMax),
        home: Type.Optional(idJson),
        erased: Type.Optional(Type.Literal(true)),
        customer: Type.Optional(customerJson),
      }),
      { maxItems: safesMax },
    ),
  }),
);

/** RFC 9457, with the fields of a `CodedError`. */
export interface Problem {
  type: string;
  status: number;
  code: string;
  retry: 'never' | 'later';
  /** Ids, sizes and counts; a bigint travels as text. */
  context: Record<string, string | number | boolean>;
}

export const problemJson: TUnsafe<Problem> = typed(
  Type.Object({
    type: textOf(256),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    code: Type.String({ pattern: '^[a-z]+(-[a-z0-9]+)*$', maxLength: 64 }),
    retry: Type.Union([Type.Literal('never'), Type.Literal('later')]),
    context: Type.Record(Type.String({ maxLength: 64 }), Type.Union([textOf(1024), Type.Number(), Type.Boolean()]), {
      maxProperties: problemContextMax,
    }),
  }),
);
