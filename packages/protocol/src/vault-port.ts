/**
 * The vault port: all that an engine, a reader and the command line ask of a site. The vault in a directory implements it in process, the HTTPS client
 * over the wire; one conformance suite (testkit) holds both to it.
 *
 * Every method throws `ProtocolError` with a code of this package. Objects travel as their stored bytes: both sides parse and verify them with `format`.
 */
import type {
  CertificateId,
  EraseJob,
  LedgerHead,
  Measure,
  PackName,
  RecordDigest,
  RecordPublic,
  SafeId,
  SiteId,
} from '@twinvault/format';

export interface SiteInfo {
  readonly site: SiteId;
  /** Ed25519. */
  readonly publicKey: Uint8Array;
  readonly generation: Uint8Array;
  /** The site's time, ms since 1970. */
  readonly nowMs: number;
}

export interface SafeSummary {
  readonly safe: SafeId;
  /** '' when the safe's descriptor cannot be read: opening the safe or a check says why. */
  readonly label: string;
  /** The site that appends to its ledger; left out by a site that has no twin. */
  readonly home?: SiteId;
  /** An erase order took in the whole safe, and was begun here: nothing of it is given any more. */
  readonly erased?: true;
  /** Whose share of the site it uses: a name, or its own id, hexadecimal, where it is a customer of its own. A site tells operators and twins alone. */
  readonly customer?: string;
}

/**
 * How far an erase order is at one site. 'unnamed': no ledger entry names it, so it means nothing; 'waiting': it can still be taken back; 'apart': the wait is
 * over, but a twin is not known to have the order; 'due': it is begun next; 'begun': it is being carried out, or waits for what its certificate names.
 */
export type EraseOrderState = 'unnamed' | 'cancelled' | 'waiting' | 'apart' | 'due' | 'begun' | 'done';

export interface EraseSummary {
  /** Whose state this is: each site carries an order out by itself. */
  readonly site: SiteId;
  /** Name of the order. */
  readonly order: Uint8Array;
  readonly number: number;
  readonly createdMs: number;
  /** Null: the whole safe. */
  readonly jobs: readonly EraseJob[] | null;
  /** Signed by the root, and not by two operators. */
  readonly byRoot: boolean;
  readonly state: EraseOrderState;
  /** When it stood at this site, and when its wait is over there, in the site's time. */
  readonly arrivedMs: number;
  readonly dueMs: number;
  /** What the site signed about it (`parseEraseCertificate` of format); null before it was begun. */
  readonly certificate: string | null;
}

export interface NewSafe {
  readonly descriptor: Uint8Array;
  readonly slots: readonly Uint8Array[];
  /** The first entries in order: epoch, slots, and normally the first certificate. */
  readonly ledger: readonly Uint8Array[];
}

export interface Vault extends AsyncDisposable {
  site(): Promise<SiteInfo>;
  safes(): Promise<readonly SafeSummary[]>;
  /** All or nothing. `safe-exists` for the same id, `label-taken`, `slots-mismatch`; codes of format for what does not hold together. */
  createSafe(safe: NewSafe): Promise<void>;
  /** `safe-unknown`. */
  openSafe(safe: SafeId): Promise<VaultSafe>;
}

/** What a site knows of a committed record without keys. */
export interface RecordSummary {
  readonly digest: RecordDigest;
  readonly public: RecordPublic;
  /** Site's receipt time, ms. */
  readonly receivedMs: number;
  readonly storedBytes: number;
  /** A retired record leaves a stub; it cannot be opened. */
  readonly retired: boolean;
  /** From the receipt of a safeset; left out where the site did not measure. */
  readonly measure?: Measure;
  /** Sites of which this site has a verified receipt, itself first; left out by a site that has no twin. */
  readonly sites?: readonly SiteId[];
}

export interface VaultSafe {
  readonly safe: SafeId;
  descriptor(): Promise<Uint8Array>;
  slots(): Promise<readonly Uint8Array[]>;
  /** Entries with number >= `from`, in order. */
  ledger(from: number): Promise<readonly Uint8Array[]>;
  /** `not-home` at the other site (context: home); `ledger-conflict` when the number is taken: read again, decide again. The site verifies chain and signature. Slots change by `replaceSlots` alone: `slots-mismatch`. */
  appendLedger(entry: Uint8Array): Promise<void>;
  /** Puts the new slots, appends the `slots` entry that names the whole new set, removes what earlier ones named. `slots-mismatch`, `ledger-conflict`. The same call again is fine. */
  replaceSlots(slots: readonly Uint8Array[], entry: Uint8Array): Promise<void>;
  /** Puts an erase order and appends the ledger entry that names it; the same call again is fine. `not-home`, `ledger-conflict`, `ledger-signer`. */
  orderErase(order: Uint8Array, entry: Uint8Array): Promise<void>;
  /** Takes an order back at this site, home or not, by an order that `cancels` it. `object-unknown`: there is no such order; `erased`: it was begun. */
  cancelErase(cancel: Uint8Array): Promise<void>;
  /** Erase orders as they stand at each site, by number; the newest `erasesMax`. */
  erases(): Promise<readonly EraseSummary[]>;
  /** Committed records, oldest receipt first, stubs included. What an erase order took in is not among them. */
  records(filter?: RecordFilter): Promise<readonly RecordSummary[]>;
  /** Stored bytes of a record that is not retired; `record-unknown`. */
  record(digest: RecordDigest): Promise<Uint8Array>;
  /** Takes the job's write lease: `job-busy` when another holds it (context: since when, which certificate). `certificate-unknown`, `certificate-revoked`, `job-foreign`, `ledger-behind`, `ledger-forked`. */
  openSession(request: SessionRequest): Promise<VaultSession>;
  /** A read lease: nothing that stands now is deleted while it lives. */
  openReading(): Promise<VaultReading>;
}

export interface RecordFilter {
  readonly job?: string;
  readonly computer?: Uint8Array;
  readonly kind?: 'safeset' | 'checkpoint';
}

/** What one site has of the packs, and no other. */
export type PackCopy = Pick<VaultReading, 'readPack' | 'packSize' | 'suspect'>;

export interface VaultReading extends AsyncDisposable {
  /** Says that bytes of these packs were not what they should be: a site that serves others looks at them, and heals them from its twin. */
  suspect?(packs: readonly PackName[]): Promise<void>;
  /** Of a safe that is read from several sites: what each has, for whoever finds damaged what `readPack` gave. */
  readonly copies?: readonly PackCopy[];
  /** `lengthBytes` bytes of a pack; `pack-unknown`, `pack-short`. Joined ranges are the caller's business. */
  readPack(pack: PackName, offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
  /** The pack's stored size; null when it is not there. */
  packSize(pack: PackName): Promise<number | null>;
  /**
   * For each origin the packs that hold its rows at this site: the origin itself, or compacted packs when it was superseded;
   * none when the site has nothing of it. What it answers stands as long as the reading lives.
   */
  holdersOf(origins: readonly PackName[]): Promise<readonly (readonly PackName[])[]>;
}

export interface SessionRequest {
  readonly certificate: CertificateId;
  readonly computer: Uint8Array;
  readonly job: string;
  /** The ledger head that the agent has seen: `ledger-behind` when the site has less. */
  readonly ledger: LedgerHead;
}

/** What of one pack may be referred to: the tail (table, sections, trailer) as stored, after which rows are live. */
export interface LivePack {
  readonly pack: PackName;
  /** Of the pack's own header. Each section of a compacted pack has a header, and so a certificate, of its own. */
  readonly certificate: CertificateId;
  /** `parsePackTail` of format reads it; quarantined packs are left out whole. */
  readonly tail: Uint8Array;
}

export interface CommitReply {
  /** Stored bytes of the site's receipt. */
  readonly receipt: Uint8Array;
  readonly digest: RecordDigest;
}

export interface VaultSession extends AsyncDisposable {
  /** Random bytes that name the session; packs of suspect sessions can be revoked by it. */
  readonly id: Uint8Array;
  /** Heads of the job at this site: digests of its newest safeset(s); empty for a new job. */
  readonly heads: readonly RecordSummary[];
  /** In no order. Packs put in this session need not appear. */
  liveList(): AsyncIterable<LivePack>;
  /** Verified and durable when it resolves. Fresh packs alone: no agent puts a compacted one. 'present' when the same pack was there. `pack-damaged`, `pack-foreign`, `pack-too-large`, `vault-full`. Several at once are welcome. */
  putPack(name: PackName, bytes: Uint8Array): Promise<'stored' | 'present'>;
  /** A record, or one as a difference to an earlier one of the safe (`base-unknown`: then it has to be sent whole). Idempotent by digest. `record-invalid` (context: reason), `origin-missing` (context: count), `head-moved`, `certificate-revoked`, `lease-lost`. */
  commit(record: Uint8Array): Promise<CommitReply>;
}
