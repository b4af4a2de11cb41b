/*
 * The site's live list as a run uses it. Blobs that this computer stored, under whichever certificate, are known at once. Slips of its own are
 * known when the blob that each opens is live too; blobs of other computers are candidates that a worker has to prove
 * (docs/format/packs.md, "Reuse of a blob that another computer stored").
 *
 * The list is read once for what is its own, and once more for what is others': at once when there are slips, otherwise when
 * the first thing has to be read, so that a run that finds nothing changed pays nothing for the other computers.
 */
import { equalBytes } from '@twinvault/std';
import { packHeaderFixedBytes, packSectionCount, PackTable } from '@twinvault/format';
import type { CertificateId, PackName } from '@twinvault/format';
import type { LivePack, VaultSession } from '@twinvault/protocol';
import type { ChunkTable } from './chunk-table.ts';
import { ForeignChunks } from './foreign-chunks.ts';
import type { NewForeignBlob } from './foreign-chunks.ts';
import type { PackNames } from './pack-names.ts';
import type { SlipPairs } from './slip-pairs.ts';

/** With whom a computer shares stored blobs: every one of the safe, or nobody. */
export type ReuseScope = 'safe' | 'computer';

export interface LiveListOptions {
  readonly session: Pick<VaultSession, 'liveList'>;
  /** Whether packs of this certificate are this computer's own. */
  readonly own: (certificate: CertificateId) => boolean;
  /** Told of each pack with something of its own. */
  readonly seen: (live: LivePack, rows: PackTable) => void;
  readonly reuse: ReuseScope;
  readonly table: ChunkTable;
  readonly slips: SlipPairs;
  /** Is told of each pack that may be referred to. */
  readonly names: PackNames;
}

export class LiveList {
  private readonly options: LiveListOptions;
  /** Own slips whose blob was not seen yet; null when there is none. */
  private ownSlips: ForeignChunks | null = null;
  private hasOthers = false;
  private othersLoading: Promise<ForeignChunks | null> | null = null;

  private constructor(options: LiveListOptions) {
    this.options = options;
  }

  /** FormatError when the site serves a tail that is damaged. */
  static async load(options: LiveListOptions): Promise<LiveList> {
    const list = new LiveList(options);
    await list.loadOwn();
    return list;
  }

  /** Candidates among the blobs of other computers; null when there are none, or none are wanted. */
  async others(): Promise<ForeignChunks | null> {
    if (!this.hasOthers || this.options.reuse === 'computer') return null;
    return await (this.othersLoading ??= this.loadOthers());
  }

  private async loadOwn(): Promise<void> {
    const { session, table, reuse, seen } = this.options;
    for await (const live of session.liveList()) {
      const owned = this.ownSections(live);
      if (owned === 'none') continue;
      const rows = new PackTable(live.tail);
      seen(live, rows);
      const packs = this.packNumbers(live, rows);
      for (let row = 0; row < rows.count; row += 1) {
        if (owned !== 'all' && owned[rows.sectionAt(row)] !== true) continue;
        if (!rows.slipOnlyAt(row)) {
          table.addLive(rows.idAt(row), packs[rows.sectionAt(row)] ?? 0, rows.positionAt(row));
        } else if (reuse === 'safe') {
          this.ownSlips ??= ForeignChunks.create();
          this.ownSlips.add(blobAt(rows, row, packs));
        }
      }
    }
    if (this.ownSlips !== null) await this.others();
  }

  private async loadOthers(): Promise<ForeignChunks | null> {
    const { session, table, slips } = this.options;
    const { ownSlips } = this;
    ownSlips?.finish();
    const others = ForeignChunks.create();
    for await (const live of session.liveList()) {
      const owned = this.ownSections(live);
      if (owned === 'all') continue;
      const rows = new PackTable(live.tail);
      // State packs are their computer's alone.
      if (rows.headerBytes === packHeaderFixedBytes) continue;
      const packs = this.packNumbers(live, rows);
      for (let row = 0; row < rows.count; row += 1) {
        if (rows.slipOnlyAt(row) || (owned !== 'none' && owned[rows.sectionAt(row)] === true)) continue;
        const id = rows.idAt(row);
        if (table.has(id)) continue;
        const slip = ownSlips?.candidates(id).find(({ blobHash }) => equalBytes(blobHash, rows.blobHashAt(row)));
        if (slip === undefined) {
          others.add(blobAt(rows, row, packs));
          continue;
        }
        table.addLive(id, slip.place.pack, slip.place.position);
        slips.add(slip.place, { pack: packs[rows.sectionAt(row)] ?? 0, position: rows.positionAt(row) });
      }
    }
    this.ownSlips = null;
    if (others.count === 0) return null;
    others.finish();
    return others;
  }

  /** Which sections of a pack are this computer's. A pack of one section is told by its header, without a look at its rows. */
  private ownSections({ certificate, tail }: LivePack): 'all' | 'none' | readonly boolean[] {
    const { own } = this.options;
    if (packSectionCount(tail) === 1) {
      if (own(certificate)) return 'all';
      this.hasOthers = true;
      return 'none';
    }
    const sections = new PackTable(tail).sections.map(({ header }) => own(header?.certificate ?? certificate));
    if (sections.every(Boolean)) return 'all';
    this.hasOthers = true;
    return sections.some(Boolean) ? sections : 'none';
  }

  /** Of the origin of each section. */
  private packNumbers(live: LivePack, rows: PackTable): readonly number[] {
    return rows.sections.map(({ origin }) => this.numberOf(origin ?? live.pack));
  }

  private numberOf(pack: PackName): number {
    const { table, names } = this.options;
    return names.numberOf(pack, () => table.newPackNumber());
  }
}

function blobAt(rows: PackTable, row: number, packs: readonly number[]): NewForeignBlob {
  return {
    id: rows.idAt(row),
    place: { pack: packs[rows.sectionAt(row)] ?? 0, position: rows.positionAt(row) },
    suite: rows.suiteAt(row),
    salt: rows.saltAt(row),
    blobHash: rows.blobHashAt(row),
    lengthBytes: rows.lengthAt(row),
  };
}
