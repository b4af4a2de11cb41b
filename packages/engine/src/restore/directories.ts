/*
 * Where directories stand below the target, and their metadata, which is set when all that lies in them is there.
 *
 * Directories mostly stand where they were; only those that do not are remembered: renamed, left out by the conflict rule, or failed.
 */
import { CodedError, equalBytes } from '@twinvault/std';
import { entryTypes } from '../source-port.ts';
import type { ConflictRule, EntryMetadata, Target } from '../target-port.ts';
import { joinName, splitName } from './selection.ts';

/** `left-out`: by the conflict rule. `failed`: it could not be made. */
export type Absence = 'left-out' | 'failed';

interface MadeDirectory {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  /** In the safeset. */
  readonly path: Uint8Array;
  readonly metadata: EntryMetadata;
}

export interface DirectoryToMake {
  /** Where its parent stands. */
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  /** Where it would stand if no directory above had another name. */
  readonly plainPath: Uint8Array;
  readonly path: Uint8Array;
  readonly metadata: EntryMetadata;
  /** Only on the way to what is to be restored: one that is there stays as it is. */
  readonly isOnlyWay: boolean;
}

export class Directories {
  readonly #target: Target;
  readonly #rule: ConflictRule;
  readonly #made: MadeDirectory[] = [];
  /** By plain path: where it stands instead. */
  readonly #elsewhere = new Map<string, Uint8Array | Absence>();
  /** Those that were there before. */
  readonly #older = new Set<string>();
  #lastAsked: { readonly place: Uint8Array; readonly isNew: boolean } | null = null;
  #hasUntold = false;
  #last: { readonly plainPath: Uint8Array; readonly place: Uint8Array | Absence } | null = null;

  constructor(target: Target, rule: ConflictRule) {
    this.#target = target;
    this.#rule = rule;
  }

  /** Where the directory stands that would have this path below the target. */
  place(plainPath: Uint8Array): Uint8Array | Absence {
    if (this.#elsewhere.size === 0) return plainPath;
    if (this.#last !== null && equalBytes(this.#last.plainPath, plainPath)) return this.#last.place;
    const place = this.#find(plainPath);
    this.#last = { plainPath, place };
    return place;
  }

  /** Makes it, or takes the one that is there; false: the conflict rule leaves it out. Throws what the target throws. */
  make({ directory, name, plainPath, path, metadata, isOnlyWay }: DirectoryToMake): boolean {
    const there = this.isNew(directory) ? null : this.#target.stat(directory, name);
    const isOlder = there !== null;
    const rule = isOnlyWay && there?.type === entryTypes.directory ? 'skip' : this.#rule;
    const { name: given } = this.#target.makeDirectory(directory, name, rule);
    if (given === null) {
      this.#remember(plainPath, 'left-out');
      return false;
    }
    if (!equalBytes(given, name)) this.#remember(plainPath, joinName(directory, given));
    if (isOlder) this.#older.add(keyOf(joinName(directory, given)));
    this.#made.push({ directory, name: given.slice(), path, metadata });
    return true;
  }

  /** True only if this restore made the directory, so that it holds nothing else. */
  isNew(place: Uint8Array): boolean {
    if (place.length === 0 || this.#hasUntold) return false;
    if (this.#older.size === 0) return true;
    if (this.#lastAsked?.place !== place) this.#lastAsked = { place, isNew: !this.#older.has(keyOf(place)) };
    return this.#lastAsked.isNew;
  }

  /** What lies below has no place. */
  fail(plainPath: Uint8Array): void {
    this.#remember(plainPath, 'failed');
  }

  /** Makes directories that no entry tells of, because that part of the catalog is lost. Throws what the target throws. */
  ensure(plainPath: Uint8Array): void {
    this.#hasUntold = true;
    const { directory, name } = splitName(plainPath);
    if (directory.length > 0) this.ensure(directory);
    const parent = this.place(directory);
    if (typeof parent === 'string' || typeof this.place(plainPath) === 'string') return;
    if (this.#target.stat(parent, name) === null) this.#target.makeDirectory(parent, name, this.#rule);
  }

  /** Sets their metadata, from the deepest up; each once, also when it is called again. `onError` for each that fails. */
  finish(onErrors: (path: Uint8Array, errors: readonly { readonly detail: string }[] | CodedError) => void): void {
    for (let made = this.#made.pop(); made !== undefined; made = this.#made.pop()) {
      try {
        onErrors(made.path, this.#target.finishDirectory(made.directory, made.name, made.metadata));
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        onErrors(made.path, error);
      }
    }
  }

  #remember(plainPath: Uint8Array, place: Uint8Array | Absence): void {
    this.#elsewhere.set(keyOf(plainPath), place);
    this.#last = null;
  }

  #find(plainPath: Uint8Array): Uint8Array | Absence {
    if (plainPath.length === 0) return plainPath;
    const known = this.#elsewhere.get(keyOf(plainPath));
    if (known !== undefined) return known;
    const { directory, name } = splitName(plainPath);
    const parent = this.#find(directory);
    return typeof parent === 'string' ? parent : joinName(parent, name);
  }
}

/** One character for each byte. */
function keyOf(path: Uint8Array): string {
  let key = '';
  for (const byte of path) key += String.fromCharCode(byte);
  return key;
}
