/*
 * The tables of a site's database, as types: one schema for SQLite and PostgreSQL. Code says camelCase, the database snake_case.
 *
 * Nothing here is the truth about anything: the objects are, and `rebuild` fills the tables anew from them. Times are ms since 1970 in
 * the database's time (time.ts), ids and names lower-case hexadecimal, sizes bytes below 2^53. Text columns that end in "Json" hold one
 * JSON value that only its writer understands.
 */

export interface SiteTables {
  readonly facts: FactsTable;
  readonly leases: LeasesTable;
  readonly exchanges: ExchangesTable;
  readonly tasks: TasksTable;
  readonly turns: TurnsTable;
  readonly inventory: InventoryTable;
  readonly positions: PositionsTable;
  readonly metering: MeteringTable;
  readonly twinLags: TwinLagsTable;
  readonly nodes: NodesTable;
}

/** Single values: "site" and "generation", so that tables of another life are never believed. */
export interface FactsTable {
  readonly name: string;
  readonly value: string;
}

/** What database-leases.ts keeps. A lease that was given back has no row. */
export interface LeasesTable {
  /** Name of the lease up to its last "/". */
  readonly folder: string;
  readonly name: string;
  /** Drawn by the holder. */
  readonly token: string;
  readonly fence: number;
  readonly generation: string;
  readonly holder: string;
  readonly sinceMs: number;
  readonly renewedMs: number;
  readonly lapseMs: number;
  readonly aboutJson: string;
}

/** Sessions and readings over the network. */
export interface ExchangesTable {
  readonly safe: string;
  readonly kind: string;
  readonly id: string;
  readonly customer: string;
  readonly stateJson: string;
  readonly openedMs: number;
  readonly untilMs: number;
  readonly lapseMs: number;
}

export interface TasksTable {
  readonly id: string;
  readonly kind: string;
  /** While it is waiting or running no other task has this one. */
  readonly key: string | null;
  readonly customer: string;
  readonly safe: string | null;
  readonly inputJson: string;
  readonly state: string;
  readonly dueMs: number;
  /** Null: it runs once. */
  readonly periodMs: number | null;
  readonly attempts: number;
  readonly fence: number;
  readonly token: string | null;
  readonly node: string;
  readonly untilMs: number | null;
  readonly memoJson: string | null;
  readonly progressJson: string | null;
  readonly reportJson: string | null;
  readonly problemJson: string | null;
  readonly createdMs: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
}

/** When a task of a customer was begun last, as a number that grows with each. */
export interface TurnsTable {
  readonly customer: string;
  readonly turn: number;
}

/** One row for each durable object of a safe: the feed in order of `position`, and the list of what is to be verified. */
export interface InventoryTable {
  readonly safe: string;
  readonly kind: string;
  readonly name: string;
  readonly bytes: number;
  readonly position: number;
  readonly storedMs: number;
  readonly verifiedMs: number;
  readonly state: string;
  /** Until when the store itself refuses to remove it; 0 where it does not. */
  readonly lockedMs: number;
}

/** The newest position of a safe. Its row is locked while positions are given, so that they become visible in order. */
export interface PositionsTable {
  readonly safe: string;
  readonly position: number;
}

/** How far a twin's feed of a safe was taken in, for people; what rules stand on is a note beside the objects. */
export interface TwinLagsTable {
  /** Hexadecimal. */
  readonly twin: string;
  readonly safe: string;
  /** Of the feed, not looked at yet; at most so many. */
  readonly behindObjects: number;
  readonly behindBytes: number;
  /** Null: nothing is behind. */
  readonly behindSinceMs: number | null;
  /** When it was read to its end last. */
  readonly readMs: number | null;
  /** When all its names were compared last. */
  readonly comparedMs: number | null;
  readonly skewMs: number;
  /** A code. */
  readonly problem: string | null;
}

/** A node that runs, or one that died: it takes its row away when it stops. */
export interface NodesTable {
  /** As the processes port names it. */
  readonly node: string;
  readonly seenMs: number;
}

export interface MeteringTable {
  /** Hexadecimal. */
  readonly safe: string;
  /** Hexadecimal. Empty, as the job, for what the safe keeps for no job alone. */
  readonly computer: string;
  readonly job: string;
  /** Whole days since 1970-01-01, UTC. */
  readonly day: number;
  readonly customer: string;
  /** Uncompressed size of the newest safeset. */
  readonly protectedBytes: number;
  readonly storedBytes: number;
  /** Restore points that stand. */
  readonly safesets: number;
}
