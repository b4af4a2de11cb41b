/*
 * Sessions and readings of a site, whichever node opened them: the database says which are open, and this node keeps those at hand that it was asked
 * about lately. Any of them can be dropped here, or with the whole node, at any moment: the next request makes it again from the database, here
 * or elsewhere.
 *
 * Restoring never ends for want of room: what only reads goes on without a row where the database is full. Any node that is asked about it then makes it
 * for itself; one that has it that way gives it its row when there is room.
 *
 * Invariants: each request looks in the database first, so what was ended at another node is over here too; leases are renewed by requests
 * alone, so what a client left lapses.
 */

import { ProtocolError } from '@twinvault/protocol';
import type { ProtocolErrorCode } from '@twinvault/protocol';
import type { Clock } from '@twinvault/std';
import type { ExchangeKind, Exchanges } from '../../database/exchanges.ts';
import type { Json } from '../../database/tasks.ts';
import { leaseLapseMs, leaseRenewMs } from '../../leases/leases.ts';

/** What a session and a reading have in common. */
export interface Kept extends AsyncDisposable {
  /** `lease-lost`. */
  renew(): Promise<void>;
  /** Gives its leases back, whoever took them. */
  end(): Promise<void>;
}

/** Hexadecimal. */
export interface KeptName {
  readonly safe: string;
  readonly id: string;
}

export interface KeeperParts<T extends Kept> {
  readonly kind: ExchangeKind;
  readonly exchanges: Exchanges;
  readonly clock: Clock;
  /** Makes it at hand from what the database has; `lease-lost`. */
  readonly resume: (name: KeptName, state: Json) => Promise<T>;
  /** What goes on without a row where the database is full, made without writing anything; left out: nothing does. */
  readonly unkept?: (name: KeptName) => Promise<Opened<T>>;
}

export interface Opened<T> {
  readonly value: T;
  readonly state: Json;
}

interface Entry<T> {
  readonly value: Promise<T>;
  usedMs: number;
  renewedMs: number;
  users: number;
  /** Of what has no row: how it gets one. */
  unkept: { readonly customer: string; readonly state: Json } | null;
}

/** Not asked about for so long, it is dropped here. */
const idleMsMax: number = 2 * leaseRenewMs;

export class Keeper<T extends Kept> implements AsyncDisposable {
  readonly #parts: KeeperParts<T>;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(parts: KeeperParts<T>) {
    this.#parts = parts;
  }

  /** The same name again finds what is open. `open` takes its leases; it runs where nothing is open, and what it made in vain is ended. */
  async open(name: KeptName, customer: string, open: () => Promise<Opened<T>>): Promise<void> {
    const { exchanges, kind } = this.#parts;
    if ((await exchanges.use({ ...name, kind })) !== null) return;
    const { value, state } = await this.#unlessOpen(name, open);
    if (value === null) return;
    try {
      const { opened } = await exchanges.open({ ...name, kind, customer, state, lapseMs: leaseLapseMs });
      if (opened) this.#put(name, Promise.resolve(value));
      else await value.end();
    } catch (error) {
      if (!this.#goesOnAfter(error)) {
        // Its leases would keep others out until they lapse.
        await value.end().catch(() => undefined);
        throw error;
      }
      this.#put(name, Promise.resolve(value)).unkept = { customer, state };
    }
  }

  /** `lease-lost` for one that is not open; body runs while it is kept at hand. */
  async use<R>(name: KeptName, body: (value: T) => Promise<R>): Promise<R> {
    const entry = await this.#find(name);
    if (entry === null) {
      await this.#drop(name);
      throw new ProtocolError('lease-lost', { context: { defect: 'not open' } });
    }
    const { clock } = this.#parts;
    entry.users += 1;
    entry.usedMs = clock.nowMs();
    try {
      const value = await entry.value;
      await this.#renew(entry, value);
      return await body(value);
    } catch (error) {
      if (isOne(error, 'lease-lost')) await this.#drop(name);
      throw error;
    } finally {
      entry.users -= 1;
      entry.usedMs = clock.nowMs();
    }
  }

  /** Fine when it is over already. */
  async close(name: KeptName): Promise<void> {
    const { exchanges, kind, resume } = this.#parts;
    const entry = this.#entries.get(keyOf(name));
    this.#entries.delete(keyOf(name));
    try {
      const exchange = await exchanges.close({ ...name, kind });
      if (exchange === null && entry === undefined) return;
      const value = await (entry?.value ?? resume(name, exchange?.state ?? null));
      await value.end();
    } catch (error) {
      // What could not be ended lapses.
      if (!isOne(error, 'lease-lost') && !this.#goesOnAfter(error)) throw error;
    }
  }

  /** Lets go of what nobody asked about; called now and then. */
  async sweep(): Promise<void> {
    const beforeMs = this.#parts.clock.nowMs() - idleMsMax;
    const idle = [...this.#entries].filter(([, { users, usedMs }]) => users === 0 && usedMs < beforeMs);
    for (const [key, entry] of idle) {
      this.#entries.delete(key);
      await dispose(entry);
    }
  }

  /** Lets go of everything; all of it stays open in the database. */
  async [Symbol.asyncDispose](): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const entry of entries) await dispose(entry);
  }

  /** At hand, made from its row, or without one where there is no room for it; null when it is over. */
  async #find(name: KeptName): Promise<Entry<T> | null> {
    const { exchanges, kind, resume } = this.#parts;
    const there = this.#entries.get(keyOf(name));
    try {
      const exchange = await exchanges.use({ ...name, kind });
      if (exchange !== null) {
        const entry = there ?? this.#put(name, resume(name, exchange.state));
        entry.unkept = null;
        return entry;
      }
      if (there !== undefined && there.unkept !== null) {
        await exchanges.open({ ...name, kind, ...there.unkept, lapseMs: leaseLapseMs });
        there.unkept = null;
        return there;
      }
      return await this.#unlessThereIsRoom(name);
    } catch (error) {
      if (!this.#goesOnAfter(error)) throw error;
      return there ?? (await this.#withoutRow(name));
    }
  }

  /** It has no row and is not known here. Where a row could be made it is over; where none can, another node may have opened it. */
  async #unlessThereIsRoom(name: KeptName): Promise<null> {
    const { exchanges, kind, unkept } = this.#parts;
    if (unkept === undefined) return null;
    await exchanges.open({ ...name, kind, customer: '', state: null, lapseMs: leaseLapseMs });
    await exchanges.close({ ...name, kind });
    return null;
  }

  async #withoutRow(name: KeptName): Promise<Entry<T> | null> {
    const made = await this.#parts.unkept?.(name);
    if (made === undefined) return null;
    const entry = this.#put(name, Promise.resolve(made.value));
    entry.unkept = { customer: '', state: made.state };
    return entry;
  }

  #goesOnAfter(error: unknown): boolean {
    return this.#parts.unkept !== undefined && isOne(error, 'vault-full');
  }

  /** Two requests with one name may come at once, here or at two nodes: who loses the race for the leases finds what the other opened. */
  async #unlessOpen(name: KeptName, open: () => Promise<Opened<T>>): Promise<{ readonly value: T | null; readonly state: Json }> {
    try {
      return await open();
    } catch (error) {
      if (!isOne(error, 'job-busy')) throw error;
      const { exchanges, kind } = this.#parts;
      if ((await exchanges.use({ ...name, kind })) === null) throw error;
      return { value: null, state: null };
    }
  }

  #put(name: KeptName, value: Promise<T>): Entry<T> {
    const nowMs = this.#parts.clock.nowMs();
    const entry: Entry<T> = { value, usedMs: nowMs, renewedMs: nowMs, users: 0, unkept: null };
    this.#entries.set(keyOf(name), entry);
    // One that could not be made is not kept: the next request tries again.
    value.catch(() => {
      if (this.#entries.get(keyOf(name)) === entry) this.#entries.delete(keyOf(name));
    });
    return entry;
  }

  async #renew(entry: Entry<T>, value: T): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    if (nowMs - entry.renewedMs < leaseRenewMs) return;
    entry.renewedMs = nowMs;
    try {
      await value.renew();
    } catch (error) {
      if (!this.#goesOnAfter(error)) throw error;
    }
  }

  async #drop(name: KeptName): Promise<void> {
    const entry = this.#entries.get(keyOf(name));
    this.#entries.delete(keyOf(name));
    if (entry !== undefined) await dispose(entry);
  }
}

function isOne(error: unknown, code: ProtocolErrorCode): boolean {
  return error instanceof ProtocolError && error.code === code;
}

function keyOf({ safe, id }: KeptName): string {
  return `${safe} ${id}`;
}

async function dispose(entry: Entry<Kept>): Promise<void> {
  const value = await entry.value.catch(() => null);
  await value?.[Symbol.asyncDispose]();
}
