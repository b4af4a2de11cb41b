/*
 * Safesets of a vault, near or far, onto a disk: each pack that they need, whole, then the records. Everything is verified before it is put down,
 * and what is there already is not asked for again, so that it can be broken off anywhere.
 *
 * It asks for no more than a restore does: the vault port, with a token that can read. So compacted packs are taken without the plans that made
 * them: whoever restores compares every chunk with its id.
 */

import { FormatError, packBytesMax, parseRefs, verifyPackTable, verifyRecord } from '@twinvault/format';
import type { PackName, RecordDigest, SafeId, SeedManifest } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { RecordSummary, VaultReading, VaultSafe } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import { verifyObject } from '../care/verify-object.ts';
import { ensureReceipt } from '../commit/commit.ts';
import { readOffered } from '../commit/offered.ts';
import type { OfferedRecord } from '../lookup/look-up.ts';
import { isAncestorOrSame } from '../commit/record-rules.ts';
import { inLock } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { packNameOfHex } from '../packs/pack-files.ts';
import type { SafeParts } from '../site-safe.ts';
import { concurrently } from '../store/concurrently.ts';
import { ensureObject } from '../store/object-store.ts';
import { finishRestore } from './finish-seed.ts';
import { onDisk } from './seed-disk.ts';
import type { SeedDisk } from './seed-disk.ts';
import type { SeedProgress } from './verify-seed.ts';

export interface ExportOptions {
  readonly disk: SeedDisk;
  readonly from: VaultSafe;
  /** Those wanted, not retired. */
  readonly records: readonly RecordSummary[];
  /** What lies on the disk already is read and, where it is damaged, copied again; otherwise its size has to do. */
  readonly mend?: boolean;
  /** Of what has to be copied; what is there already counts as done. */
  readonly progress?: (progress: SeedProgress) => void;
  readonly signal?: AbortSignal;
}

export interface ExportReport {
  readonly manifest: SeedManifest;
  readonly copiedPacks: number;
  readonly copiedBytes: number;
}

interface PackToCopy {
  readonly name: PackName;
  readonly bytes: number;
}

/** `seed-full`, `seed-away`; `pack-unknown` and codes of format for what the vault has not, or not whole; what the vault port throws. */
export async function exportSeed(options: ExportOptions): Promise<ExportReport> {
  const { disk, from, records } = options;
  const safe: SafeId = from.safe;
  const newSafe = { descriptor: await from.descriptor(), slots: await from.slots(), ledger: await from.ledger(1) };
  await onDisk(disk.path, () => disk.vault.placeSafe(newSafe));
  const parts = await disk.vault.partsOf(safe);
  const before = await keptRecords(disk, safe);
  const offered = await readRecords(parts, options);
  await using reading = await from.openReading();
  const packs = await packsToCopy(reading, offered);
  const copied = await copyPacks(parts, { options, reading, packs });
  for (const record of offered) await putRecord(parts, record, { options });
  const all = new Set([...before, ...records.map(({ digest }) => toHex(digest))]);
  return { manifest: await finishRestore(disk, safe, all), ...copied };
}

/** Of an earlier export onto the same disk: they stay in the seed. */
async function keptRecords(disk: SeedDisk, safe: SafeId): Promise<readonly string[]> {
  const ids = await disk.safes();
  if (!ids.some((id) => toHex(id) === toHex(safe))) return [];
  const { objects } = await disk.contents(safe);
  return objects.filter(({ kind }) => kind === 'record').map(({ name }) => name);
}

/** Verified against the ledger that came along. In the order of their sequence, so that the ones before come first. */
async function readRecords(parts: SafeParts, { from, records, signal }: ExportOptions): Promise<OfferedRecord[]> {
  const ledger = await parts.ledger.current();
  const all = await from.records();
  const read: OfferedRecord[] = [];
  for (const { digest } of records.toSorted((a, b) => a.public.sequence - b.public.sequence)) {
    signal?.throwIfAborted();
    const offered = await readOffered(parts.context, await from.record(digest));
    if (toHex(offered.record.digest) !== toHex(digest)) throw invalid('another digest');
    try {
      verifyRecord(offered.record, ledger, { isAncestorOrSame: (one, last) => isAncestorOrSame(all, one, last) });
    } catch (error) {
      if (error instanceof FormatError) throw invalid(error.code);
      throw error;
    }
    read.push(offered);
  }
  return read;
}

function invalid(reason: string): ProtocolError {
  return new ProtocolError('record-invalid', { context: { reason } });
}

async function packsToCopy(reading: VaultReading, records: readonly OfferedRecord[]): Promise<readonly PackToCopy[]> {
  const origins = new Set(records.flatMap(({ refs }) => Array.from(parseRefs(refs).packs(), ({ pack }) => toHex(pack))));
  const names = Array.from(origins, packNameOfHex);
  const packs = new Map<string, PackToCopy>();
  for (let from = 0; from < names.length; from += originsAtOnce) {
    const part = names.slice(from, from + originsAtOnce);
    for (const [index, holders] of (await reading.holdersOf(part)).entries()) {
      if (holders.length === 0)
        throw new ProtocolError('pack-unknown', { context: { pack: toHex(part[index] ?? new Uint8Array(0)) } });
      for (const name of holders) {
        const hex = toHex(name);
        if (packs.has(hex)) continue;
        const bytes = await reading.packSize(name);
        if (bytes === null || bytes > packBytesMax) throw new ProtocolError('pack-unknown', { context: { pack: hex } });
        packs.set(hex, { name, bytes });
      }
    }
  }
  return [...packs.values()].sort((a, b) => (toHex(a.name) < toHex(b.name) ? -1 : 1));
}

const originsAtOnce = 500;

interface Copying {
  readonly options: ExportOptions;
  readonly reading: VaultReading;
  readonly packs: readonly PackToCopy[];
}

/** Packs that are asked for while others are on their way. */
const packsAtOnce = 4;

async function copyPacks(
  parts: SafeParts,
  { options, reading, packs }: Copying,
): Promise<Pick<ExportReport, 'copiedPacks' | 'copiedBytes'>> {
  const { progress, signal } = options;
  const totals = { objectsTotal: packs.length, bytesTotal: packs.reduce((sum, { bytes }) => sum + bytes, 0) };
  const copied = { copiedPacks: 0, copiedBytes: 0 };
  const done = { objects: 0, bytes: 0 };
  await concurrently(packs, packsAtOnce, async (pack) => {
    signal?.throwIfAborted();
    if (await copyPack(parts, { options, reading, pack })) {
      copied.copiedPacks += 1;
      copied.copiedBytes += pack.bytes;
    }
    done.objects += 1;
    done.bytes += pack.bytes;
    progress?.({ ...done, ...totals });
  });
  return copied;
}

interface PackCopy {
  readonly options: ExportOptions;
  readonly reading: VaultReading;
  readonly pack: PackToCopy;
}

/** False when it was there. */
async function copyPack(
  { context }: SafeParts,
  { options: { disk, mend = false }, reading, pack: { name, bytes } }: PackCopy,
): Promise<boolean> {
  const { safe, store, layout } = context;
  const there = await onDisk(disk.path, () => store.stat(layout.pack(name)));
  if (there?.sizeBytes === bytes && (!mend || (await isWhole(context, toHex(name))))) return false;
  const read = await reading.readPack(name, 0, bytes);
  verifyPackTable(name, read, { safe });
  await onDisk(disk.path, () => ensureObject(store, layout.pack(name), read));
  return true;
}

async function isWhole(context: SafeContext, name: string): Promise<boolean> {
  return (await verifyObject(context, { kind: 'pack', name })).type === 'whole';
}

/** After its packs; its receipt is the disk's. */
async function putRecord(
  parts: SafeParts,
  { bytes, refs, record }: OfferedRecord,
  { options }: { readonly options: ExportOptions },
): Promise<void> {
  const { context, lookUp } = parts;
  const digest: RecordDigest = record.digest;
  await onDisk(options.disk.path, () =>
    inLock(context, { name: 'commit' }, async () => {
      const { missing } = await lookUp.origins(refs);
      if (missing > 0) throw new ProtocolError('origin-missing', { context: { count: missing, record: toHex(digest) } });
      await ensureObject(context.store, context.layout.record(digest), bytes);
      await ensureReceipt(parts, digest);
    }),
  );
}
