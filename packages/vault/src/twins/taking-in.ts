/* What is asked of the taking in of a safe from another site or a disk, and what is told of it. */

import type { ProtocolErrorCode, TwinObjectName, TwinSource } from '@twinvault/protocol';
import type { NewObject } from '../database/inventory.ts';

/** How far a source was taken in. */
export interface TakeInPlace {
  /** Of the source's feed: another one makes the place void. */
  readonly generation: Uint8Array;
  /** Everything up to it was taken, is gone there, or never will be taken. */
  readonly position: number;
}

export interface TakeInOptions {
  readonly source: TwinSource;
  /** Where to go on; from the beginning when left out. */
  readonly from?: TakeInPlace;
  /** What became durable here, in order: for a site's inventory. Called before any report that counts it. */
  readonly announce?: (objects: readonly NewObject[]) => Promise<void>;
  /** Called after each page of the feed: what is remembered of it need not be looked at again. */
  readonly remember?: (report: TakeInReport) => Promise<void>;
  /** Bytes of names that are still to be looked at; called after each object. */
  readonly progress?: (progress: TakeInProgress) => void;
  readonly signal?: AbortSignal;
}

export interface TakeInProgress {
  readonly objects: number;
  readonly bytes: number;
}

export interface UntakenObject extends TwinObjectName {
  readonly code: ProtocolErrorCode;
}

export interface TakeInReport {
  readonly place: TakeInPlace;
  /** The newest position of the source. */
  readonly last: number;
  /**
   * Our time, in that of the leases, when we asked for the page that turned out to be the last, if nothing on it or before is held; else null.
   */
  readonly endAskedMs: number | null;
  /** The source's clock less ours. */
  readonly skewMs: number;
  /** What became durable here. */
  readonly objects: number;
  readonly bytes: number;
  /** Records of them that this site had acknowledged before, by its own receipts that the source kept: it was put back, or lost its disk. */
  readonly returned: number;
  /** Does not check out, or what it needs is missing: asked for again next time, and nothing is deleted here meanwhile. */
  readonly held: readonly UntakenObject[];
  /** Will never be taken: of a revoked certificate, or covered by an erase order. */
  readonly left: readonly UntakenObject[];
}
