/*
 * Hard links: the first name of a group is restored, the others are linked to it. Where it was not restored (left out, damaged, in no place),
 * the next name is restored in its stead.
 *
 * Names wait only while the one that is to be restored is under way, so memory holds a group's key and leader, and what waits.
 */
import type { CatalogEntry } from '@twinvault/seal';

/** Where an entry stands below the target. */
export interface Place {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
}

/** In the safeset; copied. */
export type WaitingName = Pick<CatalogEntry, 'directory' | 'name' | 'type' | 'sizeBytes' | 'mtimeSeconds' | 'mtimeNanos'>;

interface Group {
  leader: Place | null;
  isUnderWay: boolean;
  waiting: WaitingName[];
}

/** `restore`: it is to be restored, and `settle` to be told how that went. `link`: to this place. `wait`: told later by `settle`. */
export type LinkAnswer = { readonly type: 'restore' } | { readonly type: 'link'; readonly to: Place } | { readonly type: 'wait' };

/** What became possible: names to be linked to the place, or one name to be restored. */
export type Settled =
  | { readonly type: 'link'; readonly to: Place; readonly names: readonly WaitingName[] }
  | { readonly type: 'restore'; readonly name: WaitingName }
  | { readonly type: 'nothing' };

const restore: LinkAnswer = { type: 'restore' };
const nothing: Settled = { type: 'nothing' };

export class LinkGroups {
  readonly #groups = new Map<string, Group>();

  /** For every file and special entry, in the order in which they come. */
  arrive(entry: CatalogEntry): LinkAnswer {
    const key = keyOf(entry);
    if (key === null) return restore;
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, { leader: null, isUnderWay: true, waiting: [] });
      return restore;
    }
    if (group.leader !== null) return { type: 'link', to: group.leader };
    if (!group.isUnderWay) {
      group.isUnderWay = true;
      return restore;
    }
    const { type, sizeBytes, mtimeSeconds, mtimeNanos } = entry;
    const [directory, name] = [entry.directory.slice(), entry.name.slice()];
    group.waiting.push({ directory, name, type, sizeBytes, mtimeSeconds, mtimeNanos });
    return { type: 'wait' };
  }

  /** How the entry that was to be restored ended: where it stands, or null when it does not. */
  settle(entry: CatalogEntry, place: Place | null): Settled {
    const key = keyOf(entry);
    const group = key === null ? undefined : this.#groups.get(key);
    if (group === undefined) return nothing;
    group.isUnderWay = false;
    if (place !== null) {
      group.leader = { directory: place.directory.slice(), name: place.name.slice() };
      const names = group.waiting;
      group.waiting = [];
      return names.length > 0 ? { type: 'link', to: group.leader, names } : nothing;
    }
    const name = group.waiting.shift();
    if (name === undefined) return nothing;
    group.isUnderWay = true;
    return { type: 'restore', name };
  }
}

function keyOf({ hardlink }: CatalogEntry): string | null {
  return hardlink === undefined || hardlink === null ? null : `${hardlink.device}:${hardlink.inode}`;
}
