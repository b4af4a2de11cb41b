/** Unpredictable bytes: keys, nonces, salts, names of temporary files. */
export interface Random {
  /** `count` fresh bytes, 0 to 65536. */
  bytes(count: number): Uint8Array;
}
