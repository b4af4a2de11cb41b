/* What clean-up decides and tells: everything that goes or would go, and why. */

import type { CompactOptions } from '../compact/choose.ts';
import type { CompactionReport } from '../compact/compact.ts';
import type { HeldBack } from '../twins/twins.ts';
import type { KeepRules } from '../retention/facts.ts';

export interface CleanOptions {
  /** Null or left out: no safeset goes, only what nothing refers to any more. */
  readonly keep?: KeepRules | null;
  /** Only says what would happen; writes nothing. */
  readonly dryRun?: boolean;
  /** From the first mark to deletion; 24 h when left out. */
  readonly quarantineMs?: number;
  /** Stops when more than this share (0 to 1) of the safe's bytes would go at once: packs and, by compaction, parts of packs; 0.5 when left out. */
  readonly shareMax?: number;
  /** How packs are made anew without what is dead in them; null: not at all. */
  readonly compact?: CompactOptions | null;
  /** Nothing younger goes. What the vault itself promises counts where that is more. */
  readonly minimumAgeMs?: number;
  /** A person has looked at the clocks of the site: they are right, however they moved since the last clean-up. */
  readonly clockOk?: boolean;
  /** Cap of safesets per job, where an operator applies one. */
  readonly safesetsMax?: number;
  readonly progress?: (progress: CleanProgress) => void;
  readonly signal?: AbortSignal;
}

export interface CleanProgress {
  readonly step: 'records' | 'packs' | 'retire' | 'compact' | 'mark' | 'second-mark' | 'delete' | 'sweep';
  readonly done: number;
  readonly total: number;
}

export interface CleanedRecord {
  /** Hexadecimal, as all names here. */
  readonly record: string;
  readonly computer: string;
  readonly job: string;
  readonly kind: 'safeset' | 'checkpoint';
  readonly type: string;
  readonly sequence: number;
  readonly receivedMs: number;
  readonly storedBytes: number;
  readonly action: 'keep' | 'retire';
  /** Of evaluate.ts, or 'replaced' for a checkpoint; of one that stays for the twin's sake 'apart', 'clock' or 'no-consent'. */
  readonly reason: string;
}

export type PackAction =
  /** Marked now; it goes when the delay is over. */
  | 'quarantine'
  /** Marked before; `reason` says what it waits for. */
  | 'wait'
  /** Something refers to it again. */
  | 'take-back'
  /** Of a dry run: what is live in it would be moved into a new pack. */
  | 'compact'
  | 'delete'
  /** Nothing refers to it, but a session that is open may: it was put after that began. */
  | 'leave';

export interface CleanedPack {
  readonly pack: string;
  readonly bytes: number;
  readonly action: PackAction;
  /**
   * 'superseded': other packs have all that is live in it. Of packs that are to be compacted: 'sparse' for much that is dead, 'small' for
   * many small packs.
   */
  readonly reason:
    | 'dead'
    | 'superseded'
    | 'live'
    | 'delay'
    | 'lease'
    | 'apart'
    | 'clock'
    | 'minimum-age'
    | 'session'
    | 'sparse'
    | 'small';
}

export interface CleanedCompaction extends CompactionReport {
  /** Packs that are compacted, or would be in a dry run. */
  readonly sources: number;
  readonly sourceBytes: number;
  /** Of these, what is live and moves, and what is dead and will be free when the old packs are gone. */
  readonly liveBytes: number;
  readonly deadBytes: number;
}

export interface CleanReport {
  readonly safe: string;
  readonly dryRun: boolean;
  readonly nowMs: number;
  readonly records: readonly CleanedRecord[];
  /** Packs that are not simply live. */
  readonly packs: readonly CleanedPack[];
  readonly totalPacks: number;
  readonly totalBytes: number;
  /** What was or would be compacted. */
  readonly compaction: CleanedCompaction;
  /** What is dead and marked, or left behind by compaction, as a share of all bytes; above `shareMax` a run that is not dry stops before it changes anything. */
  readonly markedShare: number;
  readonly stopped: boolean;
  /** Why nothing was retired or deleted, where the safe stands at two sites. */
  readonly heldBack: HeldBack | null;
  readonly deletedPacks: number;
  readonly deletedBytes: number;
  /** Temporary files and directories, lapsed leases and leftovers of slots that were removed. */
  readonly swept: number;
}
