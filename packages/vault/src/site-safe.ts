/* One safe of a vault: the port's VaultSafe, put together from the features. */

import { parseLedgerEntry, parseRecord } from '@twinvault/format';
import type { RecordDigest, SafeId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { EraseSummary, RecordFilter, RecordSummary, SessionRequest, VaultSafe } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { CommitParts } from './commit/commit.ts';
import type { SafeContext } from './context.ts';
import { demandNotErased } from './erases/erased.ts';
import { cancelErase, eraseSummaries, orderErase, readOrder } from './erases/orders.ts';
import { demandAppends } from './homes/homes.ts';
import { openReading, resumeReading } from './reading/reading.ts';
import type { SiteReading } from './reading/reading.ts';
import { LookUpHere } from './lookup/look-up-here.ts';
import { RecordStore } from './records/record-store.ts';
import { LedgerStore } from './safes/ledger-store.ts';
import { safeFacts } from './safes/safes.ts';
import type { SafeFacts } from './safes/safes.ts';
import { readSlots, replaceSlots } from './safes/slots.ts';
import type { ReadingState, SessionState } from './sessions/carried.ts';
import { openSession, resumeSession } from './sessions/session.ts';
import type { OpenedSession, SessionOptions, SiteSession } from './sessions/session.ts';
import { withSites } from './twins/record-sites.ts';
import { asProtocol } from './store/vault-files.ts';

/** What the features of one safe share: what was read and verified once. */
export type SafeParts = CommitParts;

export function safeParts(context: SafeContext): SafeParts {
  return { context, ledger: new LedgerStore(context), records: new RecordStore(context), lookUp: new LookUpHere(context) };
}

export class SiteSafe implements VaultSafe {
  readonly safe: SafeId;
  readonly #parts: SafeParts;

  constructor(parts: SafeParts) {
    this.#parts = parts;
    this.safe = parts.context.safe;
  }

  descriptor(): Promise<Uint8Array> {
    return asProtocol(() => this.#parts.ledger.descriptor());
  }

  /** The site that appends to the ledger, nothing where this site has no twin; and whether the safe was erased. */
  facts(): Promise<SafeFacts> {
    return asProtocol(() => safeFacts(this.#parts.context));
  }

  slots(): Promise<readonly Uint8Array[]> {
    return this.#unerased(() => readSlots(this.#parts.context, this.#parts.ledger));
  }

  ledger(from: number): Promise<readonly Uint8Array[]> {
    return asProtocol(() => this.#parts.ledger.entries(from));
  }

  appendLedger(entry: Uint8Array): Promise<void> {
    return this.#unerased(async () => {
      const { payload } = parseLedgerEntry(entry);
      if (payload.kind === 'slots') throw new ProtocolError('slots-mismatch', { context: { defect: 'slots left out' } });
      if (payload.kind === 'erase' && (await readOrder(this.#parts.context, toHex(payload.order))) === null)
        throw new ProtocolError('object-unknown', { context: { kind: 'erase', name: toHex(payload.order) } });
      await demandAppends(this.#parts, entry);
      await this.#parts.ledger.append(entry);
    });
  }

  replaceSlots(slots: readonly Uint8Array[], entry: Uint8Array): Promise<void> {
    return this.#unerased(async () => {
      await demandAppends(this.#parts, entry);
      await replaceSlots(this.#parts.context, this.#parts.ledger, { slots, entry });
    });
  }

  orderErase(order: Uint8Array, entry: Uint8Array): Promise<void> {
    return this.#unerased(() => orderErase(this.#parts, { order, entry }));
  }

  cancelErase(cancel: Uint8Array): Promise<void> {
    return asProtocol(() => cancelErase(this.#parts, cancel));
  }

  erases(): Promise<readonly EraseSummary[]> {
    return asProtocol(() => eraseSummaries(this.#parts));
  }

  records(filter?: RecordFilter): Promise<readonly RecordSummary[]> {
    return this.#unerased(async () => withSites(this.#parts.context, await this.#parts.records.list(filter)));
  }

  record(digest: RecordDigest): Promise<Uint8Array> {
    return this.#unerased(async () => {
      const bytes = await this.#parts.records.bytes(digest);
      if (bytes === null) throw new ProtocolError('record-unknown', { context: { record: toHex(digest) } });
      await demandNotErased(this.#parts.context, parseRecord(bytes).public);
      return bytes;
    });
  }

  openSession(request: SessionRequest, options: SessionOptions = {}): Promise<OpenedSession> {
    return asProtocol(() => openSession(this.#parts, request, options));
  }

  /** Of a session that was opened with `carried`, at any node; `lease-lost` when it is over. */
  resumeSession(state: SessionState): Promise<SiteSession> {
    return asProtocol(() => resumeSession(this.#parts, state));
  }

  openReading(options: { readonly carried?: boolean } = {}): Promise<SiteReading> {
    return this.#unerased(() => openReading(this.#parts.context, options));
  }

  /** Of a reading that was opened with `carried`, at any node; `lease-lost` when it is over. */
  resumeReading(state: ReadingState): Promise<SiteReading> {
    return asProtocol(() => resumeReading(this.#parts.context, state));
  }

  /** `erased` when an order took in the whole safe. What proves that is given still: descriptor, ledger, orders, certificates. */
  #unerased<T>(work: () => Promise<T>): Promise<T> {
    return asProtocol(async () => {
      await demandNotErased(this.#parts.context);
      return work();
    });
  }
}
