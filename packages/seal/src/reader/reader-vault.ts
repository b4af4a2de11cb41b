/*
 * What a reader asks of a vault: the part of the vault port that it needs, so that seal does not depend on the protocol.
 * Nothing that comes through here is trusted before it was verified.
 */

import type { PackName, RecordDigest, RecordPublic } from '@twinvault/format';

export interface ReaderVault {
  /** Stored bytes of ledger entries with number >= `from`. */
  ledger(from: number): Promise<readonly Uint8Array[]>;
  records(filter?: ReaderFilter): Promise<readonly ReaderSummary[]>;
  record(digest: RecordDigest): Promise<Uint8Array>;
  openReading(): Promise<ReaderReading>;
}

export interface ReaderFilter {
  readonly job?: string;
  readonly computer?: Uint8Array;
  readonly kind?: 'safeset' | 'checkpoint';
}

export interface ReaderSummary {
  readonly digest: RecordDigest;
  readonly public: RecordPublic;
  readonly receivedMs: number;
  readonly storedBytes: number;
  readonly retired: boolean;
}

/** What one site has of the packs, and no other. */
export type ReaderCopy = Pick<ReaderReading, 'readPack' | 'packSize'>;

export interface ReaderReading extends AsyncDisposable {
  /** Where there are several sites: what each has. */
  readonly copies?: readonly ReaderCopy[];
  readPack(pack: PackName, offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
  /** Null when the pack is not there. */
  packSize(pack: PackName): Promise<number | null>;
  /** For each origin the packs that hold its rows: itself, or compacted ones; none when the vault has nothing of it. */
  holdersOf(origins: readonly PackName[]): Promise<readonly (readonly PackName[])[]>;
}
