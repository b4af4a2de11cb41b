/**
 * What the engine asks of a source of files. `sources` implements it for each platform. A source has two halves: the listing, which runs where the engine
 * scans, and the reader, a module that worker threads import by its address.
 *
 * Names and paths are bytes. A directory path is its components joined by 0x00 (docs/format/catalog.md).
 */

export const entryTypes = { file: 1, directory: 2, link: 3, fifo: 4, socket: 5, character: 6, block: 7 } as const;
export type EntryType = (typeof entryTypes)[keyof typeof entryTypes];

/** lstat's answer. Times are whole seconds (may be negative) and nanoseconds 0 to 999,999,999. */
export interface EntryStat {
  readonly type: EntryType;
  /** The lower 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** 512-byte blocks in use: fewer than size asks for means holes. */
  readonly blocks: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanos: number;
  readonly ctimeSeconds: number;
  readonly ctimeNanos: number;
  readonly device: number;
  /** As a number when below 2^53, else as a bigint's decimal text. */
  readonly inode: number | string;
  readonly linkCount: number;
  /** Of device nodes. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

export interface ScannedEntry {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly stat: EntryStat;
}

/** Codes of what can go wrong with one entry; the sentence is made by the app. */
export type EntryErrorCode =
  | 'entry-denied'
  | 'entry-vanished'
  | 'entry-unreadable'
  | 'entry-changed'
  | 'entry-name-invalid'
  | 'entry-unsupported'
  | 'entry-not-restored'
  | 'metadata-not-restored';

export interface EntryError {
  /** Components joined by 0x00, with the name. Never leaves the device unsealed. */
  readonly path: Uint8Array;
  readonly code: EntryErrorCode;
  /** For the local report only, for example "EACCES getxattr security.selinux". */
  readonly detail: string;
}

/**
 * Many entries as one run of bytes, in key order, so that what did not change needs no object: a list as in entries/packed-items.ts, each body a head alone
 * as in entries/entry-body.ts. `packEntries` and `unpackEntries` make it out of objects and back.
 */
export interface ScannedEntries {
  readonly type: 'entries';
  readonly items: Uint8Array;
  readonly count: number;
  /** Sum of the sizes of the files among them. */
  readonly fileBytes: number;
}

/** A run of entries of the last run that are as they were; made by `LastEntries` alone. */
export interface SameEntries {
  readonly type: 'same';
  readonly count: number;
  /** Sum of the sizes of the files among them. */
  readonly fileBytes: number;
}

/**
 * What the last run found, in key order, for a source that can prove that the names in a directory are still those
 * (decision 0055). It stands before one entry, and only ever moves on.
 */
export interface LastEntries {
  /** Has some thousand entries ready from where it stands, or all that are left. */
  load(): Promise<void>;
  /** False: it stands behind all that is loaded, but not at the end. Everything below is for a cursor that is ready, or at the end. */
  readonly isReady: boolean;
  /** Moves to the first entry that is not before the directory's first, or the directory's named one. False: `load` first, then again. */
  seek(directory: Uint8Array, name: NamePart | null): boolean;
  /** Whether it stands before an entry of this directory. */
  isIn(directory: Uint8Array): boolean;
  /** Whether it stands before this very entry. */
  isAt(directory: Uint8Array, name: NamePart): boolean;
  /** Name and body of the entry: a head as in entries/entry-body.ts, then what else the engine knows. Valid until the next move. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly nameStart: number;
  readonly bodyStart: number;
  /** Whether an entry whose status is that of the body is to pass as it is. */
  readonly isTrusted: boolean;
  /** Whether all that lay in the directory is here. */
  isWhole(directory: Uint8Array): boolean;
  /** The entry is as it was; moves on. */
  same(): void;
  /** Moves on. */
  step(): void;
  /** The entries that were the same since the last call, to be handed over before any that come after them. */
  takeSame(): readonly SameEntries[];
  /** It is not asked for anything any more. */
  end(): void;
}

/** A name as part of more bytes. */
export interface NamePart {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** What a scan yields, strictly in key order within each type of event. */
export type ScanEvent =
  | ScannedEntries
  | SameEntries
  /** Not all that lies in the directory is handed over: `LastEntries` of the next run must not tell that it is. */
  | { readonly type: 'partial'; readonly directory: Uint8Array }
  /** A directory whose listing failed: what lies below keeps its last version. */
  | { readonly type: 'unlisted'; readonly directory: Uint8Array; readonly error: EntryError }
  /** One entry whose status could not be read: it keeps its last version. */
  | { readonly type: 'unstated'; readonly directory: Uint8Array; readonly name: Uint8Array; readonly error: EntryError };

export interface ScanRules {
  /** Lines in gitignore syntax, matched against paths below each root. */
  readonly excludes: readonly string[];
  /** Leave out the content of directories marked by CACHEDIR.TAG (bford.info/cachedir): default on in the app. */
  readonly skipCaches: boolean;
  /** Do not descend into another file system than the root's. */
  readonly oneFileSystem: boolean;
}

export interface FileSource {
  /** Absolute roots as given, for the record and the report: components joined by 0x00. */
  readonly roots: readonly Uint8Array[];
  /** Batches of events in key order; several roots are merged, one inside another is scanned once. `last` may be ignored. */
  scan(signal: AbortSignal, last?: LastEntries | null): AsyncIterable<readonly ScanEvent[]>;
  /** Module that exports `openSourceReader(config): SourceReader`, imported by workers. */
  readonly reader: { readonly module: string; readonly config: unknown };
  /** Time stamps this close to the start of a run prove nothing: the file system's granularity in ns. */
  readonly granularityNanos: number;
}

export interface Xattr {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

export interface AclPart {
  /** 'posix-access' | 'posix-default' | 'nfs4' | 'sddl' */
  readonly kind: string;
  readonly value: Uint8Array;
}

/** What a listing does not tell. Absent fields: none. */
export interface EntryDetails {
  readonly user: string | null;
  readonly group: string | null;
  readonly linkTarget: Uint8Array | null;
  readonly xattrs: readonly Xattr[];
  readonly acls: readonly AclPart[];
}

export interface DataRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Synchronous on purpose: a worker does one thing after another. Throws `SourceReadError` (code: EntryErrorCode). */
export interface SourceReader {
  /** Opens for reading without following a final link, without touching atime where allowed. */
  open(directory: Uint8Array, name: Uint8Array, stat: EntryStat): OpenedEntry;
  /**
   * A file without holes, in one go: all `stat.sizeBytes` bytes, which `into` has, and what else there is to tell. Null where it cannot be told to be, after reading,
   * as `stat` says, in every field that `open` would show to have changed, where it has more than owners to tell, or where anything fails: then it is opened, and what stands in `into` means nothing.
   */
  readAsScanned(file: ScannedEntry, into: Uint8Array): EntryDetails | null;
  close(): void;
}

export interface OpenedEntry extends Disposable {
  /** Status at opening. The engine compares it with the scan's and with `statAgain()` after reading. */
  readonly stat: EntryStat;
  details(): { readonly details: EntryDetails; readonly errors: readonly EntryError[] };
  /** Data of a file in order; the rest is holes. Whole file when the file system does not tell. */
  dataRanges(): readonly DataRange[];
  /** Bytes read into `into` at `intoOffset`, 0 at the end of the file. */
  read(into: Uint8Array, intoOffset: number, lengthBytes: number, fileOffsetBytes: number): number;
  statAgain(): EntryStat;
}
