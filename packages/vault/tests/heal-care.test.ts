/* What a site does by itself about damage when it has a twin: found by the scrub, or told by a reader, and healed without anybody asking. */

import assert from 'node:assert/strict';
import { hourMs, toHex } from '@twinvault/std';
import { memoryPlatform, seededRandom } from '@twinvault/testkit';
import { ProtocolError } from '@twinvault/protocol';
import type { TwinSource } from '@twinvault/protocol';
import { reconcileSafe } from '../src/care/reconcile.ts';
import { objectKinds, storedNames, storeNameOf } from '../src/care/stored-objects.ts';
import { createDirectoryVault } from '../src/index.ts';
import { vaultTwinSource } from '../src/twins/vault-source.ts';
import { careWorld } from './care-world.ts';
import type { CareWorld } from './care-world.ts';
import { onEachDatabase } from './databases.ts';
import type { DatabaseWorld } from './databases.ts';
import { backup } from './harness.ts';

interface Healing {
  readonly site: CareWorld;
  /** Hexadecimal. */
  readonly packs: readonly string[];
}

/** A site with one safeset, all of which its twin has too. */
async function healing(world: DatabaseWorld): Promise<Healing> {
  const sources: TwinSource[] = [];
  const away = (): Promise<TwinSource> => Promise.reject(new ProtocolError('store-away'));
  const site = await careWorld(world, { twinOpeners: [away, () => Promise.resolve(sources[0] as TwinSource)] });
  const { mine, computer, vault, parts } = site;
  const packs = Array.from({ length: 3 }, () => mine.pack(computer));
  await backup(site, { packs });
  const twin = await createDirectoryVault({ path: '/twin', platform: memoryPlatform('twin') });
  await twin.createSafe(mine.newSafe);
  const [from, to] = [(await vault.partsOf(mine.safe)).context, (await twin.partsOf(mine.safe)).context];
  for (const kind of objectKinds) {
    for (const name of await storedNames(from, kind)) {
      const bytes = await from.store.get(storeNameOf(from.layout, kind, name), 1e9);
      await to.store.put(storeNameOf(to.layout, kind, name), [bytes ?? new Uint8Array(0)]);
    }
  }
  sources.push(vaultTwinSource(twin, seededRandom('source')));
  await reconcileSafe(from, parts.inventory);
  return { site, packs: packs.map(({ name }) => toHex(name)) };
}

async function flip({ platform, hex }: CareWorld, pack: string): Promise<void> {
  const path = `/vault/safes/${hex}/packs/${pack.slice(0, 2)}/${pack}`;
  const bytes = await platform.files.read(path, 1 << 24);
  assert.ok(bytes);
  await platform.files.replace(path, [bytes.map((byte, index) => (index === 500 ? byte ^ 8 : byte))]);
}

async function problemsOf({ vault }: CareWorld): Promise<string[]> {
  return (await vault.check({ readData: true })).problems.map(({ code }) => code);
}

onEachDatabase('what the scrub finds damaged is healed from the twin, and told for its safesets', async (world) => {
  const { site, packs } = await healing(world);
  const { parts, platform, hex, worker, ends } = site;
  for (const pack of packs) await flip(site, pack);
  assert.ok((await problemsOf(site)).length > 0);
  await platform.clock.advance(hourMs);
  await worker.runDue();
  await worker.runDue();
  assert.deepEqual(await problemsOf(site), []);
  assert.equal((await parts.inventory.totals(hex)).damaged, 0);
  const healed = ends.find(({ task: { kind } }) => kind === 'heal');
  const report = (await parts.queue.find(healed?.task.id ?? ''))?.report as { healed: object[]; safesets: { state: string }[] };
  assert.equal(report.healed.length, packs.length);
  assert.deepEqual(
    report.safesets.map(({ state }) => state),
    ['whole'],
  );
});

onEachDatabase('what a reader calls damaged is looked at: only what is damaged is healed', async (world) => {
  const { site, packs } = await healing(world);
  const { parts, hex, worker } = site;
  const [hurt = '', ...whole] = packs;
  await flip(site, hurt);
  const id = await parts.queue.add({ kind: 'look', customer: 'one', safe: hex, input: [...packs] });
  await worker.runDue();
  assert.deepEqual((await parts.queue.find(id))?.report, { packs: packs.length, damaged: 1 });
  assert.deepEqual(await problemsOf(site), []);
  for (const name of whole) assert.equal((await parts.inventory.find(hex, { kind: 'pack', name }))?.state, 'whole');
});
