/*
 * Proves that the implementations of the primitives port, Node's with and without the executable's libraries and the browser's, give the same bytes for the same input, and
 * the same null or false for the same bad input: by random inputs, and by flipping bits of good ones.
 */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { primitives as browser, primitivesReady } from '../src/browser/primitives.ts';
import { concatBytes } from '../src/bytes.ts';
import { nativeBulk } from '../src/node/bulk/native-bulk.ts';
import { nodeBulk } from '../src/node/bulk/node-bulk.ts';
import { primitives as node, primitivesWith } from '../src/node/primitives.ts';
import { Prng } from '../src/prng.ts';
import type { Primitives } from '../src/ports/primitives.ts';

await primitivesReady;

/** What Node does where the executable's libraries cannot be called. */
const withoutNative: Primitives = primitivesWith(() => nodeBulk);
const both: readonly Primitives[] = [node, browser, withoutNative];
const exactly = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const some: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 600 });
const key32 = exactly(32);
const hkdfInput = fc.record({ key: some, parts: fc.array(some, { maxLength: 4 }), salt: some, length: fc.nat({ max: 200 }) });
const gcmInput = fc.record({ key: key32, nonce: exactly(12), aad: some, plaintext: some, bit: fc.nat() });

/** Runs on both; fails unless the results are equal plain Uint8Arrays; gives the result. */
function same<T>(call: (primitives: Primitives) => T): T {
  const first = call(node);
  for (const other of [browser, withoutNative]) assert.deepEqual(first, call(other));
  return first;
}

/** Both throw RangeError. */
function refused(call: (primitives: Primitives) => unknown): void {
  for (const primitives of both) assert.throws(() => call(primitives), RangeError);
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice();
  const index = (bit >>> 3) % changed.length;
  changed[index] = (changed[index] ?? 0) ^ (1 << (bit & 7));
  return changed;
}

suite('hashes and derivation', () => {
  test('SHA-256, HMAC and HKDF', () => {
    fc.assert(
      fc.property(hkdfInput, ({ key, parts, salt, length }) => {
        const joined = concatBytes(...parts);
        const digest = same((p) => p.sha256(joined));
        assert.deepEqual(
          same((p) => parts.reduce((stream, part) => stream.update(part), p.sha256Stream()).digest()),
          digest,
        );
        const mac = same((p) => p.hmacSha256(p.secretKey(key), ...parts));
        assert.deepEqual(
          same((p) => p.hmacSha256(p.secretKey(key), joined)),
          mac,
        );
        same((p) => p.hkdfSha256(key, salt, joined, length + 1));
      }),
    );
    for (const length of [0, -1, 8161, 1.5]) refused((p) => p.hkdfSha256(key0, key0, key0, length));
  });

  test('several messages side by side, of any lengths and wherever they lie', () => {
    const length = fc.oneof(fc.nat({ max: 130 }), fc.integer({ min: 2000, max: 2300 }), fc.nat({ max: 40_000 }));
    const lengths = fc.array(fc.tuple(fc.nat({ max: 70 }), length), { maxLength: 7 });
    fc.assert(
      fc.property(key32, fc.uint8Array({ maxLength: 63 }), lengths, fc.nat(), (key, prefix, places, seed) => {
        const prng = new Prng(`messages ${seed}`);
        const messages = places.map(([offset, count]) => prng.bytes(offset + count).subarray(offset));
        const [digests, macs] = [
          same((p) => p.sha256Each(messages)),
          same((p) => p.hmacSha256Each(p.secretKey(key), prefix, messages)),
        ];
        assert.deepEqual(
          digests,
          messages.map((message) => browser.sha256(message)),
        );
        assert.deepEqual(
          macs,
          messages.map((message) => browser.hmacSha256(browser.secretKey(key), prefix, message)),
        );
      }),
    );
    refused((p) => p.hmacSha256Each(p.secretKey(key0), new Uint8Array(64), [key0]));
  });

  test('a key keeps its bytes, and its own copy of them', () => {
    for (const primitives of both) {
      const raw = Uint8Array.of(1, 2, 3);
      const key = primitives.secretKey(raw);
      const before = primitives.hmacSha256(key, raw.slice());
      raw.fill(0);
      assert.deepEqual(key.export(), Uint8Array.of(1, 2, 3));
      key.export().fill(0);
      assert.deepEqual(primitives.hmacSha256(key, Uint8Array.of(1, 2, 3)), before);
      assert.equal(JSON.stringify(key), '{"kind":"secret-key"}');
    }
  });

  test('Argon2id', async () => {
    const prng = new Prng('argon2id');
    for (const lanes of [1, 2, 4]) {
      const parameters = { passes: prng.between(1, 3), memoryKiB: 64 * lanes, lanes, outputBytes: prng.between(16, 64) };
      const [password, salt] = [prng.bytes(prng.below(40)), prng.bytes(16)] as const;
      const results = await Promise.all(both.map((p) => p.argon2id(password, salt, parameters)));
      assert.deepEqual(results[0], results[1]);
    }
  });
});

const key0 = new Uint8Array(32);

suite('ciphers', () => {
  test('GCM', () => {
    fc.assert(
      fc.property(gcmInput, ({ key, nonce, aad, plaintext, bit }) => {
        const sealed = same((p) => p.aesGcmSeal(p.secretKey(key), nonce, aad, plaintext));
        const open = (ciphertext: Uint8Array, by = aad): Uint8Array | null =>
          same((p) => p.aesGcmOpen(p.secretKey(key), nonce, by, ciphertext));
        const target = new Uint8Array(sealed.length + 2);
        const inner = target.subarray(1, 1 + sealed.length);
        same((p) => p.aesGcmSealInto(p.secretKey(key), nonce, aad, plaintext, inner) ?? inner.slice());
        assert.deepEqual(target, concatBytes(Uint8Array.of(0), sealed, Uint8Array.of(0)));
        assert.deepEqual(open(sealed), plaintext);
        const opened = new Uint8Array(plaintext.length);
        const openInto = (ciphertext: Uint8Array): boolean =>
          same((p) => p.aesGcmOpenInto(p.secretKey(key), nonce, aad, ciphertext, opened));
        assert.equal(openInto(sealed), true);
        assert.deepEqual(opened, plaintext);
        assert.equal(openInto(flipped(sealed, bit)), false);
        assert.equal(open(flipped(sealed, bit)), null);
        assert.equal(open(sealed.subarray(1)), null);
        assert.equal(open(sealed, concatBytes(aad, Uint8Array.of(0))), null);
        assert.equal(open(sealed.subarray(0, bit % 16)), null);
      }),
    );
    refused((p) => p.aesGcmSeal(p.secretKey(key0), new Uint8Array(16), key0, key0));
    refused((p) => p.aesGcmSeal(p.secretKey(key0.subarray(16)), new Uint8Array(12), key0, key0));
    refused((p) => p.aesGcmOpen(p.secretKey(key0), new Uint8Array(11), key0, key0));
    refused((p) => p.aesGcmSealInto(p.secretKey(key0), new Uint8Array(12), key0, key0, new Uint8Array(47)));
    refused((p) => p.aesGcmOpenInto(p.secretKey(key0), new Uint8Array(12), key0, key0, new Uint8Array(17)));
    const long = new Prng('long').bytes(200_001);
    const sealed = same((p) => p.aesGcmSeal(p.secretKey(key0), new Uint8Array(12), key0, long));
    assert.deepEqual(
      same((p) => p.aesGcmOpen(p.secretKey(key0), new Uint8Array(12), key0, sealed)),
      long,
    );
  });

  test('CBC', () => {
    fc.assert(
      fc.property(key32, exactly(16), fc.nat({ max: 20 }), (key, iv, blocks) => {
        const plaintext = new Prng(blocks).bytes(16 * blocks);
        const sealed = same((p) => p.aesCbcEncrypt(p.secretKey(key), iv, plaintext));
        assert.deepEqual(
          same((p) => p.aesCbcDecrypt(p.secretKey(key), iv, sealed)),
          plaintext,
        );
      }),
    );
    refused((p) => p.aesCbcEncrypt(p.secretKey(key0), new Uint8Array(16), new Uint8Array(15)));
    refused((p) => p.aesCbcDecrypt(p.secretKey(key0), new Uint8Array(12), new Uint8Array(16)));
  });

  test('a key of the other implementation is refused', () => {
    assert.throws(() => node.hmacSha256(browser.secretKey(key0)), TypeError);
    assert.throws(() => browser.hmacSha256(node.secretKey(key0)), TypeError);
  });
});

/** Half noise, half repeats, so that every kind of block turns up. */
function compressible(seed: number, length: number): Uint8Array {
  const prng = new Prng(seed);
  const data = prng.bytes(length);
  for (let offset = 0; offset < length; offset += 1000) {
    if (prng.chance(0.5)) data.fill(prng.below(256), offset, offset + prng.below(4000));
    else if (offset > 5000) data.copyWithin(offset, prng.below(offset - 1000), offset);
  }
  return data;
}

suite('zstd', () => {
  test('into a buffer of the caller, shared memory too', () => {
    const data = compressible(3, 100_000);
    for (const p of both) {
      const target = new Uint8Array(new SharedArrayBuffer(101_000));
      const length = p.zstdCompressInto(data, { level: 2 }, target);
      const frame = target.slice(0, length);
      assert.deepEqual(frame, p.zstdCompress(data, { level: 2 }));
      const plaintext = new Uint8Array(new SharedArrayBuffer(data.length));
      assert.equal(
        same((q) => q.zstdDecompressInto(frame, plaintext)),
        true,
      );
      assert.ok(Buffer.from(plaintext).equals(data));
      assert.equal(p.zstdDecompressInto(frame, new Uint8Array(data.length - 1)), false);
    }
    refused((p) => p.zstdCompressInto(data, { level: 2 }, new Uint8Array(data.length)));
  });

  test('Node makes the same frames with and without the executable, and with a context used before', () => {
    assert.ok(nativeBulk() !== null || process.platform !== 'linux');
    for (const level of [1, 2, 3, 9, 19, 1, 2]) {
      for (const length of [0, 10, 5_000, 300_000, 1_500_000]) {
        const data = compressible(level + length, length);
        assert.deepEqual(node.zstdCompress(data, { level }), withoutNative.zstdCompress(data, { level }));
      }
    }
  });

  test('each opens what the other made, at every level', () => {
    for (let level = 1; level <= 19; level += 1) {
      for (const length of [0, 1, 63, 64, 65, 255, 256, 1000, 65_791, 65_792, 131_072, 300_000]) {
        const data = compressible(length + level, length);
        for (const primitives of both) {
          const frame = primitives.zstdCompress(data, { level });
          assert.deepEqual(
            same((p) => p.zstdDecompress(frame, length)),
            data,
          );
          assert.equal(frame.buffer.byteLength, frame.length);
          for (const other of [length - 1, length + 1, 2 ** 40, Number.NaN, -1, 0.5]) {
            if (other !== length)
              assert.equal(
                same((p) => p.zstdDecompress(frame, other)),
                null,
              );
          }
        }
      }
    }
    for (const level of [0, -1, 20, 1.5]) refused((p) => p.zstdCompress(key0, { level }));
  });

  test('16 MiB at level 19 opens with a window of 8 MiB', { timeout: 120_000 }, () => {
    const data = compressible(16, 16 * 1024 * 1024);
    const frame = node.zstdCompress(data, { level: 19 });
    for (const p of both) assert.ok(Buffer.from(data.buffer).equals(p.zstdDecompress(frame, data.length) ?? key0));
  });

  test('damage is null or the same wrong bytes, never a throw', () => {
    const data = compressible(9, 20_000);
    const frame = node.zstdCompress(data, { level: 3 });
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: frame.length - 1 }), (bit, cut) => {
        same((p) => p.zstdDecompress(flipped(frame, bit), data.length));
        assert.equal(
          same((p) => p.zstdDecompress(frame.subarray(0, cut), data.length)),
          null,
        );
      }),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(some, fc.nat({ max: 300 }), (junk, length) => void same((p) => p.zstdDecompress(junk, length))));
  });

  test('one frame, nothing else', () => {
    const frame = node.zstdCompress(new Uint8Array(100), { level: 1 });
    const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0);
    const empty = node.zstdCompress(new Uint8Array(0), { level: 1 });
    const joins = [
      [frame, Uint8Array.of(0)],
      [frame, frame],
      [frame, empty],
      [frame, skippable],
      [skippable, frame],
    ];
    for (const parts of joins)
      assert.equal(
        same((p) => p.zstdDecompress(concatBytes(...parts), 100)),
        null,
      );
    assert.equal(
      same((p) => p.zstdDecompress(concatBytes(frame, frame), 200)),
      null,
    );
  });
});

suite('keys', () => {
  test('X-Wing', () => {
    fc.assert(
      fc.property(key32, exactly(64), fc.nat(), (seed, random, bit) => {
        const publicKey = same((p) => p.xwingPublicKey(seed));
        const { ciphertext, sharedSecret } = same((p) => p.xwingEncapsulate(publicKey, random));
        assert.deepEqual(
          same((p) => p.xwingDecapsulate(seed, ciphertext)),
          sharedSecret,
        );
        assert.notDeepEqual(
          same((p) => p.xwingDecapsulate(seed, flipped(ciphertext, bit))),
          sharedSecret,
        );
        for (const p of both) {
          const fresh = p.xwingEncapsulate(publicKey);
          assert.deepEqual(
            same((q) => q.xwingDecapsulate(seed, fresh.ciphertext)),
            fresh.sharedSecret,
          );
        }
      }),
      { numRuns: 30 },
    );
  });

  test('X-Wing: a share of small order counts as zeros, a wrong length or modulus throws RangeError', () => {
    const publicKey = node.xwingPublicKey(key0);
    const small = concatBytes(publicKey.subarray(0, 1184), new Uint8Array(32));
    const { ciphertext } = same((p) => p.xwingEncapsulate(small, new Uint8Array(64)));
    same((p) => p.xwingDecapsulate(key0, concatBytes(ciphertext.subarray(0, 1088), new Uint8Array(32))));
    refused((p) => p.xwingEncapsulate(publicKey.subarray(1)));
    refused((p) => p.xwingEncapsulate(publicKey, new Uint8Array(63)));
    refused((p) => p.xwingEncapsulate(concatBytes(new Uint8Array(1184).fill(255), new Uint8Array(32))));
    refused((p) => p.xwingDecapsulate(key0, ciphertext.subarray(1)));
    refused((p) => p.xwingDecapsulate(key0.subarray(1), ciphertext));
    refused((p) => p.xwingPublicKey(key0.subarray(1)));
  });

  test('Ed25519', () => {
    fc.assert(
      fc.property(key32, some, fc.nat(), (seed, message, bit) => {
        const publicKey = same((p) => p.ed25519PublicKey(seed));
        const signature = same((p) => p.ed25519Sign(seed, message));
        const verify = (key: Uint8Array, by: Uint8Array): boolean => same((p) => p.ed25519Verify(key, message, by));
        assert.equal(verify(publicKey, signature), true);
        assert.equal(verify(publicKey, flipped(signature, bit)), false);
        assert.equal(verify(flipped(publicKey, bit), signature), false);
        assert.equal(verify(publicKey, signature.subarray(1)), false);
        assert.equal(verify(publicKey.subarray(1), signature), false);
        assert.equal(verify(publicKey, new Uint8Array(64)), false);
      }),
      { numRuns: 40 },
    );
    refused((p) => p.ed25519PublicKey(new Uint8Array(31)));
    refused((p) => p.ed25519Sign(new Uint8Array(33), key0));
  });

  test('Ed25519: keys of small order, or not canonical, verify nothing', () => {
    const p255 = 2n ** 255n - 19n;
    const order8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
    const bad = [0n, 1n, p255 - 1n, p255, p255 + 1n, order8, p255 - order8, p255 + 3n, 2n ** 255n - 1n];
    for (const y of bad) {
      for (const sign of [0n, 1n]) {
        const number = y | (sign << 255n);
        const key = Uint8Array.from({ length: 32 }, (_, index) => Number((number >> BigInt(8 * index)) & 0xffn));
        // R = the key and S = 0 satisfies the equation for points of small order.
        const forged = concatBytes(key, new Uint8Array(32));
        for (let count = 0; count < 8; count += 1) {
          assert.equal(
            same((p) => p.ed25519Verify(key, Uint8Array.of(count), forged)),
            false,
          );
        }
      }
    }
  });

  test('X25519', () => {
    fc.assert(
      fc.property(key32, key32, (one, two) => {
        const [publicOne, publicTwo] = [same((p) => p.x25519PublicKey(one)), same((p) => p.x25519PublicKey(two))] as const;
        const shared = same((p) => p.x25519(one, publicTwo));
        assert.ok(shared !== null);
        assert.deepEqual(
          same((p) => p.x25519(two, publicOne)),
          shared,
        );
        // Any 32 bytes are a point, RFC 7748, section 5.
        same((p) => p.x25519(one, two));
      }),
      { numRuns: 40 },
    );
    for (const small of [0, 1]) {
      assert.equal(
        same((p) => p.x25519(key0.slice().fill(7), Uint8Array.of(small, ...new Uint8Array(31)))),
        null,
      );
    }
    refused((p) => p.x25519PublicKey(key0.subarray(1)));
    refused((p) => p.x25519(key0, key0.subarray(1)));
  });
});
