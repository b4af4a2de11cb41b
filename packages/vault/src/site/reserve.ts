/*
 * Room that a vault in a directory keeps for clean-up on a full disk: it can begin by removing this. Nothing reads it.
 */

import { KiB, Prng } from '@twinvault/std';
import { reserveName } from '../store/layout.ts';
import type { ObjectStore } from '../store/object-store.ts';

const reserveBytes: number = 256 * KiB;

export interface Reserve {
  /** Puts it there unless it is. */
  fill(): Promise<void>;
  spend(): Promise<void>;
}

/** Its bytes mean nothing, but must not be such that a file system could compress them. */
export function storeReserve(store: ObjectStore): Reserve {
  return {
    fill: async () => {
      if ((await store.stat(reserveName)) === null) await store.put(reserveName, [new Prng('reserve').bytes(reserveBytes)]);
    },
    spend: async () => {
      await store.remove(reserveName);
    },
  };
}
