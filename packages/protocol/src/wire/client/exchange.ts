/*
 * One request of the protocol and its answer: repeated where that may help, held to limits, refusals turned into `ProtocolError`.
 *
 * Whatever a site answers that the protocol does not know is `answer-invalid`: a site is not trusted to be one.
 */

import type { TUnsafe } from 'typebox';
import { dayMs, linkAbort, secondMs, StdError, utf8Decode, utf8Encode } from '@twinvault/std';
import type { Clock, HttpAnswer, HttpRequest, Network, Pace, Random, Timers } from '@twinvault/std';
import { ProtocolError } from '../../errors.ts';
import {
  bodyMsMax,
  capabilitySkewMsMax,
  controlMsMax,
  fallOverMsMax,
  fallOverSilenceMsMax,
  jsonAnswerBytesMax,
  problemBytesMax,
  retryMsMax,
  retryPauseMsMax,
  retryPauseMsMin,
} from '../../limits.ts';
import { checkJson } from '../check-json.ts';
import { errorOfProblem } from '../problem.ts';
import { mediaTypes, routePath, routes } from '../routes.ts';
import type { Query, RouteName } from '../routes.ts';

export interface ExchangePorts {
  readonly network: Network;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

export interface ExchangeOptions {
  /** Base address: `https://`, host, perhaps port and path; nothing after that. */
  readonly address: string;
  /** In compact form. */
  readonly capability: string;
  /** Asked when the site says that the capability has ended: the one that has taken its place, or null. */
  readonly nextCapability?: () => Promise<string | null>;
  readonly ports: ExchangePorts;
  readonly uploadPace?: Pace;
  readonly downloadPace?: Pace;
  /** How long a request is repeated that does not say otherwise; `retryMsMax` when left out. */
  readonly retryMs?: number;
  /** Ends all that is under way, waits included. */
  readonly signal?: AbortSignal;
  /** Whether another site can be reached that does the same: then a request is given up after `fallOverMsMax`. Never throws. */
  readonly elsewhere?: () => Promise<boolean>;
  /** Called before each pause: after which error, and how long it will be. */
  readonly onRetry?: (code: string, pauseMs: number) => void;
  /** Called once, when the vault is disposed of. */
  readonly onClose?: () => void;
}

export type RequestBody =
  | { readonly type: 'json'; readonly value: unknown }
  | { readonly type: 'object'; readonly bytes: Uint8Array }
  | { readonly type: 'frames'; readonly bytes: Uint8Array | readonly Uint8Array[] };

export interface Call {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly body?: RequestBody;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the answer; `jsonAnswerBytesMax` when left out. */
  readonly answerBytesMax?: number;
  /** From the first try until it is given up; 0: it is sent once. The client's when left out. */
  readonly retryMs?: number;
  /** From the first try until another site that can be reached is preferred; `fallOverMsMax` when left out. */
  readonly fallOverMs?: number;
  /** Goes on although the client's signal was aborted: for giving back what is held. */
  readonly unstoppable?: boolean;
  /** Ends this call alone. */
  readonly signal?: AbortSignal;
}

export interface Answered extends HttpAnswer {
  /** How often it was sent. */
  readonly tries: number;
}

/** Refusals that may go away by themselves: docs/protocol/README.md, Repeating. */
const repeatable: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #base: string;
  #capability: string;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#capability = options.capability;
    this.#base = `${options.address}/v1`;
  }

  get ports(): ExchangePorts {
    return this.#options.ports;
  }

  /** The answer of a request that was granted. */
  async call(name: RouteName, call: Call = {}): Promise<Answered> {
    const { clock } = this.ports;
    const startMs = clock.monotonicMs();
    using ending = linkAbort(call.unstoppable === true ? undefined : this.#options.signal, call.signal);
    for (let tries = 1; ; tries += 1) {
      const shown = this.#capability;
      const tried = await this.#try(name, call, ending.signal);
      if (!(tried instanceof Failure)) return { ...tried, tries };
      if (tried.error.code === 'capability-ended' && (await this.#hasNext(shown))) continue;
      const pauseMs = Math.max(this.#pauseMs(tries), tried.notBeforeMs);
      const spentMs = clock.monotonicMs() - startMs;
      if (!tried.repeats || spentMs + pauseMs > (call.retryMs ?? this.#options.retryMs ?? retryMsMax)) throw tried.error;
      if (spentMs + pauseMs > (call.fallOverMs ?? fallOverMsMax) && (await this.#options.elsewhere?.()) === true)
        throw tried.error;
      this.#options.onRetry?.(tried.error.code, pauseMs);
      await this.ports.timers.sleep(pauseMs, ending.signal);
    }
  }

  /** Whether there is another capability than the one that was shown; it is shown from now on. Several requests may find out at once. */
  async #hasNext(shown: string): Promise<boolean> {
    if (this.#capability === shown) this.#capability = (await this.#options.nextCapability?.()) ?? shown;
    return this.#capability !== shown;
  }

  /** Ends early when the client's signal is aborted. */
  pause(durationMs: number): Promise<void> {
    return this.ports.timers.sleep(durationMs, this.#options.signal);
  }

  /** The same, where the answer is JSON of this schema. */
  async json<T>(name: RouteName, schema: TUnsafe<T>, call: Call = {}): Promise<T> {
    const { body } = await this.call(name, call);
    return checkJson(schema, utf8Decode(body) ?? '');
  }

  async #try(name: RouteName, call: Call, signal: AbortSignal): Promise<HttpAnswer | Failure> {
    let answer: HttpAnswer;
    try {
      answer = await this.ports.network.request({ ...this.#request(name, call), signal });
    } catch (error) {
      if (!(error instanceof StdError) || !isNetworkCode(error.code)) throw error;
      const { code, context, cause } = error;
      return new Failure(new ProtocolError(code, { context, cause }), error.retry === 'later');
    }
    if (answer.status >= 200 && answer.status < 300) return answer;
    const error = apartOr(refusalOf(answer), answer, this.ports.clock.nowMs());
    return new Failure(error, repeatable.has(answer.status), retryAfterMs(answer));
  }

  #request(name: RouteName, call: Call): HttpRequest {
    const { parameters, query, body, headers, answerBytesMax } = call;
    const { uploadPace, downloadPace } = this.#options;
    const moves = body !== undefined || answerBytesMax !== undefined;
    return {
      method: routes[name].method,
      url: `${this.#base}${routePath(name, parameters, query)}`,
      headers: {
        ...(routes[name].verb === null ? {} : { authorization: `Bearer ${this.#capability}` }),
        ...(body === undefined ? {} : { 'content-type': mediaTypes[body.type] }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: bytesOf(body) }),
      timeoutMs: moves ? bodyMsMax : controlMsMax,
      // A commit may keep a site busy for long, and one that was given up may stand all the same.
      ...(this.#options.elsewhere === undefined || name === 'commit' ? {} : { silenceMsMax: fallOverSilenceMsMax }),
      // A refusal has to fit too.
      answerBytesMax: Math.max(answerBytesMax ?? jsonAnswerBytesMax, problemBytesMax),
      ...(uploadPace === undefined ? {} : { uploadPace }),
      ...(downloadPace === undefined ? {} : { downloadPace }),
    };
  }

  /** Doubles with each try, spread over its upper half so that many clients do not come back together. */
  #pauseMs(tries: number): number {
    const [byte = 0] = this.ports.random.bytes(1);
    const longest = Math.min(retryPauseMsMax, retryPauseMsMin * 2 ** Math.min(tries - 1, 16));
    return longest * (0.5 + byte / 512);
  }
}

class Failure {
  readonly error: ProtocolError;
  readonly repeats: boolean;
  readonly notBeforeMs: number;

  constructor(error: ProtocolError, repeats: boolean, notBeforeMs: number = 0) {
    this.error = error;
    this.repeats = repeats;
    this.notBeforeMs = notBeforeMs;
  }
}

type NetworkCode = Extract<StdError['code'], `network-${string}`>;

function isNetworkCode(code: StdError['code']): code is NetworkCode {
  return code.startsWith('network-');
}

function bytesOf(body: RequestBody): Uint8Array | readonly Uint8Array[] {
  return body.type === 'json' ? utf8Encode(JSON.stringify(body.value)) : body.bytes;
}

/** What a refusal says; without a problem in its body it is told by its status alone. */
function refusalOf({ status, body, headers }: HttpAnswer): ProtocolError {
  const isProblem = headers['content-type']?.startsWith(mediaTypes.problem) === true;
  const told = isProblem ? errorOfProblem(body) : null;
  if (told !== null) return told;
  return new ProtocolError(repeatable.has(status) ? 'vault-busy' : 'answer-invalid', { context: { status } });
}

/**
 * A token that is good by this clock and not by the site's says that one of them is wrong, and not that a new token is needed. The site's time is that of the
 * header `Date` (RFC 9110, section 6.6.1), in whole seconds.
 */
function apartOr(refusal: ProtocolError, { headers }: HttpAnswer, nowMs: number): ProtocolError {
  const { code, context } = refusal;
  const isOver = code === 'capability-ended' && typeof context['endsMs'] === 'number' && context['endsMs'] > nowMs;
  const isEarly = code === 'capability-invalid' && context['defect'] === 'not yet';
  const aheadMs = Date.parse(headers['date'] ?? '') - nowMs;
  if (!(isOver || isEarly) || !(Math.abs(aheadMs) > capabilitySkewMsMax)) return refusal;
  const days = Math.abs(aheadMs) / dayMs;
  const difference = days < 2 ? `${Math.round(days * 24 * 60)} minutes` : `${Math.round(days)} days`;
  return new ProtocolError('clocks-apart', { context: { aheadMs, difference }, cause: refusal });
}

/** RFC 9110, section 10.2.3: whole seconds; a date is not taken. */
function retryAfterMs({ headers }: HttpAnswer): number {
  const text = headers['retry-after'] ?? '';
  return /^\d{1,6}$/u.test(text) ? Math.min(Number(text) * secondMs, retryMsMax) : 0;
}
