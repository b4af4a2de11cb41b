import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { ChunkTable } from './chunk-table.ts';

function ids(count: number): Uint8Array[] {
  const prng = new Prng('ids');
  return Array.from({ length: count }, () => prng.bytes(32));
}

test('finds what was put in, and nothing else, while it grows before workers attach', () => {
  const table = ChunkTable.create();
  const known = ids(100_000);
  for (const [index, id] of known.entries()) table.addLive(id, index >> 8, index & 255);
  for (const id of known) assert.equal(table.has(id), true);
  assert.equal(table.count, known.length);
  assert.equal(table.has(new Prng('other').bytes(32)), false);
});

test('a claim is granted once, over all threads and generations', () => {
  const table = ChunkTable.create();
  const worker = ChunkTable.attach(table.shared);
  const all = ids(120_000);
  for (const id of all) {
    const grown = table.growIfNeeded();
    if (grown !== null) worker.adopt(grown);
    assert.equal(worker.claim(id), true);
    assert.equal(table.claim(id), false);
  }
  assert.ok(table.shared.generations.length > 1);
  for (const id of all) assert.equal(worker.claim(id), false);
});

test('marked chunks come back with their places', () => {
  const table = ChunkTable.create();
  const worker = ChunkTable.attach(table.shared);
  const all = ids(1000);
  for (const [index, id] of all.entries()) {
    if (index % 3 === 0) table.addLive(id, 5, index);
  }
  for (const [index, id] of all.entries()) {
    if (index % 3 === 1) assert.ok(worker.claim(id));
  }
  const number = worker.newPackNumber();
  // The catalog may name a chunk before its pack is closed.
  for (const [index, id] of all.entries()) assert.equal(table.mark(id), index % 3 !== 2);
  for (const [index, id] of all.entries()) {
    if (index % 3 === 1) worker.settle(id, { pack: number, position: index });
  }
  const places = [...table.marked()].map(({ pack, position }) => `${pack}/${position}`);
  const wanted = all.flatMap((_, index) => (index % 3 === 2 ? [] : [`${index % 3 === 0 ? 5 : number}/${index}`]));
  assert.deepEqual(places.sort(), wanted.sort());
});

test('every thread sees that a run is being stopped', () => {
  const table = ChunkTable.create();
  const worker = ChunkTable.attach(table.shared);
  assert.equal(worker.aborted, false);
  table.abort();
  assert.equal(worker.aborted, true);
});
