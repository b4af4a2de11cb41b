/* Two sites with the same safe: what is damaged or lost at one is fetched from the other, whatever it is, and told for each safeset. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEraseOrder } from '@twinvault/format';
import type { EraseJob } from '@twinvault/format';
import { dayMs, toHex } from '@twinvault/std';
import { seededRandom } from '@twinvault/testkit';
import type { TestPack } from '@twinvault/testkit';
import type { TwinObjectKind, TwinSource } from '@twinvault/protocol';
import { objectKinds, storedNames, storeNameOf } from '../src/care/stored-objects.ts';
import type { NewObject } from '../src/database/inventory.ts';
import { rememberAtTwin } from '../src/erases/orders.ts';
import { mend } from '../src/twins/mend.ts';
import { healSafe } from '../src/twins/heal.ts';
import type { HealReport } from '../src/twins/heal.ts';
import { vaultTwinSource } from '../src/twins/vault-source.ts';
import { orderOf } from './erasing.ts';
import { backup } from './harness.ts';
import { twoSites } from './two-sites.ts';
import type { TestSite, TwoSites } from './two-sites.ts';

interface World extends TwoSites {
  readonly packs: readonly TestPack[];
}

/** Two safesets, sent to both sites alike. */
async function world(seed: string): Promise<World> {
  const { home, twin } = await twoSites(seed);
  const packs = [home.mine.pack(home.computer), home.mine.pack(home.computer)];
  for (const pack of packs) {
    const record = await backup(home, { packs: [pack] });
    await copyAll(home, twin);
    assert.ok(await twin.context.store.stat(twin.context.layout.record(record.digest)));
  }
  return { home, twin, packs };
}

/** Everything but receipts, which each site signs itself. */
async function copyAll(from: TestSite, to: TestSite): Promise<void> {
  for (const kind of objectKinds) {
    for (const name of kind === 'receipt' ? [] : await storedNames(from.context, kind)) {
      const bytes = await from.context.store.get(storeNameOf(from.context.layout, kind, name), 1e9);
      await to.context.store.put(storeNameOf(to.context.layout, kind, name), [bytes ?? new Uint8Array(0)]);
    }
  }
}

function sourceOf({ vault }: TestSite): TwinSource {
  return vaultTwinSource(vault, seededRandom('source'));
}

async function heal(
  site: TestSite,
  from: TestSite,
  damaged: readonly { kind: TwinObjectKind; name: string }[] = [],
): Promise<HealReport & { announced: NewObject[] }> {
  const announced: NewObject[] = [];
  const announce = (object: NewObject): Promise<void> => Promise.resolve(void announced.push(object));
  const report = await healSafe(await site.vault.partsOf(site.mine.safe), { sources: [sourceOf(from)], damaged, announce });
  return { ...report, announced };
}

async function problemsOf({ vault }: TestSite): Promise<string[]> {
  const { problems } = await vault.check({ readData: true });
  return problems.filter(({ code }) => code !== 'receipt-missing').map(({ code, object }) => `${code} ${object}`);
}

test('nothing is fetched where nothing is wrong', async () => {
  const { home, twin } = await world('heal nothing');
  const report = await heal(home, twin);
  assert.deepEqual([report.healed, report.unhealed, report.bytes, report.safesets], [[], [], 0, []]);
});

test('every object of every kind, flipped or gone, is healed from the twin', async () => {
  const { home, twin } = await world('heal every');
  for (const kind of objectKinds.filter((each) => each !== 'receipt')) {
    for (const name of await storedNames(home.context, kind)) {
      const place = storeNameOf(home.context.layout, kind, name);
      const whole = (await home.context.store.get(place, 1e9)) ?? new Uint8Array(0);
      for (const damage of ['flipped', 'gone'] as const) {
        const flipped = whole.map((byte, index) => (index === Math.floor(whole.length / 2) ? byte ^ 4 : byte));
        if (damage === 'flipped') await home.context.store.replace(place, [flipped]);
        else await home.context.store.remove(place);
        // A ledger is as long as it seems when its last entry is gone: that comes back by following.
        if (kind === 'ledger' && damage === 'gone' && name === (await storedNames(twin.context, 'ledger')).at(-1)) {
          await home.context.store.put(place, [whole]);
          continue;
        }
        const { healed, unhealed, announced } = await heal(home, twin, [{ kind, name }]);
        assert.deepEqual([healed, unhealed], [[{ kind, name }], []], `${kind} ${damage}`);
        assert.deepEqual(announced, [{ kind, name, bytes: whole.length }]);
        assert.deepEqual(await home.context.store.get(place, 1e9), whole);
        assert.deepEqual(await problemsOf(home), []);
      }
    }
  }
});

test('a pack that nobody knows to be gone is found by what records need, and told for each safeset', async () => {
  const { home, twin, packs } = await world('heal lost');
  const [first] = packs;
  assert.ok(first !== undefined);
  await home.context.store.remove(home.context.layout.pack(first.name));
  const { healed, safesets } = await heal(home, twin);
  assert.deepEqual(healed, [{ kind: 'pack', name: toHex(first.name) }]);
  assert.deepEqual(
    safesets.map(({ sequence, state }) => [sequence, state]),
    [[1, 'whole']],
  );
  assert.deepEqual(await problemsOf(home), []);
});

test('what the twin lacks too stays unhealed, and its safesets incomplete', async () => {
  const { home, twin, packs } = await world('heal both');
  const [first, second] = packs;
  assert.ok(first !== undefined && second !== undefined);
  for (const site of [home, twin]) await site.context.store.remove(site.context.layout.pack(first.name));
  await home.context.store.remove(home.context.layout.pack(second.name));
  const { healed, unhealed, safesets } = await heal(home, twin);
  assert.deepEqual(healed, [{ kind: 'pack', name: toHex(second.name) }]);
  assert.deepEqual(unhealed, [{ kind: 'pack', name: toHex(first.name), code: 'object-unknown' }]);
  const states = new Map(safesets.map(({ sequence, state }) => [sequence, state]));
  assert.deepEqual([states.get(1), states.get(2)], ['incomplete', 'whole']);
});

test('bytes of a lying twin are not taken, and the next source is asked', async () => {
  const { home, twin, packs } = await world('heal lies');
  const [first, second] = packs;
  assert.ok(first !== undefined && second !== undefined);
  await home.context.store.remove(home.context.layout.pack(first.name));
  const honest = sourceOf(twin);
  const lies: Uint8Array[] = [second.bytes, first.bytes.slice(0, -1), new Uint8Array(0), new Uint8Array(100)];
  for (const lie of lies) {
    const liar = new Proxy(honest, {
      get: (target, key) => (key === 'object' ? () => Promise.resolve(lie) : (Reflect.get(target, key) as unknown)),
    });
    const parts = await home.vault.partsOf(home.mine.safe);
    const { healed, unhealed } = await healSafe(parts, { sources: [liar] });
    assert.deepEqual(healed, []);
    assert.equal(unhealed.length, 1);
    assert.equal(await home.context.store.stat(home.context.layout.pack(first.name)), null);
  }
  const liar = { ...honest, object: () => Promise.resolve(second.bytes) } as unknown as TwinSource;
  const { unhealed } = await healSafe(await home.vault.partsOf(home.mine.safe), { sources: [liar, honest] });
  assert.deepEqual(unhealed, []);
  assert.deepEqual(await problemsOf(home), []);
});

test('what was set aside is put back in its place, and is aside no more', async () => {
  const { home, twin, packs } = await world('heal aside');
  const [first] = packs;
  assert.ok(first !== undefined);
  const { store, layout } = home.context;
  const place = layout.pack(first.name);
  await store.replace(place, [first.bytes.map((byte, index) => (index === 200 ? byte ^ 1 : byte))]);
  await home.vault.check({ readData: true, setAside: true });
  assert.equal(await store.stat(place), null);
  const { safesets } = await heal(home, twin);
  assert.deepEqual(
    safesets.map(({ state }) => state),
    ['whole'],
  );
  assert.deepEqual(await store.list(layout.inFolder('damaged')), []);
  assert.deepEqual(await problemsOf(home), []);
});

test('what was erased does not come back from a twin that still has it', async () => {
  const { home, twin } = await world('heal erased');
  await ordered(home, twin);
  const names = await everything(home);
  await home.platform.clock.advance(4 * dayMs);
  const [done] = await home.vault.erase(home.mine.safe);
  assert.equal(done?.state, 'done', JSON.stringify(done?.certificate?.waiting));
  const { healed, unhealed } = await heal(home, twin, names);
  assert.deepEqual([healed, unhealed], [[], []]);
  const parts = await home.vault.partsOf(home.mine.safe);
  for (const { kind, name } of names.filter((each) => !['erase', 'ledger', 'receipt'].includes(each.kind))) {
    const bytes = await twin.context.store.get(storeNameOf(twin.context.layout, kind, name), 1e9);
    assert.ok(bytes !== null, `${kind} is still there at the twin`);
    await assert.rejects(mend(parts, { kind, name }, bytes), { code: 'erased' }, kind);
  }
});

test('nothing of an erased job comes back, and what others of its safe have is healed', async () => {
  const { home, twin } = await twoSites('heal erased job');
  const [gone, stays] = [home.mine.pack(home.computer), home.mine.pack(home.computer)];
  const record = await backup(home, { job: 'gone', packs: [gone] });
  await backup(home, { job: 'stays', packs: [stays] });
  await copyAll(home, twin);
  const jobs = [{ computer: home.computer.computer, job: 'gone' }];
  await ordered(home, twin, jobs);
  await home.platform.clock.advance(4 * dayMs);
  const [done] = await home.vault.erase(home.mine.safe);
  assert.equal(done?.state, 'done', JSON.stringify(done?.certificate?.waiting));
  const name = toHex(record.digest);
  await home.context.store.remove(home.context.layout.pack(stays.name));
  const { healed, unhealed } = await heal(home, twin, [{ kind: 'record', name }]);
  assert.deepEqual(healed, [{ kind: 'pack', name: toHex(stays.name) }]);
  assert.deepEqual(unhealed, [{ kind: 'record', name, code: 'erased' }]);
});

/** The twin is known to have the order: it waits there still. */
async function ordered(home: TestSite, twin: TestSite, jobs: readonly EraseJob[] | null = null): Promise<void> {
  const { order, entry } = orderOf(home.mine, { jobs });
  await home.safe.orderErase(order, entry);
  home.mine.accept(entry);
  await rememberAtTwin(home.context, toHex(twin.self.site), toHex(parseEraseOrder(order).name));
}

async function everything({ context }: TestSite): Promise<{ kind: TwinObjectKind; name: string }[]> {
  const names: { kind: TwinObjectKind; name: string }[] = [];
  for (const kind of objectKinds) for (const name of await storedNames(context, kind)) names.push({ kind, name });
  return names;
}
