/*
 * The bulk primitives straight from the OpenSSL and zstd inside the Node executable, which exports their symbols, through
 * koffi: with contexts that are used again and results written where they belong (docs/adr/0020-bulk-primitives-from-the-executable.md).
 *
 * Why: node:crypto makes an object and a fresh buffer for each call. November 2026, Node 24.21, x64, a core: AES-GCM of
 * 64 bytes 23 us against 1.0, of 1 MB 0.75 ns a byte against 0.26; zstd decompression 1.4 ns a byte against 0.9.
 *
 * Invariants: one instance belongs to one thread; buffers are pointers only during a call; zstd's contexts lie in memory
 * of the thread's own, so that they go with it.
 */
import { createRequire } from 'node:module';
import type * as KoffiModule from 'koffi';
import { assert } from '../../assert.ts';
import { zstdTables } from '../../crypto/zstd-tables.ts';
import type { ZstdTables } from '../../crypto/zstd-tables.ts';
import { tagBytes } from './bulk.ts';
import type { Bulk, GcmCall } from './bulk.ts';
import { NativeHmac, sha256Declarations } from './native-hmac.ts';
import type { Sha256Symbols } from './native-hmac.ts';
import { multiBlockDeclaration, NativeLanes } from './native-lanes.ts';
import type { LaneSymbols } from './native-lanes.ts';
import { nodeBulk } from './node-bulk.ts';

type Pointer = Uint8Array | Int32Array | null | object;
type Call<Result> = (...inputs: (Pointer | number)[]) => Result;

interface Symbols extends Sha256Symbols {
  readonly cipherContextNew: Call<object | null>;
  readonly aes256Gcm: Call<object | null>;
  readonly cipherInit: Call<number>;
  readonly cipherUpdate: Call<number>;
  readonly cipherFinal: Call<number>;
  readonly cipherControl: Call<number>;
  readonly estimateCompression: Call<number>;
  readonly estimateDecompression: Call<number>;
  readonly initCompression: Call<object | null>;
  readonly initDecompression: Call<object | null>;
  readonly setParameter: Call<number>;
  readonly compress: Call<number>;
  readonly decompress: Call<number>;
  readonly isError: Call<number>;
}

const declarations: { readonly [name in keyof Symbols]: string } = {
  ...sha256Declarations,
  cipherContextNew: 'void *EVP_CIPHER_CTX_new()',
  aes256Gcm: 'void *EVP_aes_256_gcm()',
  cipherInit: 'int EVP_CipherInit_ex(void *, void *, void *, void *, void *, int)',
  cipherUpdate: 'int EVP_CipherUpdate(void *, void *, void *, void *, int)',
  cipherFinal: 'int EVP_CipherFinal_ex(void *, void *, void *)',
  cipherControl: 'int EVP_CIPHER_CTX_ctrl(void *, int, int, void *)',
  estimateCompression: 'size_t ZSTD_estimateCCtxSize(int)',
  estimateDecompression: 'size_t ZSTD_estimateDCtxSize()',
  initCompression: 'void *ZSTD_initStaticCCtx(void *, size_t)',
  initDecompression: 'void *ZSTD_initStaticDCtx(void *, size_t)',
  setParameter: 'size_t ZSTD_CCtx_setParameter(void *, int, int)',
  compress: 'size_t ZSTD_compress2(void *, void *, size_t, void *, size_t)',
  decompress: 'size_t ZSTD_decompressDCtx(void *, void *, size_t, void *, size_t)',
  isError: 'uint ZSTD_isError(size_t)',
};

/** EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG of OpenSSL's evp.h. */
const getTag = 0x10;
const setTag = 0x11;
const decrypting = 0;
const encrypting = 1;
/** ZSTD_cParameter of zstd.h. */
const compressionLevel = 100;
const hashLog = 102;
const minMatch = 105;
const strategy = 107;
const contentSizeFlag = 200;
/** EVP_CipherUpdate takes lengths as int. */
const updateBytesMax: number = 2 ** 30;
const nothing = new Uint8Array(0);

/** Null where the executable does not export them: then node:crypto and node:zlib serve. */
export function nativeBulk(): Bulk | null {
  const symbols = load();
  if (symbols === null) return null;
  const cipher = new Gcm(symbols);
  const zstd = new Zstd(symbols);
  const sha256 = new NativeHmac(symbols);
  return {
    hmacSha256: (...inputs) => sha256.hmac(...inputs),
    ...hashesOfEach(symbols, sha256),
    gcmSealInto: (...inputs) => cipher.seal(...inputs),
    gcmOpenInto: (...inputs) => cipher.open(...inputs),
    zstdCompressInto: (...inputs) => zstd.compress(...inputs),
    zstdDecompressInto: (...inputs) => zstd.decompress(...inputs),
  };
}

function load(): Symbols | null {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof KoffiModule;
    const executable = koffi.load(null);
    const functions = Object.entries(declarations).map(([name, text]) => [name, executable.func(text)] as const);
    return Object.fromEntries(functions) as unknown as Symbols;
  } catch {
    return null;
  }
}

/** Two at a time where that is faster, one after another elsewhere. */
function hashesOfEach(symbols: Symbols, sha256: NativeHmac): Pick<Bulk, 'sha256Each' | 'hmacSha256Each'> {
  const lanes = openLanes(symbols);
  if (lanes === null) {
    return {
      sha256Each: (messages) => nodeBulk.sha256Each(messages),
      hmacSha256Each: (key, prefix, messages) => messages.map((text) => sha256.hmac(key, [prefix, text])),
    };
  }
  return {
    sha256Each: (messages) => lanes.digests(sha256.initial, nothing, messages),
    hmacSha256Each: (key, prefix, messages) => {
      const { inner, outer } = sha256.statesOf(key);
      return lanes.digests(inner, prefix, messages).map((digest) => sha256.outer(outer, digest));
    },
  };
}

function openLanes(symbols: Symbols): NativeLanes | null {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof KoffiModule;
    const multiBlock = koffi.load(null).func(multiBlockDeclaration) as unknown as LaneSymbols['multiBlock'];
    return NativeLanes.open({ ...symbols, multiBlock, address: (bytes) => koffi.address(bytes) });
  } catch {
    // It is no part of OpenSSL's interface, and not there for other processors.
    return null;
  }
}

class Gcm {
  readonly #symbols: Symbols;
  /** A few hundred bytes, once a thread. */
  readonly #context: object;
  readonly #length = new Int32Array(1);
  readonly #nothing = new Uint8Array(16);

  constructor(symbols: Symbols) {
    this.#symbols = symbols;
    const context = symbols.cipherContextNew();
    assert(context !== null, 'OpenSSL gives a cipher context');
    this.#context = context;
    // Fetched once: each later call only sets key and nonce.
    this.#check(symbols.cipherInit(context, symbols.aes256Gcm(), null, null, null, encrypting));
  }

  seal(call: GcmCall, plaintext: Uint8Array, target: Uint8Array): void {
    this.#run(call, plaintext, { target, direction: encrypting });
    this.#check(this.#symbols.cipherFinal(this.#context, this.#nothing, this.#length));
    this.#check(this.#symbols.cipherControl(this.#context, getTag, tagBytes, target.subarray(plaintext.length)));
  }

  open(call: GcmCall, sealed: Uint8Array, target: Uint8Array): boolean {
    this.#run(call, sealed.subarray(0, target.length), { target, direction: decrypting });
    this.#check(this.#symbols.cipherControl(this.#context, setTag, tagBytes, sealed.subarray(target.length)));
    return this.#symbols.cipherFinal(this.#context, this.#nothing, this.#length) === 1;
  }

  #run(
    { key, nonce, aad }: GcmCall,
    input: Uint8Array,
    { target, direction }: { readonly target: Uint8Array; readonly direction: number },
  ): void {
    const { cipherInit, cipherUpdate } = this.#symbols;
    assert(input.length <= updateBytesMax && aad.length <= updateBytesMax, 'one call takes at most a gibibyte');
    this.#check(cipherInit(this.#context, null, null, key, nonce, direction));
    if (aad.length > 0) this.#check(cipherUpdate(this.#context, null, this.#length, aad, aad.length));
    if (input.length > 0) this.#check(cipherUpdate(this.#context, target, this.#length, input, input.length));
  }

  #check(answer: number): void {
    assert(answer === 1, 'OpenSSL takes what was checked before');
  }
}

interface Context {
  readonly pointer: object;
  /** The context lies in it. Never handed over, so that it stays where it is. */
  readonly memory: Uint8Array;
}

class Zstd {
  readonly #symbols: Symbols;
  #compression: (Context & { readonly levelMax: number }) | null = null;
  /** What the context is set to. */
  #level = 0;
  #tables: ZstdTables | null = null;
  #decompression: Context | null = null;

  constructor(symbols: Symbols) {
    this.#symbols = symbols;
  }

  compress(data: Uint8Array, level: number, target: Uint8Array): number {
    const { pointer } = this.#compressionAt(level);
    this.#set(pointer, level, zstdTables(level, data.length));
    const answer = this.#symbols.compress(pointer, target, target.length, data, data.length);
    assert(this.#symbols.isError(answer) === 0, 'zstd compresses into a buffer that is large enough');
    return answer;
  }

  decompress(frame: Uint8Array, target: Uint8Array): boolean {
    this.#decompression ??= this.#newDecompression();
    const { pointer } = this.#decompression;
    return this.#symbols.decompress(pointer, target, target.length, frame, frame.length) === target.length;
  }

  #set(pointer: object, level: number, tables: ZstdTables): void {
    if (level === this.#level && tables === this.#tables) return;
    const parameters = [
      [contentSizeFlag, 1],
      [compressionLevel, level],
      [strategy, tables.strategy],
      [hashLog, tables.hashLog],
      [minMatch, tables.minMatch],
    ] as const;
    for (const [parameter, value] of parameters) {
      const answer = this.#symbols.setParameter(pointer, parameter, value);
      assert(this.#symbols.isError(answer) === 0, 'zstd takes its own parameters');
    }
    this.#level = level;
    this.#tables = tables;
  }

  /** A context serves its level and all below; higher ones need more memory. */
  #compressionAt(level: number): Context {
    if (this.#compression !== null && this.#compression.levelMax >= level) return this.#compression;
    const memory = new Uint8Array(this.#symbols.estimateCompression(level));
    const pointer = this.#symbols.initCompression(memory, memory.length);
    assert(pointer !== null, 'zstd takes the memory that it asked for');
    this.#compression = { pointer, memory, levelMax: level };
    this.#tables = null;
    return this.#compression;
  }

  #newDecompression(): Context {
    const memory = new Uint8Array(this.#symbols.estimateDecompression());
    const pointer = this.#symbols.initDecompression(memory, memory.length);
    assert(pointer !== null, 'zstd takes the memory that it asked for');
    return { pointer, memory };
  }
}
