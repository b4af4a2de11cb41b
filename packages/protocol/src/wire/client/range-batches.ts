/*
 * Reads of parts of packs, joined while the line is busy: the first goes at once and alone; what is asked for while requests are under way goes together with the
 * next one. So one reader of many small parts does not wait a round trip for each.
 *
 * A batch that is refused is asked for part by part, so that each caller hears of its own.
 */

import { toHex } from '@twinvault/std';
import type { HttpAnswer } from '@twinvault/std';
import { packBytesMax } from '@twinvault/format';
import type { PackName } from '@twinvault/format';
import { ProtocolError } from '../../errors.ts';
import { parseFrames } from '../frames.ts';
import type { SiteLimits } from '../site-json.ts';
import type { RangesBody } from '../safe-json.ts';
import type { LeaseRenewal } from './lease-renewal.ts';

const requestsMax = 4;
/** What the frame of one part adds. */
const frameBytes = 4;

export interface Range {
  readonly pack: PackName;
  readonly offsetBytes: number;
  /** Above 0. */
  readonly lengthBytes: number;
}

interface Waiting {
  readonly range: Range;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

export class RangeBatches {
  readonly #lease: LeaseRenewal;
  readonly #limits: SiteLimits;
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(lease: LeaseRenewal, limits: SiteLimits) {
    this.#lease = lease;
    this.#limits = limits;
  }

  /** The bytes of the range; `pack-unknown`, `pack-short`, `lease-lost`. */
  read(range: Range): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.#waiting.push({ range, resolve, reject });
    this.#start();
    return promise;
  }

  #start(): void {
    while (this.#running < requestsMax && this.#waiting.length > 0) {
      this.#running += 1;
      void this.#run(this.#take());
    }
  }

  /** As many as may go together, at least one. */
  #take(): Waiting[] {
    const { rangesMax, rangesBytesMax } = this.#limits;
    let bytes = 0;
    let count = 0;
    for (const { range } of this.#waiting) {
      bytes += range.lengthBytes;
      if (count > 0 && (count >= rangesMax || bytes > rangesBytesMax)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#readAll(batch.map(({ range }) => range));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const answer = answers[index];
        if (answer instanceof Uint8Array) resolve(answer);
        else reject(answer);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#running -= 1;
      this.#start();
    }
  }

  async #readAll(ranges: readonly Range[]): Promise<(Uint8Array | ProtocolError)[]> {
    const [first] = ranges;
    if (ranges.length === 1 && first !== undefined) return [await readRange(this.#lease, first)];
    try {
      return await readRanges(this.#lease, ranges);
    } catch (error) {
      if (!isOfOne(error)) throw error;
    }
    const answers: (Uint8Array | ProtocolError)[] = [];
    for (const range of ranges) {
      answers.push(
        await readRange(this.#lease, range).catch((error: unknown) => {
          if (isOfOne(error)) return error;
          throw error;
        }),
      );
    }
    return answers;
  }
}

function isOfOne(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && ['pack-unknown', 'pack-short', 'vault-damaged'].includes(error.code);
}

/** How long the pack is of which an answer brings a part; null when it does not say. */
export function rangeTotal(headers: HttpAnswer['headers']): number | null {
  const size = /^bytes \d{1,10}-\d{1,10}\/(\d{1,10})$/u.exec(headers['content-range'] ?? '')?.[1];
  return size === undefined || Number(size) > packBytesMax ? null : Number(size);
}

async function readRange(lease: LeaseRenewal, { pack, offsetBytes, lengthBytes }: Range): Promise<Uint8Array> {
  const { status, body, headers } = await lease.call('pack', {
    parameters: { name: toHex(pack) },
    headers: { range: `bytes=${offsetBytes}-${offsetBytes + lengthBytes - 1}` },
    answerBytesMax: lengthBytes,
  });
  if (status === 206 && body.length === lengthBytes) return body;
  // RFC 9110, section 14.1.2: of a range that ends behind the end, what there is.
  const sizeBytes = rangeTotal(headers);
  if (status === 206 && sizeBytes !== null && sizeBytes < offsetBytes + lengthBytes)
    throw new ProtocolError('pack-short', { context: { pack: toHex(pack), offsetBytes, lengthBytes, sizeBytes } });
  throw wrong(lengthBytes, body.length);
}

async function readRanges(lease: LeaseRenewal, ranges: readonly Range[]): Promise<Uint8Array[]> {
  const value: RangesBody = {
    ranges: ranges.map(({ pack, offsetBytes, lengthBytes }) => ({ pack: toHex(pack), offset: offsetBytes, length: lengthBytes })),
  };
  const bytesMax = ranges.reduce((sum, { lengthBytes }) => sum + frameBytes + lengthBytes, 0);
  const { body } = await lease.call('ranges', { body: { type: 'json', value }, answerBytesMax: bytesMax });
  const frames = parseFrames(body, { countMax: ranges.length, bytesMax });
  // Copies: one that is kept would keep the whole answer.
  return ranges.map(({ lengthBytes }, index) => {
    const frame = frames[index];
    if (frame?.length !== lengthBytes) throw wrong(lengthBytes, frame?.length ?? 0);
    return frame.slice();
  });
}

function wrong(wantedBytes: number, gotBytes: number): ProtocolError {
  return new ProtocolError('answer-invalid', { context: { defect: 'range', wantedBytes, gotBytes } });
}
