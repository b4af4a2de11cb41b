/*
 * A short life of a vault, for tests that break it at every step: made, a safe, backups, a change of slots, clean-up with compaction to the
 * end of its delay, rebuild. It can be run again on what is left of an earlier run, and keeps book of what was acknowledged.
 */

import assert from 'node:assert/strict';
import { objectDigest, parseRefs, RefsBuilder } from '@twinvault/format';
import type { RecordDigest } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { dayMs, hourMs, toHex } from '@twinvault/std';
import type { Timers } from '@twinvault/std';
import { following, refsOf, sessionOf, TestSafe } from '@twinvault/testkit';
import type { TestComputer, TestNewSafe, TestPack } from '@twinvault/testkit';
import { createDirectoryVault, openDirectoryVault } from '../src/index.ts';
import type { SiteSafe, SiteVault, DirectoryPorts } from '../src/index.ts';
import { assertBlobs } from './blobs.ts';
import { root } from './harness.ts';

export interface Book {
  readonly mine: TestSafe;
  readonly computer: TestComputer;
  /** As it is made, before its ledger grows. */
  readonly newSafe: TestNewSafe;
  /** Acknowledged records that no clean-up may have retired, with their packs. */
  standing: Standing[];
  /** Acknowledged ledger entries. */
  entries: number;
  safeMade: boolean;
}

interface Standing {
  readonly digest: RecordDigest;
  /** Fresh ones, which it refers to whole. */
  readonly packs: readonly TestPack[];
  /** A pack of an earlier run of which it needs one blob. */
  readonly reused: TestPack | null;
}

export function newBook(seed: string | number): Book {
  const mine = new TestSafe(seed);
  const computer = mine.enrol();
  return { mine, computer, newSafe: mine.newSafe, standing: [], entries: 0, safeMade: false };
}

/** Where a vault lives. */
export interface Place {
  readonly timers: Timers;
  /** Made, or opened when it is there. */
  readonly create: () => Promise<SiteVault>;
  readonly open: () => Promise<SiteVault>;
}

export function inDirectory(platform: DirectoryPorts): Place {
  const options = { path: root, platform };
  return {
    timers: platform.timers,
    create: () => createDirectoryVault(options),
    open: () => openDirectoryVault(options),
  };
}

const reusedPosition = 1;
const keep = { others: { days: 0, copies: 1, intraday: true } };

export async function scenario({ timers, create }: Place, book: Book): Promise<void> {
  await using vault = await create();
  const safe = await makeSafe(vault, book);
  const reused = await backup(safe, book, { packCount: 3, reused: null });
  await timers.sleep(dayMs);
  await changeSlots(safe, book);
  await backup(safe, book, { packCount: 1, reused });
  await timers.sleep(hourMs);
  book.standing = book.standing.slice(-1);
  await vault.clean(book.mine.safe, { keep, shareMax: 1 });
  await timers.sleep(25 * hourMs);
  await vault.clean(book.mine.safe, { keep, shareMax: 1 });
  await vault.rebuild({ voidLeases: true });
}

async function makeSafe(vault: SiteVault, book: Book): Promise<SiteSafe> {
  const { mine } = book;
  try {
    await vault.createSafe(book.newSafe);
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.code !== 'safe-exists') throw error;
  }
  book.safeMade = true;
  const safe = await vault.openSafe(mine.safe);
  for (const entry of await safe.ledger(mine.head.number + 1)) mine.accept(entry);
  book.entries = Math.max(book.entries, mine.head.number);
  return safe;
}

interface Run {
  readonly packCount: number;
  readonly reused: TestPack | null;
}

/** Gives a pack that a later run can reuse. */
async function backup(safe: SiteSafe, book: Book, { packCount, reused }: Run): Promise<TestPack | null> {
  const { mine, computer } = book;
  const packs = Array.from({ length: packCount }, () => mine.pack(computer));
  await using session = await sessionOf(safe, mine, computer);
  let listed = 0;
  for await (const _ of session.liveList()) listed += 1;
  assert.ok(listed >= 0);
  await Promise.all(packs.map(({ name, bytes }) => session.putPack(name, bytes)));
  const refs = new RefsBuilder();
  if (reused !== null) refs.add(reused.name, reusedPosition);
  for (const { pack, bitmap } of parseRefs(refsOf(packs)).packs()) refs.addBitmap(pack, bitmap);
  const record = mine.record(computer, { ...following(session), refs: refs.finish() });
  await session.commit(record.bytes);
  book.standing.push({ digest: record.digest, packs, reused });
  return packs[0] ?? null;
}

async function changeSlots(safe: SiteSafe, book: Book): Promise<void> {
  const { mine } = book;
  const slot = mine.makeSlot();
  const entry = mine.entry({ kind: 'slots', slots: [objectDigest(slot)] });
  await safe.replaceSlots([slot], entry);
  mine.accept(entry);
  book.entries = mine.head.number;
}

/** All that was acknowledged is there, byte for byte, and nothing is wrong with the rest. */
export async function verifyBook({ open }: Pick<Place, 'open'>, book: Book): Promise<void> {
  if (!book.safeMade) return;
  await using vault = await open();
  const safe = await vault.openSafe(book.mine.safe);
  assert.ok((await safe.ledger(1)).length >= book.entries, 'ledger entries');
  assert.equal((await safe.slots()).length, 1);
  await using reading = await safe.openReading();
  for (const { digest, packs, reused } of book.standing) {
    assert.ok((await safe.record(digest)).length > 0, 'record');
    for (const pack of packs) await assertBlobs(reading, pack);
    if (reused !== null) await assertBlobs(reading, reused, [reusedPosition]);
  }
  const { problems } = await vault.check({ readData: true });
  const wrong = problems.filter(({ severity }) => severity !== 'note');
  assert.deepEqual(wrong, [], 'check');
  const known = new Set((await safe.records()).map(({ digest }) => toHex(digest)));
  for (const { digest } of book.standing) assert.ok(known.has(toHex(digest)), 'summary');
}
