/*
 * The certificate of an erase order while it is carried out: put when the order is begun, replaced as objects go, signed each time. An object is counted when
 * it is gone; before each batch the certificate is written with how many may go before it is written again.
 *
 * Invariant: of what went, at any moment, no more than `uncounted` objects are missing in what is durable, but for remains of broken-off writes.
 */

import { encodeEraseCertificate, eraseCertificateRowsMax } from '@twinvault/format';
import type { EraseCertificate, ErasureProblem, ErasureWait } from '@twinvault/format';
import { toHex, utf8Encode } from '@twinvault/std';
import { signerOf } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { erasePasses } from '../store/file-store.ts';
import type { ErasedObject, ErasureMeans } from '../store/object-store.ts';
import type { StandingOrder } from './orders.ts';

/** Objects that go between two writings. */
export const eraseBatchMax = 64;

/** What stays of a whole safe, and of jobs everything that is not theirs. */
export const keptKinds: readonly string[] = ['descriptor', 'ledger', 'erases', 'erased'];

/** Whose the safe was stays too, where the site was told. */
async function keptOf({ store, layout }: SafeContext): Promise<string[]> {
  return [...keptKinds, ...((await store.stat(layout.customer)) === null ? [] : ['customer'])];
}

export class EraseLog {
  readonly #context: SafeContext;
  readonly #waiting: ErasureWait[] = [];
  #certificate: EraseCertificate;
  #waitingLeftOut = 0;
  /** Of the batch that is going, those that were not counted yet. */
  #ahead = 0;
  #unwritten = 0;

  private constructor(context: SafeContext, certificate: EraseCertificate) {
    this.#context = context;
    this.#certificate = certificate;
  }

  /** Goes on from what was written before. What was waited for then is found again, or gone. */
  static async of(context: SafeContext, standing: StandingOrder): Promise<EraseLog> {
    const { order, certificate, arrivedMs } = standing;
    const { site, publicKey } = context.marker;
    return new EraseLog(context, {
      safe: context.safe,
      site,
      key: publicKey,
      order: order.name,
      number: order.number,
      jobs: order.jobs,
      createdMs: order.createdMs,
      arrivedMs,
      begunMs: certificate?.begunMs ?? Math.ceil(await context.store.nowMs()),
      endedMs: certificate?.endedMs ?? null,
      state: certificate?.state ?? 'begun',
      store: certificate?.store ?? storeOf(await context.store.erasure()),
      removed: certificate?.removed ?? [],
      uncounted: certificate?.uncounted ?? 0,
      waiting: [],
      waitingLeftOut: 0,
      problems: certificate?.problems ?? [],
      kept: order.jobs === null ? await keptOf(context) : [],
    });
  }

  /** Says, durably, that up to so many objects go before it is called again. */
  async goes(objects: number): Promise<void> {
    this.#ahead = objects;
    await this.write();
  }

  /** Counts what is gone. */
  gone(kind: string, { bytes, readBack }: Pick<ErasedObject, 'bytes' | 'readBack'>, objects: number = 1): void {
    const before = this.#certificate;
    const removed = before.removed.filter((row) => row.kind !== kind);
    const row = before.removed.find((other) => other.kind === kind) ?? { kind, objects: 0, bytes: 0 };
    removed.push({ kind, objects: row.objects + objects, bytes: row.bytes + bytes });
    const { store } = before;
    const isCached = store.type === 'files' && (readBack === 'cache' || store.readBack === 'cache');
    const passes = store.type === 'files' && readBack !== null ? { ...store, readBack: isCached ? 'cache' : readBack } : store;
    this.#certificate = { ...before, removed, store: passes };
    this.#unwritten += objects;
    this.#ahead = Math.max(0, this.#ahead - objects);
  }

  waits(wait: ErasureWait): void {
    if (this.#waiting.length < eraseCertificateRowsMax) this.#waiting.push(wait);
    else this.#waitingLeftOut += 1;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** When the last of the locks ends that are known; null when something else is waited for, or nothing. */
  get waitsUntilMs(): number | null {
    const times = this.#waiting.map(({ untilMs }) => untilMs);
    return times.length === 0 || times.includes(null) ? null : Math.min(...times.map((ms) => ms ?? 0));
  }

  problem(problem: ErasureProblem): void {
    const { problems } = this.#certificate;
    if (problems.some(({ kind, name }) => kind === problem.kind && name === problem.name)) return;
    this.#certificate = { ...this.#certificate, problems: [...problems, problem].slice(0, eraseCertificateRowsMax) };
  }

  /** Durable when it resolves. */
  async write(): Promise<EraseCertificate> {
    const { store, layout } = this.#context;
    const counted = this.#certificate;
    const uncounted = counted.uncounted + this.#ahead;
    const certificate = { ...counted, uncounted, waiting: this.#waiting, waitingLeftOut: this.#waitingLeftOut };
    const text = encodeEraseCertificate(certificate, await signerOf(this.#context));
    const name = layout.inFolder('erased', toHex(certificate.order));
    await store.replace(name, [utf8Encode(text)]);
    this.#unwritten = 0;
    return certificate;
  }

  /** The end of a run: all went but what waits. Nothing is written when nothing changed since the last end. */
  async end(): Promise<EraseCertificate> {
    this.#ahead = 0;
    const before = this.#certificate;
    const state = this.isWaiting ? 'waiting' : 'done';
    const same = state === 'done' && before.state === 'done' && this.#unwritten === 0 && before.endedMs !== null;
    if (same) return before;
    this.#certificate = { ...before, state, endedMs: Math.ceil(await this.#context.store.nowMs()) };
    return this.write();
  }
}

function storeOf(means: ErasureMeans): EraseCertificate['store'] {
  if (means.type === 'bucket') return { type: 'bucket' };
  const { type, fileSystem, overwriting } = means;
  return { type, fileSystem, overwriting, passes: overwriting === 'elsewhere' ? 0 : erasePasses, readBack: 'none' };
}
