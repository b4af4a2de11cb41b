/* A reading at a site far away. */

import { packNameFromHex } from '@twinvault/format';
import type { PackName } from '@twinvault/format';
import { assert, toHex, utf8Decode } from '@twinvault/std';
import { ProtocolError } from '../../errors.ts';
import { holdersMax, problemBytesMax, suspectsMax } from '../../limits.ts';
import type { VaultReading } from '../../vault-port.ts';
import { checkJson } from '../check-json.ts';
import { holdersAnswer, leaseAnswer } from '../safe-json.ts';
import type { HoldersBody, SuspectsBody } from '../safe-json.ts';
import type { SiteLimits } from '../site-json.ts';
import type { Exchange } from './exchange.ts';
import { LeaseRenewal } from './lease-renewal.ts';
import { RangeBatches, rangeTotal } from './range-batches.ts';

export async function openRemoteReading(exchange: Exchange, safe: string, limits: SiteLimits): Promise<VaultReading> {
  const parameters = { safe, reading: toHex(exchange.ports.random.bytes(16)) };
  const answer = await exchange.json('openReading', leaseAnswer, { parameters });
  const lease = new LeaseRenewal(exchange, { renew: 'renewReading', close: 'closeReading', parameters }, answer);
  return new RemoteReading(lease, limits);
}

class RemoteReading implements VaultReading {
  readonly #lease: LeaseRenewal;
  readonly #limits: SiteLimits;
  readonly #ranges: RangeBatches;
  #closed = false;

  constructor(lease: LeaseRenewal, limits: SiteLimits) {
    this.#lease = lease;
    this.#limits = limits;
    this.#ranges = new RangeBatches(lease, limits);
  }

  async readPack(pack: PackName, offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    this.#demandOpen();
    assert(lengthBytes >= 0 && offsetBytes >= 0, 'range of a pack');
    if (lengthBytes > 0) return this.#ranges.read({ pack, offsetBytes, lengthBytes });
    // RFC 9110 knows no range of nothing.
    const sizeBytes = await this.packSize(pack);
    const context = { pack: toHex(pack), offsetBytes, lengthBytes };
    if (sizeBytes === null) throw new ProtocolError('pack-unknown', { context });
    if (offsetBytes > sizeBytes) throw new ProtocolError('pack-short', { context: { ...context, sizeBytes } });
    return new Uint8Array(0);
  }

  /** By the first byte of the pack: an answer to GET says why it was refused, one to HEAD cannot. */
  async packSize(pack: PackName): Promise<number | null> {
    this.#demandOpen();
    try {
      const { headers } = await this.#lease.call('pack', {
        parameters: { name: toHex(pack) },
        headers: { range: 'bytes=0-0' },
        answerBytesMax: problemBytesMax,
      });
      const sizeBytes = rangeTotal(headers);
      if (sizeBytes === null) throw invalid('content-range');
      return sizeBytes;
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'pack-unknown') return null;
      throw error;
    }
  }

  async suspect(packs: readonly PackName[]): Promise<void> {
    this.#demandOpen();
    const value: SuspectsBody = { packs: packs.slice(0, suspectsMax).map(toHex) };
    await this.#lease.call('suspects', { body: { type: 'json', value } });
  }

  async holdersOf(origins: readonly PackName[]): Promise<readonly (readonly PackName[])[]> {
    this.#demandOpen();
    const holders: (readonly PackName[])[] = [];
    const pageMax = Math.max(1, this.#limits.holdersOriginsMax);
    for (let start = 0; start < origins.length; start += pageMax) {
      holders.push(...(await this.#holdersOfPage(origins.slice(start, start + pageMax))));
    }
    return holders;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#lease.close();
  }

  async #holdersOfPage(origins: readonly PackName[]): Promise<PackName[][]> {
    const value: HoldersBody = { origins: origins.map(toHex) };
    const { body } = await this.#lease.call('holders', { body: { type: 'json', value } });
    const { holders } = checkJson(holdersAnswer, utf8Decode(body) ?? '');
    const total = holders.reduce((sum, packs) => sum + packs.length, 0);
    if (holders.length !== origins.length || total > holdersMax) throw invalid('holders');
    return holders.map((packs) => packs.map(packNameFromHex));
  }

  #demandOpen(): void {
    if (this.#closed) throw new ProtocolError('lease-lost', { context: { defect: 'reading is closed' } });
  }
}

function invalid(defect: string): ProtocolError {
  return new ProtocolError('answer-invalid', { context: { defect } });
}
