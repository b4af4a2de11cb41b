/*
 * The network port on node:http and node:https. Connections are kept and used again. Redirects are answers, nothing follows
 * them; no cookie, no proxy, no compression is added.
 */

import http from 'node:http';
import https from 'node:https';
import { getCACertificates } from 'node:tls';
import { concatBytes } from '../bytes.ts';
import { linkAbort } from '../cancel.ts';
import { StdError } from '../errors.ts';
import type { HttpAnswer, HttpRequest } from '../ports/network.ts';
import type { NodeNetwork, NodeNetworkOptions } from './node-network.ts';

/** Sent again once when a kept connection turns out to be closed: the other side never saw the request, or repeating it is harmless. */
const repeatableMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function headersOf(message: http.IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

/** Reads the answer; rejects, and so drops the connection, as soon as it is too large. */
async function receive(message: http.IncomingMessage, answerBytesMax: number): Promise<HttpAnswer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of message as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > answerBytesMax) throw new StdError('network-answer-too-large', { context: { answerBytesMax } });
    parts.push(part);
  }
  return { status: message.statusCode ?? 0, headers: headersOf(message), body: concatBytes(...parts) };
}

interface Exchange {
  readonly request: HttpRequest;
  readonly agent: http.Agent;
  readonly signal: AbortSignal;
}

function exchange({ request, agent, signal }: Exchange): Promise<HttpAnswer> {
  const { method, url, headers, body, answerBytesMax } = request;
  const secure = new URL(url).protocol === 'https:';
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    const outgoing = (secure ? https : http).request(url, { method, headers: { ...headers, ...length }, agent, signal });
    outgoing.on('error', (error) => {
      const stale = outgoing.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(systemCode(error));
      reject(stale ? new StaleConnection('kept connection was closed', { cause: error }) : error);
    });
    outgoing.on('response', (message) => {
      receive(message, answerBytesMax).then(resolve, (error: unknown) => {
        outgoing.destroy();
        reject(error);
      });
    });
    outgoing.end(body);
  });
}

class StaleConnection extends Error {
  override name = 'StaleConnection';
}

async function withRepeat(given: Exchange): Promise<HttpAnswer> {
  try {
    return await exchange(given);
  } catch (error) {
    if (!(error instanceof StaleConnection) || !repeatableMethods.has(given.request.method)) throw error;
    return exchange(given);
  }
}

async function send(given: HttpRequest, agents: Agents): Promise<HttpAnswer> {
  given.signal?.throwIfAborted();
  const agent = new URL(given.url).protocol === 'https:' ? agents.secure : agents.plain;
  const timeout = new StdError('network-timeout', { context: { timeoutMs: given.timeoutMs } });
  using link = linkAbort(given.signal);
  const timer = setTimeout(() => link.abort(timeout), given.timeoutMs);
  try {
    return await withRepeat({ request: given, agent, signal: link.signal });
  } catch (error) {
    // Node wraps the reason in an AbortError of its own.
    if (link.signal.aborted) throw link.signal.reason;
    if (error instanceof StdError) throw error;
    throw new StdError('network-unreachable', { context: { systemCode: systemCode(error) }, cause: error });
  } finally {
    clearTimeout(timer);
  }
}

interface Agents {
  readonly plain: http.Agent;
  readonly secure: https.Agent;
}

/** Dispose it to close the kept connections. */
export function httpNetwork(options: NodeNetworkOptions = {}): NodeNetwork {
  const kept = { keepAlive: true, maxSockets: options.connectionsMax ?? 16, scheduling: 'lifo' } as const;
  const trusted = options.authorities === undefined ? {} : { ca: authoritiesOf(options.authorities, options) };
  const agents: Agents = {
    plain: new http.Agent(kept),
    secure: new https.Agent({ ...kept, ...trusted, minVersion: 'TLSv1.3' }),
  };
  return {
    request: (given) => send(given, agents),
    [Symbol.dispose]: () => {
      agents.plain.destroy();
      agents.secure.destroy();
    },
  };
}

function authoritiesOf(authorities: readonly string[], { onlyTheseAuthorities }: NodeNetworkOptions): string[] {
  return onlyTheseAuthorities === true ? [...authorities] : [...getCACertificates('default'), ...authorities];
}
