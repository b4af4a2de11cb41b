/*
 * Trees in memory by number: a worker of this process is told the number and finds the tree. It holds none of them, or a long test would
 * keep every tree that it ever made.
 */
import { assert } from '@twinvault/std';

export class TreeRegistry<T extends object> {
  readonly #trees = new Map<number, WeakRef<T>>();
  #made = 0;

  /** The number of the tree, from 1. */
  add(tree: T): number {
    this.#made += 1;
    this.#trees.set(this.#made, new WeakRef(tree));
    return this.#made;
  }

  /** `config` as `{tree: number}`; whoever gave it still holds the tree. */
  get(config: unknown): T {
    const tree = this.#trees.get((config as { readonly tree: number }).tree)?.deref();
    assert(tree !== undefined, 'the tree is in this process, and in use');
    return tree;
  }
}
