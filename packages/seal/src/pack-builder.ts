/*
 * Builds one fresh pack (docs/format/packs.md): takes compressed chunks as they come and seals them all when it closes,
 * positions in the order of the ids, so that the order of files and exact sums are not on show.
 *
 *   pack = header | blobs | table | sections | trailer
 *
 * Invariants: an id occurs once; every salt and the pack nonce are fresh, so no key seals two plaintexts; what the
 * self-check opened again is what goes out.
 */

import { assert, compareBytes, primitives, releaseBytes, toHex } from '@twinvault/std';
import type { Random } from '@twinvault/std';
import {
  encodePackHeader,
  encodePackTail,
  packBytesMax,
  packKinds,
  packRowsMax,
  packTrailerBytes,
  saltBytes,
} from '@twinvault/format';
import type { ChunkId, PackKind, PackName, PackRow, Suite } from '@twinvault/format';
import { blobKey, sealBlob } from './blobs.ts';
import type { SealedBlob } from './blobs.ts';
import type { KindKeys } from './keys.ts';
import { packKeyOf, sealSlip } from './pack-keys.ts';
import { SelfCheck } from './self-check.ts';
import type { SealingSession } from './session.ts';
import { sealedLength } from './suites.ts';

export interface PackBuilderInput {
  readonly session: SealingSession;
  readonly kind: PackKind;
  /** Of the same kind. */
  readonly keys: KindKeys;
  readonly random: Random;
  /** For packs of kind state, and only for them: the computer's state key. */
  readonly stateKey?: Uint8Array;
  /** The payloads are handed over: the memory of large ones is given back as they are sealed. */
  readonly payloadsAreOurs?: boolean;
  /** Shared by the builders of a run, so that one mismatch makes all of them check everything. */
  readonly selfCheck?: SelfCheck;
}

/** A blob that another computer stored and that `blobMatches` found to be the own chunk's. */
export interface ReusedBlob {
  readonly id: ChunkId;
  readonly m: Uint8Array;
  /** The stored blob's. */
  readonly suite: Suite;
  readonly salt: Uint8Array;
  readonly blobHash: Uint8Array;
  readonly lengthBytes: number;
}

export interface BuiltRow {
  readonly id: ChunkId;
  readonly position: number;
  /** Of the blob. */
  readonly lengthBytes: number;
  /** The pack holds the chunk's slip alone: refs name the blob's own position too. */
  readonly slipOnly: boolean;
}

export interface BuiltPack {
  readonly name: PackName;
  /** In a buffer of its own, which can be transferred to another thread, or in the `output` that was given. */
  readonly bytes: Uint8Array;
  /** Sorted by id; position = index. */
  readonly rows: readonly BuiltRow[];
}

/** A row without its slip, whose length the suite gives. */
const rowFixedBytes = 96;
/** No KEM ciphertexts, and the one section of a fresh pack. */
const sectionsBytes = 2 + 114;
const keyBytes = 32;
const unhashed = new Uint8Array(0);

interface OwnEntry {
  readonly id: ChunkId;
  readonly m: Uint8Array;
  readonly payload: Uint8Array;
}

type Entry = OwnEntry | { readonly id: ChunkId; readonly reused: ReusedBlob };

interface SealedParts {
  readonly id: ChunkId;
  readonly slipOnly: boolean;
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  blobHash: Uint8Array;
  readonly lengthBytes: number;
}

export class PackBuilder {
  readonly #input: PackBuilderInput;
  readonly #selfCheck: SelfCheck;
  readonly #entries = new Map<string, Entry>();
  #payloadBytes = 0;
  #finished = false;

  constructor(input: PackBuilderInput) {
    assert(input.keys.kind === input.kind, 'keys of another kind');
    assert((input.stateKey !== undefined) === (input.kind === packKinds.state), 'state packs use the state key');
    this.#input = input;
    this.#selfCheck = input.selfCheck ?? new SelfCheck();
  }

  /** Sum of the payloads: the pack becomes larger by a few per mille. Close it at `packBytesTarget`. */
  get payloadBytes(): number {
    return this.#payloadBytes;
  }

  get count(): number {
    return this.#entries.size;
  }

  has(id: ChunkId): boolean {
    return this.#entries.has(toHex(id));
  }

  /** False when the chunk is in already. The payload is kept, not copied: it must not change before `finish`. */
  add(id: ChunkId, m: Uint8Array, payload: Uint8Array): boolean {
    if (!this.#put({ id, m, payload })) return false;
    this.#payloadBytes += payload.length;
    return true;
  }

  /** A row without a blob. False when the chunk is in already. */
  addReused(reused: ReusedBlob): boolean {
    return this.#put({ id: reused.id, reused });
  }

  /**
   * Seals everything; once. SealError `memory-fault` when a blob does not open to its chunk. `output`: where the pack goes if it
   * fits, so that no large buffer is allocated.
   */
  finish(output?: Uint8Array): BuiltPack {
    assert(!this.#finished && this.#entries.size > 0, 'a pack is finished once and is not empty');
    this.#finished = true;
    const { session, kind, random, stateKey } = this.#input;
    const { suite, safe, certificate } = session;
    const fromState = stateKey !== undefined;
    const header = encodePackHeader({
      suite,
      kind,
      safe,
      epoch: fromState ? 0 : session.epoch,
      certificate,
      nonce: random.bytes(32),
      kem: fromState ? new Uint8Array(0) : session.kem,
    });
    const packKey = packKeyOf({ kind, header, secret: stateKey ?? session.secret });
    const entries = [...this.#entries.values()].sort((a, b) => compareBytes(a.id, b.id));
    const blobsBytes = this.#blobsBytes(entries);
    const packBytes = header.length + blobsBytes + tailBytesOf(entries.length, suite);
    const fits = output !== undefined && output.length >= packBytes;
    const bytes = fits ? output.subarray(0, packBytes) : new Uint8Array(packBytes);
    bytes.set(header);
    const sealed = this.#sealAll(entries, bytes.subarray(header.length));
    const rows: PackRow[] = [];
    let offsetBytes = header.length;
    for (const [position, { id, slipOnly, key, salt, blobHash, lengthBytes }] of sealed.entries()) {
      const slip = sealSlip(packKey, { suite, position, id, blobHash }, key);
      const at = slipOnly ? 0 : offsetBytes;
      rows.push({ section: 0, position, id, offsetBytes: at, lengthBytes, salt, blobHash, slip, slipOnly });
      if (!slipOnly) offsetBytes += lengthBytes;
    }
    const { tail, name } = encodePackTail({ header, rows, sections: [{ origin: null, header: null }], blobsBytes });
    assert(offsetBytes + tail.length === bytes.length, 'the lengths of a pack add up');
    bytes.set(tail, offsetBytes);
    return {
      name,
      bytes,
      rows: rows.map(({ id, position, lengthBytes, slipOnly }) => ({ id, position, lengthBytes, slipOnly })),
    };
  }

  #put(entry: Entry): boolean {
    assert(!this.#finished, 'a finished pack takes no more');
    const name = toHex(entry.id);
    if (this.#entries.has(name)) return false;
    assert(this.#entries.size < packRowsMax, 'a pack has too many rows');
    this.#entries.set(name, entry);
    return true;
  }

  #blobsBytes(entries: readonly Entry[]): number {
    let sum = 0;
    for (const entry of entries) {
      if ('payload' in entry) sum += sealedLength(this.#input.session.suite, entry.payload.length);
    }
    assert(sum < packBytesMax, 'a pack is too large');
    return sum;
  }

  /** Blobs one after another from the beginning of `space` on; then they are hashed, side by side. */
  #sealAll(entries: readonly Entry[], space: Uint8Array): SealedParts[] {
    const blobs: Uint8Array[] = [];
    let at = 0;
    const seal = (entry: OwnEntry): SealedParts => {
      const { blob, key, salt } = this.#seal(entry, space.subarray(at));
      blobs.push(blob);
      at += blob.length;
      if (this.#input.payloadsAreOurs === true) releaseBytes(entry.payload);
      return { id: entry.id, slipOnly: false, key, salt, blobHash: unhashed, lengthBytes: blob.length };
    };
    const parts = entries.map((entry) => ('reused' in entry ? reusedParts(entry.reused) : seal(entry)));
    const hashes = primitives.sha256Each(blobs).values();
    for (const part of parts) if (!part.slipOnly) part.blobHash = hashes.next().value ?? unhashed;
    return parts;
  }

  /** Seals the blob at the beginning of `space`. */
  #seal({ id, m, payload }: OwnEntry, space: Uint8Array): SealedBlob & { readonly salt: Uint8Array } {
    const { session, kind, keys, random } = this.#input;
    const { suite, safe } = session;
    const target = space.subarray(0, sealedLength(suite, payload.length));
    const place = { suite, safe, kind, id };
    const seal = (): SealedBlob & { readonly salt: Uint8Array } => {
      const salt = random.bytes(saltBytes);
      return { salt, ...sealBlob({ ...place, m, salt, payload, target }) };
    };
    return this.#selfCheck.checked({ place, keys, seal });
  }
}

function reusedParts({ id, suite, m, salt, blobHash, lengthBytes }: ReusedBlob): SealedParts {
  return { id, slipOnly: true, key: blobKey(suite, m, salt), salt, blobHash, lengthBytes };
}

/** Of a fresh pack: what encodePackTail gives, known before it is called, so that a pack's buffer is made once. */
function tailBytesOf(rowCount: number, suite: Suite): number {
  return rowCount * (rowFixedBytes + sealedLength(suite, keyBytes)) + sectionsBytes + packTrailerBytes;
}
