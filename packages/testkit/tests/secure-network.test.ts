/*
 * The network over TLS and through a proxy: whom it trusts, what it shows to whom it does not trust, and that a body keeps its pace. Certificates are made
 * by the openssl command for each run; without it the tests are skipped by name.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { StdError } from '@twinvault/std';
import type { HttpRequest, Pace } from '@twinvault/std';
import { certificatePin, nodeNetwork } from '@twinvault/std/node';

const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'needs the openssl command';

interface Pair {
  readonly key: string;
  readonly cert: string;
}

function makePair(directory: string, name: string): Pair {
  const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const rest = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...rest], { stdio: 'ignore' });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

interface Served {
  readonly port: number;
  /** Authorization headers of the requests that came. */
  readonly seen: (string | undefined)[];
}

async function listening(server: net.Server, host = '127.0.0.1'): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

async function serve(context: TestContext, pair: Pair, options: https.ServerOptions = {}): Promise<Served> {
  const seen: (string | undefined)[] = [];
  const server = https.createServer({ ...pair, ...options }, (incoming, outgoing) => {
    seen.push(incoming.headers.authorization);
    incoming.resume().on('end', () => outgoing.end('ok'));
  });
  server.on('tlsClientError', () => undefined);
  const port = await listening(server);
  context.after(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  return { port, seen };
}

function ask(port: number, more: Partial<HttpRequest> = {}): HttpRequest {
  const headers = { authorization: 'Bearer secret' };
  return { method: 'GET', url: `https://127.0.0.1:${port}/`, headers, timeoutMs: 20_000, answerBytesMax: 100, ...more };
}

function fails(code: string): (error: unknown) => boolean {
  return (error) => error instanceof StdError && error.code === code;
}

suite('network: TLS', { skip }, () => {
  let directory: string;
  let [mine, theirs]: Pair[] = [];

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'twinvault-'));
    [mine, theirs] = [makePair(directory, 'mine'), makePair(directory, 'theirs')];
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  const pairs = (): [Pair, Pair] => {
    assert.ok(mine && theirs);
    return [mine, theirs];
  };

  test('a pinned certificate is trusted whatever it says of itself, on kept connections too', async (context) => {
    const [pair] = pairs();
    const server = await serve(context, pair);
    using network = nodeNetwork({ pins: [certificatePin(pair.cert)] });
    for (let count = 0; count < 3; count += 1) assert.equal((await network.request(ask(server.port))).status, 200);
    const many = Array.from({ length: 10 }, () => network.request(ask(server.port, { method: 'PUT', body: new Uint8Array(9) })));
    assert.ok((await Promise.all(many)).every(({ status }) => status === 200));
    assert.equal(server.seen.length, 13);
  });

  test('who has another certificate sees nothing of a request', async (context) => {
    const [pair, other] = pairs();
    const server = await serve(context, other);
    using pinned = nodeNetwork({ pins: [certificatePin(pair.cert)] });
    await assert.rejects(pinned.request(ask(server.port)), fails('network-untrusted'));
    await assert.rejects(
      pinned.request(ask(server.port, { method: 'PUT', body: new Uint8Array(9) })),
      fails('network-untrusted'),
    );
    using byAuthorities = nodeNetwork();
    await assert.rejects(byAuthorities.request(ask(server.port)), fails('network-untrusted'));
    using named = nodeNetwork({ authorities: [other.cert], onlyTheseAuthorities: true });
    assert.equal((await named.request(ask(server.port))).status, 200);
    assert.deepEqual(server.seen, ['Bearer secret']);
  });

  test('nothing below TLS 1.3 with 256 bits is spoken', async (context) => {
    const [pair] = pairs();
    using network = nodeNetwork({ pins: [certificatePin(pair.cert)] });
    for (const options of [
      { maxVersion: 'TLSv1.2' as const },
      { ciphers: 'TLS_AES_128_GCM_SHA256', minVersion: 'TLSv1.3' as const },
    ]) {
      const server = await serve(context, pair, options);
      await assert.rejects(network.request(ask(server.port)), fails('network-unreachable'));
      assert.deepEqual(server.seen, []);
    }
  });

  test('a proxy is signed in to, tunnels, and sees nothing', async (context) => {
    const [pair] = pairs();
    const server = await serve(context, pair);
    const proxy = await serveProxy(context, 'ada:p@ss');
    using network = nodeNetwork({
      pins: [certificatePin(pair.cert)],
      environment: { https_proxy: `http://ada:p%40ss@127.0.0.1:${proxy.port}` },
    });
    assert.equal((await network.request(ask(server.port))).status, 200);
    assert.deepEqual(proxy.seen, [`127.0.0.1:${server.port}`]);
    using stranger = nodeNetwork({
      pins: [certificatePin(pair.cert)],
      environment: { HTTPS_PROXY: `http://ada:guess@127.0.0.1:${proxy.port}` },
    });
    await assert.rejects(stranger.request(ask(server.port)), fails('network-proxy-refused'));
    using direct = nodeNetwork({
      pins: [certificatePin(pair.cert)],
      environment: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.1' },
    });
    assert.equal((await direct.request(ask(server.port))).status, 200);
    assert.equal(server.seen.length, 2);
    assert.equal(proxy.seen.length, 1);
  });

  test('behind a proxy too, nothing is sent to who has another certificate', async (context) => {
    const [pair, other] = pairs();
    const server = await serve(context, other);
    const proxy = await serveProxy(context, 'ada:p@ss');
    const environment = { https_proxy: `http://ada:p%40ss@127.0.0.1:${proxy.port}` };
    using network = nodeNetwork({ pins: [certificatePin(pair.cert)], environment });
    await assert.rejects(network.request(ask(server.port)), fails('network-untrusted'));
    assert.deepEqual(server.seen, []);
  });
});

/** An HTTP proxy that knows CONNECT alone, and one user. */
async function serveProxy(context: TestContext, user: string): Promise<{ readonly port: number; readonly seen: string[] }> {
  const seen: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = http.createServer();
  server.on('connection', (socket) => sockets.add(socket));
  server.on('connect', (incoming, client: net.Socket) => {
    const wanted = `Basic ${Buffer.from(user).toString('base64')}`;
    if (incoming.headers['proxy-authorization'] !== wanted) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    seen.push(incoming.url ?? '');
    const { hostname, port } = new URL(`http://${incoming.url}`);
    const onward = net.connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    sockets.add(onward);
    for (const socket of [client, onward]) socket.on('error', () => undefined);
  });
  context.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: await listening(server), seen };
}

/** Lets a piece pass when the test says so, and writes down what was asked for. */
class Gate implements Pace {
  readonly asked: number[] = [];
  passed = 0;

  take(countBytes: number): Promise<void> {
    this.asked.push(countBytes);
    this.passed += countBytes;
    return Promise.resolve();
  }
}

test('bodies ask for their pace, a piece at a time, both ways', async () => {
  const answer = new Uint8Array(300_000).fill(7);
  const server = http.createServer((incoming, outgoing) => incoming.resume().on('end', () => outgoing.end(answer)));
  const port = await listening(server);
  using network = nodeNetwork();
  const [uploadPace, downloadPace] = [new Gate(), new Gate()];
  const url = `http://127.0.0.1:${port}/`;
  const body = new Uint8Array(200_000);
  const request = { ...ask(port), url, method: 'PUT', body, answerBytesMax: 300_000, uploadPace, downloadPace };
  assert.equal((await network.request(request)).body.length, 300_000);
  assert.deepEqual([uploadPace.passed, downloadPace.passed], [200_000, 300_000]);
  assert.ok(uploadPace.asked.every((count) => count <= 65_536));
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
});

test('a body waits for its pace, and a request that is given up waits no longer', async () => {
  let received = 0;
  const server = http.createServer((incoming) =>
    incoming.on('data', (part: Uint8Array) => (received += part.length)).on('error', () => undefined),
  );
  const port = await listening(server);
  using network = nodeNetwork();
  const controller = new AbortController();
  const stuck = Promise.withResolvers<void>();
  let takes = 0;
  const uploadPace: Pace = {
    take: (_, signal) => {
      takes += 1;
      if (takes < 3) return Promise.resolve();
      stuck.resolve();
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    },
  };
  const url = `http://127.0.0.1:${port}/`;
  const pending = network.request({
    ...ask(port),
    url,
    method: 'PUT',
    body: new Uint8Array(400_000),
    uploadPace,
    signal: controller.signal,
  });
  const rejected = assert.rejects(pending, /enough/u);
  await stuck.promise;
  controller.abort(new Error('enough'));
  await rejected;
  assert.ok(received <= 2 * 65_536);
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
});

test('an address may be one of IPv6', async (context) => {
  const server = http.createServer((_, outgoing) => outgoing.end('ok'));
  const hasIpv6 = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(0, '::1', () => resolve(true));
  });
  if (!hasIpv6) {
    context.skip('this machine has no IPv6');
    return;
  }
  const { port } = server.address() as AddressInfo;
  using network = nodeNetwork();
  assert.equal((await network.request(ask(port, { url: `http://[::1]:${port}/` }))).status, 200);
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
});
