/* What a twin follows: the feed of a safe, which is what became durable, in order, and each object by its name. */

import { siteIdFromHex } from '@twinvault/format';
import { feedPageMax, ProtocolError, twinObjectBytesMax } from '@twinvault/protocol';
import type { TwinObjectKind } from '@twinvault/protocol';
import { feedQuery, objectQuery } from '@twinvault/protocol/wire';
import type { FeedAnswer } from '@twinvault/protocol/wire';
import { secondMs } from '@twinvault/std';
import type { Clock, Timers } from '@twinvault/std';
import { feedGeneration } from '../../database/facts.ts';
import type { SiteDatabase } from '../../database/site-database.ts';
import type { FeedPage, Inventory } from '../../database/inventory.ts';
import { readTwinObject } from '../../twins/read-object.ts';
import type { Answer, Call } from '../http/call.ts';
import type { Handlers } from '../http/http-app.ts';
import { json, openSafeOf, parameterOf, queryOf, safeOf } from './handler-parts.ts';
import type { HandlerParts } from './handler-parts.ts';

export interface FeedParts extends HandlerParts {
  readonly inventory: Inventory;
  readonly database: SiteDatabase;
  readonly ports: { readonly clock: Clock; readonly timers: Timers };
  /** Aborted when the site stops: nobody waits longer. */
  readonly stopping: AbortSignal;
}

/** What another node announced is found by looking again. */
const lookAgainMs: number = secondMs;

export function feedHandlers(parts: FeedParts): Handlers {
  return {
    feed: async (call) => {
      const { after = '0', wait = 0 } = queryOf(feedQuery, call);
      if (!/^\d{1,15}$/u.test(after)) throw new ProtocolError('request-invalid', { context: { defect: 'after' } });
      await openSafeOf(parts.vault, call);
      const page = await pageAfter(parts, call, { after: Number(after), waitMs: wait });
      const { generation, nowMs } = await parts.vault.site();
      const answer: FeedAnswer = {
        generation: await feedGeneration(parts.database, generation),
        events: [...page.events],
        next: String(page.next),
        last: Math.max(page.next, page.last),
        nowMs,
      };
      return json(answer);
    },
    object: (call) => objectOf(parts, call),
  };
}

/** As stored, and as verified as whoever asks makes it. What was found damaged is as if it were gone. */
async function objectOf({ vault, inventory }: FeedParts, call: Call): Promise<Answer> {
  const kind = parameterOf(call, 'kind') as TwinObjectKind;
  const [safe, name] = [parameterOf(call, 'safe'), parameterOf(call, 'name')];
  const { site } = queryOf(objectQuery, call);
  const { context } = await vault.partsOf(safeOf(call));
  const known = site === undefined ? await inventory.find(safe, { kind, name }) : null;
  const unknown = new ProtocolError('object-unknown', { context: { kind, name } });
  if (known?.state === 'damaged') throw unknown;
  await call.reserve(known?.bytes ?? twinObjectBytesMax[kind]);
  const body = await readTwinObject(context, { kind, name, ...(site === undefined ? {} : { site: siteIdFromHex(site) }) });
  if (body === null) throw unknown;
  return { type: 'object', body };
}

async function pageAfter(
  { inventory, announcements, ports: { clock, timers }, stopping }: FeedParts,
  call: Call,
  { after, waitMs }: { readonly after: number; readonly waitMs: number },
): Promise<FeedPage & { readonly last: number }> {
  const safe = parameterOf(call, 'safe');
  const untilMs = clock.monotonicMs() + waitMs;
  for (;;) {
    // The newest position first: one that is given meanwhile is then on the page, or told next time.
    const last = await inventory.last(safe);
    const page = { ...(await inventory.feed(safe, after, feedPageMax)), last };
    const leftMs = untilMs - clock.monotonicMs();
    if (page.events.length > 0 || leftMs <= 0 || stopping.aborted || call.signal.aborted) return page;
    const waiting = new AbortController();
    const end = (): void => waiting.abort();
    const signal = AbortSignal.any([waiting.signal, stopping, call.signal]);
    const pause = timers.sleep(Math.min(leftMs, lookAgainMs), signal).catch(() => undefined);
    await Promise.race([announcements.changed(safe, signal), pause]);
    end();
  }
}
