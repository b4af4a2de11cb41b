/*
 * The HTTP side of a site: each row of the protocol's table of routes becomes a route whose capability is checked before anything is read or
 * looked up, whose body waits for its turn and is never longer than the row allows, and whose refusals are problems.
 *
 * The library (Fastify) finds the route and keeps the connections; what a request means is in the handlers, which know nothing of it.
 */

import { fastify } from 'fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { safeIdFromHex } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { demandScope, routes } from '@twinvault/protocol/wire';
import type { Capability, Route, RouteName } from '@twinvault/protocol/wire';
import type { SiteVault } from '../../site-vault.ts';
import type { Turns } from '../fairness/turns.ts';
import type { Access } from './access.ts';
import { ArrivingBody } from './arriving-body.ts';
import type { Answer, Handler, Request } from './call.ts';
import { openApi } from '../openapi.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeParts } from './exchange.ts';
import { checkedParameters } from './parameters.ts';
import type { SlowClients } from './slow-clients.ts';

export type Handlers = Readonly<Partial<Record<RouteName, Handler>>>;

/** PEM. */
export interface TlsFiles {
  readonly chain: string;
  readonly key: string;
}

export interface HttpAppParts extends ExchangeParts {
  /** '' or `/a`. */
  readonly basePath: string;
  /** Null: plain HTTP on a loopback address, for what ends TLS before it. */
  readonly tls: TlsFiles | null;
  readonly handlers: Handlers;
  readonly access: Access;
  readonly turns: Turns;
  readonly slowClients: SlowClients;
  /** Says whose share of the site a safe uses. */
  readonly vault: Pick<SiteVault, 'customerOf'>;
}

/** TLS 1.3 with 256-bit keys alone (RFC 8446, appendix B.4). */
export const tlsSuites = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
const headerBytesMax = 16 * 1024;
const headersMsMax = 20_000;
const keepAliveMs = 65_000;

/** Not yet listening. */
export function makeHttpApp(parts: HttpAppParts): FastifyInstance {
  const { tls } = parts;
  const http = { maxHeaderSize: headerBytesMax, headersTimeout: headersMsMax, requireHostHeader: true };
  const app = fastify({
    ...(tls === null ? { http } : { https: { ...http, ...tlsOptions(tls) } }),
    logger: false,
    exposeHeadRoutes: false,
    // A whole request may take long on a slow line; who is too slow is cut off by what he moves.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 128, caseSensitive: true, ignoreTrailingSlash: false },
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    },
  }) as unknown as FastifyInstance;
  app.removeAllContentTypeParsers();
  // Bodies are read by the handler, when the request may have one and it is its turn.
  app.addContentTypeParser('*', (_request, _body, done) => done(null));
  for (const [name, handler] of Object.entries(parts.handlers)) addRoute(app, parts, { name: name as RouteName, handler });
  const description = openApi(parts.basePath);
  app.get(`${parts.basePath}/v1/openapi.json`, (_request, reply) => {
    new Exchange(parts, 'openapi', reply).answer({ type: 'json', value: description });
  });
  app.setNotFoundHandler((_request, reply) => {
    new Exchange(parts, 'none', reply).refuse(new ProtocolError('route-unknown'));
  });
  app.setErrorHandler((error, _request, reply) => {
    new Exchange(parts, 'none', reply).refuse(new ProtocolError('request-invalid', { cause: error }));
  });
  return app;
}

/** New connections are shown this one from now on; of plain HTTP nothing changes. */
export function useCertificate(app: FastifyInstance, certificate: TlsFiles): void {
  const server = app.server as { setSecureContext?(options: object): void };
  server.setSecureContext?.(tlsOptions(certificate));
}

/** For node:https. */
function tlsOptions({ chain, key }: TlsFiles): object {
  return { cert: chain, key, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: tlsSuites };
}

interface NamedHandler {
  readonly name: RouteName;
  readonly handler: Handler;
}

function addRoute(app: FastifyInstance, parts: HttpAppParts, { name, handler }: NamedHandler): void {
  const route: Route = routes[name];
  const { method, path } = route;
  app.route({
    method,
    url: `${parts.basePath}/v1${path.replaceAll(/\{(\w+)\}/gu, ':$1')}`,
    handler: async (request, reply) => {
      const exchange = new Exchange(parts, name, reply);
      const { raw } = request;
      const unwatch = parts.slowClients.watch(raw.socket, () => exchange.isReceiving);
      // Also while what nobody wants any more of a body is read to its end.
      exchange.onEnd(() => (raw.complete || raw.destroyed ? unwatch() : raw.once('end', unwatch).once('close', unwatch)));
      const settled = Promise.withResolvers<void>();
      try {
        exchange.answer(await answerOf(handler, { parts, route, request, exchange, settled: settled.promise }));
      } catch (error) {
        exchange.body?.discard();
        exchange.refuse(error);
      } finally {
        settled.resolve();
      }
    },
  });
}

interface Asked {
  readonly parts: HttpAppParts;
  readonly route: Route;
  readonly request: FastifyRequest;
  readonly exchange: Exchange;
  /** The handler is done, whether or not its client is still there. */
  readonly settled: Promise<void>;
}

/** Checked before anything is read or looked up. */
async function answerOf(handler: Handler, asked: Asked): Promise<Answer> {
  const { parts, route, request, exchange } = asked;
  const caller = route.verb === null ? null : await parts.access.caller(request.headers.authorization);
  const parameters = checkedParameters(request.params as Readonly<Record<string, string>>);
  exchange.parameters = parameters;
  if (caller !== null) demandRoute(caller, route, parameters);
  const room = roomFor(asked, caller);
  const { range = null } = request.headers;
  const call: Request = { parameters, query: queryOf(request), range, reserve: room, caller, signal: exchange.signal };
  const body = await bodyOf(asked, room);
  if (typeof handler !== 'function') return handler.handle({ ...call, arriving: body });
  return handler({ ...call, body: await body.readAll(route.bodyBytesMax) });
}

/**
 * Takes room for so many bytes until the exchange has ended and its handler has, which may be later; or until it is called again: who holds room and
 * waits for more could wait for himself.
 */
function roomFor(asked: Asked, caller: Capability | null): (bytes: number) => Promise<void> {
  const { parts, exchange, settled } = asked;
  let free = (): void => {};
  exchange.onEnd(() => void settled.then(() => free()));
  return async (bytes) => {
    free();
    free = await parts.turns.take(await shareOf(asked, caller), bytes, exchange.signal);
    exchange.signal.throwIfAborted();
  };
}

/** A new safe is not there to ask about: who makes it counts. */
async function shareOf({ parts, route, exchange }: Asked, caller: Capability | null): Promise<string> {
  const { safe } = exchange.parameters;
  if (caller === null) return '';
  if (safe === undefined || route.verb === 'create') return caller.customer ?? caller.id;
  return parts.vault.customerOf(safeIdFromHex(safe));
}

function demandRoute(caller: Capability, { verb }: Route, parameters: Readonly<Record<string, string>>): void {
  const { safe } = parameters;
  if (verb !== null && verb !== 'any') demandScope(caller, verb, safe === undefined ? null : safeIdFromHex(safe));
}

/** Each name once; a name that stands twice is no query of ours. */
function queryOf(request: FastifyRequest): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.query as Readonly<Record<string, string | string[]>>)) {
    if (typeof value !== 'string') throw new ProtocolError('request-invalid', { context: { defect: 'query' } });
    query[name] = value;
  }
  return query;
}

/** When there is room for it. `request-too-large`. */
async function bodyOf({ route, request, exchange }: Asked, room: (bytes: number) => Promise<void>): Promise<ArrivingBody> {
  const { headers, raw } = request;
  const announced = headers['content-length'];
  const isThere = announced === undefined ? headers['transfer-encoding'] !== undefined : Number(announced) > 0;
  if (!isThere) return new ArrivingBody(raw, 0);
  const lengthBytes = announced === undefined ? null : Number(announced);
  demandFits(lengthBytes ?? 1, route.bodyBytesMax);
  await room(lengthBytes ?? route.bodyBytesMax);
  exchange.body = new ArrivingBody(raw, lengthBytes);
  return exchange.body;
}

function demandFits(lengthBytes: number, bytesMax: number): void {
  if (lengthBytes > bytesMax) throw new ProtocolError('request-too-large', { context: { lengthBytes, bytesMax } });
}
