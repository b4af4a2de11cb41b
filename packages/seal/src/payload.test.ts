import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng, padmeLength } from '@twinvault/std';
import { SealError } from './errors.ts';
import { decodePayload, encodePayload } from './payload.ts';

const invalid = (error: unknown): boolean => error instanceof SealError && error.code === 'payload-invalid';

function header(codec: number, plainBytes: number, dataBytes: number): Uint8Array {
  const bytes = new Uint8Array(9);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, codec);
  view.setUint32(1, plainBytes, true);
  view.setUint32(5, dataBytes, true);
  return bytes;
}

function built(codec: number, plainBytes: number, data: Uint8Array): Uint8Array {
  const payload = new Uint8Array(padmeLength(9 + data.length));
  payload.set(header(codec, plainBytes, data.length));
  payload.set(data, 9);
  return payload;
}

test('what is encoded decodes to itself, padded to the length of Padmé', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), fc.integer({ min: 1, max: 9 }), fc.boolean(), (plaintext, level, sample) => {
      const payload = encodePayload(plaintext, { level, sample });
      assert.deepEqual(decodePayload(payload), plaintext);
      const room = new Uint8Array(payload.length + 10).fill(0xaa);
      assert.deepEqual(encodePayload(plaintext, { level, sample, into: room }), payload);
      assert.ok(room.subarray(payload.length).every((byte) => byte === 0xaa));
      assert.deepEqual(encodePayload(plaintext, { level, sample, into: room.subarray(11) }), payload);
      const dataBytes = new DataView(payload.buffer, payload.byteOffset).getUint32(5, true);
      assert.equal(payload.length, padmeLength(9 + dataBytes));
    }),
  );
});

test('text compresses, random bytes are stored raw, with the sample and without', () => {
  const text = new TextEncoder().encode('all work and no play makes a dull boy. '.repeat(20_000));
  const random = new Prng('payload').bytes(700_000);
  for (const sample of [true, false]) {
    assert.equal(encodePayload(text, { sample })[0], 1);
    assert.ok(encodePayload(text, { sample }).length < text.length / 10);
    assert.equal(encodePayload(random, { sample })[0], 0);
    assert.deepEqual(decodePayload(encodePayload(random, { sample })), random);
  }
});

test('a chunk that is random but for a large part compresses although its first bytes do not', () => {
  const half = new Uint8Array(1_000_000);
  half.set(new Prng('half').bytes(500_000));
  assert.equal(encodePayload(half)[0], 1);
});

test('the saving must be one part in 32', () => {
  const plaintext = new Prng('saving').bytes(100_000);
  plaintext.fill(0, 0, 2_500);
  assert.equal(encodePayload(plaintext, { sample: false })[0], 0);
  plaintext.fill(0, 0, 4_000);
  assert.equal(encodePayload(plaintext, { sample: false })[0], 1);
});

test('every other form is refused', () => {
  const good = built(0, 100, new Uint8Array(100).fill(3));
  assert.equal(decodePayload(good).length, 100);
  const badPadding = good.slice();
  badPadding[good.length - 1] = 1;
  const frame = encodePayload(new Uint8Array(1_000)).subarray(9);
  const cases: Readonly<Record<string, Uint8Array>> = {
    empty: new Uint8Array(0),
    short: good.subarray(0, 8),
    'padding not zero': badPadding,
    'one byte less': good.subarray(0, good.length - 1),
    'one byte more': Uint8Array.of(...good, 0),
    'unknown codec': built(2, 100, new Uint8Array(100)),
    'raw length': built(0, 99, new Uint8Array(100)),
    'plaintext too long': built(1, 0x0100_0001, new Uint8Array(100)),
    'data beyond the end': header(0, 0xffff_ffff, 0xffff_ffff),
    'no frame': built(1, 100, new Uint8Array(100)),
    'another plaintext length': built(1, 1_001, frame.subarray(0, frame.length)),
  };
  assert.ok(good.length > 109, 'the test needs padding');
  for (const [name, payload] of Object.entries(cases)) assert.throws(() => decodePayload(payload), invalid, name);
});

test('no bytes whatever make it fail otherwise', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (noise, dataBytes) => {
      for (const payload of [noise, Uint8Array.of(...header(1, 500, dataBytes), ...noise)]) {
        try {
          decodePayload(payload);
        } catch (error) {
          assert.ok(invalid(error), String(error));
        }
      }
    }),
    { numRuns: 500 },
  );
});
