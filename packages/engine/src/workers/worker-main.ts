/*
 * A worker thread of a backup: owns whole batches, from opening the files to sealed packs. It does one thing after another;
 * messages that ask for work wait their turn, credits and table generations count at once.
 */
import { bundleKey, Cutter } from '@twinvault/seal';
import type { ChunkSecret } from '@twinvault/seal';
import { packBytesTarget, packKinds } from '@twinvault/format';
import { MiB } from '@twinvault/std';
import type { ThreadMain, ThreadPort } from '@twinvault/std';
import { BundledFiles } from '../dedup/bundled-files.ts';
import { ChunkTable } from '../dedup/chunk-table.ts';
import { ForeignChunks } from '../dedup/foreign-chunks.ts';
import { DeltaTools } from '../delta/delta-reader.ts';
import { BodyView } from '../entries/entry-body.ts';
import { pathOf } from '../entries/entry-keys.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import type { EntryError, SourceReader } from '../source-port.ts';
import type { ClosedPack } from '../upload/pack-sink.ts';
import { PackSink } from '../upload/pack-sink.ts';
import { runBatch, StopReading } from './batch-run.ts';
import { Bundler } from './bundler.ts';
import { Counters } from './counters.ts';
import { EntryReader, entryErrorOf } from './entry-reader.ts';
import type { EntryToRead } from './entry-reader.ts';
import { runLargeStep } from './large-steps.ts';
import type { BatchReply, BatchWork, FromWorker, LargeReply, LargeStep, ToWorker, WorkerData } from './messages.ts';
import { SeededRandom } from './seeded-random.ts';

/** Packs that a worker has handed over and that are not at the vault yet: it fills one while one is on its way. */
export const packsUnsentMax = 1;
/** A worker holds the payloads of one pack and all of another: two MiB less in each are eight of a run with two workers. */
const workerPackBytes: number = packBytesTarget - 2 * MiB;

interface SourceReaderModule {
  openSourceReader(config: unknown): SourceReader | Promise<SourceReader>;
}

export const main: ThreadMain = async (port) => {
  const data = port.data as WorkerData;
  const module = (await import(data.reader.module)) as SourceReaderModule;
  const worker = new BackupWorker(port, data, await module.openSourceReader(data.reader.config));
  port.onMessage((value) => worker.receive(value as ToWorker));
  port.post({ value: { type: 'ready' } satisfies FromWorker });
};

class BackupWorker {
  private readonly port: ThreadPort;
  private readonly source: SourceReader;
  private readonly table: ChunkTable;
  private readonly counters: Counters;
  private readonly sink: PackSink;
  private readonly bundler: Bundler;
  private readonly tools: DeltaTools;
  private readonly reader: EntryReader;
  private errors: EntryError[] = [];
  private work: Promise<void> = Promise.resolve();
  private credits = packsUnsentMax;
  private waiting: (() => void) | null = null;
  private segmentWanted: ((bytes: Uint8Array | null) => void) | null = null;

  constructor(port: ThreadPort, data: WorkerData, source: SourceReader) {
    this.port = port;
    this.source = source;
    this.table = ChunkTable.attach(data.table);
    this.counters = new Counters(data.counters);
    this.sink = new PackSink({
      session: data.session,
      writeSecret: data.writeSecret,
      kind: packKinds.data,
      random: new SeededRandom(data.randomSeed),
      table: this.table,
      level: data.level,
      packBytesAim: workerPackBytes,
      room: async () => await this.room(),
      deliver: async (pack) => await this.deliver(pack),
    });
    this.sink.reuseFrom(data.others === null ? null : ForeignChunks.attach(data.others));
    const bundled = new BundledFiles(data.bundled);
    this.bundler = new Bundler(bundleKey(data.writeSecret), (plaintext) => this.put(plaintext), bundled);
    const cutter = new Cutter(this.sink.keys.cutterKey);
    this.tools = new DeltaTools({
      key: data.pageKey,
      cutter,
      store: {
        secretsOf: (plaintexts) => this.sink.secretsOf(plaintexts),
        put: (plaintext, secret) => this.put(plaintext, secret),
        breathe: () => this.breathe(),
      },
      segments: {
        segment: async (name) => await this.segment(name),
        keepSegment: (name, words) => this.keepSegment(name, words),
      },
      segmentBits: data.segmentBits,
    });
    const { bundler, tools } = this;
    this.reader = new EntryReader({ source, tools, bundler, report: (error) => this.errors.push(error) });
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case 'generation':
        this.table.adopt(message.buffer);
        return;
      case 'session':
        this.sink.renew(message.session);
        return;
      case 'credit':
        this.sink.reuse(message.bytes);
        this.credits += 1;
        this.waiting?.();
        this.waiting = null;
        return;
      case 'segment':
        this.segmentWanted?.(message.bytes);
        this.segmentWanted = null;
        return;
      case 'batch':
      case 'open':
      case 'cut':
      case 'store':
      case 'flush':
      case 'close':
        this.work = this.work.then(async () => await this.perform(message)).catch((error: unknown) => this.fail(error));
    }
  }

  private async perform(message: Exclude<ToWorker, { type: 'generation' | 'session' | 'credit' | 'segment' }>): Promise<void> {
    switch (message.type) {
      case 'flush':
        await this.sink.close();
        return this.post({ type: 'flushed' });
      case 'close':
        this.source.close();
        return this.post({ type: 'closed' });
      case 'batch':
        return this.answer(message.call, await this.batch(message));
      case 'open':
      case 'cut':
      case 'store':
        return this.answer(message.call, await this.largeStep(message, message.entry));
    }
  }

  private answer(call: number, reply: BatchReply | LargeReply): void {
    const transfer = reply.type === 'answers' ? [reply.answers.buffer as ArrayBuffer] : [];
    if (reply.type === 'answers') transfer.push(...reply.signatures.map(({ bytes }) => bytes.buffer));
    this.post({ type: 'result', call, reply, errors: this.errors }, transfer);
    this.errors = [];
  }

  private async batch(work: BatchWork): Promise<BatchReply> {
    const { reader, bundler, counters, tools } = this;
    const options = { reader, bundler, counters, pageKey: tools.key, breathe: () => this.breathe() };
    return await runBatch(work, options, (error) => this.errors.push(error));
  }

  private async largeStep(step: LargeStep, item: Uint8Array): Promise<LargeReply> {
    const { tools, counters } = this;
    const entry = onlyEntry(item);
    try {
      await this.breathe();
      using opened = this.source.open(entry.directory, entry.name, entry.stat);
      const report = (error: EntryError): void => void this.errors.push(error);
      const reply = await runLargeStep(step, { entry, opened, tools, report });
      if (reply.type === 'stored') counters.add('bytes', reply.bytes);
      return reply;
    } catch (error) {
      if (error instanceof StopReading) return { type: 'skipped' };
      const problem = entryErrorOf(error, pathOf(entry.directory, entry.name));
      if (problem === null) throw error;
      return { type: 'problem', error: problem };
    }
  }

  private put(plaintext: Uint8Array, secret?: ChunkSecret): Uint8Array {
    const { id, stored, reused } = this.sink.put(plaintext, secret);
    this.counters.add('chunks', 1);
    if (reused) this.counters.add('chunksReused', 1);
    if (stored) {
      this.counters.add('chunksNew', 1);
      this.counters.add('bytesNew', plaintext.length);
    }
    return id;
  }

  private breathe(): Promise<void> | null {
    if (this.table.aborted) throw new StopReading();
    return this.sink.full ? this.sink.close() : null;
  }

  /** The main thread has them; one at a time, since a worker does one thing after another. */
  private async segment(name: Uint8Array): Promise<Uint8Array | null> {
    return await new Promise((resolve) => {
      this.segmentWanted = resolve;
      this.post({ type: 'wanted', name });
    });
  }

  private keepSegment(name: Uint8Array, words: Uint32Array<ArrayBuffer>): boolean {
    const bytes = new Uint8Array(words.buffer);
    this.post({ type: 'segment', segment: { name, bytes } }, [words.buffer]);
    return true;
  }

  private async room(): Promise<void> {
    if (this.credits === 0) await new Promise<void>((resolve) => (this.waiting = resolve));
  }

  private async deliver({ number, name, bytes, rows, slips }: ClosedPack): Promise<void> {
    this.credits -= 1;
    this.counters.set('memoryFaults', this.sink.memoryFaults);
    const transfer = bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
    this.post({ type: 'pack', number, name, bytes, rows, slips }, transfer);
  }

  private post(value: FromWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.port.post({ value, transfer });
  }

  private fail(error: unknown): void {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'internal';
    // Names of functions and our own sentences; the engine's errors hold no path.
    this.post({ type: 'failed', code, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function onlyEntry(item: Uint8Array): EntryToRead {
  const cursor = new ItemCursor(item);
  cursor.next();
  const { directory, name, bodyStart } = cursor;
  return { directory, name, stat: new BodyView(item, bodyStart).stat(), lastTag: null, lastVersion: () => null };
}
