/* What a site may be taken in from: a vault that is open here, and one far away. Both tell the same of the same vault. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { objectDigest } from '@twinvault/format';
import { ProtocolError, twinObjectKinds } from '@twinvault/protocol';
import type { TwinEvent, TwinSource } from '@twinvault/protocol';
import { openRemoteVault, openTwinSource } from '@twinvault/protocol/wire';
import { fromHex, toHex } from '@twinvault/std';
import { nodeNetwork, systemClock, systemRandom } from '@twinvault/std/node';
import { rejectsWith, runOnce, TestSafe } from '@twinvault/testkit';
import { vaultTwinSource } from '../src/index.ts';
import { impatient } from './service/client-place.ts';
import { servicePlace } from './service/service-place.ts';
import type { ServicePlace } from './service/service-place.ts';

interface Sources {
  readonly place: ServicePlace;
  readonly safe: TestSafe;
  readonly backUp: () => Promise<void>;
  readonly open: readonly (() => Promise<TwinSource>)[];
}

async function sources(seed: string): Promise<Sources> {
  const place = await servicePlace();
  const safe = new TestSafe(seed);
  const computer = safe.enrol();
  const address = place.base.replace(/\/v1$/u, '');
  const network = nodeNetwork();
  after(() => network[Symbol.dispose]());
  const ports = { network, clock: systemClock, timers: impatient, random: systemRandom };
  const capability = await place.token({ verbs: ['create', 'write'] });
  const vault = await openRemoteVault({ address, capability, ports });
  await vault.createSafe(safe.newSafe);
  const opened = await vault.openSafe(safe.safe);
  const follow = await place.token({ verbs: ['follow'] });
  return {
    place,
    safe,
    backUp: async () => void (await runOnce({ safe: opened, mine: safe, computer })),
    open: [
      () => Promise.resolve(vaultTwinSource(place.vault, systemRandom)),
      () => openTwinSource({ address, capability: follow, ports }),
    ],
  };
}

async function allOf(source: TwinSource, safe: TestSafe['safe'], from: number = 0): Promise<TwinEvent[]> {
  const events: TwinEvent[] = [];
  for (let place = from; ;) {
    const page = await source.feed(safe, { after: place, waitMs: 0 });
    events.push(...page.events);
    assert.equal(page.next, page.events.at(-1)?.position ?? place);
    assert.ok(page.last >= page.next);
    if (page.next === page.last) return events;
    place = page.next;
  }
}

const keyOf = ({ kind, name, bytes }: TwinEvent): string => `${kind} ${name} ${bytes}`;

test('both sources name the same objects and give the same bytes', async () => {
  const { place, safe, backUp, open } = await sources('named');
  await backUp();
  const told: string[][] = [];
  for (const opening of open) {
    await using source = await opening();
    assert.deepEqual((await source.site()).publicKey, (await place.vault.site()).publicKey);
    const { site } = await source.site();
    assert.deepEqual(
      (await source.safes()).map((each) => [toHex(each.safe), toHex(each.home)]),
      [[toHex(safe.safe), toHex(site)]],
    );
    assert.deepEqual(await source.descriptor(safe.safe), safe.descriptor);
    const events = await allOf(source, safe.safe);
    told.push(events.map(keyOf).sort());
    for (const event of events) {
      const bytes = await source.object(safe.safe, event);
      assert.equal(bytes?.length, event.bytes, event.kind);
      if (event.kind === 'slots') assert.equal(toHex(objectDigest(bytes)), event.name);
    }
    assert.deepEqual(new Set(events.map(({ kind }) => kind)), new Set(['ledger', 'slots', 'pack', 'record', 'receipt']));
  }
  assert.deepEqual(told[0], told[1]);
});

test('what came since is told after what was told, and nothing twice', async () => {
  const { safe, backUp, open } = await sources('since');
  for (const opening of open) {
    await using source = await opening();
    const before = await allOf(source, safe.safe);
    await backUp();
    const since = await allOf(source, safe.safe, before.at(-1)?.position);
    assert.deepEqual(since.map(({ kind }) => kind).sort(), ['pack', 'receipt', 'record']);
  }
});

test('what is not there is null or unknown', async () => {
  const { place, safe, open } = await sources('missing');
  const nobody = new TestSafe('nobody').safe;
  for (const opening of open) {
    await using source = await opening();
    for (const kind of twinObjectKinds) {
      const name = kind === 'ledger' ? '0000000099' : 'ab'.repeat(32);
      assert.equal(await source.object(safe.safe, { kind, name }), null, kind);
    }
    const { site } = await place.vault.site();
    assert.equal(await source.object(safe.safe, { kind: 'receipt', name: 'ab'.repeat(32), site }), null);
    await rejectsWith(source.feed(nobody, { after: 0, waitMs: 0 }), 'safe-unknown');
    await rejectsWith(source.descriptor(nobody), 'safe-unknown');
    await rejectsWith(source.object(nobody, { kind: 'slots', name: 'ab'.repeat(32) }), 'safe-unknown');
  }
});

test('following is the verb of a twin alone, and it writes nothing', async () => {
  const { place, safe } = await sources('verbs');
  const path = `/safes/${toHex(safe.safe)}`;
  const object = `${path}/objects/ledger/0000000001`;
  for (const verb of ['read', 'write', 'operate', 'create'] as const) {
    const answer = await place.send({ method: 'GET', path: object, token: await place.token({ verbs: [verb] }) });
    assert.equal(answer.json()['code'], 'verb-denied', verb);
  }
  const token = await place.token({ verbs: ['follow'] });
  assert.equal((await place.send({ method: 'GET', path: object, token })).status, 200);
  for (const wrong of ['packs/0000000001', 'ledger/00000001', `ledger/${'ab'.repeat(32)}`, 'pack/0000000001']) {
    const answer = await place.send({ method: 'GET', path: `${path}/objects/${wrong}`, token });
    assert.equal(answer.json()['code'], 'request-invalid', wrong);
  }
  const appended = await place.send({ method: 'POST', path: `${path}/ledger`, token, body: fromHex('00') ?? new Uint8Array(1) });
  assert.equal(appended.json()['code'], 'verb-denied');
  await assert.rejects(place.token({ verbs: ['follow'], safe: safe.safe }), (error) => {
    return error instanceof ProtocolError && error.code === 'capability-invalid';
  });
});
