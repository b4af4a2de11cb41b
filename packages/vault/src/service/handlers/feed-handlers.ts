/* The feed of a safe: what became durable, in order. */

import { feedPageMax, ProtocolError } from '@twinvault/protocol';
import { feedQuery } from '@twinvault/protocol/wire';
import type { FeedAnswer } from '@twinvault/protocol/wire';
import { secondMs, toHex } from '@twinvault/std';
import type { Clock, Timers } from '@twinvault/std';
import type { FeedPage, Inventory } from '../../database/inventory.ts';
import type { Call } from '../http/call.ts';
import type { Handlers } from '../http/http-app.ts';
import { json, openSafeOf, parameterOf, queryOf } from './handler-parts.ts';
import type { HandlerParts } from './handler-parts.ts';

export interface FeedParts extends HandlerParts {
  readonly inventory: Inventory;
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
      const { generation } = await parts.vault.site();
      const answer: FeedAnswer = { generation: toHex(generation), events: [...page.events], next: String(page.next) };
      return json(answer);
    },
  };
}

async function pageAfter(
  { inventory, announcements, ports: { clock, timers }, stopping }: FeedParts,
  call: Call,
  { after, waitMs }: { readonly after: number; readonly waitMs: number },
): Promise<FeedPage> {
  const safe = parameterOf(call, 'safe');
  const untilMs = clock.monotonicMs() + waitMs;
  for (;;) {
    const page = await inventory.feed(safe, after, feedPageMax);
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
