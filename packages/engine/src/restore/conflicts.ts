/*
 * What a restore does where something stands already: the rule's decision before anything is fetched, and once more before a file gets its
 * name. `newer` and `different` are decided here alone; the target only knows what to do with a name that is taken.
 *
 * A restore that was broken off goes on: what it had placed is known by its type, size and time being those of the safeset, and by its status
 * having changed since that restore began. Files get their name when they are whole and verified, and their times before that.
 */
import type { CatalogEntry } from '@twinvault/seal';
import { entryTypes } from '../source-port.ts';
import type { EntryStat } from '../source-port.ts';
import type { ConflictRule, Target } from '../target-port.ts';
import type { Directories } from './directories.ts';
import type { Place } from './links.ts';

/** `newer`: replace what is older. `different`: replace what differs in type, size or time. The others are the target's own. */
export type RestoreRule = ConflictRule | 'newer' | 'different';

/** What of an entry a decision needs. */
export type Incoming = Pick<CatalogEntry, 'type' | 'sizeBytes' | 'mtimeSeconds' | 'mtimeNanos'>;

/** `leave`: what is there stays, by the rule. `same`: it is what the broken-off restore placed, under this name. */
export type Decision =
  | { readonly type: 'place' }
  | { readonly type: 'leave' }
  | { readonly type: 'same'; readonly name: Uint8Array };

const place: Decision = { type: 'place' };
const leave: Decision = { type: 'leave' };

/** Names that rename-incoming may have given, looked at when a restore goes on. */
const otherNamesMax = 100;

/** By what rule the target gives names, once an entry was decided to be placed. */
export function placingRule(rule: RestoreRule): ConflictRule {
  return rule === 'newer' || rule === 'different' ? 'overwrite' : rule;
}

/** The same for directories: `newer` takes no file away for a directory, and leaves directories that are there as they are. */
export function directoryRule(rule: RestoreRule): ConflictRule {
  return rule === 'newer' ? 'skip' : placingRule(rule);
}

/** Whether the rule lets the incoming entry take the place of what is there. True for rules that the target decides. */
export function winsOver(rule: RestoreRule, incoming: Incoming, there: EntryStat): boolean {
  if (rule === 'newer') return compareTimes(incoming, there) > 0;
  return rule !== 'different' || !looksEqual(incoming, there);
}

/** What is there may have changed since the file was decided to be restored. */
export function losesNow(rule: RestoreRule, target: Target, { directory, name, ...incoming }: Incoming & Place): boolean {
  if (rule !== 'newer' && rule !== 'different') return false;
  const there = target.stat(directory, name);
  return there !== null && !winsOver(rule, incoming, there);
}

export class Conflicts {
  readonly #target: Target;
  readonly #directories: Directories;
  readonly #rule: RestoreRule;
  readonly #brokenOffMs: number | null;

  constructor(
    target: Target,
    directories: Directories,
    { rule, brokenOffMs }: { readonly rule: RestoreRule; readonly brokenOffMs: number | null },
  ) {
    this.#target = target;
    this.#directories = directories;
    this.#rule = rule;
    this.#brokenOffMs = brokenOffMs;
  }

  /** Before anything is fetched. The target finds out for certain what has the name. */
  decide(entry: Incoming, at: Place): Decision {
    if (this.#decidesNothing() || this.#directories.isNew(at.directory)) return place;
    const there = this.#target.stat(at.directory, at.name);
    if (there === null) return place;
    if (this.#placedBefore(entry, there)) return { type: 'same', name: at.name };
    const renamed = this.#renamedBefore(entry, at);
    if (renamed !== null) return { type: 'same', name: renamed };
    return this.#rule === 'skip' || !winsOver(this.#rule, entry, there) ? leave : place;
  }

  /** The same for a further name of a file that stands at `leader`. */
  decideLink(entry: Incoming, at: Place, leader: Place): Decision {
    if (this.#decidesNothing() || this.#rule === 'skip' || this.#directories.isNew(at.directory)) return place;
    const there = this.#target.stat(at.directory, at.name);
    const first = this.#target.stat(leader.directory, leader.name);
    if (there !== null && first !== null && there.inode === first.inode && there.device === first.device) {
      return { type: 'same', name: at.name };
    }
    return this.decide(entry, at);
  }

  #decidesNothing(): boolean {
    return this.#brokenOffMs === null && (this.#rule === 'overwrite' || this.#rule.startsWith('rename-'));
  }

  #placedBefore(entry: Incoming, there: EntryStat): boolean {
    const changedMs = there.ctimeSeconds * 1000 + there.ctimeNanos / 1e6;
    return this.#brokenOffMs !== null && changedMs >= this.#brokenOffMs && looksEqual(entry, there);
  }

  #renamedBefore(entry: Incoming, { directory, name }: Place): Uint8Array | null {
    if (this.#brokenOffMs === null || this.#rule !== 'rename-incoming') return null;
    for (let attempt = 1; attempt <= otherNamesMax; attempt += 1) {
      const other = this.#target.otherName(name, attempt);
      const there = this.#target.stat(directory, other);
      if (there === null) return null;
      if (this.#placedBefore(entry, there)) return other;
    }
    return null;
  }
}

function looksEqual(a: Incoming, b: EntryStat): boolean {
  return a.type === b.type && compareTimes(a, b) === 0 && (a.type !== entryTypes.file || a.sizeBytes === b.sizeBytes);
}

type Times = Pick<EntryStat, 'mtimeSeconds' | 'mtimeNanos'>;

function compareTimes(a: Times, b: Times): number {
  return a.mtimeSeconds - b.mtimeSeconds || a.mtimeNanos - b.mtimeNanos;
}
