import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenFile } from '@twinvault/std';
import { concurrently } from './concurrently.ts';
import { OpenFiles } from './open-files.ts';

interface Counted {
  opened: number;
  open: number;
  mostOpen: number;
}

function counted(): { count: Counted; open: (name: string) => Promise<OpenFile | null> } {
  const count: Counted = { opened: 0, open: 0, mostOpen: 0 };
  const open = async (name: string): Promise<OpenFile | null> => {
    await Promise.resolve();
    if (name === 'missing') return null;
    if (name === 'broken') throw new Error('broken');
    count.opened += 1;
    count.open += 1;
    count.mostOpen = Math.max(count.mostOpen, count.open);
    return {
      sizeBytes: name.length,
      read: () => Promise.resolve(new Uint8Array(0)),
      [Symbol.asyncDispose]: () => {
        count.open -= 1;
        return Promise.resolve();
      },
    };
  };
  return { count, open };
}

test('a file is opened once while it is in use or lately was, and never more stay open than allowed', async () => {
  const { count, open } = counted();
  const files = new OpenFiles({ countMax: 3, open });
  for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) assert.equal(await files.use(name, (file) => file?.sizeBytes), 1);
  assert.deepEqual([count.opened, count.open], [3, 3]);
  for (let index = 0; index < 20; index += 1) await files.use(`file ${index}`, () => undefined);
  assert.equal(count.open, 3);
  await files[Symbol.asyncDispose]();
  assert.equal(count.open, 0);
});

test('a file that is being read is closed only after that', async () => {
  const { count, open } = counted();
  const files = new OpenFiles({ countMax: 1, open });
  const release = Promise.withResolvers<void>();
  const reading = files.use('slow', () => release.promise);
  for (let index = 0; index < 5; index += 1) await files.use(`file ${index}`, () => undefined);
  assert.ok(count.open >= 1);
  await files[Symbol.asyncDispose]();
  assert.equal(count.open, 1);
  release.resolve();
  await reading;
  assert.equal(count.open, 0);
});

test('what is missing or broken is asked for again', async () => {
  const { open } = counted();
  const files = new OpenFiles({ countMax: 2, open });
  for (let index = 0; index < 3; index += 1) {
    assert.equal(await files.use('missing', (file) => file), null);
    await assert.rejects(
      files.use('broken', () => undefined),
      /broken/,
    );
  }
  await files[Symbol.asyncDispose]();
});

test('concurrently keeps order and width, and begins nothing after a failure', async () => {
  let running = 0;
  let most = 0;
  const results = await concurrently([1, 2, 3, 4, 5, 6, 7], 3, async (value) => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn < 8 - value; turn += 1) await Promise.resolve();
    running -= 1;
    return 2 * value;
  });
  assert.deepEqual(results, [2, 4, 6, 8, 10, 12, 14]);
  assert.equal(most, 3);
  let begun = 0;
  const failing = concurrently(
    Array.from({ length: 50 }, (_, index) => index),
    2,
    (index) => {
      begun += 1;
      return index === 3 ? Promise.reject(new Error('three')) : Promise.resolve();
    },
  );
  await assert.rejects(failing, /three/);
  assert.ok(begun < 10);
  assert.deepEqual(await concurrently([], 4, () => Promise.resolve(1)), []);
});
