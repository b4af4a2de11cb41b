/* A client that outlives its capability: it goes on with the one that took its place, and says that it has ended where none did. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openRemoteVault } from '@twinvault/protocol/wire';
import type { RemoteVault } from '@twinvault/protocol/wire';
import { hourMs } from '@twinvault/std';
import { nodeNetwork, systemClock, systemRandom, systemTimers } from '@twinvault/std/node';
import { rejectsWith } from '@twinvault/testkit';
import { servicePlace } from './service-place.ts';

test('requests go on with the capability that took the place of one that ended', async () => {
  const place = await servicePlace();
  const nowMs = systemClock.nowMs();
  const ended = await place.token({ verbs: ['create', 'write'], notBeforeMs: nowMs - 3 * hourMs, endsMs: nowMs - hourMs });
  const next = await place.token({ verbs: ['create', 'write'] });
  using network = nodeNetwork();
  const ports = { network, clock: systemClock, timers: systemTimers, random: systemRandom };
  let asked = 0;
  const clientOf = (answer: string | null): Promise<RemoteVault> => {
    const nextCapability = (): Promise<string | null> => {
      asked += 1;
      return Promise.resolve(answer);
    };
    return openRemoteVault({ address: place.base.replace(/\/v1$/u, ''), capability: ended, nextCapability, ports });
  };
  const renewed = await clientOf(next);
  const lists = await Promise.all(Array.from({ length: 5 }, () => renewed.safes()));
  assert.deepEqual(lists.flat(), []);
  const before = asked;
  assert.ok(before >= 1 && before <= 5);
  await renewed.safes();
  assert.equal(asked, before, 'it is kept');

  for (const answer of [ended, null]) {
    asked = 0;
    await rejectsWith((await clientOf(answer)).safes(), 'capability-ended');
    assert.equal(asked, 1, 'and it is not asked for for ever');
  }
});
