/*
 * The levels above the leaves of a prolly tree, of catalogs and ropes alike: children in order go in, nodes come out as they
 * end, and their ids are the children of the next level. Where a node ends depends on the children in it alone.
 *
 * A node has at least two children before it ends by either rule, so each level has at most half the nodes of the one below
 * (and one more), however long the keys are; the topmost level is the first with a single node.
 */

import { catalogLevelMax } from '@twinvault/format';
import { assert } from '@twinvault/std';
import { nodeCostMax } from './catalog-limits.ts';

export interface TowerRules<Child> {
  costOf(child: Child): number;
  /** Whether a node of this level ends after the child, by the PRF. */
  endsAfter(level: number, child: Child): boolean;
  /** Makes the node and stores it; what it becomes as a child of the next level. */
  store(level: number, children: readonly Child[]): Child;
}

interface Level<Child> {
  /** Children that came to this level so far. */
  count: number;
  pending: Child[];
  cost: number;
}

export class Tower<Child> {
  readonly #rules: TowerRules<Child>;
  /** Index 0 is level 1. */
  readonly #levels: Level<Child>[] = [];

  constructor(rules: TowerRules<Child>) {
    this.#rules = rules;
  }

  /** A leaf, as child of level 1. */
  add(leaf: Child): void {
    this.#push(1, leaf);
  }

  /** The root: the only leaf, or the topmost node. At least one leaf was added; the tower is of no use afterwards. */
  finish(): { readonly child: Child; readonly level: number } {
    for (let level = 1; ; level += 1) {
      const { count, pending } = this.#level(level);
      const [only] = pending;
      if (count === 1 && only !== undefined) return { child: only, level: level - 1 };
      if (pending.length > 0) this.#close(level);
    }
  }

  #level(level: number): Level<Child> {
    assert(level <= catalogLevelMax, 'tree too high');
    const held = this.#levels[level - 1];
    if (held !== undefined) return held;
    const made: Level<Child> = { count: 0, pending: [], cost: 0 };
    this.#levels[level - 1] = made;
    return made;
  }

  #push(level: number, child: Child): void {
    const held = this.#level(level);
    const cost = this.#rules.costOf(child);
    if (held.pending.length >= 2 && held.cost + cost > nodeCostMax) this.#close(level);
    held.count += 1;
    held.pending.push(child);
    held.cost += cost;
    if (held.pending.length >= 2 && this.#rules.endsAfter(level, child)) this.#close(level);
  }

  #close(level: number): void {
    const held = this.#level(level);
    const children = held.pending;
    held.pending = [];
    held.cost = 0;
    this.#push(level + 1, this.#rules.store(level, children));
  }
}
