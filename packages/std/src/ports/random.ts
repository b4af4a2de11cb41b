/** Unpredictable bytes: keys, nonces, salts, names of temporary files. */
export interface Random {
  /** `count` fresh bytes, 0 to 65536. */
  bytes(count: number): Uint8Array;
  /** The bytes are the operating system's: what has its own way to those, as OpenSSL has, need not be given any. */
  readonly isSystem?: boolean;
}
