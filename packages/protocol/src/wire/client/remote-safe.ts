/* One safe at a site far away. What it answers is parsed here and verified by whoever holds the safe's ledger. */

import {
  computerIdFromHex,
  ledgerEntryBytesMax,
  recordDigestFromHex,
  siteIdFromHex,
  signedBytesMax,
  slotBytesMax,
  slotsMax,
} from '@twinvault/format';
import type { RecordDigest, SafeId } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import { ProtocolError } from '../../errors.ts';
import { ledgerPageBytesMax, ledgerPageEntriesMax, recordBytesMax, slotsBytesMax } from '../../limits.ts';
import type {
  EraseSummary,
  RecordFilter,
  RecordSummary,
  SessionRequest,
  VaultReading,
  VaultSafe,
  VaultSession,
} from '../../vault-port.ts';
import { erasesAnswer } from '../erase-json.ts';
import type { EraseJson } from '../erase-json.ts';
import { encodeFrames, parseFrames } from '../frames.ts';
import { recordOfJson } from '../record-json.ts';
import type { Query } from '../routes.ts';
import { recordsAnswer } from '../safe-json.ts';
import type { RecordsAnswer } from '../safe-json.ts';
import type { SiteLimits } from '../site-json.ts';
import type { Exchange } from './exchange.ts';
import { openRemoteReading } from './remote-reading.ts';
import { openRemoteSession } from './remote-session.ts';
import { parsed } from './parsed.ts';

export class RemoteSafe implements VaultSafe {
  readonly safe: SafeId;
  readonly #exchange: Exchange;
  readonly #limits: SiteLimits;
  readonly #hex: string;

  constructor(exchange: Exchange, safe: SafeId, limits: SiteLimits) {
    this.safe = safe;
    this.#exchange = exchange;
    this.#limits = limits;
    this.#hex = toHex(safe);
  }

  async descriptor(): Promise<Uint8Array> {
    const { body } = await this.#exchange.call('descriptor', { ...this.#named, answerBytesMax: signedBytesMax });
    return body;
  }

  async slots(): Promise<readonly Uint8Array[]> {
    const { body } = await this.#exchange.call('slots', { ...this.#named, answerBytesMax: slotsBytesMax });
    return parseFrames(body, { countMax: slotsMax, bytesMax: slotBytesMax });
  }

  /** A page that is not full is the last. */
  async ledger(from: number): Promise<readonly Uint8Array[]> {
    const entries: Uint8Array[] = [];
    for (;;) {
      const { body } = await this.#exchange.call('ledger', {
        ...this.#named,
        query: { from: from + entries.length },
        answerBytesMax: ledgerPageBytesMax,
      });
      const page = parseFrames(body, { countMax: ledgerPageEntriesMax, bytesMax: ledgerEntryBytesMax });
      entries.push(...page);
      if (page.length < ledgerPageEntriesMax) return entries;
    }
  }

  async appendLedger(entry: Uint8Array): Promise<void> {
    await this.#exchange.call('appendLedger', { ...this.#named, body: { type: 'object', bytes: entry } });
  }

  async replaceSlots(slots: readonly Uint8Array[], entry: Uint8Array): Promise<void> {
    const bytes = encodeFrames([entry, ...slots]);
    await this.#exchange.call('replaceSlots', { ...this.#named, body: { type: 'frames', bytes } });
  }

  async orderErase(order: Uint8Array, entry: Uint8Array): Promise<void> {
    const bytes = encodeFrames([entry, order]);
    await this.#exchange.call('orderErase', { ...this.#named, body: { type: 'frames', bytes } });
  }

  async cancelErase(cancel: Uint8Array): Promise<void> {
    await this.#exchange.call('cancelErase', { ...this.#named, body: { type: 'object', bytes: cancel } });
  }

  async erases(): Promise<readonly EraseSummary[]> {
    const { erases } = await this.#exchange.json('erases', erasesAnswer, this.#named);
    return parsed(() => erases.map(eraseOfJson));
  }

  async records({ job, computer, kind }: RecordFilter = {}): Promise<readonly RecordSummary[]> {
    const filter = { job, kind, computer: computer === undefined ? undefined : toHex(computer) };
    const records: RecordSummary[] = [];
    let after: string | undefined;
    do {
      const page: RecordsAnswer = await this.#recordsPage({ ...filter, after });
      records.push(...parsed(() => page.records.map(recordOfJson)));
      // A site that had nothing to say and went on for ever would keep a client for ever.
      if (page.next !== undefined && (page.next === after || page.records.length === 0))
        throw new ProtocolError('answer-invalid', { context: { defect: 'page' } });
      after = page.next;
    } while (after !== undefined);
    return records;
  }

  async record(digest: RecordDigest): Promise<Uint8Array> {
    const parameters = { safe: this.#hex, digest: toHex(digest) };
    const { body } = await this.#exchange.call('record', { parameters, answerBytesMax: recordBytesMax });
    return body;
  }

  openSession(request: SessionRequest): Promise<VaultSession> {
    return openRemoteSession(this.#exchange, this.#hex, request);
  }

  openReading(): Promise<VaultReading> {
    return openRemoteReading(this.#exchange, this.#hex, this.#limits);
  }

  get #named(): { readonly parameters: { readonly safe: string } } {
    return { parameters: { safe: this.#hex } };
  }

  #recordsPage(query: Query): Promise<RecordsAnswer> {
    return this.#exchange.json('records', recordsAnswer, { ...this.#named, query });
  }
}

function eraseOfJson({ site, order, jobs, ...rest }: EraseJson): EraseSummary {
  return {
    ...rest,
    site: siteIdFromHex(site),
    order: recordDigestFromHex(order),
    jobs: jobs?.map(({ computer, job }) => ({ computer: computerIdFromHex(computer), job })) ?? null,
  };
}
