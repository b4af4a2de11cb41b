/*
 * Sealed verification: a computer that cannot read what it stored compares it with its live files all the same. Whoever has a chunk's
 * plaintext can make the key of its blob from the blob's salt, and nobody else can (docs/format/packs.md): so each chunk is put together from
 * live files, told by its id, and the stored blob is read, held against its hash in the table, opened, and compared.
 *
 * What is proven of a file that is "same": the vault has, at this moment, bytes that open to its content. Not proven is that the slips which
 * the password side uses are right: only that side can tell. Nothing is written.
 */
import { CodedError, equalBytes, primitives, toHex } from '@twinvault/std';
import { packKinds, parseRecord, parseRefs, recordDigest, verifyRecord } from '@twinvault/format';
import type { ParsedRecord, RecordDigest } from '@twinvault/format';
import type { VaultReading, VaultSafe } from '@twinvault/protocol';
import {
  blobKey,
  bundleKey,
  ChunkReader,
  chunkSecret,
  kindKeys,
  openChunkWithKey,
  PackKeyring,
  replayPinned,
  SealError,
} from '@twinvault/seal';
import type { AgentKeys, ChunkPlace, KindKeys } from '@twinvault/seal';
import { pathOf } from '../entries/entry-keys.ts';
import { EngineError } from '../errors.ts';
import type { FileSource, SourceReader } from '../source-port.ts';
import type { AgentState } from '../state/agent-state.ts';
import type { CacheReader } from '../state/catalog-cache.ts';
import { LiveContent } from './live-content.ts';
import type { Assembled, LiveState } from './live-content.ts';
import { planLive } from './live-plan.ts';
import type { LiveChunk, LivePlan } from './live-plan.ts';

/** Chunks whose places are sought together, so that neighbours in a pack are read one after another. */
const batchChunks = 2048;

export interface VerifyLiveOptions {
  readonly vault: VaultSafe;
  readonly agent: AgentKeys;
  readonly job: string;
  readonly state: AgentState;
  readonly reader: FileSource['reader'];
  /** Components joined by 0x00; none: the whole safeset. */
  readonly paths: readonly Uint8Array[];
  readonly progress?: (progress: VerifyLiveProgress) => void;
  readonly signal?: AbortSignal;
}

export interface VerifyLiveProgress {
  readonly chunks: number;
  readonly chunksTotal: number;
  /** Sealed bytes read from the vault. */
  readonly bytes: number;
}

export interface LiveEntry {
  /** Components joined by 0x00. */
  readonly path: Uint8Array;
  readonly state: LiveState;
}

export interface VerifyLiveReport {
  /** Of the safeset that was compared: the last one of this computer's job. */
  readonly record: RecordDigest;
  readonly sequence: number;
  /** When it was received or, by the agent's clock, ended. */
  readonly endMs: number;
  /** Of the files that were asked for, in key order. */
  readonly entries: readonly LiveEntry[];
  readonly counts: Readonly<Record<LiveState, number>>;
  readonly fileBytes: number;
  readonly chunks: number;
  readonly bytes: number;
}

/**
 * EngineError 'cache-missing' when local state does not know the last safeset, 'cache-outdated' when another version wrote what it knows, 'path-unknown' when nothing of it lies at a path that was
 * asked for; ProtocolError 'record-unknown' when the vault has it no more; what verifying a record throws; the signal's reason.
 */
export async function verifyLive(options: VerifyLiveOptions): Promise<VerifyLiveReport> {
  const { vault, agent, state, job, paths, signal } = options;
  using safeState = state.safe(agent.safe);
  const jobState = await safeState.job(job);
  const openCache = async (): Promise<CacheReader> => {
    const cache = await jobState.openCache();
    if (cache === null) throw new EngineError((await jobState.hasCache()) ? 'cache-outdated' : 'cache-missing');
    return cache;
  };
  const seen = await safeState.ledgerHead(agent);
  const record = await lastRecord(options, { seen, digest: await recordOf(openCache) });
  const reading = await vault.openReading();
  await using _held = reading;
  const plan = await planLive({ openCache, paths, ...(signal === undefined ? {} : { signal }) });
  for (const path of paths) {
    const isThere = plan.files.some(({ directory, name, wanted }) => wanted && isAt(path, pathOf(directory, name)));
    if (!isThere) throw new EngineError('path-unknown', { context: { localPath: shownPath(path) } });
  }
  const reader = await openReader(options.reader);
  try {
    return await new Comparison({ options, record, reading, plan, reader }).run();
  } finally {
    reader.close();
  }
}

async function recordOf(openCache: () => Promise<CacheReader>): Promise<Uint8Array> {
  await using cache = await openCache();
  return cache.info.record;
}

interface RecordToFind {
  readonly seen: Awaited<ReturnType<ReturnType<AgentState['safe']>['ledgerHead']>>;
  readonly digest: Uint8Array;
}

/** The record that the cache was written for, verified as a reader would. */
async function lastRecord({ vault, agent }: VerifyLiveOptions, { seen, digest }: RecordToFind): Promise<ParsedRecord> {
  const served = { descriptor: await vault.descriptor(), ledger: await vault.ledger(1) };
  const ledger = replayPinned(served, { rootKey: agent.rootKey, ledgerHead: seen });
  const record = parseRecord(await vault.record(recordDigest(digest)));
  if (!equalBytes(record.digest, digest)) throw new SealError('record-mismatch');
  verifyRecord(record, ledger);
  return record;
}

interface SourceReaderModule {
  openSourceReader(config: unknown): SourceReader | Promise<SourceReader>;
}

async function openReader({ module, config }: FileSource['reader']): Promise<SourceReader> {
  const opened = (await import(module)) as SourceReaderModule;
  return await opened.openSourceReader(config);
}

function isAt(asked: Uint8Array, path: Uint8Array): boolean {
  if (asked.length === 0) return true;
  return equalBytes(path.subarray(0, asked.length), asked) && (path.length === asked.length || path[asked.length] === 0);
}

function shownPath(path: Uint8Array): string {
  return `/${new TextDecoder().decode(path).replaceAll('\0', '/')}`;
}

interface ComparisonParts {
  readonly options: VerifyLiveOptions;
  readonly record: ParsedRecord;
  readonly reading: VaultReading;
  readonly plan: LivePlan;
  readonly reader: SourceReader;
}

type StoredState = 'good' | 'damaged' | 'missing';

class Comparison {
  readonly #parts: ComparisonParts;
  readonly #keys: KindKeys;
  readonly #live: LiveContent;
  readonly #stored: ChunkReader;
  #bytes = 0;
  #chunks = 0;

  constructor(parts: ComparisonParts) {
    const { options, record, reading, plan, reader } = parts;
    const { agent } = options;
    this.#parts = parts;
    this.#keys = kindKeys(agent.writeSecret, packKinds.data);
    this.#live = new LiveContent(plan.files, { reader, bundleKey: bundleKey(agent.writeSecret) });
    // Places are found without any key; nothing is opened by slips.
    const opened = { safe: agent.safe, keyring: new PackKeyring({}), kindKeys: () => this.#keys };
    const refs = parseRefs(record.refs);
    this.#stored = new ChunkReader({ opened, reading, refs, own: () => true });
  }

  async run(): Promise<VerifyLiveReport> {
    const { plan, options, record } = this.#parts;
    const { signal } = options;
    const used = new Uint8Array(plan.files.length);
    for (let start = 0; start < plan.chunks.length; start += batchChunks) {
      for (const { chunk, places } of await this.#placed(plan.chunks.slice(start, start + batchChunks))) {
        signal?.throwIfAborted();
        await this.#compare(chunk, places);
        for (const { file } of chunk.pieces) used[file] = 1;
        this.#chunks += 1;
        options.progress?.({ chunks: this.#chunks, chunksTotal: plan.chunks.length, bytes: this.#bytes });
      }
    }
    for (const file of plan.files.keys()) if (used[file] !== 1) this.#live.look(file);
    const { digest, public: known } = record;
    return {
      record: digest,
      sequence: known.sequence,
      endMs: known.endMs,
      ...this.#results(),
      fileBytes: plan.wantedBytes,
      chunks: this.#chunks,
      bytes: this.#bytes,
    };
  }

  /** In the order in which they lie. */
  async #placed(chunks: readonly LiveChunk[]): Promise<{ chunk: LiveChunk; places: ChunkPlace[] }[]> {
    const placed: { chunk: LiveChunk; places: ChunkPlace[]; order: string }[] = [];
    for (const chunk of chunks) {
      const places = (await this.#stored.places(chunk.id)).filter(({ header }) => header.kind === packKinds.data);
      const [first] = places;
      const order = first === undefined ? '' : `${toHex(first.pack)} ${String(first.row.offsetBytes).padStart(10, '0')}`;
      placed.push({ chunk, places, order });
    }
    return placed.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
  }

  async #compare(chunk: LiveChunk, places: readonly ChunkPlace[]): Promise<void> {
    const live = this.#live;
    const proof = this.#prove(chunk);
    for (const piece of chunk.pieces) {
      if (proof === null) live.judgePiece(piece);
      else if (!proof.used.has(piece)) live.comparePiece(proof.content, piece);
    }
    const stored = await this.#storedState(places, proof?.m ?? null);
    if (stored !== 'good') for (const { file } of chunk.pieces) live.note(file, stored);
  }

  /** The chunk's plaintext out of live files, its id being the proof; null when they do not have it any more. */
  #prove(chunk: LiveChunk): (Assembled & { readonly m: Uint8Array }) | null {
    for (;;) {
      const { content, used } = this.#live.assemble(chunk);
      const { m, id } = chunkSecret(this.#keys, content);
      if (equalBytes(id, chunk.id)) return { content, used, m };
      // Reading may have shown that a file has changed: then another that has the same piece may help.
      if (![...used].some(({ file }) => this.#live.stateOf(file) === 'changed')) return null;
    }
  }

  /** The best of the chunk's copies. Without `m` only its hash can be compared. */
  async #storedState(places: readonly ChunkPlace[], m: Uint8Array | null): Promise<StoredState> {
    let state: StoredState = 'missing';
    for (const { pack, row, header } of places) {
      try {
        const blob = await this.#parts.reading.readPack(pack, row.offsetBytes, row.lengthBytes);
        this.#bytes += blob.length;
        state = 'damaged';
        if (!equalBytes(primitives.sha256(blob), row.blobHash)) continue;
        if (m === null) return 'good';
        const { suite, safe, kind } = header;
        openChunkWithKey({ suite, safe, kind, id: row.id, key: blobKey(suite, m, row.salt), blob }, this.#keys);
        return 'good';
      } catch (error) {
        if (!(error instanceof CodedError) || error.retry === 'later') throw error;
      }
    }
    return state;
  }

  #results(): Pick<VerifyLiveReport, 'entries' | 'counts'> {
    const counts = { same: 0, unproven: 0, changed: 0, damaged: 0, missing: 0 };
    const entries: LiveEntry[] = [];
    for (const [file, { wanted, directory, name, doubtful }] of this.#parts.plan.files.entries()) {
      if (!wanted) continue;
      const found = this.#live.stateOf(file);
      const state = doubtful && found === 'same' ? 'unproven' : found;
      counts[state] += 1;
      entries.push({ path: pathOf(directory, name), state });
    }
    return { entries, counts };
  }
}
