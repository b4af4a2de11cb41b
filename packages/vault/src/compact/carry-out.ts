/*
 * Carrying out a plan: its packs are made of blobs that this site has and become durable one after another. Can be broken off anywhere
 * and done again: a pack that is there already is left as it is.
 *
 * Invariant: no blob is copied that does not equal its hash.
 */

import { compactedPacks, parsePackHeader } from '@twinvault/format';
import type { BlobSource, CompactedPack } from '@twinvault/format';
import { equalBytes, primitives, toHex } from '@twinvault/std';
import type { OpenFile } from '@twinvault/std';
import { readQuarantine, takeBack } from '../clean/quarantine.ts';
import { inLock } from '../context.ts';
import type { SafeContext } from '../context.ts';
import type { Lease } from '../leases/leases.ts';
import { deletePack } from '../packs/deletion.ts';
import { sessionNameOf } from '../packs/pack-files.ts';
import { SegmentWriter } from '../packs/segments.ts';
import { OpenFiles } from '../store/open-files.ts';
import type { StoredPlan } from './plan-store.ts';
import type { RowPlaces } from './row-places.ts';

/** Neighbouring blobs are read by one read of up to so many bytes. */
const readBytesMax = 8_388_608;
const openFilesMax = 32;
const headerFixedBytes = 80;

export interface CarryOut {
  readonly plan: StoredPlan;
  readonly places: RowPlaces;
  /** The lock "clean". */
  readonly lock: Lease;
  readonly signal?: AbortSignal | undefined;
  readonly made?: (pack: CompactedPack) => void;
}

export interface CarriedOut {
  readonly packs: number;
  readonly bytes: number;
  /** Packs, hexadecimal, with a blob that is not what it was: the plan cannot be carried out further. */
  readonly damaged: readonly string[];
}

export async function carryOut(context: SafeContext, work: CarryOut): Promise<CarriedOut> {
  const { plan, places, lock, signal } = work;
  const packs = compactedPacks(plan.plan, plan.digest, places.at);
  const segments = new SegmentWriter(context);
  await using files = new OpenFiles({ countMax: openFilesMax, open: (hex) => context.store.open(context.layout.pack(hex)) });
  const done = { packs: 0, bytes: 0, damaged: [] as string[] };
  for (const pack of packs) {
    signal?.throwIfAborted();
    await lock.check();
    if (await stands(context, pack, lock)) continue;
    const blobs = await readBlobs(pack.sources, { places, files });
    if (!Array.isArray(blobs)) {
      done.damaged.push(blobs.damaged);
      break;
    }
    await put(context, pack, blobs);
    await segments.add(entryOf(pack));
    done.packs += 1;
    done.bytes += sizeOf(pack);
    work.made?.(pack);
  }
  await segments.flush();
  return done;
}

function sizeOf({ header, tail, sources }: CompactedPack): number {
  return sources.reduce((sum, { lengthBytes }) => sum + lengthBytes, header.length + tail.length);
}

function entryOf({ name, header, tail, sources }: CompactedPack): Parameters<SegmentWriter['add']>[0] {
  const session = sessionNameOf(parsePackHeader(header));
  const packBytes = sizeOf({ name, header, tail, sources });
  return { pack: name, hex: toHex(name), header: header.slice(0, headerFixedBytes), session, packBytes, tail };
}

/** Whether the pack is there, whole by its size, and free of any mark. */
async function stands(context: SafeContext, pack: CompactedPack, lock: Lease): Promise<boolean> {
  const hex = toHex(pack.name);
  if ((await context.store.stat(context.layout.pack(hex)))?.sizeBytes !== sizeOf(pack)) return false;
  const note = await readQuarantine(context, hex);
  if (note === null) return true;
  if (note !== 'unreadable' && note.state === 'deleting') {
    if (await deletePack(context, hex, lock)) return false;
  }
  await inLock(context, { name: 'commit' }, () => takeBack(context, hex));
  return true;
}

async function put(
  { store, layout }: SafeContext,
  { name, header, tail }: CompactedPack,
  blobs: readonly Uint8Array[],
): Promise<void> {
  const parts = [header, ...blobs, tail];
  // A torn file of a file system without hard links gives way.
  if (!(await store.put(layout.pack(name), parts, { byContent: true }))) await store.replace(layout.pack(name), parts);
}

interface BlobReads {
  readonly places: RowPlaces;
  readonly files: OpenFiles;
}

interface BlobToRead {
  readonly index: number;
  readonly hex: string;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly blobHash: Uint8Array;
}

/** In the order of the sources; or the first pack whose blob is not what it was. */
async function readBlobs(
  sources: readonly BlobSource[],
  { places, files }: BlobReads,
): Promise<Uint8Array[] | { readonly damaged: string }> {
  const wanted = sources.map(({ origin, position }, index): BlobToRead => {
    const { hex, row } = places.at(origin, position);
    return { index, hex, offsetBytes: row.offsetBytes, lengthBytes: row.lengthBytes, blobHash: row.blobHash };
  });
  wanted.sort((a, b) => (a.hex === b.hex ? a.offsetBytes - b.offsetBytes : a.hex < b.hex ? -1 : 1));
  const blobs: Uint8Array[] = [];
  for (const run of neighbours(wanted)) {
    const [first] = run;
    const last = run.at(-1);
    if (first === undefined || last === undefined) continue;
    const start = first.offsetBytes;
    const lengthBytes = last.offsetBytes + last.lengthBytes - start;
    const bytes = await files.use(first.hex, (file) => readRange(file, start, lengthBytes));
    for (const { index, offsetBytes, lengthBytes: length, blobHash } of run) {
      const blob = bytes?.subarray(offsetBytes - start, offsetBytes - start + length);
      if (blob?.length !== length || !equalBytes(primitives.sha256(blob), blobHash)) return { damaged: first.hex };
      blobs[index] = blob;
    }
  }
  return blobs;
}

/** Null when the pack is gone or shorter. */
async function readRange(file: OpenFile | null, offsetBytes: number, lengthBytes: number): Promise<Uint8Array | null> {
  return file === null || offsetBytes + lengthBytes > file.sizeBytes ? null : file.read(offsetBytes, lengthBytes);
}

/** Runs of blobs that lie next to each other in one pack. */
function* neighbours(blobs: readonly BlobToRead[]): Generator<BlobToRead[], void, undefined> {
  let run: BlobToRead[] = [];
  for (const blob of blobs) {
    const [first] = run;
    const last = run.at(-1);
    const joins =
      first !== undefined &&
      last?.hex === blob.hex &&
      last.offsetBytes + last.lengthBytes === blob.offsetBytes &&
      blob.offsetBytes + blob.lengthBytes - first.offsetBytes <= readBytesMax;
    if (!joins && run.length > 0) {
      yield run;
      run = [];
    }
    run.push(blob);
  }
  if (run.length > 0) yield run;
}
