/*
 * One request from its first byte to the last of its answer: what is asked, what is answered, and what is written down of it. What may be said about a
 * request is decided here: the route, ids of the path, a code, sizes and times; nothing of the query, the headers or the bodies.
 */

import type { FastifyReply } from 'fastify';
import { encodeProblem, mediaTypes, problemOf } from '@twinvault/protocol/wire';
import type { Problem } from '@twinvault/protocol/wire';
import { utf8Encode } from '@twinvault/std';
import type { Clock } from '@twinvault/std';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { ArrivingBody } from './arriving-body.ts';
import { clientGone } from './arriving-body.ts';
import type { Answer } from './call.ts';

export interface ExchangeParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Answers end their connections: the site is about to stop. */
  readonly isStopping: () => boolean;
}

const answerTypes = { object: mediaTypes.object, frames: mediaTypes.frames } as const;
const retryAfterSeconds = '2';

export class Exchange {
  /** Aborted when the client has gone before it was answered. */
  readonly signal: AbortSignal;
  /** That of the request, where it has one and it was its turn. */
  body: ArrivingBody | null = null;
  /** Those that were found to be ids. */
  parameters: Readonly<Record<string, string>> = {};
  readonly #parts: ExchangeParts;
  readonly #route: string;
  readonly #reply: FastifyReply;
  readonly #beganMs: number;
  readonly #onEnd: (() => void)[] = [];
  #code = '';
  #sentBytes = 0;

  constructor(parts: ExchangeParts, route: string, reply: FastifyReply) {
    this.#parts = parts;
    this.#route = route;
    this.#reply = reply;
    this.#beganMs = parts.clock.nowMs();
    const gone = new AbortController();
    this.signal = gone.signal;
    reply.hijack();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) gone.abort(clientGone());
      for (const end of this.#onEnd) end();
      this.#write();
    });
  }

  /** The site waits for the client to send. */
  get isReceiving(): boolean {
    return this.body?.isAwaited === true;
  }

  /** Called once, when the last byte has gone or the connection has. */
  onEnd(end: () => void): void {
    if (this.#reply.raw.closed) end();
    else this.#onEnd.push(end);
  }

  answer(answer: Answer): void {
    if (answer.type === 'json') {
      this.#send(answer.status ?? 200, utf8Encode(JSON.stringify(answer.value)), { 'content-type': mediaTypes.json });
    } else if (answer.type === 'none') {
      this.#send(answer.status, null, answer.headers ?? {});
    } else {
      this.#send(answer.status ?? 200, answer.body, { 'content-type': answerTypes[answer.type], ...answer.headers });
    }
  }

  refuse(error: unknown): void {
    const problem = problemOf(error);
    this.#code = problem.code;
    if (problem.status === 500) this.#explain(error, problem);
    const headers: Record<string, string> = { 'content-type': mediaTypes.problem };
    if (problem.status === 503 || problem.status === 429) headers['retry-after'] = retryAfterSeconds;
    if (problem.status === 401) headers['www-authenticate'] = 'Bearer';
    this.#send(problem.status, encodeProblem(problem), headers);
  }

  #send(status: number, body: Uint8Array | null, headers: Readonly<Record<string, string>>): void {
    const { raw } = this.#reply;
    if (raw.headersSent || raw.destroyed) return;
    // What was not read of a body would be taken for the next request, or read for nothing. Who was let send it is heard out, so that he hears the answer.
    const isUnread = !this.#reply.request.raw.complete && this.body?.isDiscarded !== true;
    const connection: Record<string, string> = isUnread || this.#parts.isStopping() ? { connection: 'close' } : {};
    const length: Record<string, string> = body === null ? {} : { 'content-length': String(body.length) };
    this.#sentBytes = body?.length ?? 0;
    raw.writeHead(status, {
      ...length,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
      ...connection,
    });
    if (body === null || this.#reply.request.method === 'HEAD') raw.end();
    else raw.end(body);
  }

  /** An error that no client caused, for the operator: its code and where it came from, without its message, which may hold a path. */
  #explain(error: unknown, { code }: Problem): void {
    const chain: string[] = [];
    for (let at = error; at instanceof Error && chain.length < 5; at = at.cause) chain.push(nameOf(at));
    const stack = error instanceof Error ? frameOf(error) : undefined;
    this.#parts.log.error({ ...this.#facts(), code, error: chain.join(' < '), at: stack }, 'a request failed');
  }

  #facts(): Record<string, string> {
    return { route: this.#route, ...this.parameters };
  }

  #write(): void {
    const { log, metrics, clock } = this.#parts;
    const ms = clock.nowMs() - this.#beganMs;
    const status = this.#reply.raw.writableFinished ? this.#reply.raw.statusCode : 499;
    const sizes = { receivedBytes: this.body?.readBytes ?? 0, sentBytes: this.#sentBytes };
    metrics.request({ route: this.#route, status, code: this.#code, seconds: ms / 1000, ...sizes });
    const code = this.#code === '' ? {} : { code: this.#code };
    log[status >= 500 ? 'warn' : 'info']({ ...this.#facts(), status, ms, ...sizes, ...code }, 'request');
  }
}

function nameOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? `${error.name} ${error.code}` : error.name;
}

/** The first line of the stack that names a place in the program. */
function frameOf(error: Error): string | undefined {
  const frame = /at (?<name>[\w.#<>]+ )?\(?.*\/(?<place>[\w.-]+:\d+):\d+\)?$/mu.exec(error.stack ?? '')?.groups;
  return frame === undefined ? undefined : `${frame['name'] ?? ''}${frame['place']}`;
}
