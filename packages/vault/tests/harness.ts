/* A vault in memory with two safes, and the steps that tests of clean-up, check and faults share. */

import { packName } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { VaultSession } from '@twinvault/protocol';
import { fromHex } from '@twinvault/std';
import { following, memoryPlatform, sessionOf, TestSafe } from '@twinvault/testkit';
import type { MemoryPlatform, TestComputer, TestPack, TestRecord } from '@twinvault/testkit';
import { createDirectoryVault, openDirectoryVault } from '../src/index.ts';
import type { SiteSafe, SiteVault, DirectoryVaultOptions } from '../src/index.ts';

export const root = '/vault';

export interface Harness {
  readonly platform: MemoryPlatform;
  readonly vault: SiteVault;
  readonly mine: TestSafe;
  readonly computer: TestComputer;
  readonly safe: SiteSafe;
  open(options?: Partial<DirectoryVaultOptions>): Promise<SiteVault>;
}

export async function harness(seed: string | number = 'harness'): Promise<Harness> {
  const platform = memoryPlatform(seed);
  const vault = await createDirectoryVault({ path: root, platform });
  const mine = new TestSafe(seed);
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe);
  const other = new TestSafe('other');
  await vault.createSafe(other.newSafe);
  const safe = await vault.openSafe(mine.safe);
  return { platform, vault, mine, computer, safe, open: (options) => openDirectoryVault({ path: root, platform, ...options }) };
}

export interface BackupOptions {
  readonly job?: string;
  /** Fresh packs; one when left out. */
  readonly packs?: readonly TestPack[];
  readonly reused?: readonly TestPack[];
  readonly retention?: string;
  readonly result?: 'ok' | 'deferred';
}

/** One run as an agent makes it: session, packs, record, end of the session. */
export async function backup(
  parts: Pick<Harness, 'safe' | 'mine' | 'computer'>,
  options: BackupOptions = {},
): Promise<TestRecord> {
  const { safe, mine, computer } = parts;
  const { job = 'job', packs = [mine.pack(computer)], reused = [], retention, result } = options;
  await using session = await sessionOf(safe, mine, computer, job);
  for (const { name, bytes } of packs) await session.putPack(name, bytes);
  const record = mine.record(computer, {
    ...following(session),
    job,
    packs: [...packs, ...reused],
    ...(retention === undefined ? {} : { retention }),
    ...(result === undefined ? {} : { result }),
  });
  await session.commit(record.bytes);
  return record;
}

/** Runs work that waits on the fake clock: time moves on whenever nothing else can. */
export async function pump<T>({ clock }: MemoryPlatform, work: Promise<T>): Promise<T> {
  const state = { done: false };
  const ended = work.finally(() => (state.done = true));
  ended.catch(() => undefined);
  while (!state.done) {
    for (let turn = 0; turn < 20 && !state.done; turn += 1) await clock.advance(0);
    if (!state.done) await clock.advanceToNext();
  }
  return ended;
}

export function code(error: unknown): string {
  return error instanceof ProtocolError ? error.code : String(error);
}

/** Every byte of these packs is there and right. */
export async function readsBack(safe: SiteSafe, packs: readonly TestPack[]): Promise<boolean> {
  await using reading = await safe.openReading();
  for (const { name, bytes } of packs) {
    if ((await reading.packSize(name)) !== bytes.length) return false;
    const there = await reading.readPack(name, 0, bytes.length);
    if (!there.every((byte, index) => byte === bytes[index])) return false;
  }
  return true;
}

export function packOfHex(hex: string): ReturnType<typeof packName> {
  return packName(fromHex(hex) ?? new Uint8Array(0));
}

export type { VaultSession };
