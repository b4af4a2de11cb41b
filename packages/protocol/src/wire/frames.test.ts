import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProtocolError } from '../errors.ts';
import { encodeFrames, parseFrames } from './frames.ts';

const limits = { countMax: 8, bytesMax: 64 };

function isRefusal(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'frames-invalid';
}

test('frames come back as they were', () => {
  const frames = fc.array(fc.uint8Array({ maxLength: limits.bytesMax }), { maxLength: limits.countMax });
  fc.assert(fc.property(frames, (given) => assert.deepEqual(parseFrames(encodeFrames(given), limits), given)));
});

test('any bytes are frames in exactly these bytes, or are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      let frames: Uint8Array[];
      try {
        frames = parseFrames(bytes, limits);
      } catch (error) {
        return isRefusal(error);
      }
      return Buffer.compare(encodeFrames(frames), bytes) === 0;
    }),
  );
});

test('what is cut off, too many or too long is refused', () => {
  const two = encodeFrames([new Uint8Array(3), new Uint8Array(5)]);
  for (let length = 0; length < two.length; length += 1) {
    if (length === 0 || length === 7) assert.equal(parseFrames(two.subarray(0, length), limits).length, length === 0 ? 0 : 1);
    else assert.throws(() => parseFrames(two.subarray(0, length), limits), isRefusal, `cut at ${length}`);
  }
  assert.throws(() => parseFrames(encodeFrames(Array.from({ length: 9 }, () => new Uint8Array(0))), limits), isRefusal);
  assert.throws(() => parseFrames(encodeFrames([new Uint8Array(65)]), limits), isRefusal);
});
