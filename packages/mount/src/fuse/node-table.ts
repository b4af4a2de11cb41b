/*
 * The nodes that the kernel knows, by the numbers that it was given for them. It counts how often it was told of each and says when it
 * forgets them; then they go.
 */
import { assert } from '@twinvault/std';
import { nameKey } from '../tree/file-tree.ts';
import type { TreeChild, TreeNode } from '../tree/file-tree.ts';

export const rootNumber = 1;

export interface KnownNode {
  readonly number: number;
  readonly node: TreeNode;
  readonly key: string;
  lookups: number;
  /** While somebody lists it. */
  listing: readonly TreeChild[] | null;
}

export class NodeTable {
  readonly #byNumber = new Map<number, KnownNode>();
  /** By the number of the parent and the name. */
  readonly #byPlace = new Map<string, KnownNode>();
  #next = rootNumber + 1;

  constructor(root: TreeNode) {
    this.#byNumber.set(rootNumber, { number: rootNumber, node: root, key: '', lookups: 1, listing: null });
  }

  get(number: number): KnownNode | null {
    return this.#byNumber.get(number) ?? null;
  }

  /** One that the kernel knows below this parent. */
  known(parent: number, name: Uint8Array): KnownNode | null {
    return this.#byPlace.get(placeOf(parent, name)) ?? null;
  }

  /** The kernel is told of it: once more, or for the first time. */
  tell(parent: number, name: Uint8Array, node: TreeNode): KnownNode {
    const key = placeOf(parent, name);
    const known = this.#byPlace.get(key);
    if (known !== undefined) {
      known.lookups += 1;
      return known;
    }
    const fresh: KnownNode = { number: this.#next, node, key, lookups: 1, listing: null };
    this.#next += 1;
    this.#byNumber.set(fresh.number, fresh);
    this.#byPlace.set(key, fresh);
    return fresh;
  }

  forget(number: number, lookups: number): void {
    const known = this.#byNumber.get(number);
    if (known === undefined || number === rootNumber) return;
    known.lookups -= lookups;
    assert(known.lookups >= 0, 'the kernel forgets what it was told of');
    if (known.lookups > 0) return;
    this.#byNumber.delete(number);
    this.#byPlace.delete(known.key);
  }

  get count(): number {
    return this.#byNumber.size;
  }
}

function placeOf(parent: number, name: Uint8Array): string {
  return `${parent}/${nameKey(name)}`;
}
