/*
 * Writes the sealed copy of local state as a run goes on: a log of what changed where one may follow what is at the vault, else
 * a new base (docs/format/delta.md, "State packs"). Entries come in key order; packs go up as they fill.
 *
 * Invariants: a log follows exactly the cache that the run began with; a chain is marked in the table, and so pinned by the
 * record, only when all of its chunks are at the vault.
 */
import { assert, equalBytes } from '@twinvault/std';
import type { Random } from '@twinvault/std';
import { entryKey } from '@twinvault/seal';
import type { SealingSession } from '@twinvault/seal';
import type { ChunkTable } from '../dedup/chunk-table.ts';
import { encodeDifference } from '../delta/difference.ts';
import { decodeSignature } from '../delta/signature.ts';
import { BodyView, withoutExtents } from '../entries/entry-body.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import type { Item } from '../scan/segments.ts';
import type { CacheBlock } from '../state/cache-block.ts';
import type { SignatureStore } from '../state/signature-store.ts';
import { PackSink } from '../upload/pack-sink.ts';
import type { PackSinkOptions } from '../upload/pack-sink.ts';
import type { Uploader } from '../upload/uploader.ts';
import { keepsSignature, sameExtents, sameInState } from './state-body.ts';
import { stateBaseBytes, takesLog } from './state-chain.ts';
import type { StateChain } from './state-chain.ts';
import { encodeStatePart, statePartBytesMax } from './state-part.ts';
import { stateRecords, writeHead, writeRecord } from './state-stream.ts';

export interface StateOutputOptions {
  readonly sink: Omit<PackSinkOptions, 'deliver' | 'table'>;
  readonly table: ChunkTable;
  readonly uploader: Uploader;
  readonly signatures: Pick<SignatureStore, 'key' | 'of'>;
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

  /** What a log needs of a large file that was read: asked while the signature of its last version still stands. */
  difference(last: Uint8Array | null, body: Uint8Array, signature: Uint8Array | null): Uint8Array | null {
    if (this.isBase || last === null || signature === null || !keepsSignature(last) || !keepsSignature(body)) return null;
    const { signatures } = this.options;
    const before = signatures.of(last);
    if (before === null) return null;
    const old = decodeSignature(before, new BodyView(last).extentBytes, signatures.key);
    const next = decodeSignature(signature, new BodyView(body).extentBytes, signatures.key);
    return old === null || next === null ? null : encodeDifference(old, next);
  }

  write(item: Item): void {
    const { directory, name, body, last, difference } = item;
    if (body === null && this.isBase) return;
    if (!this.isBase && body !== null && last !== null && sameInState(body, last)) return;
    this.begin();
    const key = entryKey(directory, name);
    if (body === null) this.record({ what: stateRecords.gone, key, body: nothing, rest: nothing });
    else if (difference !== null) {
      this.record({ what: stateRecords.changed, key, body: withoutExtents(body), rest: difference });
    } else this.record({ what: stateRecords.put, key, body, rest: this.signatureOf(item, body) });
  }

  /** Entries of a block that is taken over; none of them changed. */
  writeBlock({ items }: CacheBlock): void {
    if (!this.isBase) return;
    const cursor = new ItemCursor(items);
    while (cursor.next()) {
      const { directory, name, body } = cursor;
      this.write({ directory, name, body, last: body, difference: null, change: 'unchanged' });
    }
  }

  /** Of contents that the state has already, the signature is there too. */
  private signatureOf({ last, moved }: Item, body: Uint8Array): Uint8Array {
    if (!keepsSignature(body)) return nothing;
    const isThere = moved === true || (last !== null && keepsSignature(last) && sameExtents(last, body));
    if (isThere && !this.isBase) return nothing;
    return this.options.signatures.of(body) ?? nothing;
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
    if (this.writer.length < statePartBytesMax) return;
    const bytes = this.writer.flush();
    let at = 0;
    for (; bytes.length - at >= statePartBytesMax; at += statePartBytesMax) {
      this.part(bytes.subarray(at, at + statePartBytesMax), false);
    }
    this.writer.bytes(bytes.subarray(at));
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
