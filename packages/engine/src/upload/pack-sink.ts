/*
 * Where new chunks of one kind and one thread go: an open pack that is closed at about 16 MiB, settled in the shared table
 * and handed to `deliver`. A chunk that another computer stored, as sealing it again proves, goes in as a slip alone. Adding is synchronous; closing waits for the delivery's room, which is what holds a thread back
 * when the vault is slower than the disk.
 */
import {
  blobMatches,
  chunkBytesMax,
  chunkSecret,
  chunkSecrets,
  encodePayload,
  kindKeys,
  PackBuilder,
  sealedLength,
  SelfCheck,
} from '@twinvault/seal';
import type { ChunkSecret, KindKeys, SealingSession, WriteSecret } from '@twinvault/seal';
import { packBytesTarget } from '@twinvault/format';
import { pagedMemory, toHex } from '@twinvault/std';
import type { ChunkId, PackKind, PackName } from '@twinvault/format';
import type { Random } from '@twinvault/std';
import type { ChunkPlace, ChunkTable } from '../dedup/chunk-table.ts';
import type { ForeignBlob, ForeignChunks } from '../dedup/foreign-chunks.ts';
import { wordsPerSlip } from '../dedup/slip-pairs.ts';

/** Far below packRowsMax: many tiny chunks close a pack too. */
const packRowsAim = 32_768;

export interface ClosedPack {
  readonly number: number;
  readonly name: PackName;
  readonly bytes: Uint8Array;
  /** Positions are below. */
  readonly rows: number;
  /** Of each row without a blob: its position, the blob's pack number and position there. */
  readonly slips: Int32Array;
}

/** `stored`: its blob goes up with this pack. `reused`: another computer's blob is used. Neither: it was known. */
export interface PutChunk {
  readonly id: ChunkId;
  readonly stored: boolean;
  readonly reused: boolean;
}

export interface PackSinkOptions {
  readonly session: SealingSession;
  readonly writeSecret: WriteSecret;
  readonly kind: PackKind;
  readonly random: Random;
  readonly table: ChunkTable;
  readonly level: number;
  /** The computer's, for packs of kind state and for them alone. */
  readonly stateKey?: Uint8Array;
  /** Waited for before a pack is sealed, so that the one before it has left the memory that it is sealed into. */
  readonly room?: () => Promise<void>;
  /** Packs are closed at about this size; `packBytesTarget` when left out. A sink holds nearly twice as much. */
  readonly packBytesAim?: number;
  readonly deliver: (pack: ClosedPack) => Promise<void>;
}

/** Room for the payloads of a pack: it is closed when they reach the target, by a chunk that may be as large as they come. */
const payloadsBytesBeyond = chunkBytesMax + 64 * 1024;
/**
 * Room for a whole pack; smaller ones, and the rare larger one, get a buffer of their own. Shared memory, since an ArrayBuffer
 * that is handed from thread to thread counts as newly allocated at each end and brings on a garbage collection there: two
 * for each pack, a fifth of all CPU seconds (measured November 2026, Node 24). It begins at a page, so that a vault in a directory writes the
 * pack's file straight out of it.
 */
const outputBytesBeyond = payloadsBytesBeyond + 1024 * 1024;
const outputUsedMin = 1024 * 1024;

export class PackSink {
  readonly keys: KindKeys;
  private readonly options: PackSinkOptions;
  private readonly selfCheck = new SelfCheck();
  private session: SealingSession;
  private builder: PackBuilder | null = null;
  /** Payloads of the open pack: the same memory for every pack. */
  private readonly packBytesAim: number;
  private readonly payloads: Uint8Array;
  private payloadsUsed = 0;
  private others: ForeignChunks | null = null;
  /** Blobs that the open pack's slips open, by chunk id in hexadecimal. */
  private readonly reused = new Map<string, ChunkPlace>();
  /** Where candidates are sealed again. */
  private trial: Uint8Array = new Uint8Array(0);
  private readonly outputs: Uint8Array[] = [];

  constructor(options: PackSinkOptions) {
    this.options = options;
    this.session = options.session;
    this.packBytesAim = options.packBytesAim ?? packBytesTarget;
    this.payloads = new Uint8Array(this.packBytesAim + payloadsBytesBeyond);
    this.keys = kindKeys(options.writeSecret, options.kind);
  }

  /** Blobs of other computers that may be used from now on, each after its proof. */
  reuseFrom(others: ForeignChunks | null): void {
    this.others = others;
  }

  /** What chunks are named by, for `put`: several at once cost half. */
  secretsOf(plaintexts: readonly Uint8Array[]): readonly ChunkSecret[] {
    return chunkSecrets(this.keys, plaintexts);
  }

  /** Stores the chunk unless it is known. The plaintext is not kept. */
  put(plaintext: Uint8Array, { m, id }: ChunkSecret = chunkSecret(this.keys, plaintext)): PutChunk {
    const { table, level } = this.options;
    if (!table.claim(id)) return { id, stored: false, reused: false };
    this.builder ??= this.newBuilder();
    const payload = encodePayload(plaintext, { level, into: this.payloads.subarray(this.payloadsUsed) });
    const blob = this.others === null ? null : this.provenBlob({ id, m, payload });
    if (blob !== null) {
      this.builder.addReused({ id, m, ...blob });
      this.reused.set(toHex(id), blob.place);
      return { id, stored: false, reused: true };
    }
    if (payload.buffer === this.payloads.buffer) this.payloadsUsed += payload.length;
    this.builder.add(id, m, payload);
    return { id, stored: true, reused: false };
  }

  /** The first candidate that this payload seals to, byte for byte. */
  private provenBlob(chunk: { id: ChunkId; m: Uint8Array; payload: Uint8Array }): ForeignBlob | null {
    const { safe } = this.session;
    for (const blob of this.others?.candidates(chunk.id) ?? []) {
      const { suite, salt, blobHash, lengthBytes } = blob;
      if (sealedLength(suite, chunk.payload.length) !== lengthBytes) continue;
      if (this.trial.length < lengthBytes) this.trial = new Uint8Array(lengthBytes);
      const target = this.trial.subarray(0, lengthBytes);
      if (blobMatches({ ...chunk, suite, safe, kind: this.keys.kind, salt, blobHash, target })) return blob;
    }
    return null;
  }

  private newBuilder(): PackBuilder {
    const { kind, random, stateKey } = this.options;
    return new PackBuilder({
      ...(stateKey === undefined ? {} : { stateKey }),
      session: this.session,
      kind,
      keys: this.keys,
      random,
      selfCheck: this.selfCheck,
      payloadsAreOurs: true,
    });
  }

  /** Takes a delivered pack's memory back, for another pack. */
  reuse({ buffer }: Uint8Array): void {
    if (buffer.byteLength >= this.packBytesAim + outputBytesBeyond) this.outputs.push(new Uint8Array(buffer));
  }

  /** Packs begun from now on are sealed under this session. */
  renew(session: SealingSession): void {
    this.session = session;
  }

  /** Blobs that did not open to their chunk when they were looked at again: this machine's memory is faulty. */
  get memoryFaults(): number {
    return this.selfCheck.mismatches;
  }

  /** The open pack has reached its size: `close` before the next chunk. */
  get full(): boolean {
    const { builder } = this;
    return builder !== null && (builder.payloadBytes >= this.packBytesAim || builder.count >= packRowsAim);
  }

  /** Seals and delivers what is open; nothing when nothing is. Resolves when the delivery has taken the pack over. */
  async close(): Promise<void> {
    const { builder } = this;
    if (builder === null) return;
    this.builder = null;
    const { table, deliver, room } = this.options;
    await room?.();
    const large = builder.payloadBytes >= outputUsedMin;
    const { name, bytes, rows } = builder.finish(
      large ? (this.outputs.pop() ?? pagedMemory(this.packBytesAim + outputBytesBeyond)) : undefined,
    );
    this.payloadsUsed = 0;
    const number = table.newPackNumber();
    const slips = new Int32Array(wordsPerSlip * this.reused.size);
    let slipsAt = 0;
    for (const { id, position, slipOnly } of rows) {
      table.settle(id, { pack: number, position });
      const blob = slipOnly ? this.reused.get(toHex(id)) : undefined;
      if (blob === undefined) continue;
      slips.set([position, blob.pack, blob.position], slipsAt);
      slipsAt += wordsPerSlip;
    }
    this.reused.clear();
    await deliver({ number, name, bytes, rows: rows.length, slips });
  }
}
