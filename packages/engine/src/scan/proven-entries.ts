/* Which entries of the last run may pass as they are: those whose times prove that they did not change, and whose content is at the vault. */
import type { ChunkTable } from '../dedup/chunk-table.ts';
import { marks } from '../entries/entry-body.ts';
import type { BodyView } from '../entries/entry-body.ts';

/** By whole seconds, as some file systems keep them, a change soon after the look at an entry cannot be told: how much older its times have to be. */
const wholeSeconds = 2;
const doubtful: number = marks.torn | marks.unread | marks.carried;

/** Entries whose times are not older prove nothing. */
export interface ProvenBefore {
  readonly seconds: number;
  readonly nanos: number;
}

export class ProvenEntries {
  private readonly table: ChunkTable;
  private readonly before: ProvenBefore | null;
  private lastLiveId: Uint8Array | null = null;

  /** `before` null: everything is read, so nothing is proven. */
  constructor(table: ChunkTable, before: ProvenBefore | null) {
    this.table = table;
    this.before = before;
  }

  /** If its status is the same. */
  isProven(fields: BodyView): boolean {
    const { before } = this;
    if (before === null || (fields.marks & doubtful) !== 0) return false;
    return fields.olderThan(fields.ctimeNanos === 0 ? before.seconds - wholeSeconds : before.seconds, before.nanos);
  }

  /** All its chunks are at the vault. */
  isLive(fields: BodyView): boolean {
    const { extentCount } = fields;
    for (let index = 0; index < extentCount; index += 1) {
      // Neighbours share their bundle, which saves most look-ups.
      if (this.lastLiveId !== null && fields.hasExtentId(index, this.lastLiveId)) continue;
      const id = fields.extentId(index);
      if (id === null) continue;
      if (!this.table.has(id)) return false;
      this.lastLiveId = id;
    }
    return true;
  }
}
