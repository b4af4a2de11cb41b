/*
 * What every implementation of the vault's ObjectStore port must do, decorators included. Each test gets a store of its own; several of
 * `another` work on the same objects, as nodes of one site do.
 */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ProtocolError } from '@twinvault/protocol';
import { Prng, utf8Decode, utf8Encode } from '@twinvault/std';
import type { ObjectStore } from '@twinvault/vault';

export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ObjectStore;
  /** The same objects through another connection. */
  readonly another: () => Promise<ObjectStore>;
  /** How exact its times are. */
  readonly timeStepMs: number;
  /** So large that the store takes another way for it; null where there is none. */
  readonly largeBytes: number | null;
}

const hello = utf8Encode('hello');
const world = utf8Encode('world');

async function textIn(store: ObjectStore, name: string): Promise<string | null> {
  const bytes = await store.get(name, 100);
  return bytes === null ? null : utf8Decode(bytes);
}

type Body = (given: StoreUnderTest) => Promise<void>;

const single: Readonly<Record<string, Body>> = {
  'what is missing is null, false or empty': async ({ store }) => {
    assert.equal(await store.get('a/b', 10), null);
    assert.equal(await store.open('a/b'), null);
    assert.equal(await store.stat('a/b'), null);
    assert.equal(await store.remove('a/b'), false);
    assert.equal(await store.removeThis('a/b', () => Promise.reject(new Error('asked'))), false);
    assert.equal(await store.move('a/b', 'a/c'), false);
    assert.equal(await store.lock('a/b', 0), false);
    for (const ask of [store.list('a'), store.folders('a'), store.entries('a'), store.listDeep('a'), store.list('')]) {
      assert.deepEqual(await ask, []);
    }
    await store.clear('a');
    assert.equal(await store.sweep('a', { beforeMs: await store.nowMs(), deep: true }), 0);
  },

  'a put object is there whole, and its name is taken': async ({ store, another, timeStepMs }) => {
    const before = (await store.nowMs()) - timeStepMs;
    assert.equal(await store.put('a/b', [hello, world]), true);
    const other = await another();
    assert.equal(await other.put('a/b', [world]), false);
    assert.equal(await other.put('a/b', [world], { byContent: true }), false);
    assert.equal(await textIn(other, 'a/b'), 'helloworld');
    const stat = await other.stat('a/b');
    assert.equal(stat?.sizeBytes, 10);
    assert.ok(stat.modifiedMs >= before && stat.modifiedMs <= (await store.nowMs()) + timeStepMs);
    assert.equal(await store.stat('a'), null);
    assert.equal(await store.put('empty', []), true);
    assert.deepEqual(await store.get('empty', 0), new Uint8Array(0));
  },

  'more than was asked for is damage': async ({ store }) => {
    await store.put('a', [hello]);
    assert.equal((await store.get('a', 5))?.length, 5);
    await assert.rejects(store.get('a', 4), (error) => error instanceof ProtocolError && error.code === 'vault-damaged');
  },

  'ranges are read, and what was opened is never mixed with what replaces it': async ({ store }) => {
    const bytes = new Prng('ranges').bytes(100_000);
    await store.put('a/range', [bytes]);
    await using file = await store.open('a/range');
    assert.ok(file);
    assert.equal(file.sizeBytes, bytes.length);
    for (const [offset, length] of [
      [0, 1],
      [7, 50_000],
      [99_999, 1],
      [5, 0],
    ] as const) {
      assert.deepEqual(await file.read(offset, length), bytes.slice(offset, offset + length));
    }
    await assert.rejects(file.read(99_999, 2));
    await store.replace('a/range', [new Uint8Array(bytes.length)]);
    const after = await file.read(10, 10).catch(() => null);
    if (after !== null) assert.deepEqual(after, bytes.slice(10, 20));
  },

  'replaced, removed and put again, a name has one content at a time': async ({ store }) => {
    await store.replace('a/note', [hello]);
    await store.replace('a/note', [world]);
    assert.equal(await textIn(store, 'a/note'), 'world');
    assert.equal(await store.remove('a/note'), true);
    // Nothing of what was replaced comes back.
    assert.equal(await textIn(store, 'a/note'), null);
    assert.deepEqual(await store.list('a'), []);
    assert.equal(await store.remove('a/note'), false);
    assert.equal(await store.put('a/note', [hello]), true);
    assert.equal(await textIn(store, 'a/note'), 'hello');
  },

  'an object of many bytes comes back as it was': async ({ store, another, largeBytes }) => {
    const bytes = new Prng('large').bytes((largeBytes ?? 1_000_000) + 12_345);
    assert.equal(await store.put('a/large', [bytes.subarray(0, 77), bytes.subarray(77)], { byContent: true }), true);
    assert.equal(await (await another()).put('a/large', [bytes]), false);
    const there = await store.get('a/large', bytes.length);
    assert.ok(there !== null && there.length === bytes.length && there.every((byte, index) => byte === bytes[index]));
    await store.replace('a/large', [bytes.subarray(1)]);
    assert.equal((await store.stat('a/large'))?.sizeBytes, bytes.length - 1);
  },
};

const many: Readonly<Record<string, Body>> = {
  'folders, objects and all that is below are told apart': async ({ store }) => {
    const names = ['top', 'a/one', 'a/two', 'a/b/three', 'a/b/c/four', 'ab/five', 'a-b/six'];
    for (const name of names) await store.put(name, [hello]);
    const sorted = async (ask: Promise<string[]>): Promise<string[]> => (await ask).toSorted();
    assert.deepEqual(await sorted(store.list('a')), ['one', 'two']);
    assert.deepEqual(await sorted(store.folders('a')), ['b']);
    assert.deepEqual(await sorted(store.entries('a')), ['b', 'one', 'two']);
    assert.deepEqual(await sorted(store.listDeep('a')), ['b/c/four', 'b/three', 'one', 'two']);
    assert.deepEqual(await sorted(store.entries('')), ['a', 'a-b', 'ab', 'top']);
    assert.deepEqual(await sorted(store.list('')), ['top']);
    await store.clear('a');
    assert.deepEqual(await store.listDeep('a'), []);
    assert.deepEqual(await sorted(store.entries('')), ['a-b', 'ab', 'top']);
  },

  'long lists are whole': async ({ store }) => {
    const names = Array.from({ length: 1203 }, (_, index) => String(index).padStart(6, '0'));
    for (let start = 0; start < names.length; start += 40) {
      await Promise.all(names.slice(start, start + 40).map((name) => store.put(`many/${name}`, [hello], { byContent: true })));
    }
    assert.deepEqual((await store.list('many')).toSorted(), names);
    assert.deepEqual((await store.listDeep('many')).toSorted(), names);
  },

  'of many puts of a name at the same time one is told true, and its content stands': async ({ store, another }) => {
    const stores = [store, await another(), await another()];
    for (let round = 0; round < 4; round += 1) {
      const contents = Array.from({ length: 9 }, (_, index) => `${round} of ${index}`);
      const answers = await Promise.all(
        contents.map((text, index) => (stores[index % stores.length] ?? store).put(`race/${round}`, [utf8Encode(text)])),
      );
      assert.equal(answers.filter(Boolean).length, 1);
      assert.equal(await textIn(store, `race/${round}`), contents[answers.indexOf(true)]);
    }
  },

  'moved, an object has the other name and replaces what had it': async ({ store }) => {
    await store.put('a/from', [hello]);
    await store.put('b/to', [world]);
    assert.equal(await store.move('a/from', 'b/to'), true);
    assert.equal(await store.stat('a/from'), null);
    assert.equal(await textIn(store, 'b/to'), 'hello');
    assert.equal(await store.move('b/to', 'c/d/deep'), true);
    assert.equal(await textIn(store, 'c/d/deep'), 'hello');
    assert.equal(await store.put('a/from', [world]), true);
  },
};

const late: Readonly<Record<string, Body>> = {
  'what is put under a name after its removal began stays': async ({ store, another }) => {
    const other = await another();
    await store.put('a/pack', [hello]);
    const removed = await store.removeThis('a/pack', async () => {
      await other.replace('a/pack', [world]);
    });
    assert.equal(removed, true);
    assert.equal(await textIn(other, 'a/pack'), 'world');
  },

  'a removal that is not to be leaves the object as it was': async ({ store }) => {
    await store.put('a/pack', [hello]);
    await assert.rejects(
      store.removeThis('a/pack', () => Promise.reject(new Error('no more'))),
      /no more/,
    );
    assert.equal(await textIn(store, 'a/pack'), 'hello');
  },

  'a sweep takes nothing that is an object': async ({ store, timeStepMs }) => {
    await store.put('a/one', [hello]);
    await store.replace('a/b/two', [hello]);
    await store.replace('a/b/two', [world]);
    const beforeMs = (await store.nowMs()) + 2 * timeStepMs + 1;
    await store.sweep('a', { beforeMs: 0, deep: true });
    await store.sweep('a', { beforeMs, deep: true });
    await store.sweep('', { beforeMs, deep: false });
    assert.deepEqual((await store.listDeep('a')).toSorted(), ['b/two', 'one']);
    assert.equal(await textIn(store, 'a/b/two'), 'world');
    assert.equal(await store.sweep('a', { beforeMs, deep: true }), 0);
  },

  'what is erased is gone, and so is what it replaced': async ({ store, another, timeStepMs }) => {
    await store.put('a/b/one', [world]);
    await store.replace('a/b/one', [hello]);
    await store.put('a/other', [world]);
    const fine = (): Promise<void> => Promise.resolve();
    assert.equal(await store.erase('a/missing', () => Promise.reject(new Error('asked'))), null);
    await assert.rejects(
      store.erase('a/b/one', () => Promise.reject(new Error('lost'))),
      /lost/u,
    );
    assert.equal(await textIn(store, 'a/b/one'), 'hello');
    const erased = await store.erase('a/b/one', fine);
    assert.deepEqual([erased?.bytes, erased?.lockedMs], [5, null]);
    assert.equal(await textIn(await another(), 'a/b/one'), null);
    const remains = await store.eraseRemains('a', (await store.nowMs()) + timeStepMs);
    assert.deepEqual(remains.locked, []);
    assert.deepEqual(await store.listDeep('a'), ['other']);
    assert.equal(await store.put('a/b/one', [hello]), true);
    assert.ok(['files', 'bucket'].includes((await store.erasure()).type));
  },

  'what is locked is named with its date when it is erased': async ({ store, timeStepMs }) => {
    await store.put('a/kept', [hello]);
    const untilMs = Math.ceil(((await store.nowMs()) + 60_000 + timeStepMs) / 1000) * 1000;
    if (!(await store.lock('a/kept', untilMs))) return;
    const erased = await store.erase('a/kept', () => Promise.resolve());
    assert.deepEqual([erased?.bytes, erased?.lockedMs], [5, untilMs]);
    assert.equal(await store.stat('a/kept'), null);
    const { locked } = await store.eraseRemains('a', (await store.nowMs()) + timeStepMs);
    assert.deepEqual(locked, [{ name: 'a/kept', bytes: 5, lockedMs: untilMs }]);
  },

  'a locked object is kept; it can be absent, and its name is free then': async ({ store, timeStepMs }) => {
    await store.put('a/locked', [hello]);
    const untilMs = (await store.nowMs()) + 60_000 + timeStepMs;
    assert.equal(await store.lock('a/locked', untilMs), store.locks);
    if (!store.locks) return;
    assert.equal(await store.lock('a/locked', untilMs - 30_000), true);
    const removal = store.removeThis('a/locked', () => Promise.resolve());
    await assert.rejects(removal, (error) => error instanceof ProtocolError && error.code === 'vault-denied');
    assert.equal(await textIn(store, 'a/locked'), 'hello');
    assert.equal(await store.move('a/locked', 'b/locked'), true);
    assert.equal(await store.stat('a/locked'), null);
    assert.equal(await store.put('a/locked', [world]), true);
    assert.equal(await textIn(store, 'a/locked'), 'world');
    assert.equal(await textIn(store, 'b/locked'), 'hello');
    assert.equal(await store.lock('a/locked', untilMs), true);
    assert.equal(await store.remove('a/locked'), true);
    assert.deepEqual(await store.list('a'), []);
    assert.equal(await store.remove('a/locked'), false);
    assert.equal(await store.put('a/locked', [hello]), true);
    assert.equal(await textIn(store, 'a/locked'), 'hello');
  },
};

/** Declares the suite; `open` gives an empty store for each test. */
export function objectStoreConformance(
  name: string,
  open: () => Promise<StoreUnderTest>,
  options: { readonly skip?: string | false } = {},
): void {
  suite(`object store: ${name}`, { skip: options.skip ?? false }, () => {
    for (const [title, body] of Object.entries({ ...single, ...many, ...late })) {
      test(title, async () => {
        await using given = await open();
        await body(given);
      });
    }
  });
}
