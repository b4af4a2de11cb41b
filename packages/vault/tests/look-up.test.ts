/* Look-ups in threads against those in the caller's: the same answers and the same refusals, whatever the threads are. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRecordDifference, parseRecord, recordDigest, RefsBuilder } from '@twinvault/format';
import type { PackName } from '@twinvault/format';
import { CodedError } from '@twinvault/std';
import type { Threads } from '@twinvault/std';
import { nodeThreads } from '@twinvault/std/node';
import { inlineThreads } from '@twinvault/testkit';
import type { TestPack } from '@twinvault/testkit';
import type { SafeObjects } from '../src/safe-objects.ts';
import { directoryParts } from '../src/index.ts';
import { LookUpHere } from '../src/lookup/look-up-here.ts';
import type { LookUp } from '../src/lookup/look-up.ts';
import { LookUpThread } from '../src/lookup/look-up-thread.ts';
import { ThreadedLookUps } from '../src/lookup/threaded-look-ups.ts';
import { SafeLayout } from '../src/store/layout.ts';
import { backup, harness, root } from './harness.ts';
import type { Harness } from './harness.ts';

function objectsOf({ platform, mine }: Harness): SafeObjects {
  const { store, cache } = directoryParts({ path: root, platform });
  return { store, cache, safe: mine.safe, layout: new SafeLayout(mine.safe) };
}

/** The answer, or what of a refusal travels. */
async function told(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { code: error.code, context: error.context };
  }
}

function refsTo(...places: readonly (readonly [PackName, number])[]): Uint8Array {
  const refs = new RefsBuilder();
  for (const [pack, position] of places) refs.add(pack, position);
  return refs.finish();
}

/** Whatever can be asked of a safe with two safesets; `two` is of packs that no segment covers. */
function questionsOf(
  { mine, computer }: Harness,
  [one, two]: readonly [TestPack, TestPack],
  digests: readonly Uint8Array[],
): ((lookUp: LookUp) => Promise<unknown>)[] {
  const [first, second] = digests.map((digest) => recordDigest(digest));
  assert.ok(first !== undefined && second !== undefined);
  const next = mine.record(computer, { sequence: 3, previous: [second], packs: [one] });
  const base = {
    digest: second,
    refs: refsTo([one.name, 0], [one.name, 1], [one.name, 2], [two.name, 0], [two.name, 1], [two.name, 2]),
  };
  const sent = encodeRecordDifference(parseRecord(next.bytes), base);
  const unknown = mine.pack(computer).name;
  return [
    (lookUp: LookUp) => lookUp.offered(next.bytes),
    (lookUp: LookUp) => lookUp.offered(sent),
    (lookUp: LookUp) => lookUp.offered(sent.with(10, 0xff)),
    (lookUp: LookUp) => lookUp.offered(sent.subarray(0, 60)),
    (lookUp: LookUp) => lookUp.offered(new Uint8Array(0)),
    (lookUp: LookUp) => lookUp.origins(refsTo([one.name, 0], [two.name, 2])),
    (lookUp: LookUp) => lookUp.origins(refsTo([one.name, 0], [two.name, 9], [unknown, 1])),
    (lookUp: LookUp) => lookUp.origins(new Uint8Array([9])),
    (lookUp: LookUp) => lookUp.measure({ own: second, last: first, lastBytes: null }),
    (lookUp: LookUp) => lookUp.measure({ own: second, last: first, lastBytes: 1000 }),
    (lookUp: LookUp) => lookUp.measure({ own: recordDigest(new Uint8Array(32)), last: null, lastBytes: null }),
  ];
}

for (const [what, threads] of [
  ['no threads at all', inlineThreads()],
  ['real threads', nodeThreads],
] as const) {
  test(`with ${what} a look-up says what it says here`, async () => {
    const parts = await harness('look-up');
    const { mine, computer } = parts;
    const [one, two] = [mine.pack(computer), mine.pack(computer)];
    const first = await backup(parts, { packs: [one] });
    const second = await backup(parts, { packs: [two], reused: [one] });
    // Without the index the thread has to open packs.
    await parts.platform.files.removeTree(`${root}/cache`);
    const objects = objectsOf(parts);
    const here = new LookUpHere(objects);
    await using there = new LookUpThread(threads, objects, () => undefined);
    for (const ask of questionsOf(parts, [one, two], [first.digest, second.digest])) {
      const [from, expected] = [await told(ask(there)), await told(ask(here))];
      assert.deepEqual(from, expected);
    }
    const { bytes } = await there.offered(second.bytes);
    assert.deepEqual([bytes, second.bytes], [second.bytes, bytes], 'what was offered stays the caller’s');
  });
}

test('a thread that dies refuses what waits and what comes, and its files are closed', async () => {
  const parts = await harness('dying');
  const { mine, computer } = parts;
  const pack = mine.pack(computer);
  await backup(parts, { packs: [pack] });
  await parts.platform.files.removeTree(`${root}/cache`);
  const objects = objectsOf(parts);
  let die: (error: Error) => void = () => undefined;
  const mortal: Threads = {
    parallelism: 1,
    start: (module, data) => {
      const thread = inlineThreads().start(module, data);
      return {
        post: (message) => thread.post(message),
        onMessage: (handler) => thread.onMessage(handler),
        onFailure: (handler) => (die = handler),
        [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
      };
    },
  };
  let closed = 0;
  const store: SafeObjects['store'] = {
    ...bound(objects.store),
    open: async (name) => {
      const file = await objects.store.open(name);
      assert.ok(file !== null);
      const read = (): Promise<never> => {
        die(new Error('out of memory'));
        return new Promise(() => undefined);
      };
      return {
        sizeBytes: file.sizeBytes,
        read,
        [Symbol.asyncDispose]: async () => {
          closed += 1;
          await file[Symbol.asyncDispose]();
        },
      };
    },
  };
  const thread = new LookUpThread(mortal, { ...objects, store }, () => undefined);
  await assert.rejects(thread.origins(refsTo([pack.name, 0])), { code: 'vault-failed' });
  await assert.rejects(thread.origins(refsTo([pack.name, 0])), { code: 'vault-failed' });
  await thread[Symbol.asyncDispose]();
  assert.equal(closed, 1);
});

function bound(store: SafeObjects['store']): SafeObjects['store'] {
  return {
    get: (name, maxBytes) => store.get(name, maxBytes),
    stat: (name) => store.stat(name),
    list: (folder) => store.list(folder),
    listDeep: (folder) => store.listDeep(folder),
    open: (name) => store.open(name),
  };
}

test('so many threads as there are cores, in the order in which they were asked for', async () => {
  const parts = await harness('turns');
  const objects = objectsOf(parts);
  const lookUps = new ThreadedLookUps(inlineThreads({ parallelism: 1 }), 100);
  assert.ok((await lookUps.open(objects, 99)) instanceof LookUpHere, 'what is small stays here');
  assert.ok((await new ThreadedLookUps(null, 0).open(objects, 100)) instanceof LookUpHere, 'without threads all stays here');
  const opened: string[] = [];
  const open = async (name: string): Promise<LookUp> => {
    const lookUp = await lookUps.open(objects, 100);
    opened.push(name);
    return lookUp;
  };
  const first = await open('first');
  assert.ok(first instanceof LookUpThread);
  const [second, third] = [open('second'), open('third')];
  await parts.platform.clock.advance(0);
  assert.deepEqual(opened, ['first']);
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  const next = await second;
  assert.deepEqual(opened, ['first', 'second']);
  assert.deepEqual(await next.origins(new Uint8Array(1)), { missing: 0, quarantined: [] });
  await next[Symbol.asyncDispose]();
  await (await third)[Symbol.asyncDispose]();
  assert.deepEqual(opened, ['first', 'second', 'third']);
});
