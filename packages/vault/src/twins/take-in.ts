/*
 * Taking a safe in from another site or a disk, docs/format/records.md, Two sites: one piece of code for replication, seeds, healing and the rebuild of a site.
 * Nothing that comes is believed: each object is verified as if an agent had sent it.
 *
 * What was taken is taken: it can be broken off anywhere and begun again anywhere. What does not check out, or needs what is not there, is held: the place
 * stays before it, so that it is asked for again, and until then this site does not say that it has read to the end.
 */

import { FormatError } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { ProtocolErrorCode, TwinEvent, TwinFeedPage, TwinObjectName } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import { demandNotErased } from '../erases/erased.ts';
import { recoverCommits } from '../commit/commit.ts';
import { storeNameOf } from '../care/stored-objects.ts';
import type { NewObject } from '../database/inventory.ts';
import { SegmentWriter } from '../packs/segments.ts';
import type { SafeParts } from '../site-safe.ts';
import { concurrently } from '../store/concurrently.ts';
import { protocolError } from '../store/vault-files.ts';
import { packsAtOnce, takePack } from './taking/take-pack.ts';
import { takePlan } from './taking/take-plan.ts';
import { takeRecord } from './taking/take-record.ts';
import { takeEraseOrder, takeLedger } from './taking/take-ledger.ts';
import { takeReceipt, takeTombstone } from './taking/take-words.ts';
import type { Taken, Taking } from './taking/taking.ts';
import type { TakeInOptions, TakeInReport, UntakenObject } from './taking-in.ts';
import type { TwinSite } from './twins.ts';

const statsAtOnce = 16;

/** `safe-unknown` of the source, `ledger-forked`, and what keeps this site or the source from working: `vault-full`, `network-unreachable` and their kin. */
export async function takeIn(parts: SafeParts, options: TakeInOptions): Promise<TakeInReport> {
  const run = new TakeInRun(parts, options, await twinOf(parts, options));
  return run.toTheEnd();
}

/** One object, whatever the feed says of it; null when it is gone there. What `takeIn` would hold is thrown. */
export async function takeObject(parts: SafeParts, options: TakeInOptions, name: TwinObjectName): Promise<Taken> {
  const run = new TakeInRun(parts, options, await twinOf(parts, options));
  return run.one(name);
}

/** Null for a source that is no twin; `answer-invalid` for one that says it is, and has another key. */
async function twinOf({ context }: SafeParts, { source }: TakeInOptions): Promise<TwinSite | null> {
  const { site, publicKey } = await source.site();
  const twin = (await context.twins.sites()).find((each) => equalBytes(each.site, site)) ?? null;
  if (twin !== null && twin.publicKey.length > 0 && !equalBytes(twin.publicKey, publicKey))
    throw new ProtocolError('answer-invalid', { context: { defect: 'another key of the site', site: toHex(site) } });
  return twin;
}

/** What is taken of an erased safe too. */
const proofKinds: ReadonlySet<string> = new Set(['erase', 'ledger', 'slots']);
/** What says that an object never will be taken. */
const leftCodes: ReadonlySet<string> = new Set(['certificate-revoked', 'erased']);
/** Codes that say something about an object and not about this site or the way to the other; those of format do too. */
const objectCodes: ReadonlySet<string> = new Set([
  'record-invalid',
  'certificate-revoked',
  'origin-missing',
  'plan-unknown',
  'pack-foreign',
  'pack-too-large',
  'base-unknown',
  'erased',
  'vault-damaged',
]);

class TakeInRun {
  readonly #parts: SafeParts;
  readonly #options: TakeInOptions;
  readonly #taking: Taking;
  readonly #segments: SegmentWriter;
  #fresh: NewObject[] = [];
  #objects = 0;
  #bytes = 0;
  #returned = 0;
  #held = new Map<string, UntakenObject & { readonly position: number }>();
  readonly #left = new Map<string, UntakenObject>();

  constructor(parts: SafeParts, options: TakeInOptions, twin: TwinSite | null) {
    const { source, signal } = options;
    this.#parts = parts;
    this.#options = options;
    this.#segments = new SegmentWriter(parts.context);
    this.#taking = {
      parts,
      source,
      twin,
      segments: this.#segments,
      signal,
      returned: () => (this.#returned += 1),
      took: (object) => {
        this.#fresh.push(object);
        this.#objects += 1;
        this.#bytes += object.bytes;
        options.progress?.({ objects: this.#objects, bytes: this.#bytes });
      },
    };
  }

  async one(name: TwinObjectName): Promise<Taken> {
    const taken = await this.#take(name);
    await this.#announce();
    return taken;
  }

  async toTheEnd(): Promise<TakeInReport> {
    // A record that was being taken when a process died: where no agent comes, nobody else ends it.
    await recoverCommits(this.#parts);
    await takeLedger(this.#taking);
    const { from } = this.#options;
    const isNew = (await this.#parts.records.all()).length === 0;
    const first = await this.#page(from?.position ?? 0);
    // Another life of the source, or one that was put back to an earlier state: what it had since may have been lost there, and is found by all its names.
    const isVoid = from === undefined || !equalBytes(first.page.generation, from.generation) || first.page.last < from.position;
    const report = await this.#read(isVoid ? await this.#page(0) : first, { allPacks: isNew || !isVoid });
    if (isNew || !isVoid || report.held.length === 0) return report;
    // What records need may lie in packs that only the feed names: compacted ones.
    return this.#read(await this.#page(0), { allPacks: true });
  }

  /** Pages from one on to the last. `allPacks`: those that no record has asked for too. */
  async #read(begin: AskedPage, { allPacks }: { readonly allPacks: boolean }): Promise<TakeInReport> {
    const { safe } = this.#parts.context;
    for (let asked = begin; ;) {
      const { page } = asked;
      const events = page.events.filter(({ kind }) => allPacks || kind !== 'pack');
      await this.#takePage(events);
      const isLast = isLastPage(page);
      if (isLast) await this.#again();
      if (isLast && [...this.#held.values()].some(lacksPlan)) await this.#plansAnew();
      await this.#announce();
      const report = this.#reportOf(asked, isLast);
      await this.#options.remember?.(report);
      if (isLast) return report;
      const next = await this.#page(page.next);
      if (!equalBytes(next.page.generation, page.generation))
        throw new ProtocolError('lease-lost', { context: { safe: toHex(safe), defect: 'the source was rebuilt' } });
      asked = next;
    }
  }

  /** A plan of which no pack was left here was taken away, and the source has a pack of it again. Its place in the feed was passed long ago. */
  async #plansAnew(): Promise<void> {
    for (let after = 0; ;) {
      const { page } = await this.#page(after);
      await this.#takePage(page.events.filter(({ kind }) => kind === 'plan'));
      if (isLastPage(page)) break;
      after = page.next;
    }
    await this.#again();
  }

  async #page(after: number): Promise<AskedPage> {
    const { source, signal } = this.#options;
    const { leases, ports, safe } = this.#parts.context;
    const askedMs = await leases.nowMs();
    const page = await source.feed(safe, { after, waitMs: 0, ...(signal === undefined ? {} : { signal }) });
    return { page, askedMs, skewMs: page.nowMs - ports.clock.nowMs() };
  }

  /** Packs that follow each other come several at once; everything else in its order. */
  async #takePage(events: readonly TwinEvent[]): Promise<void> {
    const isHere = await concurrently(events, statsAtOnce, (event) => this.#isHere(event));
    const missing = events.filter((_, index) => isHere[index] !== true);
    for (let start = 0; start < missing.length;) {
      this.#options.signal?.throwIfAborted();
      let end = start + 1;
      if (missing[start]?.kind === 'pack') while (missing[end]?.kind === 'pack') end += 1;
      await concurrently(missing.slice(start, end), packsAtOnce, (event) => this.#tryTake(event));
      start = end;
    }
  }

  /** What was held may have what it needs by now. */
  async #again(): Promise<void> {
    const held = [...this.#held.values()].sort((a, b) => a.position - b.position);
    this.#held = new Map();
    for (const { kind, name, position } of held) await this.#tryTake({ kind, name, position });
  }

  async #tryTake({ kind, name, position }: TwinObjectName & { readonly position: number }): Promise<void> {
    try {
      await this.#take({ kind, name });
    } catch (error) {
      const code = codeOfObject(error);
      if (code === null) throw error;
      const untaken = { kind, name, code };
      if (leftCodes.has(code)) this.#left.set(`${kind} ${name}`, untaken);
      else this.#held.set(`${kind} ${name}`, { ...untaken, position });
    }
  }

  async #take({ kind, name }: TwinObjectName): Promise<Taken> {
    if (!proofKinds.has(kind)) await demandNotErased(this.#parts.context);
    switch (kind) {
      case 'pack':
        return takePack(this.#taking, name);
      case 'record':
        return takeRecord(this.#taking, name);
      case 'receipt':
        return takeReceipt(this.#taking, name);
      case 'stub':
        return takeTombstone(this.#taking, name);
      case 'plan':
        return takePlan(this.#taking, name);
      case 'erase':
        return takeEraseOrder(this.#taking, name);
      case 'ledger':
      case 'slots':
        // Each comes with the ledger, which names it; one that no entry names is nobody's.
        await takeLedger(this.#taking);
        return 'present';
    }
  }

  async #isHere({ kind, name }: TwinObjectName): Promise<boolean> {
    const { store, layout, marker } = this.#parts.context;
    const isThere = async (place: string): Promise<boolean> => (await store.stat(place)) !== null;
    const { twin } = this.#taking;
    switch (kind) {
      case 'receipt':
      case 'stub':
        if (twin === null || equalBytes(twin.site, marker.site)) return true;
        return isThere(layout.twin(toHex(twin.site), kind === 'stub' ? 'tombstones' : 'receipts', name));
      case 'record':
        return (await isThere(layout.record(name))) || (await isThere(layout.inFolder('stubs', name)));
      case 'ledger':
        return Number(name) <= (await this.#parts.ledger.current()).head.number;
      case 'slots':
        return (
          !(await this.#parts.ledger.current()).slotDigests().some((digest) => toHex(digest) === name) ||
          isThere(storeNameOf(layout, kind, name))
        );
      case 'erase':
        // That the twin has it too is remembered when it is met.
        if (twin !== null && !(await isThere(layout.twin(toHex(twin.site), 'erases', name)))) return false;
        return isThere(storeNameOf(layout, kind, name));
      case 'pack':
      case 'plan':
        return isThere(storeNameOf(layout, kind, name));
    }
  }

  async #announce(): Promise<void> {
    await this.#segments.flush();
    const fresh = this.#fresh;
    this.#fresh = [];
    if (fresh.length > 0) await this.#options.announce?.(fresh);
  }

  #reportOf({ page, askedMs, skewMs }: AskedPage, isLast: boolean): TakeInReport {
    const held = [...this.#held.values()];
    const position = Math.min(page.next, ...held.map((each) => each.position - 1));
    return {
      place: { generation: page.generation, position },
      last: page.last,
      endAskedMs: isLast && held.length === 0 ? askedMs : null,
      skewMs,
      objects: this.#objects,
      bytes: this.#bytes,
      returned: this.#returned,
      held: held.map(({ kind, name, code }) => ({ kind, name, code })),
      left: [...this.#left.values()],
    };
  }
}

interface AskedPage {
  readonly page: TwinFeedPage;
  /** Our time, in that of the leases, when it was asked for. */
  readonly askedMs: number;
  readonly skewMs: number;
}

function isLastPage({ next, last, events }: TwinFeedPage): boolean {
  return next >= last || events.length === 0;
}

function lacksPlan({ kind, code }: UntakenObject): boolean {
  return kind === 'pack' && code === 'plan-unknown';
}

/** Null for what says nothing about the object. */
function codeOfObject(error: unknown): ProtocolErrorCode | null {
  if (error instanceof FormatError) return error.code;
  const refused = protocolError(error);
  if (!(refused instanceof ProtocolError)) return null;
  return objectCodes.has(refused.code) || refused.cause instanceof FormatError ? refused.code : null;
}
