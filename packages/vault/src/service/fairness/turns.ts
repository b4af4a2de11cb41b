/*
 * Who may hold memory of the site for a body next. Each customer has at most `eachMax` bodies at once and all together at most `bytesMax` bytes;
 * who has to wait is served in turn of the customers, and of one customer in the order of coming. So however many requests one customer
 * sends, another waits for one body of each customer at most.
 *
 * Invariant: `free` is called once for each `take` that resolved, however its request ended.
 */

import { ProtocolError } from '@twinvault/protocol';
import type { Timers } from '@twinvault/std';

export interface TurnOptions {
  readonly eachMax: number;
  readonly bytesMax: number;
  readonly waitMsMax: number;
  /** Of one customer; further ones are refused at once, since waiting costs memory too. */
  readonly waitingMax: number;
}

interface Waiting {
  readonly bytes: number;
  readonly serve: (free: () => void) => void;
}

interface Customer {
  inFlight: number;
  readonly waiting: Waiting[];
}

export class Turns {
  readonly #timers: Timers;
  readonly #options: TurnOptions;
  /** In the order of their turns: who was served goes to the end. */
  readonly #customers = new Map<string, Customer>();
  #bytes = 0;

  constructor(timers: Timers, options: TurnOptions) {
    this.#timers = timers;
    this.#options = options;
  }

  get inFlightBytes(): number {
    return this.#bytes;
  }

  get waitingCount(): number {
    return [...this.#customers.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /** Resolves with what gives the place back. `vault-busy` after waitMsMax, or at once when too many wait; the signal ends the waiting with its reason. */
  take(customer: string, bytes: number, signal?: AbortSignal): Promise<() => void> {
    const entry = this.#customers.get(customer) ?? { inFlight: 0, waiting: [] };
    this.#customers.set(customer, entry);
    if (entry.waiting.length === 0 && this.#fits(entry, bytes)) return Promise.resolve(this.#serve(customer, entry, bytes));
    if (entry.waiting.length >= this.#options.waitingMax) return Promise.reject(busy());
    return this.#wait(entry, { bytes, ...(signal === undefined ? {} : { signal }) });
  }

  #wait(entry: Customer, { bytes, signal }: { bytes: number; signal?: AbortSignal }): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const place: Waiting = {
        bytes,
        serve: (free) => {
          end();
          resolve(free);
        },
      };
      const give = (reason: unknown) => (): void => {
        end();
        const index = entry.waiting.indexOf(place);
        if (index !== -1) entry.waiting.splice(index, 1);
        reject(reason instanceof Error ? reason : busy());
      };
      const timer = this.#timers.every(this.#options.waitMsMax, give(busy()));
      const stop = (): void => give(signal?.reason)();
      const end = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', stop);
      };
      signal?.addEventListener('abort', stop, { once: true });
      entry.waiting.push(place);
    });
  }

  /** A body above the whole amount is let in when nothing else is there: the route's limit is its limit. */
  #fits(entry: Customer, bytes: number): boolean {
    const { eachMax, bytesMax } = this.#options;
    return entry.inFlight < eachMax && (this.#bytes === 0 || this.#bytes + bytes <= bytesMax);
  }

  #serve(customer: string, entry: Customer, bytes: number): () => void {
    entry.inFlight += 1;
    this.#bytes += bytes;
    this.#customers.delete(customer);
    this.#customers.set(customer, entry);
    let freed = false;
    return () => {
      if (freed) return;
      freed = true;
      entry.inFlight -= 1;
      this.#bytes -= bytes;
      if (entry.inFlight === 0 && entry.waiting.length === 0) this.#customers.delete(customer);
      this.#serveWaiting();
    };
  }

  #serveWaiting(): void {
    for (let served = true; served;) {
      served = false;
      // Who is served moves to the end while we go.
      const inTurn = [...this.#customers];
      for (const [customer, entry] of inTurn) {
        const [first] = entry.waiting;
        if (first === undefined || !this.#fits(entry, first.bytes)) continue;
        entry.waiting.shift();
        first.serve(this.#serve(customer, entry, first.bytes));
        served = true;
      }
    }
  }
}

function busy(): ProtocolError {
  return new ProtocolError('vault-busy', { context: { defect: 'too many requests at once' } });
}
