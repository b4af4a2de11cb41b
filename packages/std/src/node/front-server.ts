/*
 * One HTTPS address before several servers of this machine: ends TLS and hands each request on, by the first part of its path, to the local socket
 * that serves it. Bodies go through as they come, in both directions, and whoever is slower sets the pace.
 *
 * A server that is away is answered for with 503 and a time to come again; the others do not notice.
 */

import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { StdError } from '../errors.ts';
import { receivedPieces } from './received-pieces.ts';

export interface FrontOptions {
  /** PEM. */
  readonly chain: string;
  readonly key: string;
  /** OpenSSL's names of the suites of TLS 1.3 that are spoken. */
  readonly suites: string;
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** First part of the path, without slashes, to the path of a local socket. */
  readonly routes: Readonly<Record<string, string>>;
  /** What is answered where nobody serves: body and its type. */
  readonly away: { readonly body: string; readonly type: string };
  readonly unknown: { readonly body: string; readonly type: string };
}

export interface FrontServer extends AsyncDisposable {
  readonly port: number;
  /** New connections are shown this one from now on; those that are there go on. */
  useCertificate(certificate: Pick<FrontOptions, 'chain' | 'key'>): void;
}

const headersMsMax = 20_000;
const keepAliveMs = 65_000;
const retryAfterSeconds = '2';

/** Listens when it resolves. `network-unreachable` with the system's code in the context when it cannot. */
export async function startFront(options: FrontOptions): Promise<FrontServer> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const parts = { ...options, agent, received: receivedPieces() };
  const { suites, host, port } = options;
  const tls = { ciphers: suites, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;
  const server = https.createServer(
    {
      ...tls,
      cert: options.chain,
      key: options.key,
      headersTimeout: headersMsMax,
      keepAliveTimeout: keepAliveMs,
      requestTimeout: 0,
    },
    (request, response) => handOn({ request, response }, parts),
  );
  // A client that wants to know whether its body is welcome is told by the server behind: its answer comes before any body is read.
  server.on('checkContinue', (request: http.IncomingMessage, response: http.ServerResponse) => {
    response.writeContinue();
    handOn({ request, response }, parts);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new StdError('network-unreachable', { context: { reason: error.code ?? 'unknown' }, cause: error }));
    });
    server.listen({ host, port }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    useCertificate: ({ chain, key }) => server.setSecureContext({ ...tls, cert: chain, key }),
    [Symbol.asyncDispose]: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      agent.destroy();
    },
  };
}

interface Exchange {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
}

interface FrontParts extends FrontOptions {
  readonly agent: http.Agent;
  /** Told of each piece, either way. */
  readonly received: (countBytes: number) => void;
}

function handOn({ request, response }: Exchange, { agent, received, ...options }: FrontParts): void {
  const [, first = ''] = (request.url ?? '').split(/[/?]/u);
  const socketPath = Object.hasOwn(options.routes, first) ? options.routes[first] : undefined;
  if (socketPath === undefined) {
    answer({ request, response }, 404, options.unknown);
    return;
  }
  const { method, url, headers } = request;
  const behind = http.request({ socketPath, agent, method, path: url, headers: passedOn(headers) });
  behind.on('response', (answered) => {
    response.writeHead(answered.statusCode ?? 502, passedOn(answered.headers));
    answered.on('data', (piece: Uint8Array) => received(piece.length));
    answered.pipe(response);
    // One end that breaks breaks the other, so that nobody takes a part for the whole.
    answered.on('error', () => response.destroy());
    answered.on('close', () => {
      if (!answered.complete) response.destroy();
    });
  });
  behind.on('error', () => {
    if (response.headersSent) response.destroy();
    else answer({ request, response }, 503, options.away);
  });
  response.on('close', () => {
    if (!response.writableFinished) behind.destroy();
  });
  request.on('error', () => behind.destroy());
  request.on('data', (piece: Uint8Array) => received(piece.length));
  request.pipe(behind);
}

function answer({ request, response }: Exchange, status: number, { body, type }: FrontOptions['away']): void {
  const retry: Record<string, string> = status === 503 ? { 'retry-after': retryAfterSeconds } : {};
  const connection: Record<string, string> = request.complete ? {} : { connection: 'close' };
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...retry, ...connection });
  response.end(body);
}

/** Those of one connection alone (RFC 9110 section 7.6.1) stay behind; each side has its own. */
function passedOn(headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  const { connection: _, 'keep-alive': __, upgrade: ___, ...rest } = headers;
  return rest;
}
