/* Orders of certificates at a real authority, Pebble out of Debian, which refuses a part of all nonces on purpose. */

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { CodedError, dayMs } from '@twinvault/std';
import {
  certificateFacts,
  makeServerKey,
  nodeNetwork,
  selfSignedCertificate,
  systemClock,
  systemTimers,
} from '@twinvault/std/node';
import { pebbleMissing, startPebble } from '@twinvault/testkit';
import type { PebbleServer } from '@twinvault/testkit';
import { openAcmeAnswers } from '../../src/service/certificate/acme-answers.ts';
import { orderCertificate } from '../../src/service/certificate/acme-order.ts';
import type { AcmeOrder } from '../../src/service/certificate/acme-order.ts';

interface Asked extends Partial<AcmeOrder> {
  readonly pebble: PebbleServer;
  /** Where it answers; where the authority looks when left out. */
  readonly port?: number;
  readonly signal?: AbortSignal;
}

async function order({ pebble, port = pebble.challengePort, signal, ...more }: Asked): Promise<string> {
  using network = nodeNetwork({ authorities: [pebble.authorities], onlyTheseAuthorities: true });
  await using answers = await openAcmeAnswers({ host: '127.0.0.1', port });
  const base = { directory: pebble.directory, host: 'localhost', contact: null, externalAccount: null };
  const keys = { accountKey: makeServerKey(), key: makeServerKey() };
  const ports = { network, answers, clock: systemClock, timers: systemTimers };
  return await orderCertificate({ ...base, ...keys, ...more }, ports, signal ?? new AbortController().signal);
}

function refusal(detail: RegExp, type?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof CodedError && error.code === 'acme-failed', String(error));
    assert.match(String(error.context['detail']), detail);
    if (type !== undefined) assert.equal(error.context['type'], `urn:ietf:params:acme:error:${type}`);
    return true;
  };
}

suite('orders at a real authority', { skip: pebbleMissing() }, () => {
  let pebble: PebbleServer;
  before(async () => {
    pebble = await startPebble();
  });
  after(() => pebble[Symbol.asyncDispose]());

  test('a certificate is for the name and the key, and an account is found again by its key', async () => {
    const [accountKey, key] = [makeServerKey(), makeServerKey()];
    const first = await order({ pebble, accountKey, key, contact: 'operator@backup.example' });
    const again = await order({ pebble, accountKey, key });
    assert.notEqual(first, again);
    for (const chain of [first, again]) {
      const facts = certificateFacts(chain, key);
      assert.ok(facts?.names('localhost') === true && !facts.isSelfSigned);
      assert.ok(chain.split('BEGIN CERTIFICATE').length >= 3, 'those between it and the root come along');
    }
  });

  test('where the authority finds no answer its own words are told', async () => {
    await assert.rejects(order({ pebble, port: 0 }), refusal(/connect|refused/iu, 'connection'));
  });

  test('what the authority does not take is told', async () => {
    await assert.rejects(order({ pebble, host: '*.backup.example' }), refusal(/over HTTP/u));
    const nowhere = pebble.directory.replace(/dir$/u, 'elsewhere');
    await assert.rejects(order({ pebble, directory: nowhere }), refusal(/404/u));
  });

  test('an order ends with its signal', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    await assert.rejects(order({ pebble, signal: stop.signal }), /stopped/u);
  });

  test('who is not trusted is asked nothing, and who is away is unreachable', async () => {
    const nowMs = systemClock.nowMs();
    const other = { key: makeServerKey(), names: ['localhost'], fromMs: nowMs - dayMs, toMs: nowMs + dayMs };
    const stranger = { ...pebble, authorities: await selfSignedCertificate(other) };
    await assert.rejects(
      order({ pebble: stranger }),
      (error) => error instanceof CodedError && error.code === 'network-untrusted',
    );
    const plain = pebble.directory.replace('https:', 'http:');
    await assert.rejects(order({ pebble, directory: plain }), refusal(/https/u));
    await using gone = await startPebble();
    await gone.kill();
    await assert.rejects(order({ pebble: gone }), (error) => error instanceof CodedError && error.code === 'network-unreachable');
  });

  test('an authority that knows its customers takes their accounts alone', async () => {
    const key = Buffer.from('a secret of thirty-two bytes, ok').toString('base64url');
    await using closed = await startPebble({ externalAccounts: { 'customer-1': key } });
    const chain = await order({ pebble: closed, externalAccount: { id: 'customer-1', key } });
    assert.match(chain, /^-----BEGIN CERTIFICATE-----/u);
    await assert.rejects(order({ pebble: closed }), refusal(/./u, 'externalAccountRequired'));
  });
});
