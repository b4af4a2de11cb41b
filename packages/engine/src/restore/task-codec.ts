/*
 * The files of a task as few large arrays: posting tens of thousands of small objects between threads costs more than writing the files.
 *
 * Numbers of one piece, in this order, in `numbers`:
 *
 *   file, index of its directory in `directories`, bytes of its name in `names`, size, handle (-1: none), number of its writes,
 *   mode, uid, gid, mtime seconds, mtime nanos, index of user and of group in `owners` (-1: none)
 *
 * Numbers of one write in `writes`: index of the chunk in the task, offset in the chunk, length, offset in the file. Xattrs, ACLs and whatever
 * else few files have stand in `rare`, by index of the piece.
 */
import { entryTypes } from '../source-port.ts';
import type { EntryDetails } from '../source-port.ts';
import type { EntryMetadata } from '../target-port.ts';
import type { PlannedPiece } from './planner.ts';
import type { FilePiece, PieceWrite } from './file-piece.ts';

const pieceNumbers = 13;
const writeNumbers = 4;
const noHandle = -1;

export interface EncodedPieces {
  readonly numbers: Float64Array;
  readonly writes: Float64Array;
  readonly names: Uint8Array;
  readonly directories: readonly Uint8Array[];
  readonly owners: readonly string[];
  readonly rare: ReadonlyMap<number, Pick<EntryDetails, 'acls' | 'xattrs'>>;
}

export interface TaskPlaces {
  /** From the number of a chunk to its index in the task. */
  readonly chunkIndex: (chunk: number) => number;
  /** Of the file that the task has a piece of; null: it has whole files. */
  readonly handle: number | null;
}

/** Gives each value the index of its first use. */
class Indexes<T> {
  readonly values: T[] = [];
  readonly #indexes = new Map<T, number>();

  of(value: T | null): number {
    if (value === null) return -1;
    const known = this.#indexes.get(value);
    if (known !== undefined) return known;
    this.#indexes.set(value, this.values.length);
    this.values.push(value);
    return this.values.length - 1;
  }
}

/** Directories that are the same object are posted once. */
export function encodePieces(pieces: readonly PlannedPiece[], { chunkIndex, handle }: TaskPlaces): EncodedPieces {
  let [writeCount, nameBytes] = [0, 0];
  for (const { file, writes } of pieces) {
    writeCount += writes.length;
    nameBytes += file.name.length;
  }
  const numbers = new Float64Array(pieces.length * pieceNumbers);
  const writes = new Float64Array(writeCount * writeNumbers);
  const names = new Uint8Array(nameBytes);
  const directories = new Indexes<Uint8Array>();
  const owners = new Indexes<string>();
  const rare = new Map<number, Pick<EntryDetails, 'acls' | 'xattrs'>>();
  let [writeAt, nameAt] = [0, 0];
  for (const [index, piece] of pieces.entries()) {
    const { file } = piece;
    const { metadata } = file;
    const { user, group, acls, xattrs } = metadata.details;
    const { mode, uid, gid, mtimeSeconds, mtimeNanos } = metadata;
    const place = [file.file, directories.of(file.directory), file.name.length];
    const about = [...place, file.sizeBytes, handle ?? noHandle, piece.writes.length];
    numbers.set(about, index * pieceNumbers);
    const details = [mode, uid, gid, mtimeSeconds, mtimeNanos, owners.of(user), owners.of(group)];
    numbers.set(details, index * pieceNumbers + about.length);
    names.set(file.name, nameAt);
    nameAt += file.name.length;
    if (acls.length > 0 || xattrs.length > 0) rare.set(index, { acls, xattrs });
    for (const { chunk, chunkOffsetBytes, lengthBytes, fileOffsetBytes } of piece.writes) {
      writes[writeAt] = chunkIndex(chunk);
      writes[writeAt + 1] = chunkOffsetBytes;
      writes[writeAt + 2] = lengthBytes;
      writes[writeAt + 3] = fileOffsetBytes;
      writeAt += writeNumbers;
    }
  }
  return { numbers, writes, names, directories: directories.values, owners: owners.values, rare };
}

/** How often each of the task's chunks is written. */
export function countUses({ writes }: EncodedPieces, chunkCount: number): Uint32Array {
  const uses = new Uint32Array(chunkCount);
  for (let at = 0; at < writes.length; at += writeNumbers) {
    const chunk = writes[at] ?? 0;
    uses[chunk] = (uses[chunk] ?? 0) + 1;
  }
  return uses;
}

/** One after another; names are views. */
export function* decodePieces(encoded: EncodedPieces): Generator<FilePiece> {
  const { numbers, names, directories, rare } = encoded;
  const none = new Uint8Array(0);
  let [writeAt, nameAt] = [0, 0];
  for (let index = 0; index * pieceNumbers < numbers.length; index += 1) {
    const base = index * pieceNumbers;
    const number = (field: number): number => numbers[base + field] ?? 0;
    const nameEnd = nameAt + number(2);
    const writes = decodeWrites(encoded.writes, writeAt, number(5));
    yield {
      file: number(0),
      directory: directories[number(1)] ?? none,
      name: names.subarray(nameAt, nameEnd),
      sizeBytes: number(3),
      writes,
      metadata: decodeMetadata(encoded, number, rare.get(index)),
      handle: number(4) === noHandle ? null : number(4),
    };
    nameAt = nameEnd;
    writeAt += writes.length * writeNumbers;
  }
}

function decodeWrites(numbers: Float64Array, start: number, count: number): PieceWrite[] {
  const writes: PieceWrite[] = [];
  for (let at = start; at < start + count * writeNumbers; at += writeNumbers) {
    writes.push({
      chunk: numbers[at] ?? 0,
      chunkOffsetBytes: numbers[at + 1] ?? 0,
      lengthBytes: numbers[at + 2] ?? 0,
      fileOffsetBytes: numbers[at + 3] ?? 0,
    });
  }
  return writes;
}

function decodeMetadata(
  { owners }: EncodedPieces,
  number: (field: number) => number,
  rare: Pick<EntryDetails, 'acls' | 'xattrs'> | undefined,
): EntryMetadata {
  return {
    type: entryTypes.file,
    mode: number(6),
    uid: number(7),
    gid: number(8),
    mtimeSeconds: number(9),
    mtimeNanos: number(10),
    deviceMajor: 0,
    deviceMinor: 0,
    details: {
      user: owners[number(11)] ?? null,
      group: owners[number(12)] ?? null,
      linkTarget: null,
      xattrs: rare?.xattrs ?? [],
      acls: rare?.acls ?? [],
    },
  };
}
