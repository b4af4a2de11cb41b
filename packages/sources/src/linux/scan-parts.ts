/*
 * A scan in parts: each goes through some directories until it has found enough, and says what is left. Which parts there are and who walks them
 * follows from speed; joined in order they are always the same walk.
 */
import type { LastEntries, ScanEvent, ScanRules } from '@twinvault/engine';
import { rootTree } from './roots.ts';
import { Scanner } from './scanner.ts';
import type { Step } from './scanner.ts';
import { system } from './system.ts';

/** Entries in one list. */
const batchEntriesMax = 1000;
/** Directories that one part begins with, at most. */
const waitingMax = 64;

export interface ScanConfig {
  readonly roots: readonly Uint8Array[];
  readonly rules: ScanRules;
}

/** `way`: where to walk. Empty: from the top. Null: the part was stopped and goes on, where it was begun. */
export interface PartOrder {
  readonly part: number;
  readonly way: readonly Step[] | null;
  /** It stops after so many entries, or between two directories once it has half of them. */
  readonly entriesAim: number;
  /** What is left need not be for others: it goes on where it stopped. */
  readonly goesOn?: boolean;
}

export interface PartFound {
  readonly part: number;
  readonly events: readonly ScanEvent[];
  /** Null: it was stopped, and only here it goes on. */
  readonly rest: readonly Step[] | null;
}

/** Walks parts, in whichever thread. */
export class PartWalker {
  readonly #config: ScanConfig;
  /** Those that go on where they stopped. */
  readonly #stopped = new Map<number, Scanner>();
  readonly #last: LastEntries | null;
  #entriesFound = 0;
  #entriesKnown = 0;

  /** `last`: for who walks all parts, in order. */
  constructor(config: ScanConfig, last: LastEntries | null = null) {
    this.#config = config;
    this.#last = last;
  }

  /** So far. */
  get entriesFound(): number {
    return this.#entriesFound;
  }

  /** Of those, the ones whose directories were not listed. */
  get entriesKnown(): number {
    return this.#entriesKnown;
  }

  walk({ part, way, entriesAim, goesOn = false }: PartOrder): PartFound {
    const scanner = this.#scanner(part, way);
    const events: ScanEvent[] = [];
    const knownBefore = scanner.entriesKnown;
    let found = 0;
    const next = (): readonly ScanEvent[] | null => scanner.nextBatch(Math.min(entriesAim, batchEntriesMax));
    let rest: PartFound['rest'] = [];
    for (let batch = next(); batch !== null; batch = next()) {
      for (const event of batch) {
        events.push(event);
        found += event.type === 'entries' || event.type === 'same' ? event.count : 1;
      }
      const isEnough = found >= entriesAim || scanner.waits;
      if (!isEnough && (found * 2 < entriesAim || !scanner.canStop)) continue;
      rest = scanner.canStop && !goesOn ? scanner.rest() : null;
      break;
    }
    this.#entriesFound += found;
    this.#entriesKnown += scanner.entriesKnown - knownBefore;
    if (rest === null) this.#stopped.set(part, scanner);
    return { part, events, rest };
  }

  #scanner(part: number, way: readonly Step[] | null): Scanner {
    const { roots, rules } = this.#config;
    const parts = { system: system(), rules, last: this.#last };
    const stopped = this.#stopped.get(part);
    this.#stopped.delete(part);
    if (stopped !== undefined) return stopped;
    if (way === null || way.length === 0) return Scanner.ofRoots(parts, rootTree(roots));
    return new Scanner(parts, way);
  }

  close(): void {
    for (const scanner of this.#stopped.values()) scanner.close();
    this.#stopped.clear();
  }
}

/** What is left of a walk as ways of their own, in the order of the walk. */
export function splitWay(way: readonly Step[]): (readonly Step[])[] {
  const ways: Step[][] = [];
  let open: Step[] | null = null;
  let room = 0;
  for (let index = way.length - 1; index >= 0; index -= 1) {
    const step = way[index] as Step;
    for (let start = 0; start < step.waiting.length;) {
      if (open === null) {
        open = way.slice(0, index + 1).map((each) => ({ ...each, waiting: [] }));
        ways.push(open);
        room = waitingMax;
      }
      const waiting = step.waiting.slice(start, start + room);
      open[index] = { ...step, waiting };
      start += waiting.length;
      room -= waiting.length;
      if (room === 0) open = null;
    }
  }
  return ways;
}
