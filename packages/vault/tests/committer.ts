/*
 * One process of the test with several: opens the vault named by its arguments and works on it until it is done or killed.
 *
 *     node committer.ts DIRECTORY backup COMPUTER RUNS JOB      backups that reuse what others stored
 *     node committer.ts DIRECTORY clean RUNS                    clean-ups without delay, beside them
 *
 * Prints one line for each committed record: its digest.
 */

import { ProtocolError } from '@twinvault/protocol';
import { Prng, toHex } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { PackTable } from '@twinvault/format';
import { following, refsOf, sessionOf, TestSafe } from '@twinvault/testkit';
import type { TestComputer, TestPack } from '@twinvault/testkit';
import { openDirectoryVault } from '../src/index.ts';
import type { SiteSafe, SiteVault } from '../src/index.ts';

export const safeSeed = 'several processes';
export const computersMax = 4;

/** The same safe and computers in every process. */
export function sharedSafe(): { mine: TestSafe; computers: TestComputer[] } {
  const mine = new TestSafe(safeSeed);
  return { mine, computers: Array.from({ length: computersMax }, (_, index) => mine.enrol(`computer ${index}`)) };
}

const retryable: ReadonlySet<string> = new Set(['job-busy', 'origin-missing', 'head-moved', 'vault-busy', 'lease-lost']);

async function backups(vault: SiteVault, words: readonly string[]): Promise<void> {
  const [number = '0', runs = '1', job = 'job'] = words;
  const { mine, computers } = sharedSafe();
  const computer = computers[Number(number)];
  if (computer === undefined) throw new Error('no such computer');
  // Packs are random: another stream for each process.
  mine.prng.bytes(process.pid);
  const prng = new Prng(`reuse ${process.pid}`);
  const safe = await vault.openSafe(mine.safe);
  for (let done = 0; done < Number(runs);) {
    try {
      process.stdout.write(`${await backupOnce(safe, { mine, computer, job, prng })}\n`);
      done += 1;
    } catch (error) {
      if (!(error instanceof ProtocolError) || !retryable.has(error.code)) throw error;
    }
  }
}

interface Run {
  readonly mine: TestSafe;
  readonly computer: TestComputer;
  readonly job: string;
  readonly prng: Prng;
}

async function backupOnce(safe: SiteSafe, { mine, computer, job, prng }: Run): Promise<string> {
  await using session = await sessionOf(safe, mine, computer, job);
  const reused: TestPack[] = [];
  for await (const { pack, tail } of session.liveList()) {
    const rows = Array.from({ length: new PackTable(tail).count }, (_, row) => new PackTable(tail).row(row));
    if (prng.chance(0.3)) reused.push({ name: pack, bytes: new Uint8Array(0), rows });
  }
  const packs = [mine.pack(computer, { blobCount: 2 }), mine.pack(computer, { kind: 1, blobCount: 1 })];
  await Promise.all(packs.map(({ name, bytes }) => session.putPack(name, bytes)));
  const record = mine.record(computer, { ...following(session), job, refs: refsOf([...packs, ...reused]) });
  const { digest } = await session.commit(record.bytes);
  return toHex(digest);
}

async function cleans(vault: SiteVault, runs: number): Promise<void> {
  const { mine } = sharedSafe();
  for (let run = 0; run < runs; run += 1) {
    try {
      const keep = { others: { days: 0, copies: 1, intraday: true } };
      await vault.clean(mine.safe, { keep, shareMax: 1, quarantineMs: 0 });
    } catch (error) {
      if (!(error instanceof ProtocolError) || !retryable.has(error.code)) throw error;
    }
  }
}

if (process.argv[1]?.endsWith('committer.ts') === true) {
  const [directory = '', verb, ...words] = process.argv.slice(2);
  await using vault = await openDirectoryVault({ path: directory, platform: nodePlatform() });
  if (verb === 'backup') await backups(vault, words);
  else await cleans(vault, Number(words[0] ?? 1));
}
