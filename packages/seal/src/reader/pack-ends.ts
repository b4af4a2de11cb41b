/*
 * The ends of the packs that hold what a record refers to, read by ranges and kept: tails for finding chunks, headers for their keys.
 *
 * Invariants: a tail is used for finding before its pack's name is verified, since a wrong one can only make a chunk look
 * missing or damaged; a key is derived only after header and tail were held against the name.
 */

import { PackTable, packHeaderBytesMax, packTailBytes, packTrailerBytes, verifyPackEnds } from '@twinvault/format';
import type { PackHeader, PackName, SafeId } from '@twinvault/format';
import { CodedError } from '@twinvault/std';
import { SealError } from '../errors.ts';
import type { ReaderCopy, ReaderReading } from './reader-vault.ts';

/** One read normally gets the whole tail. */
const firstReadBytes = 65_536;

interface Ends {
  readonly table: PackTable;
  readonly tail: Uint8Array;
  /** Bytes of the pack from its beginning, where the first read went that far. */
  readonly start: Uint8Array | null;
}

export class PackEnds {
  readonly #reading: ReaderReading;
  readonly #safe: SafeId;
  readonly #ends = new Map<number, Promise<Ends | null>>();
  readonly #headers = new Map<number, Promise<PackHeader>>();

  constructor(reading: ReaderReading, safe: SafeId) {
    this.#reading = reading;
    this.#safe = safe;
  }

  /** Null when the vault does not have the pack. FormatError `pack-damaged` for what is no tail. */
  async table(packIndex: number, pack: PackName): Promise<PackTable | null> {
    return (await this.#load(packIndex, pack))?.table ?? null;
  }

  /** The pack's own header, once its name was verified. `chunk-missing`; FormatError `pack-damaged`, `pack-foreign`. */
  async header(packIndex: number, pack: PackName): Promise<PackHeader> {
    return await kept(this.#headers, packIndex, async () => await this.#verified(packIndex, pack));
  }

  async #load(packIndex: number, pack: PackName): Promise<Ends | null> {
    return await kept(this.#ends, packIndex, async () => await this.#read(pack));
  }

  async #read(pack: PackName): Promise<Ends | null> {
    const { copies } = this.#reading;
    return copies === undefined ? await readEnds(this.#reading, pack) : await this.#readWhole(copies, pack);
  }

  /** Where several sites have the pack, the ends that its name is of; so a damaged one costs nothing. */
  async #readWhole(copies: readonly ReaderCopy[], pack: PackName): Promise<Ends | null> {
    let failure: unknown = null;
    for (const source of copies) {
      try {
        const ends = await readEnds(source, pack);
        if (ends === null) continue;
        const start = ends.start ?? (await source.readPack(pack, 0, ends.table.headerBytes));
        verifyPackEnds(pack, { headerBytes: start, tail: ends.tail }, { safe: this.#safe });
        return { ...ends, start };
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        failure ??= error;
      }
    }
    if (failure === null) return null;
    throw failure;
  }

  async #verified(packIndex: number, pack: PackName): Promise<PackHeader> {
    const ends = await this.#load(packIndex, pack);
    if (ends === null) throw new SealError('chunk-missing');
    const headerBytes = ends.start ?? (await this.#reading.readPack(pack, 0, ends.table.headerBytes));
    return verifyPackEnds(pack, { headerBytes, tail: ends.tail }, { safe: this.#safe }).header;
  }
}

/** Null when the source does not have the pack. */
async function readEnds(source: ReaderCopy, pack: PackName): Promise<Ends | null> {
  const sizeBytes = await source.packSize(pack);
  if (sizeBytes === null) return null;
  const readBytes = Math.min(sizeBytes, firstReadBytes);
  const last = await source.readPack(pack, sizeBytes - readBytes, readBytes);
  const tailBytes = packTailBytes(last.subarray(Math.max(0, last.length - packTrailerBytes)));
  const missing = tailBytes - last.length;
  const tail =
    missing > 0
      ? await source.readPack(pack, Math.max(0, sizeBytes - tailBytes), Math.min(sizeBytes, tailBytes))
      : last.slice(last.length - tailBytes);
  const start = readBytes === sizeBytes ? last.slice(0, packHeaderBytesMax) : null;
  return { table: new PackTable(tail), tail, start };
}

/** Made at the first call and kept, unless it fails: then the next call tries again. */
async function kept<T>(map: Map<number, Promise<T>>, key: number, make: () => Promise<T>): Promise<T> {
  const known = map.get(key) ?? make();
  map.set(key, known);
  try {
    return await known;
  } catch (error) {
    map.delete(key);
    throw error;
  }
}
