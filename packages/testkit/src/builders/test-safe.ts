/*
 * Safes, packs and records for tests of whatever stores them: real objects of the format with real signatures, made without
 * keys that open anything. Blobs and slips are random bytes: nobody but their owner could tell.
 *
 * Everything follows from a seed.
 */

import {
  certificateId,
  computerId,
  encodeKeySlotObject,
  encodeLedgerEntry,
  encodePackHeader,
  encodePackTail,
  encodeRecord,
  encodeSafeDescriptor,
  kemCiphertextBytes,
  kemPublicKeyBytes,
  Ledger,
  ledgerSecondMessage,
  objectDigest,
  packKinds,
  parseRecord,
  RefsBuilder,
  safeIdOf,
  safesetId,
} from '@twinvault/format';
import type {
  CertificateId,
  ChunkId,
  ComputerId,
  LedgerEntry,
  LedgerHead,
  LedgerPayload,
  PackKind,
  PackName,
  PackRow,
  RecordDigest,
  RecordPublic,
  SafeId,
  Suite,
} from '@twinvault/format';
import { compareBytes, concatBytes, primitives, Prng } from '@twinvault/std';

/** What the vault port's createSafe takes. */
export interface TestNewSafe {
  readonly descriptor: Uint8Array;
  readonly slots: readonly Uint8Array[];
  readonly ledger: readonly Uint8Array[];
}

/** One enrolled computer: it signs records and is named by packs. */
export interface TestComputer {
  readonly certificate: CertificateId;
  readonly computer: ComputerId;
  readonly name: string;
  readonly agentSeed: Uint8Array;
  /** KEM ciphertext of its one session. */
  readonly kem: Uint8Array;
}

export interface TestPack {
  readonly name: PackName;
  readonly bytes: Uint8Array;
  readonly rows: readonly PackRow[];
}

export interface TestPackOptions {
  readonly kind?: PackKind;
  /** Fresh blobs; 3 when omitted. */
  readonly blobCount?: number;
  /** About so many bytes each; 100 when omitted. */
  readonly blobBytes?: number;
  /** Rows of other packs whose blobs this one reuses by slips alone. */
  readonly reuses?: readonly PackRow[];
}

export interface TestRecordOptions {
  readonly job?: string;
  readonly kind?: 'safeset' | 'checkpoint';
  readonly sequence?: number;
  readonly previous?: readonly RecordDigest[];
  readonly retention?: string;
  readonly result?: RecordPublic['result'];
  readonly bytesProtected?: number;
  readonly startMs?: number;
  /** All positions of these packs; or exactly `refs`. */
  readonly packs?: readonly TestPack[];
  readonly refs?: Uint8Array;
  /** Of another computer than the signer's: for records that must be refused. */
  readonly computer?: ComputerId;
}

export interface TestRecord {
  readonly bytes: Uint8Array;
  readonly digest: RecordDigest;
  readonly public: RecordPublic;
}

const createdMs = 1_767_225_600_000;

export class TestSafe {
  readonly safe: SafeId;
  readonly label: string;
  /** Of what it seals from now on; the descriptor has that of the start. */
  suite: Suite;
  readonly rootSeed: Uint8Array;
  readonly descriptor: Uint8Array;
  readonly prng: Prng;
  readonly #slots: Uint8Array[] = [];
  readonly #entries: Uint8Array[] = [];
  #ledger: Ledger;

  /** A safe with one password slot, one reading key and no computer. */
  constructor(seed: string | number, label: string = `safe ${seed}`, suite: Suite = 1) {
    this.suite = suite;
    this.prng = new Prng(`test safe ${seed}`);
    this.label = label;
    this.rootSeed = this.prng.bytes(32);
    const rootKey = primitives.ed25519PublicKey(this.rootSeed);
    this.safe = safeIdOf(rootKey);
    this.descriptor = encodeSafeDescriptor({ safe: this.safe, rootKey, label, suite: this.suite, createdMs }, this.#signAsRoot);
    this.#ledger = Ledger.replay(this.descriptor, []);
    this.#slots = [this.makeSlot()];
    this.append({ kind: 'epoch', epoch: 1, key: this.prng.bytes(kemPublicKeyBytes) });
    this.append({ kind: 'slots', slots: this.#slots.map(objectDigest) });
  }

  readonly #signAsRoot = (message: Uint8Array): Uint8Array => primitives.ed25519Sign(this.rootSeed, message);

  get ledger(): Ledger {
    return this.#ledger;
  }

  get head(): LedgerHead {
    return this.#ledger.head;
  }

  /** What a vault is handed to make the safe, with all that was appended so far. */
  get newSafe(): TestNewSafe {
    return { descriptor: this.descriptor, slots: [...this.#slots], ledger: [...this.#entries] };
  }

  /** A well-formed key slot that nothing opens. */
  makeSlot(): Uint8Array {
    return encodeKeySlotObject({
      safe: this.safe,
      slot: this.prng.bytes(16),
      type: 'password',
      commitment: this.prng.bytes(32),
      salt: this.prng.bytes(32),
      passes: 3,
      memoryKiB: 65_536,
      lanes: 4,
      wrapped: this.prng.bytes(48),
    });
  }

  /** The next ledger entry with this payload, signed by the root unless a seed is given; not appended. */
  entry(payload: LedgerPayload, signerSeed: Uint8Array = this.rootSeed): Uint8Array {
    return encodeLedgerEntry(this.#next(payload, signerSeed), (message) => primitives.ed25519Sign(signerSeed, message));
  }

  /** What a second operator signs of it. */
  secondMessage(payload: LedgerPayload, signerSeed: Uint8Array): Uint8Array {
    return ledgerSecondMessage(this.#next(payload, signerSeed));
  }

  #next(payload: LedgerPayload, signerSeed: Uint8Array): LedgerEntry {
    const { number, digest, root } = this.head;
    const signer = primitives.ed25519PublicKey(signerSeed);
    return { safe: this.safe, number: number + 1, previous: digest, root, createdMs, signer, payload };
  }

  /** Takes an entry into the safe's own ledger; a vault is told by the caller. */
  accept(entry: Uint8Array): Uint8Array {
    this.#ledger = this.#ledger.append(entry);
    this.#entries.push(entry);
    return entry;
  }

  append(payload: LedgerPayload, signerSeed?: Uint8Array): Uint8Array {
    return this.accept(this.entry(payload, signerSeed));
  }

  /** Another computer of the safe; its certificate is appended to the ledger. */
  enrol(name: string = 'computer'): TestComputer {
    const computer = {
      certificate: certificateId(this.prng.bytes(16)),
      computer: computerId(this.prng.bytes(16)),
      name,
      agentSeed: this.prng.bytes(32),
      kem: this.prng.bytes(kemCiphertextBytes),
    };
    this.append({
      kind: 'certificate',
      certificate: computer.certificate,
      computer: computer.computer,
      name,
      agentKey: primitives.ed25519PublicKey(computer.agentSeed),
      sealKey: this.prng.bytes(kemPublicKeyBytes),
    });
    return computer;
  }

  /** A fresh pack of random blobs, different at each call. */
  pack(
    computer: TestComputer,
    { kind = packKinds.data, blobCount = 3, blobBytes = 100, reuses = [] }: TestPackOptions = {},
  ): TestPack {
    const { prng } = this;
    const header = encodePackHeader({
      suite: this.suite,
      kind,
      safe: this.safe,
      epoch: kind === packKinds.state ? 0 : 1,
      certificate: computer.certificate,
      nonce: prng.bytes(32),
      kem: kind === packKinds.state ? new Uint8Array(0) : computer.kem,
    });
    const fresh = Array.from({ length: blobCount }, () => ({
      id: prng.bytes(32) as ChunkId,
      blob: prng.bytes(prng.between(blobBytes, blobBytes + 8)),
      reused: null,
    }));
    const slips = reuses.map((row) => ({ id: row.id, blob: null, reused: row }));
    let offsetBytes = header.length;
    const blobs: Uint8Array[] = [];
    const rows = [...fresh, ...slips]
      .sort((a, b) => compareBytes(a.id, b.id))
      .map(({ id, blob, reused }, position): PackRow => {
        const slip = prng.bytes(this.suite === 1 ? 48 : 80);
        if (reused !== null) return { ...reused, section: 0, position, offsetBytes: 0, slip, slipOnly: true };
        blobs.push(blob);
        const row = {
          section: 0,
          position,
          id,
          offsetBytes,
          lengthBytes: blob.length,
          salt: prng.bytes(16),
          blobHash: primitives.sha256(blob),
          slip,
          slipOnly: false,
        };
        offsetBytes += blob.length;
        return row;
      });
    const { tail, name } = encodePackTail({
      header,
      rows,
      sections: [{ origin: null, header: null }],
      blobsBytes: offsetBytes - header.length,
    });
    return { name, bytes: concatBytes(header, ...blobs, tail), rows };
  }

  /** A signed record; refs to all rows of `packs` unless `refs` is given. */
  record(computer: TestComputer, options: TestRecordOptions = {}): TestRecord {
    const startMs = options.startMs ?? createdMs;
    const facts: RecordPublic = {
      safe: this.safe,
      computer: options.computer ?? computer.computer,
      certificate: computer.certificate,
      computerName: computer.name,
      job: options.job ?? 'job',
      retention: options.retention ?? 'daily',
      kind: options.kind ?? 'safeset',
      sequence: options.sequence ?? 1,
      previous: [...(options.previous ?? [])].sort(compareBytes),
      ledger: this.head,
      startMs,
      endMs: startMs + 1000,
      result: options.result ?? 'ok',
      counts: {
        bytesChanged: 0,
        bytesProtected: options.bytesProtected ?? 0,
        bytesUploaded: 0,
        directories: 0,
        errors: 0,
        files: 0,
        filesChanged: 0,
        others: 0,
      },
      epoch: 1,
      kem: computer.kem,
      nonce: this.prng.bytes(32),
      safeset: safesetId(this.prng.bytes(16)),
    };
    const bytes = encodeRecord({
      public: facts,
      suite: this.suite,
      refs: options.refs ?? refsOf(options.packs ?? []),
      sealed: this.prng.bytes(200),
      sign: (message) => primitives.ed25519Sign(computer.agentSeed, message),
    });
    return { bytes, digest: parseRecord(bytes).digest, public: facts };
  }
}

/** Refs to every row of the packs. */
export function refsOf(packs: readonly TestPack[]): Uint8Array {
  const refs = new RefsBuilder();
  for (const { name, rows } of packs) for (const { position } of rows) refs.add(name, position);
  return refs.finish();
}
