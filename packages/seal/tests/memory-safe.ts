/*
 * A safe with one agent and a vault in memory, for the tests of reading: `backUp` commits a safeset of the given files the
 * plain way, each file one chunk.
 */

import { Prng, StdError, compareBytes, concatBytes, equalBytes, primitives, toHex, utf8Encode } from '@twinvault/std';
import { RefsBuilder, computerId, encodeRecord, packKinds, parseRecord, recordPublicDigest, safesetId } from '@twinvault/format';
import type { ChunkId, PackKind, PackName, ParsedRecord, RecordDigest, RecordPublic, Suite } from '@twinvault/format';
import { CatalogWriter } from '../src/catalog/catalog-writer.ts';
import type { CatalogEntry } from '../src/catalog/entry.ts';
import {
  PackBuilder,
  chunkSecret,
  encodePayload,
  enrolHere,
  kindKeys,
  makeSafe,
  newSealingSession,
  sealRecordPart,
} from '../src/index.ts';
import type { AgentKeys, BuiltPack, OpenedSafe, ReusedBlob, SealingSession } from '../src/index.ts';
import type { ReaderSummary, ReaderVault } from '../src/reader/reader-vault.ts';

export const random: Prng = new Prng('memory safe');
export const clock = { nowMs: (): number => 1_790_000_000_000 };

export class MemoryVault implements ReaderVault {
  readonly packs = new Map<string, Uint8Array>();
  readonly stored = new Map<string, Uint8Array>();
  readonly entries: Uint8Array[] = [];
  readonly retired = new Set<string>();
  /** Origins that were superseded, in hexadecimal, and the packs that hold their rows. */
  readonly moved = new Map<string, readonly PackName[]>();
  reads = 0;
  /** So many reads fail from now on. */
  failReads = 0;
  openReadings = 0;

  async ledger(from: number): Promise<readonly Uint8Array[]> {
    return await Promise.resolve(this.entries.slice(from - 1));
  }

  async records(): Promise<readonly ReaderSummary[]> {
    const summaries = [...this.stored.values()].map((bytes) => {
      const { digest, public: record } = parseRecord(bytes);
      return {
        digest,
        public: record,
        receivedMs: record.endMs,
        storedBytes: bytes.length,
        retired: this.retired.has(toHex(digest)),
      };
    });
    return await Promise.resolve(summaries);
  }

  async record(digest: RecordDigest): Promise<Uint8Array> {
    const bytes = this.stored.get(toHex(digest));
    if (bytes === undefined || this.retired.has(toHex(digest)))
      throw Object.assign(new Error('no record'), { code: 'record-unknown' });
    return await Promise.resolve(bytes);
  }

  private holdersOf(origin: PackName): readonly PackName[] {
    const moved = this.moved.get(toHex(origin));
    return moved ?? (this.packs.has(toHex(origin)) ? [origin] : []);
  }

  async openReading(): ReturnType<ReaderVault['openReading']> {
    this.openReadings += 1;
    return await Promise.resolve({
      readPack: async (pack: PackName, offset: number, length: number) => {
        this.reads += 1;
        if (this.failReads > 0) {
          this.failReads -= 1;
          throw new StdError('network-timeout');
        }
        const bytes = this.packs.get(toHex(pack));
        if (bytes === undefined || offset + length > bytes.length) throw new Error('pack-short');
        return await Promise.resolve(bytes.slice(offset, offset + length));
      },
      packSize: async (pack: PackName) => await Promise.resolve(this.packs.get(toHex(pack))?.length ?? null),
      holdersOf: async (origins: readonly PackName[]) => await Promise.resolve(origins.map((origin) => this.holdersOf(origin))),
      [Symbol.asyncDispose]: async () => {
        this.openReadings -= 1;
        await Promise.resolve();
      },
    });
  }
}

export interface MemorySafe {
  readonly vault: MemoryVault;
  readonly opened: OpenedSafe;
  readonly agent: AgentKeys;
}

/** Opened without its password: no test of reading waits for Argon2id more than once. */
export async function makeMemorySafe(suite: Suite): Promise<MemorySafe> {
  const made = await makeSafe({ label: 'Test', password: 'quite a long password', suite, random, clock });
  const vault = new MemoryVault();
  const { entry, agent, opened } = enrolHere({
    opened: made.opened,
    computer: computerId(random.bytes(16)),
    name: 'pc',
    random,
    clock,
  });
  vault.entries.push(...made.newSafe.ledger, entry);
  return { vault, opened, agent };
}

export interface BackUp {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly previous?: ParsedRecord;
  /** Chunks in each data pack. */
  readonly chunksPerPack?: number;
  /** Positions to leave out of the refs or to add, by changing the builder. */
  readonly refs?: (builder: RefsBuilder, packs: readonly BuiltPack[]) => void;
  readonly public?: Partial<RecordPublic>;
  /** Its chunk gets a slip alone; the test puts the blob. */
  readonly reused?: ReusedBlob;
}

export function backUp({ vault, agent }: MemorySafe, input: BackUp): ParsedRecord {
  const { suite, safe, certificate } = agent;
  const session = newSealingSession({ kem: agent.kem, suite, safe, certificate });
  const packs = new Packs(session, agent, input);
  const writer = new CatalogWriter({
    cutterKey: kindKeys(agent.writeSecret, packKinds.catalog).cutterKey,
    sink: { put: (plaintext) => packs.put(packKinds.catalog, plaintext) },
  });
  for (const [name, content] of input.files) writer.add(entryOf(name, content, packs.put(packKinds.data, content)));
  const { root, level } = writer.finish();
  const built = packs.finish();
  const refs = new RefsBuilder();
  for (const pack of built) {
    vault.packs.set(toHex(pack.name), pack.bytes);
    for (const { position } of pack.rows) refs.add(pack.name, position);
  }
  input.refs?.(refs, built);
  const record = publicOf({ session, agent, previous: input.previous, changed: input.public ?? {} });
  const sealed = sealRecordPart({
    session,
    nonce: record.nonce,
    publicDigest: recordPublicDigest(suite, record),
    part: { catalog: { root, level }, host: 'pc', sources: [utf8Encode('data')], errors: [] },
  });
  const sign = (message: Uint8Array): Uint8Array => primitives.ed25519Sign(agent.agentSeed, message);
  const bytes = encodeRecord({ public: record, suite, refs: refs.finish(), sealed, sign });
  const parsed = parseRecord(bytes);
  vault.stored.set(toHex(parsed.digest), bytes);
  return parsed;
}

class Packs {
  readonly #session: SealingSession;
  readonly #agent: AgentKeys;
  readonly #input: BackUp;
  readonly #open = new Map<PackKind, PackBuilder>();
  readonly #built: BuiltPack[] = [];
  readonly #known = new Set<string>();

  constructor(session: SealingSession, agent: AgentKeys, input: BackUp) {
    this.#session = session;
    this.#agent = agent;
    this.#input = input;
  }

  put(kind: PackKind, plaintext: Uint8Array): ChunkId {
    const keys = kindKeys(this.#agent.writeSecret, kind);
    const { id, m } = chunkSecret(keys, plaintext);
    if (this.#known.has(toHex(id))) return id;
    this.#known.add(toHex(id));
    const builder = this.#open.get(kind) ?? new PackBuilder({ session: this.#session, kind, keys, random });
    this.#open.set(kind, builder);
    const { reused, chunksPerPack = 3 } = this.#input;
    if (reused !== undefined && equalBytes(reused.id, id)) builder.addReused(reused);
    else builder.add(id, m, encodePayload(plaintext));
    if (kind === packKinds.data && builder.count >= chunksPerPack) {
      this.#built.push(builder.finish());
      this.#open.delete(kind);
    }
    return id;
  }

  finish(): readonly BuiltPack[] {
    for (const builder of this.#open.values()) this.#built.push(builder.finish());
    return this.#built;
  }
}

function entryOf(name: string, content: Uint8Array, chunk: ChunkId): CatalogEntry {
  return {
    directory: utf8Encode('data'),
    name: utf8Encode(name),
    type: 1,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    mtimeNanos: 0,
    sizeBytes: content.length,
    extents: [{ chunk, offsetBytes: 0, lengthBytes: content.length }],
  };
}

function publicOf(input: {
  session: SealingSession;
  agent: AgentKeys;
  previous: ParsedRecord | undefined;
  changed: Partial<RecordPublic>;
}): RecordPublic {
  const { session, agent, previous, changed } = input;
  return {
    safe: agent.safe,
    certificate: agent.certificate,
    computer: agent.computer,
    computerName: agent.computerName,
    job: 'files',
    retention: 'daily',
    kind: 'safeset',
    sequence: (previous?.public.sequence ?? 0) + 1,
    previous: previous === undefined ? [] : [previous.digest],
    ledger: agent.ledgerHead,
    startMs: 1,
    endMs: 2,
    result: 'ok',
    counts: {
      bytesChanged: 0,
      bytesProtected: 0,
      bytesUploaded: 0,
      directories: 0,
      errors: 0,
      files: 0,
      filesChanged: 0,
      others: 0,
    },
    epoch: session.epoch,
    kem: session.kem,
    nonce: random.bytes(32),
    safeset: safesetId(random.bytes(16)),
    ...changed,
  };
}

/** `count` files of a few kilobytes, all different, by name in the order of the catalog. */
export function someFiles(count: number, seed: string): Map<string, Uint8Array> {
  const prng = new Prng(seed);
  const names = Array.from({ length: count }, (_, index) => `file-${index}`);
  const sorted = names.toSorted((a, b) => compareBytes(utf8Encode(a), utf8Encode(b)));
  return new Map(sorted.map((name) => [name, concatBytes(utf8Encode(name), prng.bytes(prng.below(9_000)))]));
}
