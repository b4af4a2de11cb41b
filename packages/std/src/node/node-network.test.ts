/* What the conformance suite of testkit cannot ask of every network: kept connections. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { nodeNetwork } from './node-network.ts';

test('connections are kept, and one that the server has closed meanwhile is no error', async () => {
  let connections = 0;
  const server = createServer((incoming, outgoing) => {
    incoming.resume();
    outgoing.end('ok');
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  using network = nodeNetwork();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const ask = { method: 'PUT', url, headers: {}, body: new Uint8Array(10), timeoutMs: 5000, answerBytesMax: 10 };
  for (let count = 0; count < 5; count += 1) await network.request(ask);
  assert.equal(connections, 1);
  for (let count = 0; count < 5; count += 1) {
    server.closeAllConnections();
    assert.equal((await network.request(ask)).status, 200);
  }
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
});
