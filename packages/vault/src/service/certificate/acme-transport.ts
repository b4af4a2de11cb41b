/*
 * How the ACME library reaches the authority: by our network port, whose time-outs, limits, proxy and trust hold here as elsewhere. Nothing is sent twice; when
 * to try again is the site's business.
 */

import { CodedError, utf8Decode, utf8Encode } from '@twinvault/std';
import type { Network } from '@twinvault/std';
import { VaultError } from '../../errors.ts';

/** The part of the library's request that is looked at. */
export interface AcmeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: object;
  readonly data?: unknown;
}

export interface AcmeAnswer<Request> {
  readonly data: string;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Record<string, string>;
  readonly config: Request;
}

const requestMsMax = 30_000;
/** Chains of certificates are the largest. */
const answerBytesMax: number = 256 * 1024;
/** Of what an authority says, for people. */
const detailLengthMax = 300;

/** What is wrong, as a refusal says it (RFC 7807, RFC 8555 section 6.7). */
interface Problem {
  readonly status?: number;
  readonly type?: string;
  readonly detail?: string;
  readonly retryAfterSeconds?: number;
}

export class AcmeTransport {
  readonly #network: Network;
  readonly #signal: AbortSignal;
  #refusal: Problem = {};

  constructor(network: Network, signal: AbortSignal) {
    this.#network = network;
    this.#signal = signal;
  }

  async send<Request extends AcmeRequest>(request: Request): Promise<AcmeAnswer<Request>> {
    const { method = 'get', url = '', data } = request;
    if (!url.startsWith('https://'))
      throw new VaultError('acme-failed', { context: { detail: `its address ${url} is no https://` } });
    const { status, headers, body } = await this.#network.request({
      method: method.toUpperCase(),
      url,
      headers: { 'content-type': 'application/jose+json', 'user-agent': 'twinvault', 'accept-language': 'en' },
      ...(typeof data === 'string' ? { body: utf8Encode(data) } : {}),
      timeoutMs: requestMsMax,
      answerBytesMax,
      signal: this.#signal,
    });
    const text = utf8Decode(body) ?? '';
    this.#refusal = status < 400 ? {} : { status, ...problemIn(text), ...retryAfter(headers['retry-after']) };
    return { data: text, status, statusText: '', headers: { ...headers }, config: request };
  }

  /** Whether the last answer was a refusal of this kind (RFC 8555 section 6.7). */
  refused(kind: string): boolean {
    return this.#refusal.type === `urn:ietf:params:acme:error:${kind}`;
  }

  /** What the library threw, with what the authority said last. */
  failure(error: unknown): CodedError {
    if (error instanceof CodedError) return error;
    const detail = error instanceof Error ? error.message : '';
    return new VaultError('acme-failed', { context: { detail: shortened(detail), ...this.#refusal }, cause: error });
  }
}

/** `detail` and `type` of a problem document, or of the error of a challenge. */
export function problemOf(value: unknown): Problem {
  const { type, detail } = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  return {
    ...(typeof type === 'string' ? { type: shortened(type) } : {}),
    ...(typeof detail === 'string' ? { detail: shortened(detail) } : {}),
  };
}

function problemIn(text: string): Problem {
  try {
    return problemOf(JSON.parse(text));
  } catch {
    return {};
  }
}

/** Seconds; a date is left out, since the site has its own pauses. */
function retryAfter(value: string | undefined): Problem {
  return value !== undefined && /^\d{1,7}$/u.test(value) ? { retryAfterSeconds: Number(value) } : {};
}

/** One line of it. */
function shortened(text: string): string {
  return text.replaceAll(/[\p{Cc}\s]+/gu, ' ').slice(0, detailLengthMax);
}
