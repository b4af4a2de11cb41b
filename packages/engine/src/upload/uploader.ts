/*
 * Puts packs to the vault, a few at a time, and knows by number which pack is which. A failed put is tried again while the
 * vault says that later may help.
 */
import { CodedError } from '@twinvault/std';
import type { Timers } from '@twinvault/std';
import type { VaultSession } from '@twinvault/protocol';
import type { RefsBuilder } from '@twinvault/format';
import { PackNames } from '../dedup/pack-names.ts';
import type { ChunkPlace } from '../dedup/chunk-table.ts';
import { SlipPairs } from '../dedup/slip-pairs.ts';
import type { ClosedPack } from './pack-sink.ts';

const putsMax = 4;
const attemptsMax = 6;
const retryDelayMsMin = 500;

/** A pack of the run, with positions 0 to `rows` - 1. */
export interface SentPack {
  readonly number: number;
  readonly rows: number;
}

export interface UploadTotals {
  readonly packs: number;
  /** Bytes that the vault did not have. */
  readonly bytes: number;
}

/** What comes from the network was tried again for long by the client of the site already. */
function mayGoAway(error: unknown): boolean {
  return error instanceof CodedError && error.retry === 'later' && !error.code.startsWith('network-');
}

export class Uploader {
  /** Of packs of the live list and of this run. */
  readonly slips: SlipPairs = new SlipPairs();
  readonly names: PackNames = new PackNames();
  private readonly session: Pick<VaultSession, 'putPack'>;
  private readonly timers: Timers;
  private readonly sent: SentPack[] = [];
  private readonly inFlight = new Set<Promise<void>>();
  private readonly turns: (() => void)[] = [];
  private running = 0;
  private packs = 0;
  private bytes = 0;

  constructor(session: Pick<VaultSession, 'putPack'>, timers: Timers) {
    this.session = session;
    this.timers = timers;
  }

  get totals(): UploadTotals {
    return { packs: this.packs, bytes: this.bytes };
  }

  /** Packs of this run that the vault has acknowledged. */
  get acknowledged(): readonly SentPack[] {
    return this.sent;
  }

  /** Adds a chunk's place, and its blob's where the place is that of a slip. */
  addRefs(refs: RefsBuilder, place: ChunkPlace): void {
    refs.add(this.names.nameOf(place.pack), place.position);
    const blob = this.slips.blobOf(place);
    if (blob !== null) refs.add(this.names.nameOf(blob.pack), blob.position);
  }

  /** Resolves when the vault has acknowledged the pack. */
  async put(pack: ClosedPack): Promise<void> {
    this.names.set(pack.number, pack.name);
    this.slips.addAll(pack.number, pack.slips);
    const putting = this.inTurn(pack);
    this.inFlight.add(putting);
    try {
      await putting;
    } finally {
      this.inFlight.delete(putting);
    }
  }

  /** Everything handed in so far is at the vault. */
  async idle(): Promise<void> {
    await Promise.all(this.inFlight);
  }

  private async inTurn(pack: ClosedPack): Promise<void> {
    if (this.running >= putsMax) await new Promise<void>((resolve) => this.turns.push(resolve));
    this.running += 1;
    try {
      await this.tryPut(pack);
      this.sent.push({ number: pack.number, rows: pack.rows });
    } finally {
      this.running -= 1;
      this.turns.shift()?.();
    }
  }

  private async tryPut({ name, bytes }: ClosedPack): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await this.session.putPack(name, bytes);
        this.packs += 1;
        if (answer === 'stored') this.bytes += bytes.length;
        return;
      } catch (error) {
        if (attempt === attemptsMax || !mayGoAway(error)) throw error;
        await this.timers.sleep(retryDelayMsMin * 2 ** (attempt - 1));
      }
    }
  }
}
