/*
 * Proves that both implementations of the primitives port give the published results: every vector runs against Node's
 * and the browser's implementation. Each group names its source.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { fromHex, toHex, utf8Encode } from '../src/bytes.ts';
import { primitives as browser, primitivesReady } from '../src/browser/primitives.ts';
import { primitives as node } from '../src/node/primitives.ts';
import type { Primitives } from '../src/ports/primitives.ts';

await primitivesReady;

function bytes(hex: string): Uint8Array {
  const parsed = fromHex(hex.replaceAll(/\s/g, ''));
  assert.ok(parsed !== null);
  return parsed;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../vectors/std/${name}`, import.meta.url), 'utf8'));
}

function vectors(name: string, body: (primitives: Primitives) => void | Promise<void>): void {
  suite(name, () => {
    test('node', () => body(node));
    test('browser', () => body(browser));
  });
}

vectors('SHA-256: FIPS 180-4 examples of NIST', (p) => {
  const long = 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq';
  const cases = {
    '': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    abc: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    [long]: '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  };
  for (const [text, digest] of Object.entries(cases)) {
    assert.equal(toHex(p.sha256(utf8Encode(text))), digest);
    const stream = p.sha256Stream();
    for (const byte of utf8Encode(text)) stream.update(Uint8Array.of(byte));
    assert.equal(toHex(stream.digest()), digest);
  }
  const million = p.sha256(new Uint8Array(1_000_000).fill(0x61));
  assert.equal(toHex(million), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0');
});

vectors('HMAC-SHA-256: RFC 4231, section 4', (p) => {
  const cases: readonly [string, string, string][] = [
    ['0b'.repeat(20), toHex(utf8Encode('Hi There')), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      toHex(utf8Encode('Jefe')),
      toHex(utf8Encode('what do ya want for nothing?')),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    ['aa'.repeat(20), 'dd'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
    [
      '0102030405060708090a0b0c0d0e0f10111213141516171819',
      'cd'.repeat(50),
      '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    ],
    [
      'aa'.repeat(131),
      toHex(utf8Encode('Test Using Larger Than Block-Size Key - Hash Key First')),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      'aa'.repeat(131),
      toHex(
        utf8Encode(
          'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
        ),
      ),
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
  ];
  for (const [key, data, mac] of cases) {
    const whole = bytes(data);
    assert.equal(toHex(p.hmacSha256(p.secretKey(bytes(key)), whole)), mac);
    assert.equal(toHex(p.hmacSha256(p.secretKey(bytes(key)), whole.subarray(0, 3), whole.subarray(3))), mac);
  }
});

vectors('HKDF-SHA-256: RFC 5869, appendix A.1 to A.3', (p) => {
  const range = (first: number, last: number): Uint8Array =>
    Uint8Array.from({ length: last - first + 1 }, (_, index) => first + index);
  type Input = readonly [Uint8Array, Uint8Array, Uint8Array, number];
  const cases: readonly { readonly input: Input; readonly output: string }[] = [
    {
      input: [bytes('0b'.repeat(22)), range(0x00, 0x0c), range(0xf0, 0xf9), 42],
      output: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    },
    {
      input: [range(0x00, 0x4f), range(0x60, 0xaf), range(0xb0, 0xff), 82],
      output:
        'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    },
    {
      input: [bytes('0b'.repeat(22)), new Uint8Array(0), new Uint8Array(0), 42],
      output: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    },
  ];
  for (const { input, output } of cases) assert.equal(toHex(p.hkdfSha256(...input)), output);
  assert.equal(p.hkdfSha256(new Uint8Array(32), new Uint8Array(0), new Uint8Array(5000), 8160).length, 8160);
});

vectors('AES-256-GCM: McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 to 16', (p) => {
  const plaintext =
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255';
  const ciphertext =
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad';
  const key = 'feffe9928665731c6d6a8f9467308308'.repeat(2);
  const nonce = 'cafebabefacedbaddecaf888';
  const cases: readonly [string, string, string, string, string][] = [
    ['00'.repeat(32), '00'.repeat(12), '', '', '530f8afbc74536b9a963b4f1c4cb738b'],
    ['00'.repeat(32), '00'.repeat(12), '', '00'.repeat(16), 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919'],
    [key, nonce, '', plaintext, `${ciphertext}b094dac5d93471bdec1a502270e3cc6c`],
    [
      key,
      nonce,
      'feedfacedeadbeeffeedfacedeadbeefabaddad2',
      plaintext.slice(0, 120),
      `${ciphertext.slice(0, 120)}76fc6ece0f4e1768cddf8853bb2d551b`,
    ],
  ];
  for (const [rawKey, iv, aad, plain, sealed] of cases) {
    const aesKey = p.secretKey(bytes(rawKey));
    assert.equal(toHex(p.aesGcmSeal(aesKey, bytes(iv), bytes(aad), bytes(plain))), sealed);
    assert.equal(toHex(p.aesGcmOpen(aesKey, bytes(iv), bytes(aad), bytes(sealed)) ?? Uint8Array.of(0)), plain);
  }
});

vectors('AES-256-CBC: SP 800-38A, F.2.5 and F.2.6', (p) => {
  const key = p.secretKey(bytes('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4'));
  const iv = bytes('000102030405060708090a0b0c0d0e0f');
  const plain = bytes(
    '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
  );
  const sealed =
    'f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b';
  assert.equal(toHex(p.aesCbcEncrypt(key, iv, plain)), sealed);
  assert.deepEqual(p.aesCbcDecrypt(key, iv, bytes(sealed)), plain);
});

/*
 * The example of RFC 9106, section 5.3 uses a secret and associated data, which the port does not offer; these are of the
 * reference implementation that the RFC names (github.com/P-H-C/phc-winner-argon2, src/test.c, version 0x13).
 */
vectors('Argon2id: reference implementation', async (p) => {
  const cases = [
    [2, 256, 1, 'password', '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe'],
    [2, 256, 2, 'password', '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'],
    [2, 65_536, 1, 'password', '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'],
  ] as const;
  for (const [passes, memoryKiB, lanes, password, tag] of cases) {
    const parameters = { passes, memoryKiB, lanes, outputBytes: 32 };
    assert.equal(toHex(await p.argon2id(utf8Encode(password), utf8Encode('somesalt'), parameters)), tag);
  }
});

interface XwingVector {
  readonly seed: string;
  readonly pk: string;
  readonly eseed: string;
  readonly ct: string;
  readonly ss: string;
}

vectors('X-Wing: draft-connolly-cfrg-xwing-kem, appendix C', (p) => {
  const { vectors: cases } = read('xwing.json') as { readonly vectors: readonly XwingVector[] };
  assert.ok(cases.length > 0);
  for (const { seed, pk, eseed, ct, ss } of cases) {
    assert.equal(toHex(p.xwingPublicKey(bytes(seed))), pk);
    const { sharedSecret, ciphertext } = p.xwingEncapsulate(bytes(pk), bytes(eseed));
    assert.equal(toHex(ciphertext), ct);
    assert.equal(toHex(sharedSecret), ss);
    assert.equal(toHex(p.xwingDecapsulate(bytes(seed), bytes(ct))), ss);
    assert.equal(bytes(pk).length, 1216);
    assert.equal(bytes(ct).length, 1120);
  }
});

vectors('Ed25519: RFC 8032, section 7.1', (p) => {
  const cases: readonly [string, string, string, string][] = [
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ];
  for (const [seed, publicKey, message, signature] of cases) {
    assert.equal(toHex(p.ed25519PublicKey(bytes(seed))), publicKey);
    assert.equal(toHex(p.ed25519Sign(bytes(seed), bytes(message))), signature);
    assert.equal(p.ed25519Verify(bytes(publicKey), bytes(message), bytes(signature)), true);
  }
});

interface StrictVector {
  readonly note: string;
  readonly accept: boolean;
  readonly message: string;
  readonly publicKey: string;
  readonly signature: string;
}

vectors('Ed25519, where libraries differ: eprint 2020/1244', (p) => {
  const { vectors: cases } = read('ed25519-strict.json') as { readonly vectors: readonly StrictVector[] };
  for (const { note, accept, message, publicKey, signature } of cases) {
    assert.equal(p.ed25519Verify(bytes(publicKey), bytes(message), bytes(signature)), accept, note);
  }
});

vectors('X25519: RFC 7748, sections 5.2 and 6.1', (p) => {
  const cases: readonly [string, string, string][] = [
    [
      'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
      'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
      'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
    ],
    [
      '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
      'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
      '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
    ],
  ];
  for (const [secret, publicKey, shared] of cases) {
    assert.equal(toHex(p.x25519(bytes(secret), bytes(publicKey)) ?? Uint8Array.of(0)), shared);
  }
  // Section 5.2: the iterated test, one round and a thousand.
  let k: Uint8Array = bytes(`09${'00'.repeat(31)}`);
  let u = k;
  for (let round = 1; round <= 1000; round += 1) {
    const next = p.x25519(k, u);
    assert.ok(next !== null);
    u = k;
    k = next;
    if (round === 1) assert.equal(toHex(k), '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079');
  }
  assert.equal(toHex(k), '684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51');
});

vectors('zstd: one raw block written by hand after RFC 8878', (p) => {
  const frame = bytes('28b52ffd 20 05 290000 68656c6c6f');
  assert.deepEqual(p.zstdDecompress(frame, 5), utf8Encode('hello'));
});
