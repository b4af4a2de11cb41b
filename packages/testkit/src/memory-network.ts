/*
 * The network port within one process: origins and their handlers instead of addresses and servers. Bodies are copied, so
 * that neither side sees what the other does to its bytes later.
 */

import {
  concatBytes,
  type HttpAnswer,
  type HttpRequest,
  linkAbort,
  type Network,
  onAbort,
  StdError,
  type Timers,
} from '@twinvault/std';

export interface ReceivedRequest {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export type MemoryHandler = (request: ReceivedRequest) => HttpAnswer | Promise<HttpAnswer>;

export class MemoryNetwork implements Network {
  readonly #timers: Timers;
  readonly #handlers = new Map<string, MemoryHandler>();
  readonly #cut = new Set<string>();

  /** Time-outs run on `timers`. */
  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** `origin`: `https://vault.test`; a second handler replaces the first. */
  serve(origin: string, handler: MemoryHandler): Disposable {
    this.#handlers.set(origin, handler);
    return {
      [Symbol.dispose]: () => {
        if (this.#handlers.get(origin) === handler) this.#handlers.delete(origin);
      },
    };
  }

  /** Cuts an origin off, or lets it be reached again. Exchanges under way go on. */
  setReachable(origin: string, reachable: boolean): void {
    if (reachable) this.#cut.delete(origin);
    else this.#cut.add(origin);
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    request.signal?.throwIfAborted();
    const url = new URL(request.url);
    const handler = this.#handlers.get(url.origin);
    if (handler === undefined || this.#cut.has(url.origin)) {
      throw new StdError('network-unreachable', { context: { systemCode: 'ECONNREFUSED' } });
    }
    const answer = await this.#withinTime(request, paced(handler, request));
    if (answer.body.length > request.answerBytesMax) {
      throw new StdError('network-answer-too-large', { context: { answerBytesMax: request.answerBytesMax } });
    }
    return { status: answer.status, headers: lowerCased(answer.headers), body: answer.body.slice() };
  }

  async #withinTime<T>({ signal, timeoutMs }: HttpRequest, work: Promise<T>): Promise<T> {
    using link = linkAbort(signal);
    let stopListening = (): void => undefined;
    const aborted = new Promise<never>((_, reject) => {
      stopListening = onAbort(link.signal, (reason) => reject(reason));
    });
    const finished = new AbortController();
    this.#timers.sleep(timeoutMs, finished.signal).then(
      () => link.abort(new StdError('network-timeout', { context: { timeoutMs } })),
      () => undefined,
    );
    try {
      return await Promise.race([work, aborted]);
    } finally {
      stopListening();
      finished.abort();
    }
  }
}

/** The bodies take their pace as a whole. */
async function paced(handler: MemoryHandler, request: HttpRequest): Promise<HttpAnswer> {
  const { signal, uploadPace, downloadPace } = request;
  const { length } = bodyOf(request);
  if (length > 0) await uploadPace?.take(length, signal);
  const answer = await answerOf(handler, request);
  await downloadPace?.take(answer.body.length, signal);
  return answer;
}

async function answerOf(handler: MemoryHandler, request: HttpRequest): Promise<HttpAnswer> {
  const { method, url, headers } = request;
  try {
    return await handler({ method, url: new URL(url), headers: lowerCased(headers), body: bodyOf(request) });
  } catch (cause) {
    // A server that dies in the middle of a request.
    throw new StdError('network-unreachable', { context: { systemCode: 'ECONNRESET' }, cause });
  }
}

/** A copy. */
function bodyOf({ body = [] }: HttpRequest): Uint8Array {
  return body instanceof Uint8Array ? body.slice() : concatBytes(...body);
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
