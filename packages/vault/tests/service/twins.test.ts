/* Two sites that serve and follow each other: what is sent to one stands at both, and each tells how far it is. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openRemoteVault, openTwinSource } from '@twinvault/protocol/wire';
import type { RemoteVault } from '@twinvault/protocol/wire';
import { toHex } from '@twinvault/std';
import { nodeNetwork, systemClock, systemRandom, systemTimers } from '@twinvault/std/node';
import { memoryPlatform, rejectsWith, runOnce, TestSafe } from '@twinvault/testkit';
import type { FollowedTwin } from '../../src/care/follow.ts';
import { createDirectoryVault } from '../../src/directory-vault.ts';
import type { SiteVault } from '../../src/site-vault.ts';
import { servicePlace } from './service-place.ts';
import type { ServicePlace } from './service-place.ts';

interface Site {
  readonly vault: SiteVault;
  readonly place: ServicePlace;
}

interface TwoSites {
  readonly a: Site;
  readonly b: Site;
  /** Whether one can reach the other. */
  readonly line: { cut: boolean };
}

async function twoSites(seed: string): Promise<TwoSites> {
  const line = { cut: false };
  const vaults = await Promise.all(
    ['a', 'b'].map((name) =>
      createDirectoryVault({ path: '/vault', platform: { ...memoryPlatform(`${seed} ${name}`), timers: systemTimers } }),
    ),
  );
  const places: ServicePlace[] = [];
  const twinOf = async (index: number): Promise<FollowedTwin> => {
    const { site } = await (vaults[index] as SiteVault).site();
    return {
      site,
      address: `https://${index === 0 ? 'a' : 'b'}.test`,
      open: async (signal) => {
        const place = places[index];
        const network = nodeNetwork();
        const direct = line.cut || place === undefined ? 'http://127.0.0.1:9' : place.base.replace(/\/v1$/u, '');
        const capability = place === undefined ? '' : await place.token({ verbs: ['follow'] });
        const ports = { network, clock: systemClock, timers: systemTimers, random: systemRandom };
        const onClose = (): void => network[Symbol.dispose]();
        return openTwinSource({ address: direct, capability, ports, signal, retryMs: 0, onClose });
      },
    };
  };
  for (const [index, vault] of vaults.entries()) {
    places.push(await servicePlace({ vault, twins: [await twinOf(1 - index)], care: { followEveryMs: 200 } }));
  }
  const [a, b] = vaults.map((vault, index): Site => ({ vault, place: places[index] as ServicePlace }));
  assert.ok(a && b);
  return { a, b, line };
}

/** As an agent reaches it. */
async function agentOf({ place }: Site): Promise<RemoteVault> {
  const network = nodeNetwork();
  after(() => network[Symbol.dispose]());
  const ports = { network, clock: systemClock, timers: systemTimers, random: systemRandom };
  const capability = await place.token({ verbs: ['create', 'write'] });
  return openRemoteVault({ address: place.base.replace(/\/v1$/u, ''), capability, ports });
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const startedMs = Date.now();
  while (!(await isSo())) {
    assert.ok(Date.now() - startedMs < 60_000, what);
    await systemTimers.sleep(50);
  }
}

async function recordsOf({ vault }: Site, safe: TestSafe): Promise<string[]> {
  const known = (await vault.safes()).some((each) => toHex(each.safe) === toHex(safe.safe));
  return known ? (await (await vault.openSafe(safe.safe)).records()).map(({ digest }) => toHex(digest)).sort() : [];
}

test('what is sent to either stands at both, and a line that was cut is caught up', async () => {
  const { a, b, line } = await twoSites('both');
  const mine = new TestSafe('both');
  const computer = mine.enrol();
  const [atA, atB] = [await agentOf(a), await agentOf(b)];
  await atA.createSafe(mine.newSafe);
  const record = await runOnce({ safe: await atA.openSafe(mine.safe), mine, computer });
  await until('the first record at b', async () => (await recordsOf(b, mine)).includes(toHex(record.digest)));
  line.cut = true;
  const there = await runOnce({ safe: await atB.openSafe(mine.safe), mine, computer });
  const here = await runOnce({ safe: await atA.openSafe(mine.safe), mine, computer });
  const token = await a.place.token({ verbs: ['operate'] });
  const twins = async (): Promise<{ safes: { problem?: string; readMs?: number; behindObjects: number }[] } | undefined> => {
    const answer = await a.place.send({ method: 'GET', path: '/twins', token });
    return (answer.json()['twins'] as { safes: { problem?: string; behindObjects: number }[] }[])[0];
  };
  await until('a problem is told', async () => (await twins())?.safes[0]?.problem === 'network-unreachable');
  line.cut = false;
  const all = [record, there, here].map(({ digest }) => toHex(digest)).sort();
  for (const site of [a, b]) {
    await until('all records', async () => (await recordsOf(site, mine)).join() === all.join());
  }
  await until('nothing is behind', async () => {
    const [safe] = (await twins())?.safes ?? [];
    return safe?.problem === undefined && safe?.readMs !== undefined && safe.behindObjects === 0;
  });
  const [siteA, siteB] = [await a.vault.site(), await b.vault.site()];
  await until('both know where each stands', async () => {
    const records = await (await a.vault.openSafe(mine.safe)).records();
    return records.every(({ sites }) => sites?.length === 2);
  });
  assert.equal(toHex((await a.vault.twins.sites())[0]?.publicKey ?? new Uint8Array(0)), toHex(siteB.publicKey));
  const [progress] = await b.vault.twins.reads(mine.safe);
  assert.ok(progress);
  assert.notEqual(progress.endAskedMs, null);
  assert.equal(toHex(progress.twin.site), toHex(siteA.site));
});

test('a twin learns whose a safe is from its home, and only home says so', async () => {
  const { a, b } = await twoSites('whose');
  const mine = new TestSafe('whose');
  await a.vault.createSafe(mine.newSafe, { customer: 'Ada & Co' });
  const knows = async (site: Site, customer: string): Promise<boolean> =>
    (await site.vault.safes()).some((safe) => toHex(safe.safe) === toHex(mine.safe) && safe.customer === customer);
  await until('b knows', () => knows(b, 'Ada & Co'));
  await rejectsWith(b.vault.assignCustomer(mine.safe, 'Eve'), 'not-home');
  await a.vault.assignCustomer(mine.safe, 'Bo');
  await until('b follows', () => knows(b, 'Bo'));
  await a.vault.assignCustomer(mine.safe, toHex(mine.safe));
  await until('b follows again', () => knows(b, toHex(mine.safe)));
  assert.ok(await knows(a, toHex(mine.safe)));
});
