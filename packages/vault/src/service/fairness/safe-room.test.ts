import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@twinvault/protocol';
import { FakeClock } from '@twinvault/testkit';
import type { InventoryTotals } from '../../database/inventory.ts';
import { freshMs, SafeRoom } from './safe-room.ts';
import type { SafeRoomParts } from './safe-room.ts';

/** An inventory of one safe, by names of packs. */
function place(bytesMax: number | null): {
  room: SafeRoom;
  clock: FakeClock;
  packs: Map<string, number>;
  readings: () => number;
  put: (name: string, bytes: number) => Promise<string>;
} {
  const packs = new Map<string, number>();
  const clock = new FakeClock();
  let readings = 0;
  const inventory = {
    totals: () => {
      readings += 1;
      const bytes = [...packs.values()].reduce((sum, each) => sum + each, 0);
      return Promise.resolve({ objects: packs.size, bytes, damaged: 0, oldestVerifiedMs: null } satisfies InventoryTotals);
    },
    find: (_: string, { name }: { readonly name: string }) => Promise.resolve(packs.has(name) ? { name } : null),
  } as unknown as SafeRoomParts['inventory'];
  const room = new SafeRoom({ inventory, clock, bytesMax });
  const put = (name: string, bytes: number): Promise<string> =>
    room.put('00', { name, bytes }, async () => {
      await Promise.resolve();
      const answer = packs.has(name) ? 'present' : 'stored';
      packs.set(name, bytes);
      return answer;
    });
  return { room, clock, packs, readings: () => readings, put };
}

const refused = (error: unknown): boolean => error instanceof ProtocolError && error.code === 'quota-reached';

test('nothing is counted where there is no limit', async () => {
  const { put, readings } = place(null);
  assert.equal(await put('a', 1e15), 'stored');
  assert.equal(readings(), 0);
});

test('a pack fits up to the last byte, and what is there already always does', async () => {
  const { put, packs } = place(100);
  assert.equal(await put('a', 60), 'stored');
  await assert.rejects(put('b', 41), refused);
  assert.equal(await put('b', 40), 'stored');
  await assert.rejects(put('c', 1), refused);
  assert.equal(await put('a', 60), 'present');
  assert.deepEqual([...packs.keys()], ['a', 'b']);
});

test('packs that come at once stay below the limit together, and as many as fit are taken', async () => {
  const { put, packs } = place(100);
  const answers = await Promise.allSettled(Array.from({ length: 9 }, (_, index) => put(`p${index}`, 30)));
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 3);
  assert.equal(packs.size, 3);
});

test('what another node stored, or a clean-up removed, is seen', async () => {
  const { put, packs, clock, readings } = place(100);
  await put('a', 50);
  const before = readings();
  await put('b', 10);
  assert.equal(readings(), before);
  packs.set('of another node', 40);
  await clock.advance(freshMs + 1);
  await assert.rejects(put('c', 10), refused);
  packs.delete('a');
  assert.equal(await put('c', 10), 'stored');
});

test('a pack that could not be stored takes no room', async () => {
  const { room, put } = place(100);
  const failing = room.put('00', { name: 'a', bytes: 100 }, () => Promise.reject(new ProtocolError('vault-full')));
  await assert.rejects(failing, /vault-full/u);
  assert.equal(await put('b', 100), 'stored');
});
