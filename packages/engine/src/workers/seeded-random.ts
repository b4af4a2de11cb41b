/*
 * Random bytes of one worker, from a seed that the main thread drew from the platform's randomness: block i is
 * HMAC-SHA-256(seed, u64 i). A pseudorandom function in counter mode is as unpredictable as its 32-byte seed, and it lets
 * the simulator repeat a run, since worker threads cannot share the platform's own source.
 */
import { assert, primitives } from '@twinvault/std';
import type { Random, SecretKey } from '@twinvault/std';

const blockBytes = 32;

export class SeededRandom implements Random {
  private readonly key: SecretKey;
  private readonly counter = new Uint8Array(8);
  private block: Uint8Array = new Uint8Array(0);
  private blocks = 0;

  /** `seed`: 32 bytes, used for nothing else. */
  constructor(seed: Uint8Array) {
    assert(seed.length === 32, 'a seed has 32 bytes');
    this.key = primitives.secretKey(seed);
  }

  bytes(count: number): Uint8Array {
    const result = new Uint8Array(count);
    for (let at = 0; at < count;) {
      if (this.block.length === 0) this.block = this.nextBlock();
      const part = this.block.subarray(0, count - at);
      result.set(part, at);
      at += part.length;
      this.block = this.block.subarray(part.length);
    }
    return result;
  }

  private nextBlock(): Uint8Array {
    const view = new DataView(this.counter.buffer);
    view.setUint32(0, this.blocks % 0x1_0000_0000, true);
    view.setUint32(4, Math.floor(this.blocks / 0x1_0000_0000), true);
    this.blocks += 1;
    const block = primitives.hmacSha256(this.key, this.counter);
    assert(block.length === blockBytes, 'an HMAC has 32 bytes');
    return block;
  }
}
