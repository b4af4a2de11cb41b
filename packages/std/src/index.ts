export { AssertionFailure, assert, unreachable } from './assert.ts';
export { fromBase32, toBase32 } from './base32.ts';
export type { Brand } from './branded.ts';
export { ByteReader } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';
export { compareBytes, concatBytes, equalBytes, equalSecretBytes, fromHex, toHex, utf8Decode, utf8Encode } from './bytes.ts';
export { linkAbort, onAbort } from './cancel.ts';
export type { LinkedAbort } from './cancel.ts';
export { CodedError, StdError, stdErrorCodes } from './errors.ts';
export type { ErrorCodeEntry, ErrorCodeTable, ErrorContext, ErrorDetails, Retry, StdErrorCode } from './errors.ts';
export { EventTurns } from './event-turns.ts';
export { padmeLength } from './padme.ts';
export { pagedMemory } from './paged-memory.ts';
export type { Clock, Timer, Timers } from './ports/clock.ts';
export type { Database, Databases, SqlRow, SqlValue } from './ports/database.ts';
export { isTemporaryFileName } from './ports/files.ts';
export type { FileEntry, FileKind, FileStat, Files, OpenFile, Overwritten, SpaceInfo, WriteOptions } from './ports/files.ts';
export type { HttpAnswer, HttpRequest, Network, Pace } from './ports/network.ts';
export type { Platform } from './ports/platform.ts';
export type {
  Argon2idParameters,
  Encapsulation,
  KeyPair,
  Primitives,
  SecretKey,
  Sha256,
  ZstdOptions,
} from './ports/primitives.ts';
export type { Processes } from './ports/processes.ts';
export type { Random } from './ports/random.ts';
export type { Thread, ThreadMain, ThreadMessage, ThreadPort, Threads } from './ports/threads.ts';
export { primitives, primitivesReady } from './primitives.ts';
export { Prng } from './prng.ts';
export { releaseBytes } from './release.ts';
export { zstdBound } from './crypto/zstd-frame.ts';
export { sipHash24 } from './siphash.ts';
export type { SipHash } from './siphash.ts';
export { GiB, KiB, MiB, TiB, dayMs, formatBytes, formatDuration, hourMs, minuteMs, secondMs } from './units.ts';
