import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import type { Files } from '@twinvault/std';
import { memoryPlatform } from '@twinvault/testkit';
import { chunkId } from '@twinvault/format';
import { ItemCursor } from '../entries/packed-items.ts';
import { CacheReader, CacheWriter } from './catalog-cache.ts';

const identity = {
  record: new Uint8Array(32).fill(1),
  sequence: 7,
  startMs: 1e12,
  fullReadMs: 9e11,
  chunks: 77,
  note: Uint8Array.of(1, 2, 3),
  partial: Uint32Array.of(7, 0xffff_fffe),
};

/** Enough of a body to be counted. */
function bodyWith(rest: Uint8Array): Uint8Array {
  const body = new Uint8Array(100 + rest.length);
  body[0] = 2;
  body.set(rest, 100);
  return body;
}

async function written(files: Files, count: number): Promise<string[]> {
  const prng = new Prng(count);
  const writer = new CacheWriter(files, '/state/catalog');
  const names: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const directory = new TextEncoder().encode(`d${Math.floor(index / 100)}`);
    const name = new TextEncoder().encode(`n${String(index).padStart(9, '0')}`);
    writer.add({ directory, name }, bodyWith(prng.bytes(200)));
    if (index % 90 === 89) writer.endBlock(index % 180 === 89 ? { id: chunkId(prng.bytes(32)), endsByCost: false } : null);
    names.push(`${Buffer.from(directory)}/${Buffer.from(name)}`);
  }
  assert.equal(await writer.finish(identity), true);
  return names;
}

async function readNames(files: Files): Promise<string[] | null> {
  const reader = await CacheReader.open(files, '/state/catalog');
  if (reader === null) return null;
  const names: string[] = [];
  for (let block = await reader.nextBlock(); block !== null; block = await reader.nextBlock()) {
    const items = new ItemCursor(block.items);
    while (items.next()) names.push(`${Buffer.from(items.directory)}/${Buffer.from(items.name)}`);
  }
  await reader[Symbol.asyncDispose]();
  return names;
}

test('a cache gives back its entries and says what it belongs to', async () => {
  for (const count of [0, 1, 5000]) {
    const { files } = memoryPlatform();
    await files.makeDirectory('/state');
    const names = await written(files, count);
    assert.deepEqual(await readNames(files), names);
    const reader = await CacheReader.open(files, '/state/catalog');
    assert.deepEqual(reader?.info, { ...identity, entries: count });
    assert.equal(await files.stat('/state/catalog.new'), null);
  }
});

test('any damage is noticed: no cache, or a beginning of it', async () => {
  const { files } = memoryPlatform();
  await files.makeDirectory('/state');
  const names = await written(files, 3000);
  const prng = new Prng('damage');
  const paths = (await files.list('/state')).map(({ name }) => `/state/${name}`);
  assert.equal(paths.length, 2);
  for (let round = 0; round < 120; round += 1) {
    const path = paths[round % 2] ?? assert.fail();
    const whole = (await files.read(path, 1 << 30)) ?? assert.fail();
    const damaged = whole.slice(0, round % 3 === 0 ? prng.below(whole.length) : whole.length);
    const at = prng.below(damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << prng.below(8));
    await files.replace(path, [damaged]);
    const read = (await readNames(files)) ?? [];
    assert.deepEqual(read, names.slice(0, read.length), `round ${round}`);
    await files.replace(path, [whole]);
  }
});

test('a cache of the last one’s blocks alone writes no blocks; any other copies what they share', async () => {
  const prng = new Prng('shared blocks');
  for (let round = 0; round < 40; round += 1) {
    const { files } = memoryPlatform();
    await files.makeDirectory('/state');
    await written(files, 1000);
    const before = (await files.list('/state')).map(({ name }) => name).sort();
    const last = (await CacheReader.open(files, '/state/catalog')) ?? assert.fail();
    const appended: number[] = [];
    const counting = over(files, {
      append: async (path, bytes) => {
        appended.push(bytes.length);
        await files.append(path, bytes);
      },
    });
    const writer = new CacheWriter(counting, '/state/catalog', last);
    const expected: string[] = [];
    // Which block is left out or followed by a new entry: none in the first rounds.
    const odd = round < 3 ? -1 : prng.below(12);
    let number = 0;
    for (let block = await last.nextBlock(); block !== null; block = await last.nextBlock(), number += 1) {
      const items = new ItemCursor(block.items);
      if (number !== odd || round % 2 === 0) {
        writer.addBlock(block);
        while (items.next()) expected.push(`${Buffer.from(items.directory)}/${Buffer.from(items.name)}`);
      }
      if (number !== odd || round % 3 === 0) continue;
      writer.add({ directory: Buffer.from('new'), name: Buffer.from('entry') }, bodyWith(new Uint8Array(8)));
      writer.endBlock(null);
      expected.push('new/entry');
    }
    const next = { ...identity, record: new Uint8Array(32).fill(2), sequence: 8 };
    assert.equal(await writer.finish(next), true);
    await last[Symbol.asyncDispose]();
    assert.deepEqual(await readNames(files), expected, `round ${round}`);
    const reader = (await CacheReader.open(files, '/state/catalog')) ?? assert.fail();
    assert.deepEqual(reader.info, { ...next, entries: expected.length });
    const after = (await files.list('/state')).map(({ name }) => name).sort();
    const isSame = odd < 0 || (round % 2 === 0 && round % 3 === 0);
    assert.equal(appended.length === 0, isSame, `round ${round}`);
    if (isSame) assert.deepEqual(after, before);
    else assert.deepEqual(after, ['catalog', `catalog-${'02'.repeat(32)}`]);
  }
});

test('a run that was killed before its cache had its name leaves the old one, and the next one clears up', async () => {
  const { files } = memoryPlatform();
  await files.makeDirectory('/state');
  const names = await written(files, 300);
  const killed = over(files, { replace: () => Promise.reject(new Error('killed')) });
  const writer = new CacheWriter(killed, '/state/catalog');
  writer.add({ directory: new Uint8Array(1), name: new Uint8Array(9) }, bodyWith(new Uint8Array(8)));
  assert.equal(await writer.finish({ ...identity, record: new Uint8Array(32).fill(3) }), false);
  assert.deepEqual(await readNames(files), names);
  assert.equal((await files.list('/state')).length, 3);
  await written(files, 10);
  assert.equal((await files.list('/state')).length, 2);
});

test('a cache that cannot be written leaves the old one and throws nothing', async () => {
  const { files } = memoryPlatform();
  await files.makeDirectory('/state');
  const names = await written(files, 10);
  const full = over(files, { append: () => Promise.reject(new Error('disk full')) });
  const writer = new CacheWriter(full, '/state/catalog');
  for (let index = 0; index < 200_000; index += 1) {
    writer.add({ directory: new Uint8Array(1), name: new Uint8Array(9) }, bodyWith(new Uint8Array(8)));
    if (index % 100 === 0) writer.endBlock(null);
  }
  assert.equal(await writer.finish(identity), false);
  assert.ok(writer.failure instanceof Error);
  assert.deepEqual(await readNames(files), names);
});

/** The port with some methods replaced, each other one called on the port itself. */
function over(files: Files, replaced: Partial<Files>): Files {
  return new Proxy(files, {
    get: (_, key) => {
      const value: unknown = Reflect.get(replaced, key) ?? Reflect.get(files, key);
      return typeof value === 'function' ? value.bind(files) : value;
    },
  });
}
