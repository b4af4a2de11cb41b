/* A token that is good by the client's clock and not by the site's: the clocks are named, and not the token. */

import { test } from 'node:test';
import { openRemoteVault } from '@twinvault/protocol/wire';
import { dayMs } from '@twinvault/std';
import { nodeNetwork, systemClock, systemRandom, systemTimers } from '@twinvault/std/node';
import { rejectsWith } from '@twinvault/testkit';
import { servicePlace } from './service-place.ts';

test('a clock that is off is told from a token that has ended', async () => {
  const place = await servicePlace();
  using network = nodeNetwork();
  const ask = async (tokenDays: number, clockDays: number): Promise<unknown> => {
    const nowMs = systemClock.nowMs();
    const times = { notBeforeMs: nowMs + (tokenDays - 1) * dayMs, endsMs: nowMs + (tokenDays + 1) * dayMs };
    const capability = await place.token({ verbs: ['read'], ...times });
    const clock = { nowMs: () => systemClock.nowMs() + clockDays * dayMs, monotonicMs: () => systemClock.monotonicMs() };
    const ports = { network, clock, timers: systemTimers, random: systemRandom };
    return (await openRemoteVault({ address: place.base.replace(/\/v1$/u, ''), capability, ports })).safes();
  };
  await rejectsWith(ask(-366, -366), 'clocks-apart');
  await rejectsWith(ask(366, 366), 'clocks-apart');
  await rejectsWith(ask(-2, 0), 'capability-ended');
  await rejectsWith(ask(2, 0), 'capability-invalid');
  // By neither clock.
  await rejectsWith(ask(-30, -10), 'capability-ended');
});
