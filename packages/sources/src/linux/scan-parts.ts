/*
 * A scan in parts: each goes through some directories until it has found enough, and says what is left. Which parts there are and who walks them
 * follows from speed; joined in order they are always the same walk.
 */
import type { ScanEvent, ScanRules } from '@twinvault/engine';
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

/** `way`: where to walk. Empty: from the top. Null: the part was stopped within a directory and goes on, where it was begun. */
export interface PartOrder {
  readonly part: number;
  readonly way: readonly Step[] | null;
  /** It stops after so many entries, or between two directories once it has half of them. */
  readonly entriesAim: number;
}

export interface PartFound {
  readonly part: number;
  readonly events: readonly ScanEvent[];
  /** Null: it was stopped within a directory. */
  readonly rest: readonly Step[] | null;
}

/** Walks parts, in whichever thread. */
export class PartWalker {
  readonly #config: ScanConfig;
  /** Those that were stopped within a directory. */
  readonly #stopped = new Map<number, Scanner>();

  constructor(config: ScanConfig) {
    this.#config = config;
  }

  walk({ part, way, entriesAim }: PartOrder): PartFound {
    const scanner = this.#scanner(part, way);
    const events: ScanEvent[] = [];
    let found = 0;
    const next = (): readonly ScanEvent[] | null => scanner.nextBatch(Math.min(entriesAim, batchEntriesMax));
    for (let batch = next(); batch !== null; batch = next()) {
      for (const event of batch) {
        events.push(event);
        found += event.type === 'entries' ? event.count : 1;
      }
      if (found * 2 >= entriesAim && scanner.canStop) return { part, events, rest: scanner.rest() };
      if (found < entriesAim) continue;
      this.#stopped.set(part, scanner);
      return { part, events, rest: null };
    }
    return { part, events, rest: [] };
  }

  #scanner(part: number, way: readonly Step[] | null): Scanner {
    const { roots, rules } = this.#config;
    const stopped = this.#stopped.get(part);
    this.#stopped.delete(part);
    if (stopped !== undefined) return stopped;
    if (way === null || way.length === 0) return Scanner.ofRoots(system(), rules, rootTree(roots));
    return new Scanner(system(), rules, way);
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
