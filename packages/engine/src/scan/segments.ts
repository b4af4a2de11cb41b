/*
 * The reorder buffer: entries in key order, some complete at once, some when a worker has answered. They stand in segments;
 * each segment has at most one batch for a worker, and segments are written out strictly in order. The number of open
 * segments is what bounds the memory of a run.
 *
 * Where a batch ends decides where bundles end, so it must not depend on time or threads: it follows from the entries to
 * read alone, and ends where a name says so, so that an insertion moves few bundles.
 */
import { assert, equalBytes } from '@twinvault/std';
import { BodyView, bodyHeadBytes, completeWithLast, marks, remark, writeBody, writeHead } from '../entries/entry-body.ts';
import { nameHash, pathOf } from '../entries/entry-keys.ts';
import { noDetails } from '../entries/entry-details.ts';
import { ItemWriter } from '../entries/packed-items.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import { entryTypes } from '../source-port.ts';
import type { EntryError, EntryStat, ScannedEntry } from '../source-port.ts';
import type { SignatureStore } from '../state/signature-store.ts';
import { outcomes } from '../workers/messages.ts';
import type { LastVersion, Outcome, Work, WorkResult } from '../workers/messages.ts';
import { readAnswers } from './answers.ts';
import { readLargeFile } from './large-file.ts';
import type { JoinOutput, UnchangedLeaf } from './merge-join.ts';

const batchEntriesMin = 128;
const batchEntriesMax = 512;
const batchBytesMin = 4 * 1024 * 1024;
const batchBytesMax = 16 * 1024 * 1024;
/** Unchanged entries pass in segments of this size. */
const segmentEntriesMax = 4096;
/** A file that makes a batch of its own. */
const largeFileBytes = 32 * 1024 * 1024;
/** A file that several workers share, unless there is but one. */
const sharedFileBytes = 64 * 1024 * 1024;
/** Files that are shared at the same time: one after another keeps to the order of the disk. */
const sharedFilesMax = 2;

export type Change = 'unchanged' | 'new' | 'changed' | 'carried' | 'unread' | 'removed';

/** One entry on its way to the catalog. */
export interface Item {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  /** Null: not known yet, or no entry. */
  body: Uint8Array | null;
  change: Change;
  /** Body in the last cache, under this very key. */
  readonly last: Uint8Array | null;
  /** The content, signature and all, is that of an entry of the last run under another key. */
  readonly moved?: true;
}

interface PendingItem extends Item {
  readonly stat: EntryStat;
  /** What its content is compared with: the last body, here or under another key. */
  readonly compared: Uint8Array | null;
  outcome: Outcome | null;
  /** The entry of the same inode that is read in its stead. */
  readonly leader: PendingItem | null;
  /** For its bundle's sake: it may not have changed. */
  readonly rebundled: boolean;
}

interface Segment {
  readonly items: (Item | PendingItem | UnchangedLeaf)[];
  readonly followers: PendingItem[];
  done: Promise<void>;
}

export interface SegmentsOptions {
  /** Has a worker do something; `lasts` is called when a worker has room for a batch: signatures may be large. */
  readonly run: (work: Work, urgent: boolean, lasts?: () => readonly LastVersion[]) => Promise<WorkResult>;
  readonly signatures: Pick<SignatureStore, 'key' | 'has' | 'of' | 'replace' | 'retain' | 'drop' | 'keepSegment'>;
  /** Of page signatures; left out but for tests. */
  readonly segmentBits?: number | undefined;
  readonly workers: number;
  /** Entries strictly in key order; `removed` ones without a body. A promise only where much is written: the next one comes when it resolves. */
  readonly write: (item: Item) => Promise<void> | null;
  readonly writeLeaf: (leaf: UnchangedLeaf) => Promise<void> | null;
  /** Something that lies in this directory is not written, or may not be. */
  readonly leftOut: (directory: Uint8Array) => void;
  /** After each segment. */
  readonly written: () => Promise<void>;
  readonly error: (error: EntryError) => void;
  /** Unchanged entries were met. */
  readonly passed: (entries: number, bytes: number) => void;
  readonly openMax: number;
  /** Carried entries name the safeset that they were taken over from. */
  readonly lastSequence: number;
}

export class Segments implements JoinOutput {
  private readonly options: SegmentsOptions;
  private items: (Item | PendingItem | UnchangedLeaf)[] = [];
  private entries = 0;
  private batch: PendingItem[] = [];
  private batchBytes = 0;
  private followers: PendingItem[] = [];
  private readonly links = new Map<string, { leader: PendingItem; left: number }>();
  private open = 0;
  private last: Promise<void> = Promise.resolve();
  private roomWanted: (() => void) | null = null;
  private failed = false;
  private sharedFiles = 0;
  private readonly sharedTurns: (() => void)[] = [];
  /** An entry was skipped, since the run is being stopped: nothing after it is written. */
  private stopped = false;

  constructor(options: SegmentsOptions) {
    this.options = options;
  }

  unchanged(directory: Uint8Array, name: Uint8Array, body: Uint8Array): void {
    const { type, sizeBytes } = new BodyView(body);
    this.options.passed(1, type === entryTypes.file ? sizeBytes : 0);
    this.push({ directory, name, body, change: 'unchanged', last: body });
  }

  unchangedLeaf(leaf: UnchangedLeaf): void {
    const { entries, bytes } = leaf.block;
    this.options.passed(entries, bytes);
    this.items.push(leaf);
    this.grow(entries);
  }

  moved(directory: Uint8Array, name: Uint8Array, body: Uint8Array): void {
    this.options.passed(1, new BodyView(body).sizeBytes);
    this.options.signatures.retain(body);
    this.push({ directory, name, body, change: 'new', last: null, moved: true });
  }

  readMoved(entry: ScannedEntry, last: Uint8Array): void {
    this.toRead(entry, { last: null, compared: last, rebundled: false });
  }

  carried(directory: Uint8Array, name: Uint8Array, last: Uint8Array): void {
    const body = remark(last, marks.carried, this.options.lastSequence);
    this.push({ directory, name, body, change: 'carried', last });
  }

  removed(directory: Uint8Array, name: Uint8Array, last: Uint8Array): void {
    this.options.signatures.drop(last);
    this.push({ directory, name, body: null, change: 'removed', last });
  }

  error(error: EntryError): void {
    this.options.error(error);
  }

  read(entry: ScannedEntry, last: Uint8Array | null): void {
    this.toRead(entry, { last, compared: last, rebundled: false });
  }

  rebundle(entry: ScannedEntry, last: Uint8Array): void {
    this.toRead(entry, { last, compared: null, rebundled: true });
  }

  private toRead({ directory, name, stat }: ScannedEntry, lasts: Pick<PendingItem, 'last' | 'compared' | 'rebundled'>): void {
    const leader = this.leaderOf(stat);
    const large = stat.type === entryTypes.file && stat.sizeBytes >= largeFileBytes && leader === null;
    if (large) this.endBatch();
    const change = lasts.last === null ? 'new' : 'changed';
    const item: PendingItem = { directory, name, stat, ...lasts, leader, body: null, change, outcome: null };
    if (leader === null) this.lead(item);
    else this.followers.push(item);
    this.push(item);
    if (large || this.batchIsFull(name)) this.endBatch();
  }

  private leaderOf(stat: EntryStat): PendingItem | null {
    if (stat.type !== entryTypes.file || stat.linkCount < 2) return null;
    const link = this.links.get(linkKey(stat));
    if (link === undefined) return null;
    link.left -= 1;
    if (link.left <= 0) this.links.delete(linkKey(stat));
    return link.leader;
  }

  private lead(item: PendingItem): void {
    const { stat } = item;
    this.batch.push(item);
    if (stat.type !== entryTypes.file) return;
    this.batchBytes += stat.sizeBytes;
    if (stat.linkCount > 1) this.links.set(linkKey(stat), { leader: item, left: stat.linkCount - 1 });
  }

  private batchIsFull(name: Uint8Array): boolean {
    const { length } = this.batch;
    if (length >= batchEntriesMax || this.batchBytes >= batchBytesMax) return true;
    return (length >= batchEntriesMin || this.batchBytes >= batchBytesMin) && endsBatch(name);
  }

  private push(item: Item): void {
    this.items.push(item);
    this.grow(1);
  }

  private grow(entries: number): void {
    this.entries += entries;
    if (this.entries >= segmentEntriesMax) this.endBatch();
  }

  private endBatch(): void {
    const { items, batch, followers } = this;
    if (items.length === 0) return;
    this.items = [];
    this.entries = 0;
    this.batch = [];
    this.batchBytes = 0;
    this.followers = [];
    const segment: Segment = { items, followers, done: this.sendAny(batch) };
    // A failure is met where the segment's turn comes; until then nobody else may see it as unhandled.
    segment.done.catch(() => undefined);
    this.open += 1;
    this.last = this.last.then(async () => await this.writeOut(segment));
    this.last.catch(() => this.fail());
  }

  private fail(): void {
    this.failed = true;
    this.roomWanted?.();
  }

  private async sendAny(batch: readonly PendingItem[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    const { type, sizeBytes } = first.stat;
    const shared = this.options.workers > 1 && type === entryTypes.file && sizeBytes >= sharedFileBytes;
    // Comparing is so much less than storing that one worker does it, and reads but once.
    const compared = first.compared !== null && this.options.signatures.has(first.compared);
    if (shared && batch.length === 1 && !compared) await this.sendShared(first);
    else await this.send(batch);
  }

  private async sendShared(item: PendingItem): Promise<void> {
    const { run, error, workers, signatures } = this.options;
    while (this.sharedFiles >= sharedFilesMax) await new Promise<void>((resolve) => this.sharedTurns.push(resolve));
    this.sharedFiles += 1;
    try {
      const { segmentBits } = this.options;
      const large = { run, error, piecesMax: 2 * workers, pageKey: signatures.key, segments: signatures, segmentBits };
      const { outcome, body, signature } = await readLargeFile(item, large);
      this.answer(item, outcome, body ?? unreadBody(item.stat));
      this.keepSignature(item, signature);
    } finally {
      this.sharedFiles -= 1;
      this.sharedTurns.shift()?.();
    }
  }

  private async send(batch: readonly PendingItem[]): Promise<void> {
    const items = new ItemWriter(new PackedWriter(batch.length * 160));
    for (const { directory, name, stat, compared } of batch) {
      items.begin(directory, name);
      writeHead(items.writer, stat);
      const tag = compared === null ? null : lastTag(compared);
      if (tag !== null) appendTag(items.writer, tag);
      items.end();
    }
    const lasts = (): LastVersion[] => this.lastVersions(batch);
    const { reply, errors } = await this.options.run({ type: 'batch', items: items.writer.take() }, false, lasts);
    for (const error of errors) this.options.error(error);
    assert(reply.type === 'answers', 'a batch has answers');
    const signatures = new Map(reply.signatures.map(({ index, bytes }) => [index, bytes]));
    readAnswers(reply.answers, batch.length, (index, outcome, body) => {
      const item = batch[index];
      this.answer(item, outcome, body);
      this.keepSignature(item, signatures.get(index) ?? null);
    });
  }

  private lastVersions(batch: readonly PendingItem[]): LastVersion[] {
    const lasts: LastVersion[] = [];
    for (const [index, { compared }] of batch.entries()) {
      const signature = compared === null ? null : this.options.signatures.of(compared);
      if (compared === null || signature === null) continue;
      lasts.push({ index, extents: new BodyView(compared).extentBytes.slice(), signature });
    }
    return lasts;
  }

  private keepSignature(item: PendingItem | undefined, signature: Uint8Array | null): void {
    const { signatures } = this.options;
    if (item?.outcome === outcomes.read && item.body !== null) signatures.replace(item.last, item.body, signature);
    if (item?.outcome === outcomes.gone && item.last !== null) signatures.drop(item.last);
  }

  private answer(item: PendingItem | undefined, outcome: Outcome, body: Uint8Array): void {
    assert(item !== undefined, 'an answer belongs to an item');
    item.outcome = outcome;
    const { last, compared } = item;
    if (outcome === outcomes.read) item.body = body;
    // Listed before its details were read, it may have got names between.
    if (outcome === outcomes.read && item.stat.type === entryTypes.directory && !new BodyView(body).sameStat(item.stat)) {
      this.options.leftOut(pathOf(item.directory, item.name));
    }
    if (outcome === outcomes.read && item.rebundled && last !== null && isSame(body, last)) item.change = 'unchanged';
    if (outcome === outcomes.sameContent && compared !== null) item.body = completeWithLast(body, compared);
    if (outcome === outcomes.kept && last !== null) {
      item.body = remark(last, marks.carried, this.options.lastSequence);
      item.change = 'carried';
    }
    if (outcome === outcomes.kept && last === null && item.stat.type !== entryTypes.link) {
      item.body = body;
      item.change = 'unread';
    }
  }

  private async writeOut(segment: Segment): Promise<void> {
    await segment.done;
    await this.follow(segment.followers);
    for (const item of segment.items) {
      if (this.stopped) break;
      let writing: Promise<void> | null = null;
      if ('block' in item) writing = this.options.writeLeaf(item);
      else if ('outcome' in item && item.outcome === outcomes.skipped) this.stopped = true;
      else if (item.body !== null || item.change === 'removed') writing = this.options.write(item);
      else this.options.leftOut(item.directory);
      if (writing !== null) await writing;
    }
    await this.options.written();
    this.open -= 1;
    this.roomWanted?.();
  }

  /** Further names of one inode take what its first name has; where that could not be read they are read themselves. */
  private async follow(followers: readonly PendingItem[]): Promise<void> {
    const alone: PendingItem[] = [];
    for (const item of followers) {
      const { leader } = item;
      assert(leader?.outcome !== null && leader !== null, 'the first name comes before the others');
      if (leader.outcome === outcomes.read || leader.outcome === outcomes.sameContent || leader.outcome === outcomes.skipped) {
        item.outcome = leader.outcome;
        item.body = leader.body;
        if (item.rebundled && leader.rebundled) item.change = leader.change;
      } else alone.push(item);
    }
    if (alone.length > 0) await this.send(alone);
  }

  /** Resolves when another segment may be begun; rejects when writing one out failed. */
  async room(): Promise<void> {
    while (this.open >= this.options.openMax && !this.failed) {
      await new Promise<void>((resolve) => (this.roomWanted = resolve));
    }
    if (this.failed) await this.last;
  }

  /** Everything handed in is written out when it resolves. True unless the run was stopped within. */
  async finish(): Promise<boolean> {
    this.endBatch();
    await this.last;
    return !this.stopped;
  }
}

function linkKey({ device, inode }: EntryStat): string {
  return `${device}:${inode}`;
}

/** For want of a last version: what the listing says. */
function unreadBody(stat: EntryStat): Uint8Array {
  const writer = new PackedWriter();
  writeBody(writer, {
    stat,
    sizeBytes: stat.sizeBytes,
    marks: marks.unread,
    details: noDetails,
    extents: [],
    tag: null,
  });
  return writer.take();
}

function lastTag(last: Uint8Array): Uint8Array | null {
  const view = new BodyView(last);
  // Only content that is one piece can be taken over by its tag.
  return view.extentCount === 1 && view.extentLength(0) === view.sizeBytes ? view.tag : null;
}

function appendTag(writer: PackedWriter, tag: Uint8Array): void {
  const head = writer.length - bodyHeadBytes;
  writer.view.setUint8(head + 1, writer.view.getUint8(head + 1) | marks.tag);
  writer.bytes(tag);
}

/** Content and status. */
function isSame(body: Uint8Array, last: Uint8Array): boolean {
  const [view, lastView] = [new BodyView(body), new BodyView(last)];
  const { tag } = lastView;
  return tag !== null && view.tag !== null && equalBytes(view.tag, tag) && view.sameStatAs(lastView);
}

/** One name in 32: it steadies the borders of batches. */
function endsBatch(name: Uint8Array): boolean {
  return (nameHash(name) >>> 8) % 32 === 0;
}
