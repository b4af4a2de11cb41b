/*
 * What the main thread and a worker say to each other. Everything is plain data; lists of entries travel as packed bytes
 * whose buffer is handed over, so that no message holds an object for an entry.
 */
import type { PackName } from '@twinvault/format';
import type { SealingSession, WriteSecret } from '@twinvault/seal';
import type { SharedChunkTable } from '../dedup/chunk-table.ts';
import type { SharedForeignChunks } from '../dedup/foreign-chunks.ts';
import type { EntryError } from '../source-port.ts';

/** Start-up data of a worker. */
export interface WorkerData {
  readonly writeSecret: WriteSecret;
  readonly session: SealingSession;
  readonly level: number;
  /** What pages are hashed under (PageHasher of seal). */
  readonly pageKey: Uint8Array;
  /** Of page signatures; left out but for tests. */
  readonly segmentBits?: number | undefined;
  readonly table: SharedChunkTable;
  /** Small files that the run has bundled (BundledFiles). */
  readonly bundled: SharedArrayBuffer;
  /** Blobs of other computers that may be used once they are proven; null: none. */
  readonly others: SharedForeignChunks | null;
  readonly reader: { readonly module: string; readonly config: unknown };
  /** 32 bytes, another for each worker: salts and pack nonces follow from it (seeded-random.ts). */
  readonly randomSeed: Uint8Array;
  /** This worker's part of the run's counters (counters.ts). */
  readonly counters: SharedArrayBuffer;
}

export type ToWorker =
  | ((BatchWork | LargeWork) & { readonly call: number })
  /** A new generation of the shared table. */
  | { readonly type: 'generation'; readonly buffer: SharedArrayBuffer }
  /** Packs begun from now on are sealed under this session. */
  | { readonly type: 'session'; readonly session: SealingSession }
  /** One of this worker's packs is at the vault; its memory comes back. */
  | { readonly type: 'credit'; readonly bytes: Uint8Array }
  /** The segment of a signature that the worker asked for; null: it is not there. */
  | { readonly type: 'segment'; readonly bytes: Uint8Array | null }
  /** Close the open pack after the batches before; answered by `flushed`. */
  | { readonly type: 'flush' }
  | { readonly type: 'close' };

/** What a worker does in its turn; answered under the same number. */
export type Work = Omit<BatchWork, 'lasts'> | LargeWork;
export type LargeWork = LargeStep & { readonly entry: Uint8Array };

/** Entries to read: packed items whose bodies are heads, with the tag of the last version where there is one. */
export interface BatchWork {
  readonly type: 'batch';
  readonly items: Uint8Array;
  readonly lasts: readonly LastVersion[];
}

/** What is known of the last version of an item: its list of extents (`BodyView.extentBytes`), all at the vault. */
export interface LastVersion {
  readonly index: number;
  readonly extents: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Steps of one large file, so that several workers share it: opened once, then cut window by window, each window's chunks
 * stored by whoever is free. `entry`: one packed item, its head the status that the file must still have.
 */
export type LargeStep =
  | { readonly type: 'open' }
  /** Where to cut from an offset that begins a chunk: about `windowBytes`, ending with a chunk, or at the end of the run. */
  | { readonly type: 'cut'; readonly fromBytes: number; readonly toBytes: number; readonly windowBytes: number }
  /** Stores the chunks that lie one after another from an offset. */
  | { readonly type: 'store'; readonly fromBytes: number; readonly lengths: Uint32Array };

export type LargeReply =
  /** The run is being stopped. */
  | { readonly type: 'skipped' }
  | { readonly type: 'problem'; readonly error: EntryError }
  /** A body without extents; offsets and lengths of the data, by turns. */
  | { readonly type: 'opened'; readonly body: Uint8Array; readonly ranges: Float64Array }
  /** `same`: the file still had its status, and as much content as it says, when this was done. */
  | { readonly type: 'cut'; readonly lengths: Uint32Array; readonly same: boolean }
  | {
      readonly type: 'stored';
      readonly ids: Uint8Array;
      readonly bytes: number;
      /** Hashes of the chunks' pages, one chunk after another. */
      readonly words: Uint32Array;
      readonly same: boolean;
    };

export type FromWorker =
  | { readonly type: 'ready' }
  | WorkResult
  | FilledPack
  /** A segment of a last version is wanted. */
  | { readonly type: 'wanted'; readonly name: Uint8Array }
  /** One of the signature that is made, before the answer that has it. */
  | { readonly type: 'segment'; readonly segment: NewSegment }
  | { readonly type: 'flushed' }
  | { readonly type: 'closed' }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };

/** Answer to a piece of work. */
export interface WorkResult {
  readonly type: 'result';
  readonly call: number;
  readonly reply: BatchReply | LargeReply;
  readonly errors: readonly EntryError[];
}

/** For each item of the batch: u8 outcome | u32 length of the body | body (entries/entry-body.ts). */
export interface BatchReply {
  readonly type: 'answers';
  readonly answers: Uint8Array;
  readonly signatures: readonly NewSignature[];
}

/** A full segment of a page signature (delta/signature.ts). */
export interface NewSegment {
  readonly name: Uint8Array;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Page signature of an item's content as it was read. */
export interface NewSignature {
  readonly index: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface FilledPack {
  readonly type: 'pack';
  /** From the shared table's counter; the rows are settled under it. */
  readonly number: number;
  readonly name: PackName;
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** As in ClosedPack. */
  readonly slips: Int32Array;
}

export const outcomes = {
  /** No entry: it vanished. */
  gone: 0,
  /** The body is the entry. */
  read: 1,
  /** It could not be read: the last version stays; the body is what a listing says, for want of one. */
  kept: 2,
  /** The content is that of the last version, whose extents complete the body. */
  sameContent: 3,
  /** The run is being stopped: the entry was not looked at. */
  skipped: 4,
} as const;
export type Outcome = (typeof outcomes)[keyof typeof outcomes];
