/*
 * The network port on node:http and node:https. Connections are kept and used again. Redirects are answers, nothing follows
 * them; no cookie and no compression is added, and a proxy is used only where the environment that was handed in names one.
 */

import http from 'node:http';
import https from 'node:https';
import { createSecureContext, getCACertificates } from 'node:tls';
import { concatBytes } from '../bytes.ts';
import { linkAbort } from '../cancel.ts';
import { StdError } from '../errors.ts';
import type { HttpAnswer, HttpRequest, Pace } from '../ports/network.ts';
import { KiB, minuteMs } from '../units.ts';
import { codeOf, networkError, tlsOptions, whenPinned } from './http-trust.ts';
import type { NodeNetwork, NodeNetworkOptions } from './network-options.ts';

/** Sent again once when a kept connection turns out to be closed: the other side never saw the request, or repeating it is harmless. */
const repeatableMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);

/** So long a connection may carry nothing, either way, before it is taken for broken. */
const idleMsMax: number = 5 * minuteMs;
/** What is sent at once where there is a pace. */
const pacedPieceBytes: number = 64 * KiB;
/**
 * What is sent at once where there is none, the next when it is gone. A body of 16 MiB as one write is copied and encrypted whole before any of it goes:
 * 0.92 CPU seconds a GB and 16 MiB of memory against 0.70 (two cores of an AMD EPYC, Node 24.21, November 2026; 64 KiB: 0.98, 1 MiB: 0.75).
 */
const pieceBytes: number = 256 * KiB;

function headersOf(message: http.IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

/** Reads the answer; rejects, and so drops the connection, as soon as it is too large. */
async function receive(message: http.IncomingMessage, { request, signal }: Exchange): Promise<HttpAnswer> {
  const { answerBytesMax, downloadPace } = request;
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of message as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > answerBytesMax) throw new StdError('network-answer-too-large', { context: { answerBytesMax } });
    parts.push(part);
    if (downloadPace !== undefined) await downloadPace.take(part.length, signal);
  }
  return { status: message.statusCode ?? 0, headers: headersOf(message), body: concatBytes(...parts) };
}

interface Exchange {
  readonly request: HttpRequest;
  readonly agents: Agents;
  readonly signal: AbortSignal;
}

function exchange(given: Exchange): Promise<HttpAnswer> {
  const { request, agents, signal } = given;
  const { method, url, headers, body } = request;
  const secure = new URL(url).protocol === 'https:';
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(lengthOf(partsOf(body))) };
    const agent = secure ? agents.secure() : agents.plain;
    const outgoing = (secure ? https : http).request(url, { method, headers: { ...headers, ...length }, agent, signal });
    const timeoutMs = request.silenceMsMax ?? idleMsMax;
    const silent = (): void => void outgoing.destroy(new StdError('network-timeout', { context: { timeoutMs } }));
    outgoing.setTimeout(timeoutMs, silent);
    // Node counts from when there is a connection: one that never comes would be waited for as long as the system likes.
    outgoing.once('socket', (socket) => {
      if (socket.connecting) socket.setTimeout(timeoutMs, silent);
    });
    outgoing.on('error', (error) => {
      const stale = outgoing.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(codeOf(error));
      reject(stale ? new StaleConnection('kept connection was closed', { cause: error }) : error);
    });
    outgoing.on('response', (message) => {
      settle(outgoing, receive(message, given)).then(resolve, reject);
    });
    const start = (): void => {
      sendBody(outgoing, given).catch((error: unknown) => outgoing.destroy(error as Error));
    };
    if (secure && agents.pins !== null) whenPinned(outgoing, agents.pins, start);
    else start();
  });
}

/** Once there is an answer, or none will come, nothing more is sent: it would be for nothing. */
async function settle(outgoing: http.ClientRequest, answer: Promise<HttpAnswer>): Promise<HttpAnswer> {
  try {
    const received = await answer;
    if (!outgoing.writableFinished) outgoing.destroy();
    return received;
  } catch (error) {
    outgoing.destroy();
    throw error;
  }
}

async function sendBody(outgoing: http.ClientRequest, { request, signal }: Exchange): Promise<void> {
  const { body, uploadPace } = request;
  const parts = partsOf(body);
  const [only] = parts;
  if (uploadPace === undefined && parts.length <= 1 && (only?.length ?? 0) <= pieceBytes) {
    outgoing.end(only);
    return;
  }
  for (const part of parts) await sendPart(outgoing, part, { uploadPace, signal });
  outgoing.end();
}

interface Sending {
  readonly uploadPace: Pace | undefined;
  readonly signal: AbortSignal;
}

async function sendPart(outgoing: http.ClientRequest, part: Uint8Array, { uploadPace, signal }: Sending): Promise<void> {
  const step = uploadPace === undefined ? pieceBytes : pacedPieceBytes;
  for (let offset = 0; offset < part.length && !outgoing.destroyed; offset += step) {
    const piece = part.subarray(offset, offset + step);
    await uploadPace?.take(piece.length, signal);
    await written(outgoing, piece);
  }
}

function partsOf(body: HttpRequest['body']): readonly Uint8Array[] {
  if (body === undefined) return [];
  return body instanceof Uint8Array ? [body] : body;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** Resolves when the piece is on its way, or nothing is any more. */
function written(outgoing: http.ClientRequest, piece: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (outgoing.destroyed) resolve();
    else outgoing.write(piece, () => resolve());
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
  const timeout = new StdError('network-timeout', { context: { timeoutMs: given.timeoutMs } });
  using link = linkAbort(given.signal);
  const timer = setTimeout(() => link.abort(timeout), given.timeoutMs);
  try {
    return await withRepeat({ request: given, agents, signal: link.signal });
  } catch (error) {
    // Node wraps the reason in an AbortError of its own.
    if (link.signal.aborted) throw link.signal.reason;
    throw networkError(error);
  } finally {
    clearTimeout(timer);
  }
}

interface Agents {
  readonly plain: http.Agent;
  /** Made when it is first needed: authorities take their time to read. */
  readonly secure: () => https.Agent;
  readonly pins: ReadonlySet<string> | null;
}

/** Dispose it to close the kept connections. */
export function httpNetwork(options: NodeNetworkOptions = {}): NodeNetwork {
  const { environment, pins } = options;
  const proxy = environment === undefined ? {} : { proxyEnv: { ...environment } };
  const kept = { keepAlive: true, maxSockets: options.connectionsMax ?? 16, scheduling: 'lifo', ...proxy } as const;
  let secure: https.Agent | null = null;
  const agents: Agents = {
    plain: new http.Agent(kept),
    secure: () => (secure ??= new https.Agent({ ...kept, ...trustOf(options) })),
    pins: pins === undefined ? null : new Set(pins),
  };
  return {
    request: (given) => send(given, agents),
    [Symbol.dispose]: () => {
      agents.plain.destroy();
      secure?.destroy();
    },
  };
}

/** Hundreds of authorities are read once, not for each connection: 16 ms (2 cores, November 2026). */
function trustOf({ pins, authorities = [], onlyTheseAuthorities }: NodeNetworkOptions): https.AgentOptions {
  // The pins are looked at before anything is sent; a connection that takes up an earlier one shows no certificate.
  if (pins !== undefined) return { ...tlsOptions, rejectUnauthorized: false, maxCachedSessions: 0 };
  const known = onlyTheseAuthorities === true ? [] : [...getCACertificates('default'), ...getCACertificates('system')];
  return { secureContext: createSecureContext({ ...tlsOptions, ca: [...new Set([...known, ...authorities])] }) };
}
