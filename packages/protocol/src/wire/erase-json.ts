/* What a site says in JSON of the erase orders of a safe. */

import { Type } from 'typebox';
import type { TUnsafe } from 'typebox';
import { eraseCertificateBytesMax, eraseJobsMax, labelBytesMax } from '@twinvault/format';
import { erasesMax } from '../limits.ts';
import { countJson, digestJson, idJson, textOf, typed } from './json-parts.ts';

/** `EraseSummary` of the vault port. */
export interface EraseJson {
  site: string;
  order: string;
  number: number;
  createdMs: number;
  jobs: { computer: string; job: string }[] | null;
  byRoot: boolean;
  state: 'unnamed' | 'cancelled' | 'waiting' | 'apart' | 'due' | 'begun' | 'done';
  arrivedMs: number;
  dueMs: number;
  /** As the site signed it; null before the order was begun there. */
  certificate: string | null;
}

export interface ErasesAnswer {
  erases: EraseJson[];
}

const states = ['unnamed', 'cancelled', 'waiting', 'apart', 'due', 'begun', 'done'] as const;

export const erasesAnswer: TUnsafe<ErasesAnswer> = typed(
  Type.Object({
    erases: Type.Array(
      Type.Object({
        site: idJson,
        order: digestJson,
        number: countJson,
        createdMs: countJson,
        jobs: Type.Union([
          Type.Null(),
          Type.Array(Type.Object({ computer: idJson, job: textOf(labelBytesMax) }), { maxItems: eraseJobsMax }),
        ]),
        byRoot: Type.Boolean(),
        state: Type.Enum([...states]),
        arrivedMs: countJson,
        dueMs: countJson,
        certificate: Type.Union([Type.Null(), textOf(eraseCertificateBytesMax)]),
      }),
      { maxItems: erasesMax },
    ),
  }),
);
