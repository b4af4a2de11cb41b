import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyMemory } from './body-memory.ts';
import type { BodyRange } from './body-memory.ts';

const page = 4096;

test('however ranges come and go, those that are out never overlap, and all memory comes back', () => {
  const steps = fc.array(
    fc.oneof(
      fc.nat(5 * page).map((take) => ({ take })),
      fc.nat(20).map((give) => ({ give })),
    ),
    {
      maxLength: 200,
    },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const memory = new BodyMemory(16 * page);
      const out: { readonly range: BodyRange; readonly mark: number }[] = [];
      for (const [mark, step] of all.entries()) {
        if ('take' in step) {
          const range = memory.take(step.take);
          assert.equal(range.bytes.length, step.take);
          range.bytes.fill(mark % 256);
          out.push({ range, mark });
        } else {
          const [gone] = out.splice(step.give % Math.max(1, out.length), 1);
          gone?.range[Symbol.dispose]();
          gone?.range[Symbol.dispose]();
        }
        for (const { range, mark: own } of out) assert.ok(range.bytes.every((byte) => byte === own % 256));
      }
      for (const { range } of out) range[Symbol.dispose]();
      assert.equal(memory.freeBytes, 16 * page);
    }),
  );
});

test('where no range is long enough it is memory of its own, which is nobody else’s afterwards', () => {
  const memory = new BodyMemory(4 * page);
  using first = memory.take(3 * page);
  const other = memory.take(2 * page);
  assert.notEqual(other.bytes.buffer, first.bytes.buffer);
  other[Symbol.dispose]();
  assert.equal(memory.freeBytes, page);
});

test('a range that was given back is the first to be used again', () => {
  const memory = new BodyMemory(8 * page);
  const [low, high] = [memory.take(page), memory.take(page)];
  low[Symbol.dispose]();
  assert.equal(memory.take(page).bytes.byteOffset, low.bytes.byteOffset);
  assert.ok(high.bytes.byteOffset > low.bytes.byteOffset);
});
