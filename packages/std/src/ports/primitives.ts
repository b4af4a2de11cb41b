/**
 * The primitives port: every cryptographic and compression primitive that Twinvault uses, behind one interface with a Node
 * implementation (node:crypto, node:zlib) and a browser implementation (@noble/*, hash-wasm, zstd-wasm), chosen by the
 * package's import condition `#primitives`. Both give the same bytes for the same input; a shared test holds them to it.
 *
 * All functions are pure. Calls on the hot path are synchronous; Argon2id alone is asynchronous. None of them logs.
 */

/** A secret prepared once for many calls (on Node a KeyObject: a raw key costs three times as much per small call). */
export interface SecretKey {
  readonly kind: 'secret-key';
  /** Raw bytes; never log them. */
  export(): Uint8Array;
}

export interface KeyPair {
  /** Seed or private key, 32 bytes. */
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
}

export interface Encapsulation {
  /** 32 bytes. */
  readonly sharedSecret: Uint8Array;
  /** 1120 bytes: ML-KEM-768 ciphertext (1088), then X25519 share (32). */
  readonly ciphertext: Uint8Array;
}

export interface Argon2idParameters {
  readonly passes: number;
  readonly memoryKiB: number;
  readonly lanes: number;
  readonly outputBytes: number;
}

/** Incremental SHA-256. */
export interface Sha256 {
  update(data: Uint8Array): Sha256;
  /** 32 bytes; the object must not be used afterwards. */
  digest(): Uint8Array;
}

export interface ZstdOptions {
  /** 1 to 19. */
  readonly level: number;
}

export interface Primitives {
  /** SHA-256 (FIPS 180-4), 32 bytes. */
  sha256(data: Uint8Array): Uint8Array;
  sha256Stream(): Sha256;
  /** SHA-256 of each message. Where the processor has instructions for it, several long ones cost little more than half of one after another. */
  sha256Each(messages: readonly Uint8Array[]): Uint8Array[];

  secretKey(raw: Uint8Array): SecretKey;
  /** HMAC-SHA-256 (RFC 2104) over the concatenation of the parts, without copying them together; 32 bytes. */
  hmacSha256(key: SecretKey, ...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA-256 of each message behind the prefix, which has less than 64 bytes; as `sha256Each`. */
  hmacSha256Each(key: SecretKey, prefix: Uint8Array, messages: readonly Uint8Array[]): Uint8Array[];
  /** HKDF-SHA-256 (RFC 5869), extract and expand. An empty salt means 32 zero bytes. lengthBytes: 1 to 8160. */
  hkdfSha256(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, lengthBytes: number): Uint8Array;

  /** AES-256-GCM (SP 800-38D), 12-byte nonce, 16-byte tag appended to the ciphertext. */
  aesGcmSeal(key: SecretKey, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The same into `target`, which has exactly the length of the ciphertext with its tag: large packs are sealed where they lie. */
  aesGcmSealInto(key: SecretKey, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, target: Uint8Array): void;
  /** The plaintext, or null when the tag does not fit. */
  aesGcmOpen(key: SecretKey, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | null;
  /** The same into `target`, which is 16 bytes shorter than the ciphertext; after false its content means nothing. */
  aesGcmOpenInto(key: SecretKey, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array, target: Uint8Array): boolean;
  /** AES-256-CBC without padding: the length must be a multiple of 16. */
  aesCbcEncrypt(key: SecretKey, iv: Uint8Array, plaintext: Uint8Array): Uint8Array;
  aesCbcDecrypt(key: SecretKey, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array;

  /** One zstd frame (RFC 8878) with content size, no dictionary, no checksum. */
  zstdCompress(data: Uint8Array, options: ZstdOptions): Uint8Array;
  /** The same at the beginning of `target`, which has at least `zstdBound` bytes; gives the frame's length. */
  zstdCompressInto(data: Uint8Array, options: ZstdOptions, target: Uint8Array): number;
  /** Exactly `plainBytes` bytes, or null: not one whole frame, or another length. Never allocates more than `plainBytes` + 64 KiB. */
  zstdDecompress(frame: Uint8Array, plainBytes: number): Uint8Array | null;
  /** The same into `target`, which has exactly the length of the content; after false its content means nothing. */
  zstdDecompressInto(frame: Uint8Array, target: Uint8Array): boolean;

  /** Argon2id version 0x13 (RFC 9106). */
  argon2id(password: Uint8Array, salt: Uint8Array, parameters: Argon2idParameters): Promise<Uint8Array>;

  /** X-Wing (draft-connolly-cfrg-xwing-kem-06): public key 1216 bytes from a 32-byte seed. */
  xwingPublicKey(seed: Uint8Array): Uint8Array;
  /** `random`: 64 bytes; given by tests and vectors, from the system otherwise (then omitted). */
  xwingEncapsulate(publicKey: Uint8Array, random?: Uint8Array): Encapsulation;
  /** The 32-byte shared secret; ML-KEM rejects implicitly, so a wrong ciphertext gives another secret. Throws RangeError on a wrong length. */
  xwingDecapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array;

  /** Ed25519 (RFC 8032): public key from a 32-byte seed. */
  ed25519PublicKey(seed: Uint8Array): Uint8Array;
  ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array;
  /** Strict: false on a wrong length, a non-canonical or a small-order key. */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;

  /** X25519 (RFC 7748); null on an all-zero result. */
  x25519PublicKey(secret: Uint8Array): Uint8Array;
  x25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | null;
}
