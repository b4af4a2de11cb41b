/* What holds deletion back, told from how far feeds were read. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { siteId } from '@twinvault/format';
import { dayMs, hourMs } from '@twinvault/std';
import fc from 'fast-check';
import { heldBack, twinReadMsMax, twinSkewMsMax } from './twins.ts';
import type { TwinRead } from './twins.ts';

const twin = { site: siteId(new Uint8Array(16)), publicKey: new Uint8Array(32) };
const nowMs = 1000 * dayMs;

function read(endAskedMs: number | null, skewMs = 0): TwinRead {
  return { twin, endAskedMs, skewMs };
}

test('a site alone is held back by nothing', () => {
  assert.equal(heldBack([], nowMs), null);
});

test('never read, read long ago, read before the mark: apart', () => {
  assert.equal(heldBack([read(null)], nowMs), 'apart');
  assert.equal(heldBack([read(nowMs - twinReadMsMax)], nowMs), null);
  assert.equal(heldBack([read(nowMs - twinReadMsMax - 1)], nowMs), 'apart');
  assert.equal(heldBack([read(nowMs - hourMs)], nowMs, nowMs - hourMs), 'apart');
  assert.equal(heldBack([read(nowMs - hourMs)], nowMs, nowMs - hourMs - 1), null);
});

test('clocks that differ, and a time to come: the clock', () => {
  for (const skewMs of [twinSkewMsMax, -twinSkewMsMax]) assert.equal(heldBack([read(nowMs, skewMs)], nowMs), null);
  for (const skewMs of [twinSkewMsMax + 1, -twinSkewMsMax - 1]) assert.equal(heldBack([read(nowMs, skewMs)], nowMs), 'clock');
  assert.equal(heldBack([read(nowMs + 1)], nowMs), 'clock');
});

test('one of several that holds back is enough', () => {
  const any = fc.record({ endAskedMs: fc.option(fc.nat(2 * nowMs)), skewMs: fc.integer() });
  fc.assert(
    fc.property(fc.array(any), any, (reads, more) => {
      const one = heldBack([read(more.endAskedMs, more.skewMs)], nowMs);
      const all = heldBack(
        [...reads, more].map(({ endAskedMs, skewMs }) => read(endAskedMs, skewMs)),
        nowMs,
      );
      if (one !== null) assert.notEqual(all, null);
    }),
  );
});
