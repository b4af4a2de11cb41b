/*
 * A large file read by all workers at once: one after another its windows are cut, and the chunks of each window are stored
 * by whoever is free (workers/large-steps.ts). The cuts are those of reading it in one go, so nothing about the safeset
 * tells how many workers there were.
 */
import { assert } from '@twinvault/std';
import { pagesOf } from '@twinvault/seal';
import { ContentOutput } from '../delta/content-output.ts';
import type { SegmentSink } from '../delta/version-writer.ts';
import { BodyView, marks, withContent } from '../entries/entry-body.ts';
import { pathOf } from '../entries/entry-keys.ts';
import { packedEntry } from '../entries/packed-items.ts';
import type { EntryError, ScannedEntry } from '../source-port.ts';
import { outcomes } from '../workers/messages.ts';
import type { LargeReply, LargeStep, Outcome, Work, WorkResult } from '../workers/messages.ts';

const windowBytes = 128 * 1024 * 1024;
/** One piece of work: enough that a message costs nothing, little enough that workers end together. */
const pieceBytes = 16 * 1024 * 1024;
const attemptsMax = 2;

export interface LargeFileOptions {
  readonly run: (work: Work, urgent: boolean) => Promise<WorkResult>;
  readonly error: (error: EntryError) => void;
  /** What its pages are hashed under. */
  readonly pageKey: Uint8Array;
  /** Takes full segments of its signature. */
  readonly segments: SegmentSink;
  readonly segmentBits?: number | undefined;
  /** Pieces handed out at once. */
  readonly piecesMax: number;
}

export interface LargeFileRead {
  readonly outcome: Outcome;
  /** Null without an entry, and where the last version stays. */
  readonly body: Uint8Array | null;
  /** Of its pages (delta/signature.ts). */
  readonly signature: Uint8Array | null;
}

/** Thrown within an attempt: what became of the file instead. */
class NotRead extends Error {
  readonly outcome: Outcome;
  readonly problem: EntryError | null;

  constructor(outcome: Outcome, problem: EntryError | null) {
    super('not read');
    this.outcome = outcome;
    this.problem = problem;
  }
}

/** Read again once when it changed meanwhile, then kept with the mark torn. */
export async function readLargeFile(entry: ScannedEntry, options: LargeFileOptions): Promise<LargeFileRead> {
  const path = pathOf(entry.directory, entry.name);
  try {
    for (let attempt = 1; ; attempt += 1) {
      const { body, signature, same } = await new Attempt(entry, options).read();
      if (same) return { outcome: outcomes.read, body, signature };
      if (attempt < attemptsMax) continue;
      options.error({ path, code: 'entry-changed', detail: 'while it was read' });
      return { outcome: outcomes.read, body, signature };
    }
  } catch (error) {
    if (!(error instanceof NotRead)) throw error;
    if (error.problem !== null) options.error(error.problem);
    return { outcome: error.outcome, body: null, signature: null };
  }
}

interface Piece {
  readonly lengths: Uint32Array;
  readonly stored: Promise<Extract<LargeReply, { type: 'stored' }>>;
}

class Attempt {
  private readonly options: LargeFileOptions;
  private entry: ScannedEntry;
  private same = true;
  private running = 0;
  private turn: (() => void) | null = null;

  constructor(entry: ScannedEntry, options: LargeFileOptions) {
    this.entry = entry;
    this.options = options;
  }

  async read(): Promise<{ body: Uint8Array; signature: Uint8Array | null; same: boolean }> {
    const opened = await this.step({ type: 'open' }, 'opened');
    const view = new BodyView(opened.body);
    this.entry = { ...this.entry, stat: view.stat() };
    const { segments, segmentBits, pageKey } = this.options;
    const output = new ContentOutput(segments, segmentBits);
    const sizeBytes = await this.content(opened.ranges, view.sizeBytes, output);
    const { list, signature } = output.finish(pageKey);
    const body = withContent(opened.body, { extents: list, sizeBytes, marks: this.same ? 0 : marks.torn });
    return { body, signature, same: this.same };
  }

  /** Bytes of content. */
  private async content(ranges: Float64Array, fileBytes: number, output: ContentOutput): Promise<number> {
    let at = 0;
    for (let index = 0; index < ranges.length; index += 2) {
      const [offsetBytes = 0, lengthBytes = 0] = ranges.subarray(index, index + 2);
      if (offsetBytes > at) output.hole(offsetBytes - at);
      at = offsetBytes + (await this.range(offsetBytes, lengthBytes, output));
      if (at < offsetBytes + lengthBytes) return at;
    }
    if (at < fileBytes) output.hole(fileBytes - at);
    return fileBytes;
  }

  /** Bytes that were there: fewer than the range's when the file ended early. */
  private async range(offsetBytes: number, lengthBytes: number, output: ContentOutput): Promise<number> {
    const toBytes = offsetBytes + lengthBytes;
    const run = new Run(output);
    try {
      for (let fromBytes = offsetBytes; fromBytes < toBytes;) {
        const { lengths, same } = await this.step({ type: 'cut', fromBytes, toBytes, windowBytes }, 'cut');
        this.same &&= same;
        if (lengths.length === 0) break;
        fromBytes = await this.handOut(lengths, fromBytes, run);
      }
    } finally {
      // Whatever ends this, nobody may go on with the file afterwards.
      await run.settled();
    }
    const bytes = await run.end();
    this.same &&= run.same;
    return bytes;
  }

  /** The offset behind the window. */
  private async handOut(lengths: Uint32Array, fromBytes: number, run: Run): Promise<number> {
    let offset = fromBytes;
    for (let first = 0; first < lengths.length;) {
      let last = first;
      let bytes = 0;
      while (last < lengths.length && bytes < pieceBytes) bytes += lengths[last++] ?? 0;
      const piece = lengths.slice(first, last);
      await this.room(run);
      run.add({ lengths: piece, stored: this.store(piece, offset) });
      offset += bytes;
      first = last;
    }
    return offset;
  }

  /** What is stored out of turn waits with its hashes, so it is bounded, too. */
  private async room(run: Run): Promise<void> {
    const { piecesMax } = this.options;
    while (this.running >= piecesMax) await new Promise<void>((resolve) => (this.turn = resolve));
    while (run.pending >= 2 * piecesMax) await run.taken();
  }

  private async store(lengths: Uint32Array, fromBytes: number): Promise<Extract<LargeReply, { type: 'stored' }>> {
    this.running += 1;
    try {
      return await this.step({ type: 'store', fromBytes, lengths }, 'stored');
    } finally {
      this.running -= 1;
      this.turn?.();
    }
  }

  private async step<Type extends LargeReply['type']>(step: LargeStep, type: Type): Promise<Extract<LargeReply, { type: Type }>> {
    const { run, error } = this.options;
    const { reply, errors } = await run({ ...step, entry: packedEntry(this.entry) }, true);
    for (const each of errors) error(each);
    if (reply.type === 'skipped') throw new NotRead(outcomes.skipped, null);
    if (reply.type === 'problem') {
      const gone = reply.error.code === 'entry-vanished';
      throw new NotRead(gone ? outcomes.gone : outcomes.kept, reply.error);
    }
    assert(reply.type === type, 'a step is answered in kind');
    return reply as Extract<LargeReply, { type: Type }>;
  }
}

/** The pieces of one run of data, written down in their order as they are stored. */
class Run {
  /** The file stayed as it was, as far as pieces were written down. */
  same = true;
  private readonly output: ContentOutput;
  /** Of the pieces that are not written down yet. */
  private readonly turns: Promise<void>[] = [];
  private last: Promise<void> = Promise.resolve();
  private idle: Promise<void> = Promise.resolve();
  private bytes = 0;
  /** The file ended in the middle of a piece: what later ones found is behind its end. */
  private ended = false;

  constructor(output: ContentOutput) {
    this.output = output;
  }

  add(piece: Piece): void {
    this.last = this.take(piece, this.last);
    this.last.catch(() => undefined);
    this.turns.push(this.last);
    this.idle = Promise.allSettled([this.idle, piece.stored]).then(() => undefined);
  }

  get pending(): number {
    return this.turns.length;
  }

  /** Resolves when the first piece that is pending is written down. */
  async taken(): Promise<void> {
    await this.turns[0];
  }

  /** Resolves when nobody does anything with the file. */
  async settled(): Promise<void> {
    await this.idle;
  }

  /** Bytes of content, when all is written down. */
  async end(): Promise<number> {
    await this.last;
    return this.bytes;
  }

  private async take({ lengths, stored }: Piece, before: Promise<void>): Promise<void> {
    const [reply] = await Promise.all([stored, before]);
    if (!this.ended) {
      this.same &&= reply.same;
      this.write(lengths, reply);
      this.ended = reply.bytes < lengths.reduce((sum, length) => sum + length, 0);
    }
    void this.turns.shift();
  }

  private write(lengths: Uint32Array, { ids, bytes, words }: Extract<LargeReply, { type: 'stored' }>): void {
    const { output } = this;
    let left = bytes;
    let firstPage = 0;
    for (let index = 0; index * 32 < ids.length; index += 1) {
      const lengthBytes = Math.min(lengths[index] ?? 0, left);
      const id = ids.subarray(index * 32, index * 32 + 32);
      const { leadBytes } = output;
      output.stored({ id, offsetBytes: 0, lengthBytes, chunkBytes: lengthBytes, words, firstPage, leadBytes });
      firstPage += pagesOf(lengthBytes, leadBytes);
      left -= lengthBytes;
    }
    assert(left === 0, 'stored chunks make up the bytes stored');
    this.bytes += bytes;
  }
}
