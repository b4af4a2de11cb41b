/*
 * Jobs of a safe: packs that hold something of theirs that nothing else needs, then their records. Packs in which something else lives are compacted first,
 * by home's plan.
 *
 * Invariants: a pack goes by the second mark of clean-up, under the lock that commits hold, with the records of these jobs counted as gone; and records go
 * only when no pack is left that could not be found again without them.
 */

import { hourMs, toHex } from '@twinvault/std';
import { markPacks } from '../clean/mark.ts';
import type { Marked } from '../clean/mark.ts';
import { readQuarantine, writeQuarantine } from '../clean/quarantine.ts';
import type { CleanedPack } from '../clean/report.ts';
import { SecondMark } from '../clean/second-mark.ts';
import type { CommitParts } from '../commit/commit.ts';
import { compact } from '../compact/compact.ts';
import { inLock, openLeases } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { isHome } from '../homes/homes.ts';
import { LiveSet } from '../live/live-set.ts';
import type { LiveRows } from '../live/refs-pool.ts';
import { packNameOfHex, packNames } from '../packs/pack-files.ts';
import { indexEntries } from '../packs/pack-index.ts';
import { readRecordPublic } from '../records/record-public.ts';
import { digestNames } from '../records/record-store.ts';
import { isDigestName } from '../store/layout.ts';
import type { SafeFolder } from '../store/layout.ts';
import { eraseNames, eraseRemains } from './erase-objects.ts';
import type { EraseWork } from './erase-work.ts';
import type { JobName } from './erased.ts';
import { holdsDead, sessionsOf } from './job-packs.ts';
import type { JobSessions } from './job-packs.ts';

export interface JobWork extends EraseWork {
  readonly jobs: readonly JobName[];
}

/** Packs that one holding of the lock "commit" moves to deletion. */
const batchMax = 64;
/** What is put takes less than that from its first byte to its name. */
const putMsMax: number = hourMs;
const contents: readonly SafeFolder[] = ['packs', 'committing', 'records', 'receipts', 'stubs', 'damaged'];

export async function eraseJobs(given: CommitParts, work: JobWork): Promise<void> {
  // An erase order goes before minimum age, and what a twin needs it has.
  const alone = { sites: () => Promise.resolve([]), reads: () => Promise.resolve([]) };
  const parts = { ...given, context: { ...given.context, minimumAgeMs: () => Promise.resolve(0), twins: alone } };
  const { context, records, ledger } = parts;
  const names = new Set(work.jobs.map(nameOf));
  await dropCommitting(context, work, names);
  const all = await records.everything();
  const covered = all.filter(({ public: facts }) => names.has(nameOf(facts))).map(({ digest }) => toHex(digest));
  const sessions = sessionsOf(work.jobs, { records: all, ledger: await ledger.current() });
  const run = new JobPacks({ ...given, context }, { work, sessions, covered: new Set(covered) });
  const left = await run.erase();
  if (left === 0) await eraseRecords(context, work, covered);
  await eraseRemains(context, work, { folders: contents, beforeMs: (await context.store.nowMs()) - putMsMax });
}

function nameOf({ computer, job }: JobName): string {
  return `${toHex(computer)} ${job}`;
}

/** Commits that were broken off: nobody was told that they stand. */
async function dropCommitting(context: SafeContext, work: JobWork, names: ReadonlySet<string>): Promise<void> {
  const { store, layout } = context;
  await inLock(context, { name: 'commit' }, async () => {
    for (const hex of await digestNames(context, 'committing')) {
      const place = layout.inFolder('committing', hex);
      const facts = await readRecordPublic(store, place);
      if (facts !== null && names.has(nameOf(facts))) await eraseNames(context, work, { kind: 'committing', names: [place] });
    }
  });
}

/** What is said about the records first: without the records nobody would find it. */
async function eraseRecords(context: SafeContext, work: JobWork, digests: readonly string[]): Promise<void> {
  const { store, layout, cache } = context;
  for (const site of await store.folders(`${layout.folder}/twins`)) {
    for (const folder of ['receipts', 'tombstones'] as const) {
      const names = digests.map((hex) => layout.twin(site, folder, hex));
      if (!(await eraseNames(context, work, { kind: 'twins', names }))) return;
    }
  }
  for (const folder of ['receipts', 'records', 'stubs'] as const) {
    const names = digests.map((hex) => layout.inFolder(folder, hex));
    if (!(await eraseNames(context, work, { kind: folder, names }))) return;
  }
  // Caches hold refs and tails of what is gone, and are made anew.
  await cache.clear(layout.cache);
}

interface JobPacksParts {
  readonly work: JobWork;
  readonly sessions: JobSessions;
  /** Digests of the records of these jobs. */
  readonly covered: ReadonlySet<string>;
}

class JobPacks {
  readonly #parts: CommitParts;
  readonly #context: SafeContext;
  readonly #work: JobWork;
  readonly #sessions: JobSessions;
  readonly #live: Pick<LiveSet, 'rows'>;

  constructor(parts: CommitParts, { work, sessions, covered }: JobPacksParts) {
    const live = new LiveSet(parts.context);
    this.#parts = parts;
    this.#context = parts.context;
    this.#work = work;
    this.#sessions = sessions;
    this.#live = { rows: () => live.rows({ retiring: covered }) };
  }

  /** The number of packs that are left: they wait for a session or for home's plan. */
  async erase(): Promise<number> {
    let { marked, live } = await this.#mark();
    let found = await this.#find(live);
    const mixed = this.#inState(marked, found, 'live');
    if (mixed.length > 0 && (await isHome(this.#parts))) {
      await this.#compact({ marked, live }, mixed);
      ({ marked, live } = await this.#mark());
      found = await this.#find(live);
    }
    for (const pack of this.#inState(marked, found, 'live')) this.#waits(pack, 'plan');
    const needless = [...this.#inState(marked, found, 'dead'), ...this.#inState(marked, found, 'superseded')];
    const going = await this.#secondMark(needless);
    await this.#eraseAside(live);
    return this.#inState(marked, found, 'live').length + needless.length - going;
  }

  async #mark(): Promise<{ readonly marked: Marked; readonly live: LiveRows }> {
    const context = this.#context;
    const live = await this.#live.rows();
    const nowMs = await context.leases.nowMs();
    const times = { nowMs, clockMs: context.ports.clock.nowMs(), quarantineMs: 0, minimumAgeMs: 0 };
    const leases = await openLeases(context, nowMs);
    return { marked: await markPacks({ context, live, leases, times, reads: [] }), live };
  }

  /** Packs that hold something dead of these jobs, hexadecimal. */
  async #find(live: LiveRows): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for await (const entry of indexEntries(this.#context, { wanted: await packNames(this.#context), keep: false })) {
      if (holdsDead(entry, this.#sessions, live)) found.add(entry.hex);
    }
    return found;
  }

  #inState({ facts }: Marked, found: ReadonlySet<string>, state: 'live' | 'superseded' | 'dead'): CleanedPack[] {
    const packs: CleanedPack[] = [];
    for (let number = 0; number < facts.names.count; number += 1) {
      if (!facts.isKnown(number) || facts.stateAt(number) !== state) continue;
      const hex = facts.names.hexAt(number);
      if (!found.has(hex)) continue;
      const reason = state === 'live' ? 'sparse' : state;
      packs.push({ pack: hex, bytes: facts.at(number).packBytes, action: 'quarantine', reason });
    }
    return packs;
  }

  async #compact(
    { marked, live }: { readonly marked: Marked; readonly live: LiveRows },
    mixed: readonly CleanedPack[],
  ): Promise<void> {
    const { lock, signal } = this.#work;
    const wanted = new Set(mixed.map(({ pack }) => pack));
    const chosen = Array.from(marked.facts)
      .filter(({ hex }) => wanted.has(hex))
      .map((facts) => ({ facts, reason: 'sparse' as const }));
    const packsOfPlan = (number: number): number => Array.from(marked.facts).filter(({ plan }) => plan === number).length;
    const nowMs = await this.#context.leases.nowMs();
    await compact(this.#context, { lock, live, packsOfPlan, nowMs, signal, progress: () => undefined }, () =>
      Promise.resolve(chosen),
    );
  }

  /** The number that went. */
  async #secondMark(needless: readonly CleanedPack[]): Promise<number> {
    const context = this.#context;
    const { lock, signal } = this.#work;
    const leases = (await openLeases(context, await context.leases.nowMs())).map(({ name }) => name);
    for (const { pack } of needless) {
      if ((await readQuarantine(context, pack)) !== null) continue;
      await lock.check();
      const [markedMs, clockMs] = [await context.leases.nowMs(), context.ports.clock.nowMs()];
      await writeQuarantine(context, pack, { state: 'quarantined', markedMs, clockMs, leases });
    }
    const delays = { quarantineMs: 0, minimumAgeMs: 0 };
    const mark = await SecondMark.of(context, needless, { live: this.#live, delays });
    let count = 0;
    for (let start = 0; start < needless.length; start += batchMax) {
      signal?.throwIfAborted();
      const batch = needless.slice(start, start + batchMax);
      const going = await mark.batch(batch);
      await eraseNames(context, this.#work, { kind: 'packs', names: going.map(({ pack }) => context.layout.pack(pack)) });
      for (const { pack } of going) await context.store.remove(context.layout.inFolder('quarantine', pack));
      count += going.length;
      const gone = new Set(going.map(({ pack }) => pack));
      for (const pack of batch) if (!gone.has(pack.pack)) this.#waits(pack, 'lease');
    }
    return count;
  }

  /** Damaged packs that stand aside are origins of nothing, or are to be healed. */
  async #eraseAside(live: LiveRows): Promise<void> {
    const { store, layout } = this.#context;
    const names = (await store.list(layout.inFolder('damaged'))).filter(isDigestName);
    const needless = names.filter((hex) => live.bitmapOf(packNameOfHex(hex)) === null);
    await eraseNames(this.#context, this.#work, {
      kind: 'damaged',
      names: needless.map((hex) => layout.inFolder('damaged', hex)),
    });
  }

  #waits({ pack, bytes }: CleanedPack, reason: 'lease' | 'plan'): void {
    this.#work.log.waits({ kind: 'packs', name: pack, bytes, reason, untilMs: null });
  }
}
