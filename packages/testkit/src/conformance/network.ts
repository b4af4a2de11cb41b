/* What every implementation of the network must do, against a server that answers with a given handler. */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type HttpAnswer, type HttpRequest, type Network, Prng, StdError, utf8Encode } from '@twinvault/std';
import type { MemoryHandler } from '../memory-network.ts';

export interface NetworkUnderTest extends AsyncDisposable {
  readonly network: Network;
  /** Where the handler answers. */
  readonly origin: string;
  /** Where nobody answers. */
  readonly deadOrigin: string;
  /** Lets at least that much time pass. */
  readonly pass: (durationMs: number) => Promise<void>;
}

const limits = { timeoutMs: 5000, answerBytesMax: 1_000_000 };

function get(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url, headers: {}, ...limits, ...more };
}

function answer(status: number, body: Uint8Array = new Uint8Array(0)): HttpAnswer {
  return { status, headers: { 'x-Answer': 'Yes' }, body };
}

function fails(code: string): (error: unknown) => boolean {
  return (error) => error instanceof StdError && error.code === code;
}

type Make = (handler: MemoryHandler) => Promise<NetworkUnderTest>;

function registerExchanges(make: Make): void {
  test('request and answer arrive as they were', async () => {
    const body = new Prng('body').bytes(300_000);
    await using given = await make(({ method, url, headers, body: received }) => {
      assert.equal(`${method} ${url.pathname}${url.search}`, 'PUT /a%20b?c=d');
      assert.equal(headers['x-ask'], 'Please');
      return answer(207, received.toReversed());
    });
    const url = `${given.origin}/a%20b?c=d`;
    const {
      status,
      headers,
      body: received,
    } = await given.network.request(get(url, { method: 'PUT', headers: { 'X-Ask': 'Please' }, body }));
    assert.equal(status, 207);
    assert.equal(headers['x-answer'], 'Yes');
    assert.equal(received.constructor, Uint8Array);
    assert.ok(Buffer.compare(received, body.toReversed()) === 0);
  });

  test('a body in several pieces arrives as one, and as long as it is', async () => {
    const pieces = [0, 5, 700_000, 1, 0, 300_000].map((length, index) => new Prng(`piece ${index}`).bytes(length));
    await using given = await make(({ body }) => answer(200, body.slice(-710_000)));
    const { body } = await given.network.request(get(given.origin, { method: 'PUT', body: pieces }));
    assert.ok(Buffer.compare(body, Buffer.concat(pieces).subarray(-710_000)) === 0);
  });

  test('any status is an answer', async () => {
    await using given = await make(({ url }) => answer(Number(url.pathname.slice(1))));
    for (const status of [200, 204, 302, 404, 500, 503]) {
      assert.equal((await given.network.request(get(`${given.origin}/${status}`))).status, status);
    }
  });

  test('many at once', async () => {
    await using given = await make(({ url }) => answer(200, utf8Encode(url.pathname)));
    const paths = Array.from({ length: 100 }, (_, index) => `/${index}`);
    const answers = await Promise.all(paths.map((path) => given.network.request(get(given.origin + path))));
    assert.deepEqual(
      answers.map(({ body }) => Buffer.from(body).toString()),
      paths,
    );
  });
}

function registerFailures(make: Make): void {
  const never: MemoryHandler = () => new Promise<HttpAnswer>(() => undefined);

  test('an answer that is too large is refused, and the next one comes', async () => {
    await using given = await make(({ url }) => answer(200, new Uint8Array(Number(url.pathname.slice(1)))));
    const request = (count: number): Promise<HttpAnswer> =>
      given.network.request(get(`${given.origin}/${count}`, { answerBytesMax: 1000 }));
    await assert.rejects(request(1001), fails('network-answer-too-large'));
    assert.equal((await request(1000)).body.length, 1000);
    await assert.rejects(request(3_000_000), fails('network-answer-too-large'));
    assert.equal((await request(0)).body.length, 0);
  });

  test('nobody there is unreachable', async () => {
    await using given = await make(never);
    await assert.rejects(given.network.request(get(`${given.deadOrigin}/`)), fails('network-unreachable'));
  });

  test('too slow is a time-out', async () => {
    await using given = await make(never);
    const slow = given.network.request(get(`${given.origin}/`, { timeoutMs: 50 }));
    await Promise.all([assert.rejects(slow, fails('network-timeout')), given.pass(60)]);
  });

  test('who cancels gives the reason', async () => {
    await using given = await make(never);
    const controller = new AbortController();
    const reason = new Error('enough');
    const pending = given.network.request(get(`${given.origin}/`, { signal: controller.signal }));
    const rejected = assert.rejects(pending, reason);
    await given.pass(20);
    controller.abort(reason);
    await rejected;
    await assert.rejects(given.network.request(get(`${given.origin}/`, { signal: controller.signal })), reason);
  });
}

export function networkConformance(name: string, make: Make): void {
  suite(`network: ${name}`, () => {
    registerExchanges(make);
    registerFailures(make);
  });
}
