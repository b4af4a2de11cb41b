import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { after, test } from 'node:test';
import { dayMs, MiB } from '../units.ts';
import { startFront } from './front-server.ts';
import type { FrontServer } from './front-server.ts';
import { nodeNetwork } from './node-network.ts';
import { systemClock } from './system-clock.ts';
import { makeServerKey, selfSignedCertificate } from './x509/server-certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinvault-front-'));
after(() => rmSync(folder, { recursive: true }));

const key = makeServerKey();
const nowMs = systemClock.nowMs();
const chain = await selfSignedCertificate({ key, names: ['localhost'], fromMs: nowMs - dayMs, toMs: nowMs + dayMs });
const network = nodeNetwork({ authorities: [chain] });
after(() => network[Symbol.dispose]());

async function serve(name: string, handler: http.RequestListener): Promise<string> {
  const path = join(folder, name);
  const server = http.createServer(handler);
  await once(server.listen(path), 'listening');
  after(() => server.close());
  return path;
}

async function front(routes: Readonly<Record<string, string>>): Promise<FrontServer> {
  const suites = 'TLS_AES_256_GCM_SHA384';
  const said = (body: string): { body: string; type: string } => ({ body, type: 'text/plain' });
  const options = { chain, key, suites, host: '127.0.0.1', port: 0, routes, away: said('away'), unknown: said('unknown') };
  const server = await startFront(options);
  after(() => server[Symbol.asyncDispose]());
  return server;
}

const echo: http.RequestListener = (request, response) => {
  response.writeHead(201, { 'x-path': request.url ?? '', 'x-method': request.method ?? '' });
  request.pipe(response);
};

test('a request goes to the socket of its path and comes back whole, however long it is', async () => {
  const { port } = await front({ a: await serve('a', echo), b: await serve('b', (_, response) => response.end('of b')) });
  const send = (path: string, body?: Uint8Array): ReturnType<typeof network.request> =>
    network.request({
      method: body === undefined ? 'GET' : 'PUT',
      url: `https://localhost:${port}${path}`,
      headers: {},
      ...(body === undefined ? {} : { body }),
      timeoutMs: 30_000,
      answerBytesMax: 64 * MiB,
    });
  const body = Buffer.alloc(20 * MiB, 'content');
  const answer = await send('/a/v1/packs?x=1', body);
  assert.deepEqual([answer.status, answer.headers['x-path'], answer.headers['x-method']], [201, '/a/v1/packs?x=1', 'PUT']);
  assert.ok(Buffer.from(answer.body).equals(body));
  assert.equal(Buffer.from((await send('/b')).body).toString(), 'of b');
  assert.equal((await send('/c')).status, 404);
  assert.equal((await send('/__proto__')).status, 404);
});

test('who is away is answered for, and an answer that breaks is never taken for whole', async () => {
  const broken = await serve('broken', (_, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('some of it', () => response.destroy());
  });
  const { port } = await front({ away: join(folder, 'nobody'), broken });
  const get = (path: string): ReturnType<typeof network.request> =>
    network.request({
      method: 'GET',
      url: `https://localhost:${port}/${path}`,
      headers: {},
      timeoutMs: 30_000,
      answerBytesMax: 1000,
    });
  const answer = await get('away/v1/site');
  assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '2']);
  await assert.rejects(get('broken'), { code: 'network-unreachable' });
});

test('another certificate is shown from now on, and connections that are there go on', async () => {
  const server = await front({ a: await serve('c', echo) });
  const { port } = server;
  const names = ['other.example', 'localhost'];
  const again = await selfSignedCertificate({ key, names, fromMs: nowMs - dayMs, toMs: nowMs + dayMs });
  const request = { method: 'GET', url: `https://localhost:${port}/a`, headers: {}, timeoutMs: 30_000, answerBytesMax: 1000 };
  assert.equal((await network.request(request)).status, 201);
  assert.equal(await shownAt(port), chain);
  server.useCertificate({ chain: again, key });
  assert.equal(await shownAt(port), again);
  // Trusts the first one alone.
  assert.equal((await network.request(request)).status, 201);
});

/** To a new connection; PEM. */
function shownAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: 'localhost', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.toString() ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
