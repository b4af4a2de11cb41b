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
  const whole = await files.read('/state/catalog', 1 << 30);
  assert.ok(whole);
  const prng = new Prng('damage');
  for (let round = 0; round < 60; round += 1) {
    const damaged = whole.slice(0, round % 3 === 0 ? prng.below(whole.length) : whole.length);
    const at = prng.below(damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << prng.below(8));
    await files.replace('/state/catalog', [damaged]);
    const read = (await readNames(files)) ?? [];
    assert.deepEqual(read, names.slice(0, read.length), `round ${round}`);
  }
});

test('a cache that cannot be written leaves the old one and throws nothing', async () => {
  const { files } = memoryPlatform();
  await files.makeDirectory('/state');
  const names = await written(files, 10);
  const full: Files = { ...bound(files), append: () => Promise.reject(new Error('disk full')) };
  const writer = new CacheWriter(full, '/state/catalog');
  for (let index = 0; index < 200_000; index += 1) {
    writer.add({ directory: new Uint8Array(1), name: new Uint8Array(9) }, bodyWith(new Uint8Array(8)));
    if (index % 100 === 0) writer.endBlock(null);
  }
  assert.equal(await writer.finish(identity), false);
  assert.ok(writer.failure instanceof Error);
  assert.deepEqual(await readNames(files), names);
});

/** An object with the port's methods, each called on the port itself. */
function bound(files: Files): Files {
  const keys = Reflect.ownKeys(Reflect.getPrototypeOf(files) ?? {});
  const methods = keys.map((key): [PropertyKey, unknown] => {
    const value: unknown = Reflect.get(files, key);
    return [key, typeof value === 'function' ? (...given: unknown[]): unknown => value.apply(files, given) : value];
  });
  return Object.fromEntries(methods) as unknown as Files;
}
