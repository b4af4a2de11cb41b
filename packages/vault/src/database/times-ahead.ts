/*
 * Times that are still to come although they tell of what has been: a clock that was ahead wrote them. Left as they are, nothing would be looked after until
 * they have passed, which may be in a year. The queue finds its own by itself (work-queue.ts), since it is what all else runs by.
 */

import { hourMs } from '@twinvault/std';
import type { SiteDatabase } from './site-database.ts';

/** What is so little ahead passes by itself. */
export const aheadMsMax: number = hourMs;

/** Forgets them: what is not known to have been done is done again. Idempotent. */
export async function mendTimesAhead(database: SiteDatabase): Promise<void> {
  await database.change(async (tables) => {
    const nowMs = await database.nowMs(tables);
    const untilMs = nowMs + aheadMsMax;
    await tables
      .updateTable('inventory')
      .set({ verifiedMs: 0 })
      .where('state', '=', 'whole')
      .where('verifiedMs', '>', untilMs)
      .execute();
    await tables.updateTable('twinLags').set({ readMs: null }).where('readMs', '>', untilMs).execute();
    await tables.updateTable('twinLags').set({ comparedMs: null }).where('comparedMs', '>', untilMs).execute();
    await tables.updateTable('twinLags').set({ behindSinceMs: nowMs }).where('behindSinceMs', '>', untilMs).execute();
  });
}
