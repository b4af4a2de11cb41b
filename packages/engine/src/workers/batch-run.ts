/*
 * One batch of entries: each is read, small files are bundled, and the answers are packed in the order of the batch. A
 * bundle ends with its batch, so that a batch's answer depends on nothing but the batch.
 */
import { decodeSignature } from '../delta/signature.ts';
import type { Signature } from '../delta/signature.ts';
import { BodyView, marks, writeBody } from '../entries/entry-body.ts';
import { noDetails } from '../entries/entry-details.ts';
import { pathOf } from '../entries/entry-keys.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import type { EntryError, EntryStat } from '../source-port.ts';
import type { Bundler } from './bundler.ts';
import type { Counters } from './counters.ts';
import { bundledExtents, entryErrorOf } from './entry-reader.ts';
import type { EntryRead, EntryReader, EntryToRead } from './entry-reader.ts';
import { outcomes } from './messages.ts';
import type { BatchReply, BatchWork, NewSignature, Outcome } from './messages.ts';

/** The run is being stopped; what was not looked at is answered as skipped. */
export class StopReading extends Error {
  override name = 'StopReading';
}

export interface BatchRunOptions {
  readonly reader: EntryReader;
  readonly bundler: Bundler;
  readonly counters: Counters;
  /** What pages are hashed under. */
  readonly pageKey: Uint8Array;
  /** Between entries: null, or a promise while a full pack is closed; throws StopReading. */
  readonly breathe: () => Promise<void> | null;
}

interface Answer {
  readonly outcome: Outcome;
  readonly read: EntryRead | null;
  readonly stat: EntryStat;
}

/** Errors reported by the reader while the batch ran are collected by the caller. */
export async function runBatch(
  { items, lasts }: BatchWork,
  { reader, bundler, counters, breathe, pageKey }: BatchRunOptions,
  report: (error: EntryError) => void,
): Promise<BatchReply> {
  const answers: Answer[] = [];
  const cursor = new ItemCursor(items);
  let stopped = false;
  while (cursor.next()) {
    const body = new BodyView(items, cursor.bodyStart);
    const last = lasts.find(({ index }) => index === answers.length);
    const lastVersion = (): Signature | null =>
      last === undefined ? null : decodeSignature(last.signature, last.extents, pageKey);
    const { directory, name } = cursor;
    const entry = { directory, name, stat: body.stat(), lastTag: body.tag, lastVersion };
    try {
      const breath = stopped ? null : breathe();
      if (breath !== null) await breath;
      const answer = stopped ? skipped(entry) : answerOf(entry, reader, report);
      answers.push(answer instanceof Promise ? await answer : answer);
    } catch (error) {
      if (!(error instanceof StopReading)) throw error;
      stopped = true;
      answers.push(skipped(entry));
    }
    counters.add('files', 1);
    counters.add('bytes', entry.stat.type === 1 ? entry.stat.sizeBytes : 0);
  }
  bundler.end();
  return { type: 'answers', answers: packAnswers(answers), signatures: signaturesOf(answers) };
}

function signaturesOf(answers: readonly Answer[]): NewSignature[] {
  const signatures: NewSignature[] = [];
  for (const [index, { read }] of answers.entries()) {
    if (read !== null && read.signature !== null) signatures.push({ index, bytes: read.signature });
  }
  return signatures;
}

function skipped({ stat }: EntryToRead): Answer {
  return { outcome: outcomes.skipped, read: null, stat };
}

function answerOf(entry: EntryToRead, reader: EntryReader, report: (error: EntryError) => void): Answer | Promise<Answer> {
  const failed = (error: unknown): Answer => {
    const problem = entryErrorOf(error, pathOf(entry.directory, entry.name));
    if (problem === null) throw error;
    report(problem);
    const outcome = problem.code === 'entry-vanished' ? outcomes.gone : outcomes.kept;
    return { outcome, read: null, stat: entry.stat };
  };
  try {
    const read = reader.read(entry);
    return read instanceof Promise ? read.then(answered, failed) : answered(read);
  } catch (error) {
    return failed(error);
  }
}

function answered(read: EntryRead): Answer {
  return { outcome: read.sameContent ? outcomes.sameContent : outcomes.read, read, stat: read.stat };
}

function packAnswers(answers: readonly Answer[]): Uint8Array<ArrayBuffer> {
  const writer = new PackedWriter(answers.length * 192);
  for (const { outcome, read, stat } of answers) {
    writer.u8(outcome);
    const lengthAt = writer.reserve(4);
    const length = outcome === outcomes.gone || outcome === outcomes.skipped ? 0 : writeAnswer(writer, read, stat);
    writer.setU32(lengthAt, length);
  }
  return writer.take();
}

function writeAnswer(writer: PackedWriter, read: EntryRead | null, stat: EntryStat): number {
  if (read === null) {
    const { sizeBytes } = stat;
    return writeBody(writer, { stat, sizeBytes, marks: marks.unread, details: noDetails, extents: [], tag: null });
  }
  const bundleBytes = read.bundled?.place.bundleBytes ?? 0;
  return writeBody(writer, { ...read, extents: bundledExtents(read), bundleBytes });
}
