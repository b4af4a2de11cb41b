/*
 * Whose share of the site a safe uses: docs/protocol/README.md, Customers. Data of the site and not of the format: a note in the safe's folder, so that no
 * rebuild loses it. Where there is none, a safe is a customer of its own, by its id.
 */

import type { Clock } from '@twinvault/std';
import { secondMs } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { SafeLayout } from '../store/layout.ts';
import { decodeNote, encodeNote, noteBytesMax, noteText } from '../store/notes.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** After which another node's change is seen by those that only share places out. */
const keptMsMax: number = 30 * secondMs;

type Place = Pick<SafeContext, 'store' | 'layout'>;

/** Of a safe that need not be there. One whose note is not what was written counts as a customer of its own: a check names it. */
export async function readCustomer({ store, layout }: Place): Promise<string> {
  const bytes = await store.get(layout.customer, noteBytesMax);
  const note = bytes === null ? null : decodeNote(bytes);
  return (note && noteText(note, 'customer')) ?? layout.safeHex;
}

/** Durable when it resolves. */
export async function writeCustomer({ store, layout }: Place, customer: string): Promise<void> {
  if (customer === layout.safeHex) await store.remove(layout.customer);
  else await store.replace(layout.customer, [encodeNote({ customer })]);
}

/** For whoever asks often: what was read is taken for true for `keptMsMax`. */
export class Customers {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #read = new Map<string, { readonly customer: string; readonly readMs: number }>();

  constructor(store: ObjectStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async of(layout: SafeLayout): Promise<string> {
    const nowMs = this.#clock.monotonicMs();
    const read = this.#read.get(layout.safeHex);
    if (read !== undefined && nowMs - read.readMs < keptMsMax) return read.customer;
    const customer = await readCustomer({ store: this.#store, layout });
    this.#read.set(layout.safeHex, { customer, readMs: nowMs });
    return customer;
  }

  /** What is written is seen here at once. */
  forget({ safeHex }: SafeLayout): void {
    this.#read.delete(safeHex);
  }
}
