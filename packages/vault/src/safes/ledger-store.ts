/*
 * The ledger of a safe as stored: one object for each entry, its number as name. Exclusive creation keeps the chain single.
 *
 * Invariant: what `current` gives was verified from entry 1 on; it is replayed once and extended by what was added since, as long as its
 * newest entry stands: a home that was moved takes entries away.
 */

import { Ledger, ledgerEntryBytesMax, objectDigest, objectKindOf, parseLedgerEntry, signedBytesMax } from '@twinvault/format';
import type { LedgerHead } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { equalBytes } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import { ledgerEntryName } from '../store/layout.ts';
import { parseStored } from '../store/vault-files.ts';

export class LedgerStore {
  readonly #context: SafeContext;
  #ledger: Ledger | null = null;

  constructor(context: SafeContext) {
    this.#context = context;
  }

  /** Stored bytes of the descriptor; `safe-unknown`. */
  async descriptor(): Promise<Uint8Array> {
    const { store, layout } = this.#context;
    const bytes = await store.get(layout.descriptor, signedBytesMax);
    if (bytes === null) throw new ProtocolError('safe-unknown', { context: { safe: layout.safeHex } });
    return bytes;
  }

  /** Stored bytes of the entries with number >= `from`, in order, up to the first number that is missing. */
  async entries(from: number): Promise<Uint8Array[]> {
    const { store, layout } = this.#context;
    const entries: Uint8Array[] = [];
    for (let number = Math.max(1, from); ; number += 1) {
      const bytes = await store.get(layout.inFolder('ledger', ledgerEntryName(number)), ledgerEntryBytesMax);
      // What is no entry at all may be a name that is just being taken on a file system without hard links.
      if (bytes === null || objectKindOf(bytes) !== 'ledger') return entries;
      entries.push(bytes);
    }
  }

  /** The ledger with every entry that stands now; `vault-damaged`, `vault-newer`. */
  async current(): Promise<Ledger> {
    const { layout } = this.#context;
    const [known, added] = await this.#knownAndAdded();
    const descriptor = known === null ? await this.descriptor() : null;
    this.#ledger = parseStored(layout.inFolder('ledger'), () => {
      const start = known ?? Ledger.replay(descriptor ?? new Uint8Array(0), []);
      return added.reduce((ledger, entry) => ledger.append(entry), start);
    });
    return this.#ledger;
  }

  /** What was replayed before and still stands, and the entries that follow it. */
  async #knownAndAdded(): Promise<readonly [Ledger | null, readonly Uint8Array[]]> {
    const known = this.#ledger;
    if (known === null || known.head.number === 0) return [null, await this.entries(1)];
    const [newest, ...added] = await this.entries(known.head.number);
    const stands = newest !== undefined && equalBytes(objectDigest(newest), known.head.digest);
    return stands ? [known, added] : [null, await this.entries(1)];
  }

  /** Verifies and adds one entry. `ledger-conflict` when its number is taken by another; the same entry again is fine. */
  async append(entryBytes: Uint8Array): Promise<Ledger> {
    const { store, layout, safe } = this.#context;
    const ledger = await this.current();
    const entry = parseLedgerEntry(entryBytes);
    if (!equalBytes(entry.safe, safe)) throw new ProtocolError('safe-mismatch', { context: { number: entry.number } });
    if (entry.number <= ledger.head.number) {
      if (equalBytes(ledger.headAt(entry.number).digest, entry.digest)) return ledger;
      throw conflict(entry.number);
    }
    const extended = ledger.append(entryBytes);
    const stored = await store.put(layout.inFolder('ledger', ledgerEntryName(entry.number)), [entryBytes]);
    if (stored) {
      this.#ledger = extended;
      return extended;
    }
    const there = await this.current();
    const same = there.head.number >= entry.number && equalBytes(there.headAt(entry.number).digest, entry.digest);
    if (!same) throw conflict(entry.number);
    return there;
  }
}

function conflict(number: number): ProtocolError {
  return new ProtocolError('ledger-conflict', { context: { number } });
}

/** `ledger-behind` when the site has less than the caller has seen, `ledger-forked` when it has something else. */
export function demandSeen(ledger: Ledger, seen: LedgerHead): void {
  if (ledger.extends(seen)) return;
  const behind = seen.number > ledger.head.number;
  throw new ProtocolError(behind ? 'ledger-behind' : 'ledger-forked', {
    context: { number: ledger.head.number, seen: seen.number },
  });
}
