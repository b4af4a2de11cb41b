/* Which live positions a site has lost: those of packs that are gone, set aside or damaged at their ends, and nothing that another pack still holds. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRecord, parseRefs } from '@twinvault/format';
import { dayMs, toHex } from '@twinvault/std';
import { hasLost, lostRows } from '../src/twins/lost.ts';
import { backup, harness, root } from './harness.ts';
import type { Harness } from './harness.ts';

async function lostOf({ vault, mine }: Harness): Promise<string[]> {
  return [...(await lostRows((await vault.partsOf(mine.safe)).context)).keys()].sort();
}

function pathOf({ mine }: Harness, hex: string): string {
  return `${root}/safes/${toHex(mine.safe)}/packs/${hex.slice(0, 2)}/${hex}`;
}

test('nothing is lost at a sound site, and a pack that is gone is', async () => {
  const parts = await harness('lost');
  const [first, second] = [parts.mine.pack(parts.computer), parts.mine.pack(parts.computer)];
  const whole = await backup(parts, { packs: [first] });
  const hurt = await backup(parts, { packs: [second] });
  assert.deepEqual(await lostOf(parts), []);
  await parts.platform.files.remove(pathOf(parts, toHex(second.name)));
  const lost = await lostRows((await parts.vault.partsOf(parts.mine.safe)).context);
  assert.deepEqual([...lost.keys()], [toHex(second.name)]);
  const refs = (bytes: Uint8Array): ReturnType<ReturnType<typeof parseRefs>['packs']> =>
    parseRefs(parseRecord(bytes).refs).packs();
  assert.equal(hasLost(lost, refs(hurt.bytes)), true);
  assert.equal(hasLost(lost, refs(whole.bytes)), false);
});

test('a pack that was set aside is lost, and what compacted packs hold is not', async () => {
  const parts = await harness('lost compacted');
  const { vault, mine, computer, platform } = parts;
  const first = mine.pack(computer);
  await backup(parts, { packs: [first] });
  await platform.clock.advance(dayMs);
  const part = { ...first, rows: first.rows.slice(1) };
  await backup(parts, { packs: [mine.pack(computer)], reused: [part] });
  await platform.clock.advance(dayMs);
  const keep = { others: { days: 0, copies: 1, intraday: false } };
  await vault.clean(mine.safe, { keep, shareMax: 1, compact: { unusedMax: 0 }, quarantineMs: 0 });
  assert.equal(await platform.files.read(pathOf(parts, toHex(first.name)), 1e8), null, 'the origin is gone');
  assert.deepEqual(await lostOf(parts), []);
  const { context } = await vault.partsOf(mine.safe);
  for (const name of await context.store.listDeep(context.layout.inFolder('packs'))) {
    await context.store.move(`${context.layout.inFolder('packs')}/${name}`, context.layout.inFolder('damaged', name.slice(3)));
  }
  const lost = await lostRows(context);
  assert.equal(lost.size, 2);
  assert.ok(lost.has(toHex(first.name)), 'by its origin, wherever it was');
});
