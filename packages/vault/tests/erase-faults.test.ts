/*
 * An erase order that is broken off at any call to the store, before or after it took effect, is ended by the next run: nothing is left then, and
 * in between what was begun is answered so. Proves it for a whole safe and for a job.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@twinvault/protocol';
import { dayMs } from '@twinvault/std';
import { faulty, memoryPlatform, TestSafe } from '@twinvault/testkit';
import { createVault, directoryParts } from '../src/index.ts';
import type { ObjectStore } from '../src/index.ts';
import { orderOf } from './erasing.ts';
import { backup, pump, root } from './harness.ts';

const operations = ['put', 'replace', 'remove', 'erase', 'eraseRemains'] as const satisfies readonly (keyof ObjectStore)[];

interface Run {
  readonly calls: number;
  /** As the certificate counts them; how many more it says may have gone; of how many it says that something went wrong. */
  readonly removed: number;
  readonly uncounted: number;
  readonly problems: number;
}

/** Null `failNth` breaks nothing off. */
async function run(whole: boolean, failNth: number | null, when: 'before' | 'after'): Promise<Run> {
  const platform = memoryPlatform(`erase fault ${whole}`);
  const mine = new TestSafe('erase fault');
  const computer = mine.enrol();
  const parts = directoryParts({ path: root, platform });
  const vault = await createVault(parts);
  await vault.createSafe(mine.newSafe);
  const safe = await vault.openSafe(mine.safe);
  await backup({ safe, mine, computer }, { job: 'gone' });
  await backup({ safe, mine, computer }, { job: 'stays' });
  const { order, entry } = orderOf(mine, { jobs: whole ? null : [{ computer: computer.computer, job: 'gone' }] });
  await safe.orderErase(order, entry);
  await platform.clock.advance(4 * dayMs);
  const store = faulty<ObjectStore>(parts.store, { failNth, when, operations, error: () => new ProtocolError('vault-failed') });
  const broken = await createVault({ ...parts, store });
  await pump(platform, broken.erase(mine.safe)).catch(() => undefined);
  const [state] = (await safe.erases()).map((erase) => erase.state);
  if (state === 'begun' && whole) await assert.rejects(safe.slots(), { code: 'erased' });
  const [done] = await pump(platform, vault.erase(mine.safe));
  assert.deepEqual([done?.state, done?.certificate?.waiting], ['done', []], `${failNth} ${when}`);
  if (!whole)
    assert.deepEqual(
      (await safe.records()).map(({ public: { job } }) => job),
      ['stays'],
    );
  assert.deepEqual((await vault.check({ safe: mine.safe })).problems, []);
  const { removed = [], uncounted = 0, problems = [] } = done?.certificate ?? {};
  const objects = removed.reduce((sum, row) => sum + row.objects, 0);
  return { calls: store.calls, removed: objects, uncounted, problems: problems.length };
}

for (const whole of [true, false]) {
  test(`broken off at any call: ${whole ? 'a whole safe' : 'a job'}`, async () => {
    const { calls, ...unbroken } = await run(whole, null, 'before');
    assert.ok(calls > 5);
    assert.equal(unbroken.uncounted, 0);
    for (let nth = 1; nth <= calls; nth += 1) {
      for (const when of ['before', 'after'] as const) {
        const { removed, uncounted, problems } = await run(whole, nth, when);
        // Nothing goes that the certificate neither counts nor says it may have missed.
        assert.ok(removed + uncounted + problems >= unbroken.removed, `${nth} ${when}: ${removed} of ${unbroken.removed}`);
      }
    }
  });
}
