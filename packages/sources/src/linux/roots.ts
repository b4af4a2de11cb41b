/*
 * The protected roots as a tree of names, down to the roots: what lies above them is listed by name alone, what lies
 * below as the disk has it. A root inside another is swallowed by it.
 *
 * A directory above all roots that touch it may be reached through a symbolic link (somebody who protects /home/me means
 * it also where /home is a link); it counts as the directory that the link leads to. A root, and all below, never.
 */
import { bytesOfKey, compareNames, joinName, keyOf } from '../paths.ts';

export interface RootNode {
  readonly isRoot: boolean;
  /** Sorted bytewise; empty for a root. */
  readonly children: readonly { readonly name: Uint8Array; readonly node: RootNode }[];
}

interface Draft {
  isRoot: boolean;
  readonly children: Map<string, Draft>;
}

/** Paths are components joined by 0x00; the empty path is the whole file system. */
export function rootTree(roots: readonly Uint8Array[]): RootNode {
  const top: Draft = { isRoot: false, children: new Map() };
  for (const root of roots) {
    let node = top;
    for (const name of root.length === 0 ? [] : keyOf(root).split('\0')) {
      let child = node.children.get(name);
      if (child === undefined) {
        child = { isRoot: false, children: new Map() };
        node.children.set(name, child);
      }
      node = child;
    }
    node.isRoot = true;
  }
  return finished(top);
}

function finished({ isRoot, children }: Draft): RootNode {
  if (isRoot) return { isRoot, children: [] };
  const list = [...children].map(([name, draft]) => ({ name: bytesOfKey(name), node: finished(draft) }));
  return { isRoot, children: list.sort((a, b) => compareNames(a.name, b.name)) };
}

/** Keys of the directories above the roots: those that may be links. */
export function keysAboveRoots(roots: readonly Uint8Array[]): ReadonlySet<string> {
  const keys = new Set<string>();
  const visit = (node: RootNode, path: Uint8Array): void => {
    for (const child of node.children) {
      if (child.node.isRoot) continue;
      const childPath = joinName(path, child.name);
      keys.add(keyOf(childPath));
      visit(child.node, childPath);
    }
  };
  visit(rootTree(roots), new Uint8Array(0));
  return keys;
}
