/*
 * A site far away as a vault: the vault port over the network, docs/protocol/README.md. It holds no state but leases that it renews; each call is one or more
 * requests, repeated as the protocol says.
 */

import { parseSafeDescriptor, safeIdFromHex, siteIdFromHex } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import { equalBytes, fromHex, secondMs, toHex } from '@twinvault/std';
import { ProtocolError } from '../../errors.ts';
import { holdersOriginsMax, protocolVersion, rangesBytesMax, rangesMax } from '../../limits.ts';
import type { NewSafe, SafeSummary, SiteInfo, Vault, VaultSafe } from '../../vault-port.ts';
import { encodeFrames } from '../frames.ts';
import { meteringAnswer, twinsAnswer } from '../operator-json.ts';
import type { CustomerBody, MeteringAnswer, MeteringQuery, TwinsAnswer } from '../operator-json.ts';
import { safesAnswer, siteAnswer } from '../site-json.ts';
import type { SiteAnswer, SiteLimits } from '../site-json.ts';
import { Exchange } from './exchange.ts';
import type { Call, ExchangeOptions } from './exchange.ts';
import { RemoteSafe } from './remote-safe.ts';
import { runTask } from './remote-task.ts';
import type { TaskRequest } from './remote-task.ts';
import { parsed } from './parsed.ts';

/** A site that does not answer at all is given up sooner than one that fails in between: somebody may have mistyped its address. */
const firstContactMsMax: number = 20 * secondMs;

/** Asks the site who it is. `network-unreachable`, `network-untrusted`, `answer-invalid`; `vault-newer` when it speaks no version that we do. */
export async function openRemoteVault(options: ExchangeOptions): Promise<RemoteVault> {
  const exchange = new Exchange(options);
  const site = await firstContact(exchange);
  return new RemoteVault(exchange, limitsOf(site), options.onClose);
}

/** `vault-newer` when the site speaks no version of the protocol that we do; what `call` throws. */
export async function firstContact(exchange: Exchange): Promise<SiteAnswer> {
  // Where another site serves there is no use in waiting for one that was not reached yet.
  const site = await siteOf(exchange, { retryMs: firstContactMsMax, fallOverMs: 0 });
  const { from, to } = site.protocol;
  if (from > protocolVersion || to < protocolVersion) throw new ProtocolError('vault-newer', { context: { from, to } });
  return site;
}

export async function siteOf(exchange: Exchange, call: Pick<Call, 'retryMs' | 'fallOverMs'> = {}): Promise<SiteAnswer> {
  return exchange.json('site', siteAnswer, call);
}

/** A site may ask for less than we know, never for more. */
function limitsOf({ limits }: SiteAnswer): SiteLimits {
  return {
    ...limits,
    rangesMax: Math.min(limits.rangesMax, rangesMax),
    rangesBytesMax: Math.min(limits.rangesBytesMax, rangesBytesMax),
    holdersOriginsMax: Math.min(limits.holdersOriginsMax, holdersOriginsMax),
  };
}

export class RemoteVault implements Vault {
  readonly #exchange: Exchange;
  readonly #limits: SiteLimits;
  #close: (() => void) | undefined;

  /** Only openRemoteVault makes one. */
  constructor(exchange: Exchange, limits: SiteLimits, close?: () => void) {
    this.#exchange = exchange;
    this.#limits = limits;
    this.#close = close;
  }

  async site(): Promise<SiteInfo> {
    return siteInfoOf(await siteOf(this.#exchange));
  }

  async safes(): Promise<readonly SafeSummary[]> {
    const { safes } = await this.#exchange.json('safes', safesAnswer);
    return safes.map(({ safe, label, home, erased, customer }) => ({
      safe: safeIdFromHex(safe),
      label,
      ...(home === undefined ? {} : { home: siteIdFromHex(home) }),
      ...(erased === undefined ? {} : { erased }),
      ...(customer === undefined ? {} : { customer }),
    }));
  }

  async createSafe({ descriptor, slots, ledger }: NewSafe): Promise<void> {
    const { safe } = parsed(() => parseSafeDescriptor(descriptor));
    const count = new Uint8Array(4);
    new DataView(count.buffer).setUint32(0, slots.length, true);
    const bytes = encodeFrames([descriptor, count, ...slots, ...ledger]);
    const call = { parameters: { safe: toHex(safe) }, body: { type: 'frames', bytes } } as const;
    const { status, tries } = await this.#exchange.call('createSafe', call);
    // After a repetition the safe that is there is the one that an earlier try has made.
    if (status !== 201 && tries === 1) throw new ProtocolError('safe-exists', { context: { safe: toHex(safe) } });
  }

  async openSafe(safe: SafeId): Promise<VaultSafe> {
    const opened = new RemoteSafe(this.#exchange, safe, this.#limits);
    const bytes = await opened.descriptor();
    if (!equalBytes(parsed(() => parseSafeDescriptor(bytes)).safe, safe))
      throw new ProtocolError('safe-mismatch', { context: { safe: toHex(safe) } });
    return opened;
  }

  /** How far the site has taken in each of its twins. `verb-denied` for whom is no operator. */
  twins(): Promise<TwinsAnswer> {
    return this.#exchange.json('twins', twinsAnswer);
  }

  /** Whose share of the site a safe uses from now on. `verb-denied` for whom is no operator, `not-home`, `safe-unknown`. */
  async assignCustomer(safe: SafeId, customer: string): Promise<void> {
    const body: CustomerBody = { customer };
    await this.#exchange.call('assignCustomer', { parameters: { safe: toHex(safe) }, body: { type: 'json', value: body } });
  }

  /** What each job of each safe used, by day. `verb-denied` for whom is no operator. */
  async metering({ from, to }: MeteringQuery): Promise<MeteringAnswer['rows']> {
    const { rows } = await this.#exchange.json('metering', meteringAnswer, { query: { from, to } });
    return rows;
  }

  /** Has an operator's task done by the site and waits for its report. `verb-denied` for whom is no operator. */
  operate(request: TaskRequest): Promise<unknown> {
    return runTask(this.#exchange, request);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close?.();
    this.#close = undefined;
    return Promise.resolve();
  }
}

export function siteInfoOf({ site, publicKey, generation, nowMs }: SiteAnswer): SiteInfo {
  return { site: siteIdFromHex(site), publicKey: bytesOf(publicKey), generation: bytesOf(generation), nowMs };
}

/** Of digits that the schema has held to their form. */
function bytesOf(digits: string): Uint8Array {
  return fromHex(digits) ?? new Uint8Array(0);
}
