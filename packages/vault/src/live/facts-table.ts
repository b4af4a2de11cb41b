/*
 * Facts of many packs in columns: some 50 bytes a pack, where an object for each would be four times that and work for the collector.
 * Columns are plain buffers, so that they can be handed from thread to thread.
 */

import type { RowTotals } from '@twinvault/format';
import { assert } from '@twinvault/std';
import type { PackNumbers } from '../packs/pack-numbers.ts';

export interface PackFacts {
  readonly hex: string;
  readonly packBytes: number;
  /** Number of a PackKind. */
  readonly kind: number;
  readonly compacted: boolean;
  /** There is a note in quarantine. */
  readonly noted: boolean;
  /** Number of the plan that made it; 0 for a fresh pack or when that plan is not known. */
  readonly plan: number;
  /** Live rows, wherever they are held. */
  readonly liveRows: number;
  /** Of these, those that this pack holds; bytes of their blobs, rows and slips. */
  readonly heldRows: number;
  readonly heldBytes: number;
  /** Of all rows. */
  readonly rowsBytes: number;
  /** Lowest number in the pool of an origin with live rows: packs of older safesets come first. */
  readonly order: number;
  /** Held positions by origin, hexadecimal, where another pack has live rows of the same origin; else all live ones are held. */
  readonly held: HeldPositions | null;
}

export type HeldPositions = ReadonlyMap<string, Uint8Array>;

const whole = 1;
const compacted = 2;
const noted = 4;
/** Of a pack without live rows. */
const orderMax = 0xffff_ffff;

interface Columns {
  readonly names: PackNumbers;
  readonly flags: Uint8Array;
  readonly kind: Uint8Array;
  readonly packBytes: Uint32Array;
  readonly plan: Float64Array;
  readonly liveRows: Uint32Array;
  readonly heldRows: Uint32Array;
  readonly heldBytes: Uint32Array;
  readonly rowsBytes: Uint32Array;
  readonly order: Uint32Array;
  /** By number; few have any. */
  readonly held: Map<number, HeldPositions>;
}

/** Of all packs that are there; known are those that are whole at their ends. */
export class FactsTable implements Iterable<PackFacts> {
  readonly names: PackNumbers;
  readonly #columns: Columns;

  constructor(names: PackNumbers) {
    const { count } = names;
    this.names = names;
    this.#columns = {
      names,
      flags: new Uint8Array(count),
      kind: new Uint8Array(count),
      packBytes: new Uint32Array(count),
      plan: new Float64Array(count),
      liveRows: new Uint32Array(count),
      heldRows: new Uint32Array(count),
      heldBytes: new Uint32Array(count),
      rowsBytes: new Uint32Array(count),
      order: new Uint32Array(count),
      held: new Map(),
    };
  }

  /** `number`: of the pack, in `names`. */
  put(number: number, facts: Omit<PackFacts, 'hex' | 'held' | 'heldRows' | 'heldBytes'>): void {
    const { flags, kind, packBytes, plan, liveRows, rowsBytes, order } = this.#columns;
    flags[number] = whole | (facts.compacted ? compacted : 0) | (facts.noted ? noted : 0);
    kind[number] = facts.kind;
    packBytes[number] = facts.packBytes;
    plan[number] = facts.plan;
    liveRows[number] = facts.liveRows;
    rowsBytes[number] = facts.rowsBytes;
    order[number] = Math.min(facts.order, orderMax);
  }

  /** What the pack holds of its live rows; `positions` where it does not hold all of them, or others have rows of the same origins. */
  putHeld(number: number, { rows, bytes }: RowTotals, positions: HeldPositions | null): void {
    const { heldRows, heldBytes, held } = this.#columns;
    heldRows[number] = rows;
    heldBytes[number] = bytes;
    if (positions !== null) held.set(number, positions);
  }

  isKnown(number: number): boolean {
    return this.#columns.flags[number] !== 0;
  }

  /** Of a known pack: needed, or needless since nothing refers to it, or since others hold all that is live in it. */
  stateAt(number: number): 'live' | 'superseded' | 'dead' {
    const { heldRows, liveRows } = this.#columns;
    if ((heldRows[number] ?? 0) > 0) return 'live';
    return (liveRows[number] ?? 0) > 0 ? 'superseded' : 'dead';
  }

  /** Held rows of all packs. */
  get heldRows(): number {
    return this.#columns.heldRows.reduce((sum, rows) => sum + rows, 0);
  }

  /** Of a known pack; a view. */
  at(number: number): PackFacts {
    assert(this.isKnown(number), 'facts of a pack that is known');
    return new PackRow(this.#columns, number);
  }

  /** Known packs. */
  *[Symbol.iterator](): Generator<PackFacts, void, undefined> {
    for (let number = 0; number < this.names.count; number += 1) if (this.isKnown(number)) yield this.at(number);
  }
}

class PackRow implements PackFacts {
  readonly #columns: Columns;
  readonly #number: number;

  constructor(columns: Columns, number: number) {
    this.#columns = columns;
    this.#number = number;
  }

  get hex(): string {
    return this.#columns.names.hexAt(this.#number);
  }

  get packBytes(): number {
    return this.#columns.packBytes[this.#number] ?? 0;
  }

  get kind(): number {
    return this.#columns.kind[this.#number] ?? 0;
  }

  get compacted(): boolean {
    return ((this.#columns.flags[this.#number] ?? 0) & compacted) !== 0;
  }

  get noted(): boolean {
    return ((this.#columns.flags[this.#number] ?? 0) & noted) !== 0;
  }

  get plan(): number {
    return this.#columns.plan[this.#number] ?? 0;
  }

  get liveRows(): number {
    return this.#columns.liveRows[this.#number] ?? 0;
  }

  get heldRows(): number {
    return this.#columns.heldRows[this.#number] ?? 0;
  }

  get heldBytes(): number {
    return this.#columns.heldBytes[this.#number] ?? 0;
  }

  get rowsBytes(): number {
    return this.#columns.rowsBytes[this.#number] ?? 0;
  }

  get order(): number {
    const order = this.#columns.order[this.#number] ?? orderMax;
    return order === orderMax ? Infinity : order;
  }

  get held(): HeldPositions | null {
    return this.#columns.held.get(this.#number) ?? null;
  }
}
