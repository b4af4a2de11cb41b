/* What a clean-up is going to do, decided before anything changes. */

import type { RecordSummary } from '@twinvault/protocol';
import type { ChosenPack } from '../compact/choose.ts';
import type { LiveSet } from '../live/live-set.ts';
import type { LiveRows } from '../live/refs-pool.ts';
import type { CleanRights } from './consent.ts';
import type { Marked, MarkTimes } from './mark.ts';
import type { CleanedRecord } from './report.ts';

export interface CleanPlan {
  readonly times: MarkTimes;
  readonly rights: CleanRights;
  readonly records: readonly CleanedRecord[];
  readonly retiring: ReadonlyMap<string, RecordSummary>;
  readonly live: LiveSet;
  /** Without what is about to be retired. */
  readonly rows: LiveRows;
  readonly marked: Marked;
  /** To be compacted. */
  readonly chosen: readonly ChosenPack[];
  readonly markedShare: number;
  readonly stopped: boolean;
}
