/*
 * A store or a database that is put back from an image while the other is not: noticed at the next start, and then nothing that is not there stays in the
 * tables, nothing that is there is missing, and whoever follows begins again.
 */

import assert from 'node:assert/strict';
import { toHex } from '@twinvault/std';
import { beginCare } from '../src/care/care.ts';
import { renewLife, wasPutBack } from '../src/care/life.ts';
import { feedGeneration, readFact, writeFact } from '../src/database/facts.ts';
import { careWorld } from './care-world.ts';
import type { CareWorld } from './care-world.ts';
import { onEachDatabase } from './databases.ts';
import { backup } from './harness.ts';

async function feedOf({ parts, vault }: CareWorld): Promise<string> {
  return feedGeneration(parts.database, (await vault.site()).generation);
}

onEachDatabase('starts and ten minutes change nothing while both are of the same time', async (world) => {
  const site = await careWorld(world);
  const feed = await feedOf(site);
  for (let start = 0; start < 3; start += 1) {
    assert.deepEqual(await beginCare(site.parts), { emptied: false, wasPutBack: false });
    await renewLife(site.parts);
  }
  assert.equal(await feedOf(site), feed);
});

onEachDatabase('one that died while it told the new name is not taken for one that was put back', async (world) => {
  const { parts, vault } = await careWorld(world);
  const before = await vault.life();
  assert.ok(before);
  const next = '0'.repeat(32);
  await parts.database.change((tables) => writeFact(tables, 'life', `${before} ${next}`));
  assert.equal(await wasPutBack(parts), false, 'before the store had it');
  await vault.tellLife(next);
  assert.equal(await wasPutBack(parts), false, 'after');
});

onEachDatabase(
  'a store that was put back: what is not there any more leaves the tables, and the feed is another',
  async (world) => {
    const site = await careWorld(world);
    const { parts, mine, computer, vault, worker, hex } = site;
    const before = await vault.life();
    const feed = await feedOf(site);
    const pack = mine.pack(computer);
    await backup(site, { packs: [pack] });
    await parts.inventory.announce(hex, [{ kind: 'pack', name: 'f'.repeat(64), bytes: 1 }]);
    await renewLife(parts);
    assert.ok(before);
    await vault.tellLife(before);
    assert.deepEqual(await beginCare(parts), { emptied: false, wasPutBack: true });
    assert.notEqual(await feedOf(site), feed);
    await worker.runDue();
    const names = new Set((await parts.inventory.feed(hex, 0)).events.map(({ name }) => name));
    assert.ok(names.has(toHex(pack.name)) && !names.has('f'.repeat(64)));
    assert.equal((await beginCare(parts)).wasPutBack, false, 'once');
  },
);

onEachDatabase('a database that was put back is noticed as well', async (world) => {
  const { parts } = await careWorld(world);
  const before = await readFact(parts.database, 'life');
  await renewLife(parts);
  await parts.database.change((tables) => writeFact(tables, 'life', before ?? ''));
  assert.equal((await beginCare(parts)).wasPutBack, true);
});
