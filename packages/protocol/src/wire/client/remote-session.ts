/* A session at a site far away. */

import { certificateId, packBytesMax, packName, parseReceipt, signedBytesMax } from '@twinvault/format';
import type { PackName } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import { ProtocolError } from '../../errors.ts';
import { livePageBytesMax } from '../../limits.ts';
import type { CommitReply, LivePack, RecordSummary, SessionRequest, VaultSession } from '../../vault-port.ts';
import { parseFrames } from '../frames.ts';
import { packFrames } from '../pack-frames.ts';
import { recordOfJson } from '../record-json.ts';
import { nextHeader } from '../routes.ts';
import { sessionAnswer } from '../safe-json.ts';
import type { SessionBody } from '../safe-json.ts';
import type { Exchange } from './exchange.ts';
import { LeaseRenewal } from './lease-renewal.ts';
import { parsed } from './parsed.ts';

/** Pack and certificate in front of each tail. */
const liveHeadBytes = 48;
/** A page ends with the tail that passes its limit. */
const livePageAnswerMax: number = livePageBytesMax + packBytesMax;

/** `job-busy`, `certificate-unknown`, `certificate-revoked`, `job-foreign`, `ledger-behind`, `ledger-forked`. */
export async function openRemoteSession(exchange: Exchange, safe: string, request: SessionRequest): Promise<VaultSession> {
  const id = exchange.ports.random.bytes(16);
  const { certificate, computer, job, ledger } = request;
  const body: SessionBody = {
    certificate: toHex(certificate),
    computer: toHex(computer),
    job,
    ledger: { number: ledger.number, digest: toHex(ledger.digest), root: toHex(ledger.root) },
  };
  const parameters = { safe, session: toHex(id) };
  const answer = await exchange.json('openSession', sessionAnswer, { parameters, body: { type: 'json', value: body } });
  const lease = new LeaseRenewal(exchange, { renew: 'renewSession', close: 'closeSession', parameters }, answer);
  return new RemoteSession(
    id,
    lease,
    parsed(() => answer.heads.map(recordOfJson)),
  );
}

class RemoteSession implements VaultSession {
  readonly id: Uint8Array;
  readonly heads: readonly RecordSummary[];
  readonly #lease: LeaseRenewal;
  #closed = false;

  constructor(id: Uint8Array, lease: LeaseRenewal, heads: readonly RecordSummary[]) {
    this.id = id;
    this.heads = heads;
    this.#lease = lease;
  }

  /** The next page is on its way while one is used. */
  async *liveList(): AsyncGenerator<LivePack, void, undefined> {
    this.#demandOpen();
    let following: Promise<LivePage | null> = this.#livePage(undefined);
    for (let page = await following; page !== null; page = await following) {
      following = page.next === undefined ? Promise.resolve(null) : this.#livePage(page.next);
      // Whoever stops in between does not hear of it any more.
      following.catch(() => undefined);
      yield* page.packs;
    }
  }

  async putPack(name: PackName, bytes: Uint8Array): Promise<'stored' | 'present'> {
    this.#demandOpen();
    if (bytes.length > packBytesMax) throw new ProtocolError('pack-too-large', { context: { sizeBytes: bytes.length } });
    const parameters = { name: toHex(name) };
    const frames = parsed(() => packFrames(bytes));
    const { status, tries } = await this.#lease.call('putPack', { parameters, body: { type: 'frames', bytes: frames } });
    // After a repetition 'present' is what an earlier try has stored.
    return status === 201 || tries > 1 ? 'stored' : 'present';
  }

  async commit(record: Uint8Array): Promise<CommitReply> {
    this.#demandOpen();
    const { body } = await this.#lease.call('commit', {
      body: { type: 'object', bytes: record },
      answerBytesMax: signedBytesMax,
    });
    return { receipt: body, digest: parsed(() => parseReceipt(body)).record };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#lease.close();
  }

  async #livePage(after: string | undefined): Promise<LivePage> {
    const { body, headers } = await this.#lease.call('live', { query: { after }, answerBytesMax: livePageAnswerMax });
    const packs = parseFrames(body, { countMax: livePageAnswerMax / liveHeadBytes, bytesMax: packBytesMax }).map(livePackOf);
    const next = headers[nextHeader];
    // A site that had nothing to say and went on for ever would keep a client for ever.
    if (next !== undefined && (next === after || packs.length === 0))
      throw new ProtocolError('answer-invalid', { context: { defect: 'page' } });
    return { packs, ...(next === undefined ? {} : { next }) };
  }

  #demandOpen(): void {
    if (this.#closed) throw new ProtocolError('lease-lost', { context: { defect: 'session is closed' } });
  }
}

interface LivePage {
  readonly packs: readonly LivePack[];
  readonly next?: string;
}

function livePackOf(frame: Uint8Array): LivePack {
  if (frame.length < liveHeadBytes) throw new ProtocolError('answer-invalid', { context: { defect: 'live pack' } });
  return {
    pack: packName(frame.slice(0, 32)),
    certificate: certificateId(frame.slice(32, liveHeadBytes)),
    tail: frame.slice(liveHeadBytes),
  };
}
