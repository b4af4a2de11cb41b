/*
 * A site far away as what another site follows: docs/protocol/README.md, Two sites. Each call is one request; what comes back is bytes that nobody has
 * verified yet.
 */

import { safeIdFromHex, siteIdFromHex } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import { fromHex, toHex } from '@twinvault/std';
import { ProtocolError } from '../../errors.ts';
import { twinObjectBytesMax } from '../../limits.ts';
import { twinObjectKinds } from '../../twin-port.ts';
import type { AskedObject, TwinEvent, TwinFeedPage, TwinSafe, TwinSource } from '../../twin-port.ts';
import type { SiteInfo } from '../../vault-port.ts';
import { signedBytesMax } from '@twinvault/format';
import { feedAnswer } from '../safe-json.ts';
import type { FeedAnswer } from '../safe-json.ts';
import { safesAnswer } from '../site-json.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeOptions } from './exchange.ts';
import { firstContact, siteInfoOf, siteOf } from './remote-vault.ts';

/** Asks the site who it is. Throws what `openRemoteVault` does. The capability needs the verb `follow`. */
export async function openTwinSource(options: ExchangeOptions): Promise<TwinSource> {
  const exchange = new Exchange(options);
  await firstContact(exchange);
  return new RemoteTwin(exchange, options.onClose);
}

class RemoteTwin implements TwinSource {
  readonly #exchange: Exchange;
  #close: (() => void) | undefined;

  constructor(exchange: Exchange, close?: () => void) {
    this.#exchange = exchange;
    this.#close = close;
  }

  async site(): Promise<SiteInfo> {
    return siteInfoOf(await siteOf(this.#exchange));
  }

  async safes(): Promise<readonly TwinSafe[]> {
    const { safes } = await this.#exchange.json('safes', safesAnswer);
    const { site } = await this.site();
    return safes.map(({ safe, home, customer }) => ({
      safe: safeIdFromHex(safe),
      home: home === undefined ? site : siteIdFromHex(home),
      ...(customer === undefined ? {} : { customer }),
    }));
  }

  async descriptor(safe: SafeId): Promise<Uint8Array> {
    const { body } = await this.#exchange.call('descriptor', {
      parameters: { safe: toHex(safe) },
      answerBytesMax: signedBytesMax,
    });
    return body;
  }

  async feed(
    safe: SafeId,
    { after, waitMs, signal }: { readonly after: number; readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<TwinFeedPage> {
    const answer = await this.#exchange.json('feed', feedAnswer, {
      parameters: { safe: toHex(safe) },
      query: { after, wait: waitMs },
      ...(signal === undefined ? {} : { signal }),
    });
    return pageOf(answer, after);
  }

  async object(safe: SafeId, { kind, name, site }: AskedObject): Promise<Uint8Array | null> {
    try {
      const { body } = await this.#exchange.call('object', {
        parameters: { safe: toHex(safe), kind, name },
        query: { site: site === undefined ? undefined : toHex(site) },
        answerBytesMax: twinObjectBytesMax[kind],
      });
      return body;
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'object-unknown') return null;
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close?.();
    this.#close = undefined;
    return Promise.resolve();
  }
}

/** Positions count up from after the one asked for; a page that says otherwise would keep its reader for ever. Kinds that we do not know are a newer site's. */
function pageOf({ generation, events, next, last, nowMs }: FeedAnswer, after: number): TwinFeedPage {
  let position = after;
  const known: TwinEvent[] = [];
  for (const event of events) {
    if (event.position <= position) throw invalid('position');
    ({ position } = event);
    const kind = twinObjectKinds.find((each) => each === event.kind);
    if (kind === undefined) continue;
    if (!nameForm[kind === 'ledger' ? 'ledger' : 'digest'].test(event.name)) throw invalid('name');
    known.push({ ...event, kind });
  }
  if (next !== String(position)) throw invalid('next');
  return { generation: fromHex(generation) ?? new Uint8Array(0), events: known, next: position, last, nowMs };
}

const nameForm = { ledger: /^\d{10}$/u, digest: /^[0-9a-f]{64}$/u };

function invalid(defect: string): ProtocolError {
  return new ProtocolError('answer-invalid', { context: { defect } });
}
