/*
 * The limit for new data that an operator may set: how much each safe holds, and whether one more pack fits.
 *
 * The inventory knows; adding it up for each pack would cost more than the pack, so this node counts on from what it read lately. Packs that it stores at
 * once never go over the limit together; several nodes may, by what the others stored within `freshMs`.
 *
 * Invariants: nobody is refused before the inventory was read again, and never for a pack that the safe has, whole, damaged or about to go.
 */

import { ProtocolError } from '@twinvault/protocol';
import { secondMs } from '@twinvault/std';
import type { Clock } from '@twinvault/std';
import type { Inventory } from '../../database/inventory.ts';

export interface SafeRoomParts {
  readonly inventory: Pick<Inventory, 'totals' | 'find'>;
  readonly clock: Clock;
  /** Of one safe; null: no limit. */
  readonly bytesMax: number | null;
}

export interface PackToStore {
  /** Hexadecimal. */
  readonly name: string;
  readonly bytes: number;
}

interface Count {
  /** As the inventory said. */
  readBytes: number;
  readMs: number;
  reading: Promise<void> | null;
  /** Since then. */
  storedBytes: number;
  underWayBytes: number;
}

/** What was read is counted on from for so long. */
export const freshMs: number = 10 * secondMs;

export class SafeRoom {
  readonly #parts: SafeRoomParts;
  /** By safe, hexadecimal. */
  readonly #counts = new Map<string, Count>();

  constructor(parts: SafeRoomParts) {
    this.#parts = parts;
  }

  /** `store` stores and announces the pack, where it fits; `quota-reached`. */
  async put<T extends 'stored' | 'present'>(safe: string, pack: PackToStore, store: () => Promise<T>): Promise<T> {
    const { bytesMax } = this.#parts;
    if (bytesMax === null) return store();
    const count = this.#countOf(safe);
    await this.#reserve(safe, pack, { count, bytesMax });
    try {
      const answer = await store();
      if (answer === 'stored') count.storedBytes += pack.bytes;
      return answer;
    } finally {
      count.underWayBytes -= pack.bytes;
    }
  }

  async #reserve(safe: string, pack: PackToStore, { count, bytesMax }: { count: Count; bytesMax: number }): Promise<void> {
    const { clock, inventory } = this.#parts;
    const taken = (): boolean => {
      if (count.readBytes + count.storedBytes + count.underWayBytes + pack.bytes > bytesMax) return false;
      count.underWayBytes += pack.bytes;
      return true;
    };
    if (clock.monotonicMs() - count.readMs > freshMs) await this.#read(safe, count);
    if (taken()) return;
    // A clean-up may have made room.
    await this.#read(safe, count);
    if (taken()) return;
    const known = await inventory.find(safe, { kind: 'pack', name: pack.name });
    if (known === null) throw new ProtocolError('quota-reached', { context: { bytesMax, storedBytes: count.readBytes } });
    count.underWayBytes += pack.bytes;
  }

  #countOf(safe: string): Count {
    const known = this.#counts.get(safe);
    if (known !== undefined) return known;
    const count = { readBytes: 0, readMs: -Infinity, reading: null, storedBytes: 0, underWayBytes: 0 };
    this.#counts.set(safe, count);
    return count;
  }

  #read(safe: string, count: Count): Promise<void> {
    count.reading ??= this.#readNow(safe, count).finally(() => (count.reading = null));
    return count.reading;
  }

  async #readNow(safe: string, count: Count): Promise<void> {
    const before = count.storedBytes;
    const { bytes } = await this.#parts.inventory.totals(safe);
    count.readBytes = bytes;
    count.readMs = this.#parts.clock.monotonicMs();
    // What ended meanwhile may be counted twice until the next reading.
    count.storedBytes -= before;
  }
}
