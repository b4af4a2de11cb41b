/*
 * The site's live list, loaded into the shared table. In this version an agent reuses only what its own certificate stored:
 * reusing a blob of another computer takes sealing it again and a slip of one's own (docs/format/packs.md).
 */
import { equalBytes, toHex } from '@twinvault/std';
import { PackTable } from '@twinvault/format';
import type { CertificateId, PackName } from '@twinvault/format';
import type { LivePack } from '@twinvault/protocol';
import type { ChunkTable } from './chunk-table.ts';

export interface LiveListOptions {
  readonly packs: AsyncIterable<LivePack>;
  readonly certificate: CertificateId;
  readonly table: ChunkTable;
  /** Told of each pack that may be referred to. */
  readonly named: (number: number, pack: PackName) => void;
}

/** Chunks known. FormatError when the site serves a tail that is damaged. */
export async function loadLiveList({ packs, certificate, table, named }: LiveListOptions): Promise<number> {
  const origins = new Map<string, number>();
  const numberOf = (pack: PackName): number => {
    const hex = toHex(pack);
    const known = origins.get(hex);
    if (known !== undefined) return known;
    const number = table.newPackNumber();
    origins.set(hex, number);
    named(number, pack);
    return number;
  };
  for await (const live of packs) {
    const rows = new PackTable(live.tail);
    const own = rows.sections.map(({ header }) => equalBytes(header?.certificate ?? live.certificate, certificate));
    if (!own.includes(true)) continue;
    for (let row = 0; row < rows.count; row += 1) {
      if (rows.slipOnlyAt(row) || own[rows.sectionAt(row)] !== true) continue;
      table.addLive(rows.idAt(row), numberOf(rows.originAt(row) ?? live.pack), rows.positionAt(row));
    }
  }
  table.reserve();
  return table.count;
}
