/*
 * Sessions: the only way to put packs and records. A session holds the job's write lease (one writer for each job) and a lease of its
 * own, taken before anything of the live list is read, so that no clean-up deletes what stands on it.
 */

import { packBytesMax, PackTable } from '@twinvault/format';
import type { Ledger, PackName, Suite } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { CommitReply, LivePack, RecordSummary, SessionRequest, VaultSession } from '@twinvault/protocol';
import { concatBytes, equalBytes, primitives, toHex, utf8Encode } from '@twinvault/std';
import { quarantinedNames, readQuarantine } from '../clean/quarantine.ts';
import { commitRecord, recoverCommits } from '../commit/commit.ts';
import type { CommitParts } from '../commit/commit.ts';
import { generationHex } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { demandNotErased } from '../erases/erased.ts';
import { leaseLapseMs } from '../leases/leases.ts';
import type { Lease, LeaseHolder } from '../leases/leases.ts';
import { randomLeaseName } from '../leases/locks.ts';
import { packNames, sessionNameOf } from '../packs/pack-files.ts';
import { wholePack } from '../packs/arriving-pack.ts';
import type { ArrivingPack } from '../packs/arriving-pack.ts';
import { entryOfBytes, storePack } from '../packs/store-pack.ts';
import { indexEntries, mergeSegments } from '../packs/pack-index.ts';
import { entryCertificate, SegmentWriter } from '../packs/segments.ts';
import type { IndexEntry } from '../packs/segments.ts';
import { headsOf, sameJob } from '../records/record-store.ts';
import { demandSeen } from '../safes/ledger-store.ts';
import { noteText } from '../store/notes.ts';
import { asProtocol, protocolError } from '../store/vault-files.ts';
import { idOf, ownerOf, stateOfOwner } from './carried.ts';
import type { SessionOwner, SessionState } from './carried.ts';

export interface SessionOptions {
  /** Drawn when left out. */
  readonly id?: Uint8Array;
  /** No process holds its leases: it is renewed by `renew` alone, and whoever has its state carries it on. */
  readonly carried?: boolean;
}

/** `job-busy`, `certificate-unknown`, `certificate-revoked`, `job-foreign`, `ledger-behind`, `ledger-forked`, `erased`. */
export async function openSession(
  parts: CommitParts,
  request: SessionRequest,
  { id, carried = false }: SessionOptions = {},
): Promise<OpenedSession> {
  const { context } = parts;
  await demandNotErased(context, request);
  const ledger = await parts.ledger.current();
  demandSeen(ledger, request.ledger);
  demandCertificate(ledger, request);
  const generation = await generationHex(context);
  const write = await takeWriteLease(context, request, { generation, carried });
  try {
    const session = await takeSessionLease(context, { generation, carried });
    try {
      await recoverCommits(parts);
      const heads = headsOf(await parts.records.all(), request);
      parts.records.demandAll();
      const opened = new OpenedSession(parts, heads, {
        id: id ?? context.ports.random.bytes(16),
        owner: request,
        generation,
        leases: { write, session },
        minimumSuite: ledger.minimumSuite,
        suspects: suspectSessions(ledger),
      });
      if (carried) opened.detach();
      return opened;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    await write[Symbol.asyncDispose]();
    throw error;
  }
}

/** Carries a session on that was opened here or at another node, and renews it. `lease-lost` when it is over. */
export async function resumeSession(parts: CommitParts, state: SessionState): Promise<SiteSession> {
  const { context } = parts;
  if ((await generationHex(context)) !== state.generation) throw rebuilt();
  const write = await resumeLease(context, state.writeLease);
  const session = await resumeLease(context, state.sessionLease);
  const ledger = await parts.ledger.current();
  return new SiteSession(parts, {
    id: idOf(state),
    owner: ownerOf(state),
    generation: state.generation,
    leases: { write, session },
    minimumSuite: state.minimumSuite,
    suspects: suspectSessions(ledger),
  });
}

/** Nobody renews it but who is asked to. */
async function resumeLease({ leases }: SafeContext, handle: string): Promise<Lease> {
  const lease = await leases.resume(handle);
  if (lease === null) throw new ProtocolError('lease-lost', { context: { defect: 'lapsed' } });
  lease.detach();
  return lease;
}

function rebuilt(): ProtocolError {
  return new ProtocolError('lease-lost', { context: { defect: 'rebuilt' } });
}

function demandCertificate(ledger: Ledger, { certificate, computer, job }: SessionRequest): void {
  const context = { certificate: toHex(certificate) };
  if (ledger.certificate(certificate) === null) throw new ProtocolError('certificate-unknown', { context });
  if (ledger.revocationOf(certificate) !== null) throw new ProtocolError('certificate-revoked', { context });
  if (!ledger.namesJob(certificate, computer, job)) throw new ProtocolError('job-foreign', { context });
}

/** `write-` and SHA-256(computer | job). */
export function writeLeaseName({ computer, job }: { readonly computer: Uint8Array; readonly job: string }): string {
  return `write-${toHex(primitives.sha256(concatBytes(computer, utf8Encode(job))))}`;
}

interface LeaseWish {
  readonly generation: string;
  readonly carried: boolean;
}

async function takeWriteLease(context: SafeContext, request: SessionRequest, wish: LeaseWish): Promise<Lease> {
  const name = context.layout.inFolder('leases', writeLeaseName(request));
  const about = { certificate: toHex(request.certificate) };
  const answer = await context.leases.take({ ...wish, name, lapseMs: leaseLapseMs, about });
  if (answer.type === 'taken') return answer.lease;
  throw jobBusy(answer.by);
}

function jobBusy({ about, sinceMs, renewedMs }: LeaseHolder): ProtocolError {
  const certificate = noteText(about, 'certificate') ?? '';
  return new ProtocolError('job-busy', {
    context: { certificate, sinceMs: sinceMs ?? Math.floor(renewedMs), renewedMs: Math.floor(renewedMs), lapseMs: leaseLapseMs },
  });
}

async function takeSessionLease(context: SafeContext, wish: LeaseWish): Promise<Lease> {
  const name = context.layout.inFolder('leases', randomLeaseName('session', context.ports.random));
  const answer = await context.leases.take({ ...wish, name, lapseMs: leaseLapseMs });
  if (answer.type === 'taken') return answer.lease;
  throw new ProtocolError('vault-failed', { context: { defect: 'random lease name is taken' } });
}

/** Session names, hexadecimal, whose packs leave every live list. */
function suspectSessions(ledger: Ledger): Set<string> {
  return new Set(ledger.certificates().flatMap(({ id }) => (ledger.revocationOf(id)?.suspect ?? []).map(toHex)));
}

interface SessionParts {
  readonly id: Uint8Array;
  readonly owner: SessionOwner;
  readonly generation: string;
  readonly leases: { readonly write: Lease; readonly session: Lease };
  readonly suspects: ReadonlySet<string>;
  /** The ledger's when the session was opened: an entry that raises it later lets the session end as it began. */
  readonly minimumSuite: Suite;
}

/** A session, wherever it was opened. */
export class SiteSession implements Omit<VaultSession, 'heads'> {
  readonly id: Uint8Array;
  readonly #parts: CommitParts;
  readonly #context: SafeContext;
  readonly #session: SessionParts;
  /** Tails of packs put here: the next session reads them from one file. */
  readonly #segments: SegmentWriter;
  #closed = false;

  constructor(parts: CommitParts, session: SessionParts) {
    this.#parts = parts;
    this.#context = parts.context;
    this.#session = session;
    this.#segments = new SegmentWriter(parts.context);
    this.id = session.id;
  }

  get state(): SessionState {
    const { owner, generation, minimumSuite, leases } = this.#session;
    return {
      id: toHex(this.id),
      ...stateOfOwner(owner),
      generation,
      minimumSuite,
      writeLease: leases.write.handle,
      sessionLease: leases.session.handle,
    };
  }

  /** Heads of the job now; `vault-newer`, `vault-failed`, `vault-denied`. */
  async currentHeads(): Promise<readonly RecordSummary[]> {
    const heads = headsOf(await this.#parts.records.all(), this.#session.owner);
    this.#parts.records.demandAll();
    return heads;
  }

  /** From now on it is renewed by `renew` and `commit` alone, and being disposed of does not end it: `end` does. */
  detach(): void {
    for (const lease of this.#leases) lease.detach();
  }

  /** `lease-lost` when the session is over. */
  renew(): Promise<void> {
    return asProtocol(async () => {
      this.#demandOpen();
      if ((await generationHex(this.#context)) !== this.#session.generation) throw rebuilt();
      for (const lease of this.#leases) await lease.check();
    });
  }

  /** Ends the session for every process, detached or not; idempotent. */
  async end(): Promise<void> {
    await this[Symbol.asyncDispose]();
    for (const { handle } of this.#leases) await (await this.#context.leases.resume(handle))?.[Symbol.asyncDispose]();
  }

  /** Whether the pack is there and nothing is about to take it away: then it need not be put. */
  hasPack(name: PackName): Promise<boolean> {
    return asProtocol(async () => {
      this.#demandOpen();
      const { store, layout } = this.#context;
      const isThere = (await store.stat(layout.pack(name))) !== null;
      return isThere && (await readQuarantine(this.#context, toHex(name))) === null;
    });
  }

  async *liveList(): AsyncGenerator<LivePack, void, undefined> {
    this.#demandOpen();
    try {
      const present = await packNames(this.#context);
      const wanted = new Set(present);
      for (const hex of await quarantinedNames(this.#context)) wanted.delete(hex);
      await mergeSegments(this.#context, present);
      for await (const entry of indexEntries(this.#context, { wanted })) {
        if (this.#isSuspect(entry)) continue;
        yield { pack: entry.pack, certificate: entryCertificate(entry), tail: entry.tail };
      }
    } catch (error) {
      throw protocolError(error);
    }
  }

  putPack(name: PackName, bytes: Uint8Array): Promise<'stored' | 'present'> {
    return asProtocol(async () => {
      this.#demandOpen();
      if (bytes.length > packBytesMax) throw new ProtocolError('pack-too-large', { context: { sizeBytes: bytes.length } });
      return this.takePack(name, wholePack(bytes));
    });
  }

  /** The same for one that still comes in. Nothing of its memory is used or kept after the promise has settled. */
  takePack(name: PackName, pack: ArrivingPack): Promise<'stored' | 'present'> {
    return asProtocol(async () => {
      this.#demandOpen();
      const { bytes } = pack;
      const { minimumSuite, owner } = this.#session;
      const expected = { safe: this.#context.safe, certificate: owner.certificate, minimumSuite };
      const { header, table } = await this.#context.verifyPack(name, pack, expected);
      // Whose rows a compacted pack holds is for the site alone to say: it would take them for those of other packs.
      if (table.sections[0]?.origin !== null)
        throw new ProtocolError('pack-foreign', { context: { defect: 'not a fresh pack' } });
      const answer = await storePack(this.#context, name, bytes);
      await this.#segments.add(entryOfBytes(name, bytes, { header, table }));
      return answer;
    });
  }

  commit(record: Uint8Array): Promise<CommitReply> {
    return asProtocol(async () => {
      this.#demandOpen();
      // So that the check of the origins reads what was put here from one file, not from each pack.
      await this.#segments.flush();
      return commitRecord(this.#parts, {
        record,
        checkSession: async ({ public: facts, suite }) => {
          const { owner, minimumSuite } = this.#session;
          if (suite < minimumSuite) throw new ProtocolError('record-invalid', { context: { reason: 'suite-too-low' } });
          if (!equalBytes(facts.certificate, owner.certificate) || !sameJob(facts, owner)) {
            throw new ProtocolError('record-invalid', { context: { reason: 'another session' } });
          }
          await this.renew();
        },
      });
    });
  }

  get #leases(): readonly Lease[] {
    return [this.#session.leases.write, this.#session.leases.session];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#segments.flush();
    for (const lease of this.#leases.toReversed()) await lease[Symbol.asyncDispose]();
  }

  /** A pack with a section of a suspect session is left out whole. */
  #isSuspect({ session, tail }: IndexEntry): boolean {
    const { suspects } = this.#session;
    if (suspects.size === 0) return false;
    if (suspects.has(toHex(session))) return true;
    return new PackTable(tail).sections.some(({ header }) => header !== null && suspects.has(toHex(sessionNameOf(header))));
  }

  #demandOpen(): void {
    if (this.#closed) throw new ProtocolError('lease-lost', { context: { defect: 'session is closed' } });
  }
}

/** A session that was opened here. */
export class OpenedSession extends SiteSession implements VaultSession {
  /** When it was opened. */
  readonly heads: readonly RecordSummary[];

  constructor(parts: CommitParts, heads: readonly RecordSummary[], session: SessionParts) {
    super(parts, session);
    this.heads = heads;
  }
}
