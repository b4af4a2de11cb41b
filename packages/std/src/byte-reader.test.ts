/*
 * Proves that reader and writer are mirrors, by property; that every prefix of a message is `bytes-short`; and that
 * arbitrary bytes give a value which writes back to the same bytes, or an error, never anything else.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { AssertionFailure } from './assert.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { fromHex, toHex } from './bytes.ts';
import { StdError } from './errors.ts';

const safe = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const signed = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const wide = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const wideSigned = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

interface Kind {
  write(writer: ByteWriter, value: never): unknown;
  read(reader: ByteReader): unknown;
}

const kinds = {
  u8: { write: (w, v) => w.u8(v), read: (r) => r.u8() },
  u16: { write: (w, v) => w.u16(v), read: (r) => r.u16() },
  u32: { write: (w, v) => w.u32(v), read: (r) => r.u32() },
  u64: { write: (w, v) => w.u64(v), read: (r) => r.u64() },
  u64Number: { write: (w, v) => w.u64(v), read: (r) => r.u64Number() },
  varint: { write: (w, v) => w.varint(v), read: (r) => r.varint() },
  varintBig: { write: (w, v) => w.varintBig(v), read: (r) => r.varintBig() },
  svarint: { write: (w, v) => w.svarint(v), read: (r) => r.svarint() },
  svarintBig: { write: (w, v) => w.svarintBig(v), read: (r) => r.svarintBig() },
  lengthPrefixed: { write: (w, v) => w.lengthPrefixed(v), read: (r) => r.lengthPrefixed(1000) },
} as const satisfies Record<string, Kind>;

const values = {
  u8: fc.integer({ min: 0, max: 0xff }),
  u16: fc.integer({ min: 0, max: 0xffff }),
  u32: fc.integer({ min: 0, max: 0xffff_ffff }),
  u64: wide,
  u64Number: safe,
  varint: safe,
  varintBig: wide,
  svarint: signed,
  svarintBig: wideSigned,
  lengthPrefixed: fc.uint8Array({ maxLength: 300 }),
} as const satisfies Record<keyof typeof kinds, fc.Arbitrary<unknown>>;

const names = Object.keys(kinds) as (keyof typeof kinds)[];

function throwsCode(action: () => unknown, code: string): void {
  assert.throws(action, (error) => error instanceof StdError && error.code === code);
}

test('what is written is read, in order, and nothing is left', () => {
  const item = fc.oneof(...names.map((name) => fc.tuple(fc.constant(name), values[name] as fc.Arbitrary<unknown>)));
  fc.assert(
    fc.property(fc.array(item), (items) => {
      const writer = new ByteWriter(0);
      for (const [name, value] of items) kinds[name].write(writer, value as never);
      const length = writer.length;
      const bytes = writer.finish();
      assert.equal(bytes.length, length);
      assert.equal(bytes.buffer.byteLength, length);
      const reader = new ByteReader(bytes);
      for (const [name, value] of items) assert.deepEqual(kinds[name].read(reader), value);
      reader.expectEnd();
    }),
  );
});

test('every strict prefix is short', () => {
  for (const name of names) {
    fc.assert(
      fc.property(values[name] as fc.Arbitrary<unknown>, (value) => {
        const writer = new ByteWriter();
        kinds[name].write(writer, value as never);
        const bytes = writer.finish();
        for (let length = 0; length < bytes.length; length += 1) {
          throwsCode(() => kinds[name].read(new ByteReader(bytes.subarray(0, length))), 'bytes-short');
        }
      }),
      { numRuns: 50 },
    );
  }
});

test('arbitrary bytes: one value has one encoding', () => {
  for (const name of names) {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const reader = new ByteReader(bytes);
        let value: unknown;
        try {
          value = kinds[name].read(reader);
        } catch (error) {
          assert.ok(error instanceof StdError);
          return;
        }
        const writer = new ByteWriter();
        kinds[name].write(writer, value as never);
        assert.equal(toHex(writer.finish()), toHex(bytes.subarray(0, reader.offset)));
      }),
      { numRuns: 500 },
    );
  }
});

test('known encodings', () => {
  const cases: readonly [number, string][] = [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 31, '8080808008'],
    [2 ** 35, '808080808001'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ];
  for (const [value, hex] of cases) {
    assert.equal(toHex(new ByteWriter().varint(value).finish()), hex);
    assert.equal(toHex(new ByteWriter().varintBig(BigInt(value)).finish()), hex);
  }
  assert.equal(toHex(new ByteWriter().svarint(-1).svarint(1).svarint(-2).finish()), '010203');
  assert.equal(toHex(new ByteWriter().u16(0x0102).u32(0x01020304).u64(5).finish()), '0201040302010500000000000000');
});

test('defects are refused', () => {
  const read = (hex: string): ByteReader => new ByteReader(fromHex(hex) ?? new Uint8Array(0));
  throwsCode(() => read('8000').varint(), 'bytes-invalid');
  throwsCode(() => read('ff00').varintBig(), 'bytes-invalid');
  throwsCode(() => read('ffffffffffffff10').varint(), 'bytes-invalid');
  throwsCode(() => read('ffffffffffffffff7f').varint(), 'bytes-invalid');
  throwsCode(() => read('ffffffffffffffffff02').varintBig(), 'bytes-invalid');
  throwsCode(() => read('ffffffffffffffffffff01').varintBig(), 'bytes-invalid');
  throwsCode(() => read('feffffffffffff1f').svarint() && read('80808080808080808001').svarint(), 'bytes-invalid');
  throwsCode(() => read('0000000000002000').u64Number(), 'bytes-invalid');
  throwsCode(() => read('00').expectEnd(), 'bytes-invalid');
  throwsCode(() => read('03010203').lengthPrefixed(2), 'limit-exceeded');
});

test('bytes() is a view of what was given', () => {
  const whole = Uint8Array.of(9, 1, 2, 3, 9);
  const reader = new ByteReader(whole.subarray(1, 4));
  const view = reader.bytes(3);
  assert.equal(view.buffer, whole.buffer);
  assert.deepEqual(view, Uint8Array.of(1, 2, 3));
  assert.equal(reader.remaining, 0);
});

test('our own bugs fail assertions', () => {
  const writer = new ByteWriter();
  for (const bad of [-1, 256, 1.5, Number.NaN]) assert.throws(() => writer.u8(bad), AssertionFailure);
  assert.throws(() => writer.varint(2 ** 53), AssertionFailure);
  assert.throws(() => writer.u64(2n ** 64n), AssertionFailure);
  assert.throws(() => writer.svarintBig(2n ** 63n), AssertionFailure);
  writer.finish();
  assert.throws(() => writer.u8(1), AssertionFailure);
  assert.throws(() => writer.finish(), AssertionFailure);
});
