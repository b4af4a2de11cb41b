/*
 * Restoring from a site whose database has not one byte left, on a real full disk: readings open, go on at every node, and end; what writes is refused. When there
 * is room again, what is open goes on and what has ended is over.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openRemoteVault } from '@twinvault/protocol/wire';
import { equalBytes, MiB } from '@twinvault/std';
import { nodeNetwork, nodePlatform, systemRandom } from '@twinvault/std/node';
import { memoryPlatform, mountSmallDisk, rejectsWith, sessionOf, TestSafe } from '@twinvault/testkit';
import { openSiteDatabase } from '../../src/database/open-database.ts';
import { createDirectoryVault } from '../../src/index.ts';
import { hex, servicePlace } from './service-place.ts';

const root = mkdtempSync(join(tmpdir(), 'twinvault-restore-full-'));
const disk = mountSmallDisk(join(root, 'disk'), 8 * MiB);
after(() => {
  disk?.unmount();
  rmSync(root, { recursive: true });
});

test('a full disk below the database ends no restore', { skip: disk === null ? 'needs the right to mount' : false }, async () => {
  assert.ok(disk !== null);
  const platform = nodePlatform();
  const config = { type: 'sqlite', path: join(disk.path, 'site.sqlite') } as const;
  const vault = await createDirectoryVault({ path: '/vault', platform: memoryPlatform('full database') });
  await using first = await openSiteDatabase({ config, platform });
  await using second = await openSiteDatabase({ config, platform });
  const [one, two] = [await servicePlace({ vault, database: first }), await servicePlace({ vault, database: second })];
  const mine = new TestSafe('full');
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe);
  const pack = mine.pack(computer);
  await using network = Object.assign(nodeNetwork(), { [Symbol.asyncDispose]: () => Promise.resolve() });
  const token = await one.token({ verbs: ['write'], safe: mine.safe });
  const ports = { network, random: systemRandom, clock: platform.clock, timers: platform.timers };
  const remoteAt = (place: typeof one): ReturnType<typeof openRemoteVault> =>
    openRemoteVault({ address: place.base.replace(/\/v1$/u, ''), capability: token, ports });
  const remote = await remoteAt(one);
  const safe = await remote.openSafe(mine.safe);
  {
    await using session = await sessionOf(safe, mine, computer);
    await session.putPack(pack.name, pack.bytes);
  }
  const path = (reading: string, rest = ''): string => `/safes/${hex(mine.safe)}/readings/${reading}${rest}`;
  const readAt = async (place: typeof one, reading: string): Promise<number> => {
    const headers = { range: 'bytes=0-9' };
    const asked = { method: 'GET', path: path(reading, `/packs/${hex(pack.name)}`), token, headers };
    const { status, body } = await place.send(asked);
    if (status === 206) assert.ok(equalBytes(body, pack.bytes.subarray(0, 10)));
    return status;
  };
  const [before, during, ended] = ['a1', 'b2', 'c3'].map((id) => id.repeat(16)) as [string, string, string];
  assert.equal((await one.send({ method: 'PUT', path: path(before), token })).status, 200);

  disk.fill(0);
  // Whatever room is left inside the files goes as well.
  for (let count = 0; count < 200; count += 1) {
    const name = { safe: hex(mine.safe), kind: 'session', id: `${count}`.padStart(32, '0') } as const;
    const full = await first
      .change((tables) =>
        tables
          .insertInto('exchanges')
          .values({ ...name, customer: '', stateJson: JSON.stringify('x'.repeat(20_000)), openedMs: 0, untilMs: 0, lapseMs: 0 })
          .execute(),
      )
      .then(() => false)
      .catch(() => true);
    if (full) break;
  }
  await rejectsWith(sessionOf(safe, mine, computer), 'vault-full');
  for (const id of [during, ended]) assert.equal((await one.send({ method: 'PUT', path: path(id), token })).status, 200);
  for (const place of [one, two, one]) for (const id of [before, during]) assert.equal(await readAt(place, id), 206, id);
  assert.equal((await one.send({ method: 'POST', path: path(during, '/renew'), token })).status, 204);
  assert.equal((await one.send({ method: 'DELETE', path: path(ended), token })).status, 204);
  const reading = await safe.openReading();
  assert.ok(equalBytes(await reading.readPack(pack.name, 0, 10), pack.bytes.subarray(0, 10)));
  await reading[Symbol.asyncDispose]();

  disk.free();
  for (const place of [one, two]) assert.equal(await readAt(place, during), 206);
  assert.equal((await one.send({ method: 'DELETE', path: path(during), token })).status, 204);
  for (const place of [one, two]) {
    for (const id of [during, ended, 'd4'.repeat(16)]) assert.equal(await readAt(place, id), 409, id);
  }
  {
    await using session = await sessionOf(safe, mine, computer);
    assert.equal(await session.putPack(pack.name, pack.bytes), 'present');
  }
  await remote[Symbol.asyncDispose]();
});
