import { assert, Prng, type Random } from '@twinvault/std';

/** The randomness port from a seed: the same keys, nonces and names in every run. */
export function seededRandom(seed: string | number | Prng): Random {
  const prng = seed instanceof Prng ? seed : new Prng(seed);
  return {
    bytes: (count) => {
      assert(Number.isInteger(count) && count >= 0 && count <= 65_536, 'count out of range');
      return prng.bytes(count);
    },
  };
}
