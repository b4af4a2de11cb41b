/*
 * A large file read by all workers at once: one after another its windows are cut, and the chunks of each window are stored
 * by whoever is free (workers/large-steps.ts). The cuts are those of reading it in one go, so nothing about the safeset
 * tells how many workers there were.
 */
import { assert } from '@twinvault/std';
import { leadBytesAt, pagesOf } from '@twinvault/seal';
import { ContentOutput } from '../delta/content-output.ts';
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
    const output = new ContentOutput();
    const sizeBytes = await this.content(opened.ranges, view.sizeBytes, output);
    const extents = output.extents();
    const body = withContent(opened.body, { extents, sizeBytes, marks: this.same ? 0 : marks.torn });
    return { body, signature: output.isEmpty ? null : output.signature(this.options.pageKey), same: this.same };
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
    const pieces: Piece[] = [];
    try {
      for (let fromBytes = offsetBytes; fromBytes < toBytes;) {
        const { lengths, same } = await this.step({ type: 'cut', fromBytes, toBytes, windowBytes }, 'cut');
        this.same &&= same;
        if (lengths.length === 0) break;
        fromBytes = await this.handOut(lengths, fromBytes, pieces);
      }
    } finally {
      // Whatever ends this, nobody may go on with the file afterwards.
      await Promise.allSettled(pieces.map(async ({ stored }) => await stored));
    }
    return await this.gather(pieces, output);
  }

  /** The offset behind the window. */
  private async handOut(lengths: Uint32Array, fromBytes: number, pieces: Piece[]): Promise<number> {
    let offset = fromBytes;
    for (let first = 0; first < lengths.length;) {
      let last = first;
      let bytes = 0;
      while (last < lengths.length && bytes < pieceBytes) bytes += lengths[last++] ?? 0;
      const piece = lengths.slice(first, last);
      await this.room();
      const stored = this.store(piece, offset);
      stored.catch(() => undefined);
      pieces.push({ lengths: piece, stored });
      offset += bytes;
      first = last;
    }
    return offset;
  }

  private async room(): Promise<void> {
    while (this.running >= this.options.piecesMax) await new Promise<void>((resolve) => (this.turn = resolve));
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

  private async gather(pieces: readonly Piece[], output: ContentOutput): Promise<number> {
    let total = 0;
    for (const { lengths, stored } of pieces) {
      const { ids, bytes, words, same } = await stored;
      this.same &&= same;
      let left = bytes;
      let firstPage = 0;
      for (let index = 0; index * 32 < ids.length; index += 1) {
        const lengthBytes = Math.min(lengths[index] ?? 0, left);
        const id = ids.slice(index * 32, index * 32 + 32);
        const leadBytes = leadBytesAt(output.sizeBytes);
        output.stored({ id, offsetBytes: 0, lengthBytes, chunkBytes: lengthBytes, words, firstPage, leadBytes });
        firstPage += pagesOf(lengthBytes, leadBytes);
        left -= lengthBytes;
      }
      assert(left === 0, 'stored chunks make up the bytes stored');
      total += bytes;
      // The file ended in the middle of this piece: what later pieces found is behind its end.
      if (bytes < lengths.reduce((sum, length) => sum + length, 0)) break;
    }
    return total;
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
