/*
 * Writes the sealed copy of local state as a run goes on: a log of what changed where one may follow what is at the vault, else
 * a new base (docs/format/delta.md, "State packs"). Entries come in key order; packs go up as they fill.
 *
 * Invariants: a log follows exactly the cache that the run began with; a chain is marked in the table, and so pinned by the
 * record, only when all of its chunks are at the vault.
 */
import { assert, equalBytes, releaseBytes } from '@twinvault/std';
import type { Random } from '@twinvault/std';
import { entryKey } from '@twinvault/seal';
import type { SealingSession } from '@twinvault/seal';
import type { ChunkTable } from '../dedup/chunk-table.ts';
import { encodeDifference } from '../delta/difference.ts';
import { decodeSignature } from '../delta/signature.ts';
import type { Signature } from '../delta/signature.ts';
import { BodyView, withoutExtents } from '../entries/entry-body.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import type { Item } from '../scan/segments.ts';
import type { CacheBlock } from '../state/cache-block.ts';
import type { SignatureStore } from '../state/signature-store.ts';
import { PackSink } from '../upload/pack-sink.ts';
import type { PackSinkOptions } from '../upload/pack-sink.ts';
import type { Uploader } from '../upload/uploader.ts';
import { keepsSignature, sameInState } from './state-body.ts';
import { stateBaseBytes, takesLog } from './state-chain.ts';
import type { StateChain } from './state-chain.ts';
import { encodeStatePart, statePartBytesMax } from './state-part.ts';
import { stateRecords, writeDifference, writeHead, writeRecord } from './state-stream.ts';

export interface StateOutputOptions {
  readonly sink: Omit<PackSinkOptions, 'deliver' | 'table'>;
  readonly table: ChunkTable;
  readonly uploader: Uploader;
  readonly signatures: Pick<SignatureStore, 'key' | 'of' | 'segment'>;
  readonly random: Random;
  /** Of the cache that the run begins with; null when there is none. */
  readonly last: StateChain | null;
  readonly sequence: number;
  readonly job: string;
}

/** Small ones: the main thread has the catalog's open pack already. */
const statePackBytes = 4 * 1024 * 1024;
const nothing = new Uint8Array(0);

export class StateOutput {
  private readonly options: StateOutputOptions;
  private readonly last: StateChain | null;
  private readonly base: Uint8Array;
  private readonly ids: Uint8Array[] = [];
  private readonly writer: PackedWriter = new PackedWriter(64 * 1024);
  private sink: PackSink | null = null;
  private session: SealingSession;
  private parts = 0;
  private storedBytes = 0;

  constructor(options: StateOutputOptions) {
    const { last, signatures, random, table, sink } = options;
    this.options = options;
    this.session = sink.session;
    const goesOn =
      last !== null && takesLog(last) && equalBytes(last.pageKey, signatures.key) && last.ids.every((id) => table.has(id));
    this.last = goesOn ? last : null;
    this.base = this.last?.base ?? random.bytes(stateBaseBytes);
    if (this.isBase) this.begin();
  }

  /** All entries are written, not only those that changed. */
  get isBase(): boolean {
    return this.last === null;
  }

  /** A promise when packs are full within: the next entry may be written when it resolves. */
  write(item: Item): Promise<void> | null {
    const { directory, name, body, last } = item;
    if (body === null && this.isBase) return null;
    if (!this.isBase && body !== null && last !== null && sameInState(body, last)) return null;
    this.begin();
    const key = entryKey(directory, name);
    if (body === null) {
      this.record({ what: stateRecords.gone, key, body: nothing });
      return null;
    }
    const versions = this.versionsOf(item, body);
    if (versions === null) {
      this.record({ what: stateRecords.put, key, body });
      return null;
    }
    const { before, after } = versions;
    const what = before === null ? stateRecords.created : stateRecords.changed;
    this.record({ what, key, body: withoutExtents(body) });
    return this.writeParts(encodeDifference(before, after, (segment) => this.options.signatures.segment(segment)));
  }

  /** Goes on where it is called again, until a pack is full. */
  private writeParts(parts: Generator<Uint8Array, void, undefined>): Promise<void> | null {
    for (let next = parts.next(); next.done !== true; next = parts.next()) {
      writeDifference(this.writer, next.value);
      releaseBytes(next.value);
      this.endParts();
      if (this.sink?.full === true) return this.breathe().then(() => this.writeParts(parts) ?? undefined);
    }
    writeDifference(this.writer, null);
    return null;
  }

  /** Entries of a block that is taken over; none of them changed. A promise as from `write`. */
  writeBlock({ items }: CacheBlock): Promise<void> | null {
    return this.isBase ? this.writeItems(new ItemCursor(items)) : null;
  }

  private writeItems(cursor: ItemCursor): Promise<void> | null {
    while (cursor.next()) {
      const { directory, name, body } = cursor;
      const writing = this.write({ directory, name, body, last: body, change: 'unchanged' });
      if (writing !== null) return writing.then(() => this.writeItems(cursor) ?? undefined);
    }
    return null;
  }

  /** What the content's difference is made of; null: it goes without, since the state has its signature, or nobody has. */
  private versionsOf({ last, moved }: Item, body: Uint8Array): { before: Signature | null; after: Signature } | null {
    if (!keepsSignature(body) || (moved === true && !this.isBase)) return null;
    const after = this.signatureOf(body);
    if (after === null) return null;
    const before = this.isBase || last === null || !keepsSignature(last) ? null : this.signatureOf(last);
    return { before, after };
  }

  private signatureOf(body: Uint8Array): Signature | null {
    const { signatures } = this.options;
    const bytes = signatures.of(body);
    return bytes === null ? null : decodeSignature(bytes, new BodyView(body).extentBytes, signatures.key);
  }

  private begin(): void {
    if (this.sink !== null) return;
    const { sink, table, uploader, sequence, job, signatures } = this.options;
    const own = new PackSink({
      ...sink,
      packBytesAim: statePackBytes,
      session: this.session,
      table,
      deliver: async (pack) => {
        this.storedBytes += pack.bytes.length;
        await uploader.put(pack);
        own.reuse(pack.bytes);
      },
    });
    this.sink = own;
    writeHead(this.writer, { sequence, job, pageKey: signatures.key });
  }

  private record(record: Parameters<typeof writeRecord>[1]): void {
    writeRecord(this.writer, record);
    this.endParts();
  }

  private endParts(): void {
    if (this.writer.length < statePartBytesMax) return;
    const bytes = this.writer.flush();
    let at = 0;
    for (; bytes.length - at >= statePartBytesMax; at += statePartBytesMax) {
      this.part(bytes.subarray(at, at + statePartBytesMax), false);
    }
    this.writer.bytes(bytes.subarray(at));
    releaseBytes(bytes);
  }

  private part(bytes: Uint8Array, last: boolean): void {
    const { base, sink } = this;
    assert(sink !== null, 'a part belongs to a stream that was begun');
    const number = this.isBase ? 0 : (this.last?.logs ?? 0) + 1;
    this.ids.push(sink.put(encodeStatePart({ base, number, part: this.parts, last, bytes })).id);
    this.parts += 1;
  }

  renew(session: SealingSession): void {
    this.session = session;
    this.sink?.renew(session);
  }

  /** Between entries: hands over full packs. */
  async breathe(): Promise<void> {
    if (this.sink?.full === true) await this.sink.close();
  }

  get memoryFaults(): number {
    return this.sink?.memoryFaults ?? 0;
  }

  /** Everything is at the vault, and marked, when it resolves. What the record of this run pins. */
  async finish(): Promise<StateChain> {
    const { table, signatures } = this.options;
    if (this.sink !== null) {
      this.part(this.writer.flush(), true);
      await this.sink.close();
    }
    const chain = this.chain(signatures.key);
    for (const id of chain.ids) assert(table.mark(id), 'state is at the vault before it is pinned');
    return chain;
  }

  private chain(pageKey: Uint8Array): StateChain {
    const { last, base, ids, storedBytes } = this;
    if (last === null) return { base, pageKey, logs: 0, baseBytes: storedBytes, logBytes: 0, ids };
    if (this.sink === null) return last;
    return { ...last, logs: last.logs + 1, logBytes: last.logBytes + storedBytes, ids: [...last.ids, ...ids] };
  }
}
