/*
 * Which packs hold the rows of an origin at this site: the origin itself while it stands, compacted packs once it was superseded.
 */

import { compactedOrigins } from '@twinvault/format';
import type { PackName } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import { quarantinedNames, readQuarantine } from '../clean/quarantine.ts';
import type { SafeContext } from '../context.ts';
import type { SafeObjects } from '../safe-objects.ts';
import { bytesOfName } from '../store/layout.ts';
import { packNameOfHex, packNames, packNumbers, readPackEnds } from './pack-files.ts';
import { indexEntries } from './pack-index.ts';
import { PackNumbers } from './pack-numbers.ts';

export interface PresentPacks {
  /** Packs without a mark. */
  readonly free: PackNumbers;
  /** Packs in quarantine that are not being deleted. */
  readonly quarantined: PackNumbers;
}

/** `without`: packs, hexadecimal, that do not count. */
export async function presentPacks(context: SafeObjects, without: ReadonlySet<string> = new Set()): Promise<PresentPacks> {
  const present = await packNumbers(context);
  const quarantined = new PackNumbers();
  const marked = PackNumbers.ofHex(without);
  for (const hex of await quarantinedNames(context)) {
    const name = packNameOfHex(hex);
    if (!present.has(name) || without.has(hex)) continue;
    const note = await readQuarantine(context, hex);
    if (note === null) continue;
    marked.numberOf(name);
    if (note === 'unreadable' || note.state !== 'deleting') quarantined.numberOf(name);
  }
  return { free: marked.count === 0 ? present : present.without(marked), quarantined };
}

/**
 * Answers for one reading, which holds a lease: what was marked before it may go while it lives, what is marked later may not. So
 * packs that are in quarantine now are named only where nothing else has the rows.
 */
export class Holders {
  readonly #context: SafeContext;
  #marked: Promise<Set<string>> | null = null;
  #moved: Promise<Map<string, PackName[]>> | null = null;

  constructor(context: SafeContext) {
    this.#context = context;
  }

  async of(origins: readonly PackName[]): Promise<readonly (readonly PackName[])[]> {
    this.#marked ??= quarantinedNames(this.#context).catch((error: unknown) => {
      this.#marked = null;
      throw error;
    });
    const marked = await this.#marked;
    return await Promise.all(origins.map(async (origin) => this.#ofOne(origin, marked)));
  }

  async #ofOne(origin: PackName, marked: ReadonlySet<string>): Promise<readonly PackName[]> {
    const { store, layout } = this.#context;
    const hex = toHex(origin);
    const isThere = (await store.stat(layout.pack(hex))) !== null;
    if (isThere && !marked.has(hex)) return [origin];
    this.#moved ??= movedRows(this.#context, marked).catch((error: unknown) => {
      this.#moved = null;
      throw error;
    });
    const moved = (await this.#moved).get(hex);
    if (moved !== undefined) return moved;
    // A pack that a check kept aside may still have what is asked for.
    return isThere || (await store.stat(layout.inFolder('damaged', hex))) !== null ? [origin] : [];
  }
}

/** From origins, hexadecimal, to the compacted packs that hold rows of them; those kept aside as damaged last. */
async function movedRows(context: SafeContext, marked: ReadonlySet<string>): Promise<Map<string, PackName[]>> {
  const moved = new Map<string, PackName[]>();
  const add = (pack: PackName, tail: Uint8Array): void => {
    for (const origin of compactedOrigins(tail)) {
      const hex = toHex(origin);
      const packs = moved.get(hex);
      if (packs === undefined) moved.set(hex, [pack]);
      else packs.push(pack);
    }
  };
  const wanted = await packNames(context);
  for (const hex of marked) wanted.delete(hex);
  for await (const { pack, tail } of indexEntries(context, { wanted })) add(pack, tail);
  const { store, layout } = context;
  for (const hex of await store.list(layout.inFolder('damaged'))) {
    if (bytesOfName(hex, 32) === null) continue;
    const ends = await readPackEnds(context, hex, layout.inFolder('damaged', hex)).catch(() => null);
    if (ends !== null) add(packNameOfHex(hex), ends.tail);
  }
  return moved;
}
