/*
 * The second mark, docs/format/records.md, Keeping: packs go from "quarantined" to "deleting" under the lock "commit", so that no commit
 * can come between the look at what is live and the move.
 *
 * Invariant: a pack with live rows goes only when count and digest of these rows, as it has them, equal those of the same rows in packs
 * outside quarantine that are still there. Which packs those are is looked up before the lock is taken: they can only come out of
 * quarantine meanwhile, since the caller holds the lock "clean".
 */

import { bitmapPositions, compactedOrigins, PackTable } from '@twinvault/format';
import { equalBytes, fromHex, toHex } from '@twinvault/std';
import { inLock, openLeases } from '../context.ts';
import type { SafeContext } from '../context.ts';
import type { LiveSet } from '../live/live-set.ts';
import type { LiveRows } from '../live/refs-pool.ts';
import { RowsDigest } from '../live/row-bytes.ts';
import type { RowPlace, RowsProof } from '../live/row-bytes.ts';
import { packNameOfHex, packNames } from '../packs/pack-files.ts';
import { indexEntries } from '../packs/pack-index.ts';
import { decideNoted, isBelowAge } from './mark.ts';
import type { MarkTimes } from './mark.ts';
import { quarantinedNames, readQuarantine, takeBack, writeQuarantine } from './quarantine.ts';
import type { CleanedPack } from './report.ts';

interface SecondMarkOptions {
  readonly live: Pick<LiveSet, 'rows'>;
  readonly delays: Pick<MarkTimes, 'quarantineMs' | 'minimumAgeMs'>;
}

export class SecondMark {
  readonly #context: SafeContext;
  readonly #live: Pick<LiveSet, 'rows'>;
  readonly #delays: Pick<MarkTimes, 'quarantineMs' | 'minimumAgeMs'>;
  /** Tails of the packs that are due. */
  readonly #due = new Map<string, PackTable>();
  /** Rows of their origins in packs that stay, by origin and position. */
  readonly #staying = new Map<string, RowPlace & { readonly hex: string }>();

  private constructor(context: SafeContext, options: SecondMarkOptions) {
    this.#context = context;
    this.#live = options.live;
    this.#delays = options.delays;
  }

  /** Looks up what the packs that are due have, and who else has it. */
  static async of(context: SafeContext, due: readonly CleanedPack[], options: SecondMarkOptions): Promise<SecondMark> {
    const mark = new SecondMark(context, options);
    await mark.#lookUp(due);
    return mark;
  }

  /** Which of these may go still; their notes say "deleting" when it resolves. What is needed again is taken back. */
  batch(packs: readonly CleanedPack[]): Promise<CleanedPack[]> {
    const context = this.#context;
    return inLock(context, { name: 'commit' }, async (lock) => {
      const live = await this.#live.rows();
      const nowMs = await context.leases.nowMs();
      const times = { nowMs, clockMs: context.ports.clock.nowMs(), ...this.#delays };
      const leases = await openLeases(context, nowMs);
      const reads = await context.twins.reads(context.safe);
      const going: CleanedPack[] = [];
      for (const pack of packs) {
        const note = await readQuarantine(context, pack.pack);
        if (note === null || note === 'unreadable') continue;
        const reason = await this.#needless(pack.pack, live);
        if (reason === null) {
          await takeBack(context, pack.pack);
          continue;
        }
        if (decideNoted(note, { leases, times, reads }).action !== 'delete') continue;
        if (await isBelowAge({ context, times }, pack.pack)) continue;
        await lock.check();
        await writeQuarantine(context, pack.pack, { ...note, state: 'deleting' });
        going.push({ ...pack, action: 'delete', reason });
      }
      // Were it lost meanwhile, a commit might have come between: the next clean-up looks at every note again.
      await lock.check();
      return going;
    });
  }

  /** Null when the pack is needed. */
  async #needless(hex: string, live: LiveRows): Promise<'dead' | 'superseded' | null> {
    const table = this.#due.get(hex);
    // Damaged at its ends: by its name.
    if (table === undefined) return live.bitmapOf(packNameOfHex(hex)) === null ? 'dead' : null;
    const own = new RowsDigest();
    const others = new RowsDigest();
    const holders = new Set<string>();
    for (const { origin, place } of liveRowsOf(hex, table, live)) {
      own.add(origin, place);
      const other = this.#staying.get(keyOf(toHex(origin), table.positionAt(place.row)));
      if (other === undefined) return null;
      others.add(origin, other);
      holders.add(other.hex);
    }
    const [mine, theirs] = [own.finish(), others.finish()];
    if (mine.count === 0) return 'dead';
    if (!areEqual(mine, theirs)) return null;
    for (const holder of holders) if ((await this.#context.store.stat(this.#context.layout.pack(holder))) === null) return null;
    return 'superseded';
  }

  async #lookUp(due: readonly CleanedPack[]): Promise<void> {
    const context = this.#context;
    const wanted = new Set(due.map(({ pack }) => pack));
    const origins = new Set<string>();
    for await (const { hex, tail } of indexEntries(context, { wanted: await among(context, wanted) })) {
      const table = new PackTable(tail);
      this.#due.set(hex, table);
      for (const { origin } of table.sections) origins.add(origin === null ? hex : toHex(origin));
    }
    if (!due.some(({ reason }) => reason === 'superseded')) return;
    const staying = await packNames(context);
    for (const hex of await quarantinedNames(context)) staying.delete(hex);
    for (const hex of wanted) staying.delete(hex);
    for await (const { hex, tail } of indexEntries(context, { wanted: staying })) {
      const names = compactedOrigins(tail).map(toHex);
      if (origins.has(hex) || names.some((name) => origins.has(name))) this.#stay(hex, new PackTable(tail), origins);
    }
  }

  #stay(hex: string, table: PackTable, origins: ReadonlySet<string>): void {
    const names = table.sections.map(({ origin }) => (origin === null ? hex : toHex(origin)));
    for (let row = 0; row < table.count; row += 1) {
      const name = names[table.sectionAt(row)] ?? '';
      if (origins.has(name)) this.#staying.set(keyOf(name, table.positionAt(row)), { hex, table, row });
    }
  }
}

function keyOf(origin: string, position: number): string {
  return `${origin} ${position}`;
}

function areEqual(a: RowsProof, b: RowsProof): boolean {
  return a.count === b.count && equalBytes(a.digest, b.digest);
}

async function among(context: SafeContext, wanted: ReadonlySet<string>): Promise<Set<string>> {
  const present = await packNames(context);
  return new Set([...wanted].filter((hex) => present.has(hex)));
}

interface LiveRow {
  readonly origin: Uint8Array;
  readonly place: RowPlace;
}

/** Live rows of a pack, sorted by origin and position. */
function* liveRowsOf(hex: string, table: PackTable, live: LiveRows): Generator<LiveRow, void, undefined> {
  const sections = new Map<string, Map<number, number>>();
  for (let row = 0; row < table.count; row += 1) {
    const name = table.originAt(row);
    const origin = name === null ? hex : toHex(name);
    const rows = sections.get(origin) ?? new Map<number, number>();
    sections.set(origin, rows);
    rows.set(table.positionAt(row), row);
  }
  for (const name of [...sections.keys()].sort()) {
    const origin = fromHex(name) ?? new Uint8Array(0);
    const rows = sections.get(name);
    for (const position of bitmapPositions(live.bitmapOf(origin) ?? new Uint8Array(0))) {
      const row = rows?.get(position);
      if (row !== undefined) yield { origin, place: { table, row } };
    }
  }
}
