/*
 * Commit of a record, docs/format/records.md. Order: everything is checked under the lock "commit"; the record's bytes are put down as
 * committing; the record object is made durable, which is the commit; the receipt follows; committing ends.
 *
 * Invariants: from the moment the committing row is durable, every mark counts what it names as live, so the checks before it cannot be
 * undone by a clean-up. A row without its record is rolled forward only after the same checks, or dropped: nobody was told that it stands.
 */

import { encodeReceipt } from '@twinvault/format';
import type { RecordDigest, RecordProof } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { CommitReply } from '@twinvault/protocol';
import { compareBytes, equalBytes, toHex } from '@twinvault/std';
import { takeBack } from '../clean/quarantine.ts';
import { generationHex, inLock, signerOf } from '../context.ts';
import type { SafeContext } from '../context.ts';
import type { Lease } from '../leases/leases.ts';
import type { LookUp } from '../lookup/look-up.ts';
import { digestNames, headsOf, recordBytesMax, sameJob } from '../records/record-store.ts';
import type { RecordStore } from '../records/record-store.ts';
import type { LedgerStore } from '../safes/ledger-store.ts';
import { concurrently } from '../store/concurrently.ts';
import { bytesOfName } from '../store/layout.ts';
import { ensureObject } from '../store/object-store.ts';
import { measureRecord } from './measure.ts';
import { refsBytesOf } from './offered.ts';
import type { OfferedRecord } from '../lookup/look-up.ts';
import { demandRecord } from './record-rules.ts';

const statsAtOnce = 16;

export interface CommitParts {
  readonly context: SafeContext;
  readonly ledger: LedgerStore;
  readonly records: RecordStore;
  /** In this thread, unless somebody opened another. */
  readonly lookUp: LookUp;
}

export interface CommitRequest {
  readonly record: Uint8Array;
  /** Called under the lock: throws unless the record is the session's and its leases stand. */
  readonly checkSession: (record: RecordProof) => Promise<void>;
}

/** Idempotent by digest. `record-invalid`, `base-unknown`, `origin-missing`, `head-moved`, `lease-lost`, `vault-full` and its kin. */
export async function commitRecord(given: CommitParts, { record: offered, checkSession }: CommitRequest): Promise<CommitReply> {
  const { context } = given;
  await using lookUp = await context.lookUps.open(context, await refsBytesOf(context, offered));
  const parts = { ...given, lookUp };
  const { bytes, refs, record } = await lookUp.offered(offered);
  return await commitOffered(parts, {
    offered: { bytes, refs, record },
    demand: async () => {
      await checkSession(record);
      await demandRecord(parts, record);
    },
  });
}

export interface OfferedCommit {
  readonly offered: OfferedRecord;
  /** Called under the lock: throws unless the record may be committed. */
  readonly demand: () => Promise<void>;
  /** This site's own receipt of it, verified, where another site had kept one. */
  readonly receipt?: Uint8Array;
}

/** Everything but the question whether the record may be committed. `origin-missing`, `vault-full` and its kin. */
export async function commitOffered(parts: CommitParts, { offered, demand, receipt }: OfferedCommit): Promise<CommitReply> {
  const { context } = parts;
  const { bytes, refs, record } = offered;
  const done = await committedReply(parts, record.digest);
  if (done !== null) return done;
  return await inLock(context, { name: 'commit' }, async (lock) => {
    const before = await committedReply(parts, record.digest);
    if (before !== null) return before;
    await demand();
    await demandOrigins(parts, refs, lock);
    await ensureObject(context.store, committingName(context, record.digest), bytes);
    // Were the lock lost before the row stood, a clean-up might have deleted what was just found: then the row is left to recovery, which checks again.
    await lock.check();
    return finishCommit(parts, record.digest, { bytes, ...(receipt === undefined ? {} : { receipt }) });
  });
}

function committingName({ layout }: SafeContext, digest: RecordDigest): string {
  return layout.inFolder('committing', toHex(digest));
}

/** The reply of a record that is committed with a receipt, retired or not. */
async function committedReply({ context, records }: CommitParts, digest: RecordDigest): Promise<CommitReply | null> {
  const { store, layout } = context;
  const receipt = await records.receiptBytes(digest);
  if (receipt === null || receipt.length === 0) return null;
  const stands =
    (await store.stat(layout.record(digest))) !== null || (await store.stat(layout.inFolder('stubs', toHex(digest)))) !== null;
  return stands ? { receipt, digest } : null;
}

/** `origin-missing`; quarantined packs that the record needs are taken back. */
async function demandOrigins({ context, lookUp }: CommitParts, refs: Uint8Array, lock: Lease): Promise<void> {
  const { missing, quarantined } = await lookUp.origins(refs);
  if (missing > 0) throw new ProtocolError('origin-missing', { context: { count: missing } });
  await lock.check();
  for (const hex of quarantined) await takeBack(context, hex);
}

/** From the durable committing row to the end; each step may have been done before. */
async function finishCommit(
  parts: CommitParts,
  digest: RecordDigest,
  { bytes, receipt: own }: { readonly bytes: Uint8Array; readonly receipt?: Uint8Array },
): Promise<CommitReply> {
  const { context } = parts;
  await ensureObject(context.store, context.layout.record(digest), bytes);
  if (own !== undefined) await context.store.put(context.layout.receipt(digest), [own]);
  const receipt = await ensureReceipt(parts, digest);
  await context.store.remove(committingName(context, digest));
  return { receipt, digest };
}

/** Signs the receipt of a committed record unless there is one. Its time is the store's, and never before that of an earlier safeset of the job. */
export async function ensureReceipt(parts: CommitParts, digest: RecordDigest): Promise<Uint8Array> {
  const { context, records } = parts;
  const { store, layout, ports, marker, safe } = context;
  const there = await records.receiptBytes(digest);
  if (there !== null && there.length > 0) return there;
  const stat = await store.stat(layout.record(digest));
  const all = await records.all();
  const own = all.find((summary) => equalBytes(summary.digest, digest));
  const earlier = all.filter((summary) => summary !== own && own !== undefined && sameJob(summary.public, own.public));
  const receivedMs = Math.max(
    Math.floor(stat?.modifiedMs ?? ports.clock.nowMs()),
    ...earlier.map((summary) => summary.receivedMs),
  );
  const generation = bytesOfName(await generationHex(context), 16) ?? new Uint8Array(16);
  const measured = own?.public.kind === 'safeset' ? await measureRecord(parts, own, earlier) : null;
  const receipt = encodeReceipt(
    { safe, site: marker.site, generation, record: digest, receivedMs, ...(measured === null ? {} : { measure: measured }) },
    await signerOf(context),
  );
  if (await store.put(layout.receipt(digest), [receipt])) return receipt;
  const winner = await records.receiptBytes(digest);
  if (winner !== null && winner.length > 0) return winner;
  await store.replace(layout.receipt(digest), [receipt]);
  return receipt;
}

/** Ends every commit that was broken off: forward when all checks still hold, otherwise the row is dropped. Cheap when there is none. */
export async function recoverCommits(given: CommitParts): Promise<void> {
  const { context } = given;
  const rows = await digestNames(context, 'committing');
  if (rows.length === 0) return;
  const stats = await concurrently(rows, statsAtOnce, (hex) => context.store.stat(context.layout.inFolder('committing', hex)));
  await using lookUp = await context.lookUps.open(context, Math.max(...stats.map((stat) => stat?.sizeBytes ?? 0)));
  const parts = { ...given, lookUp };
  await inLock(context, { name: 'commit' }, async (lock) => {
    for (const hex of await digestNames(context, 'committing')) await recoverRow(parts, hex, lock);
  });
}

async function recoverRow(parts: CommitParts, hex: string, lock: Lease): Promise<void> {
  const { store, layout } = parts.context;
  const name = layout.inFolder('committing', hex);
  const bytes = await store.get(name, recordBytesMax);
  if (bytes === null) return;
  if ((await store.stat(layout.inFolder('stubs', hex))) !== null) {
    // Retired since: a removal that did not reach the disk before a crash brings the row back.
    await store.remove(name);
    return;
  }
  try {
    const { refs, record } = await parts.lookUp.offered(bytes);
    if (toHex(record.digest) !== hex) throw new ProtocolError('record-invalid', { context: { reason: 'name' } });
    if ((await store.stat(layout.record(hex))) === null) {
      await demandRecord(parts, record);
      await demandOrigins(parts, refs, lock);
    }
    await finishCommit(parts, record.digest, { bytes });
  } catch (error) {
    if (!(error instanceof ProtocolError) || !droppable.has(error.code)) throw error;
    await store.remove(name);
  }
}

/** What says that the row was never a commit; anything else is a failure of the site, and the row stays. */
const droppable: ReadonlySet<string> = new Set([
  'record-invalid',
  'origin-missing',
  'head-moved',
  'certificate-revoked',
  'erased',
]);

/** Heads of the job as the digests that a next record has to name. */
export async function headDigests({ records }: CommitParts, job: { computer: Uint8Array; job: string }): Promise<RecordDigest[]> {
  return headsOf(await records.all(), job)
    .map(({ digest }) => digest)
    .sort(compareBytes);
}
