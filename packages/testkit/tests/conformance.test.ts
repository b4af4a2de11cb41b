/* Runs the conformance suites on the memory implementations and on Node's. */

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDatabases, nodeFiles, nodeNetwork, nodeThreads, systemClock, systemRandom, systemTimers } from '@twinvault/std/node';
import {
  clockConformance,
  databasesConformance,
  FakeClock,
  faultyFiles,
  filesConformance,
  inlineThreads,
  memoryDatabases,
  MemoryDisk,
  type MemoryHandler,
  MemoryNetwork,
  networkConformance,
  randomConformance,
  seededRandom,
  threadsConformance,
} from '@twinvault/testkit';

async function temporaryDirectory() {
  const directory = await mkdtemp(join(tmpdir(), 'twinvault-'));
  return {
    directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() };

filesConformance('node', async () => ({
  files: nodeFiles,
  hasModes: process.platform !== 'win32',
  ...(await temporaryDirectory()),
}));

async function memoryDirectory() {
  const files = new MemoryDisk({ clock: new FakeClock() }).mount();
  await files.makeDirectory('/here');
  return { files, directory: '/here', hasModes: true, ...nothing };
}

filesConformance('memory', memoryDirectory);

filesConformance('faulty, without a fault', async () => {
  const given = await memoryDirectory();
  return { ...given, files: faultyFiles(given.files, { failNth: null }) };
});

clockConformance('system', () => ({
  clock: systemClock,
  timers: systemTimers,
  pass: (durationMs) => systemTimers.sleep(durationMs),
}));

clockConformance('fake', () => {
  const clock = new FakeClock();
  return { clock, timers: clock, pass: (durationMs) => clock.advance(durationMs) };
});

randomConformance('system', () => systemRandom);
randomConformance('seeded', () => seededRandom(1));

threadsConformance('node', () => nodeThreads);
threadsConformance('inline', () => inlineThreads());

databasesConformance('node', async () => ({ databases: nodeDatabases, ...(await temporaryDirectory()) }));
databasesConformance('memory', () =>
  Promise.resolve({ databases: memoryDatabases(), directory: `/${randomUUID()}`, ...nothing }),
);

async function respond(handler: MemoryHandler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const parts: Uint8Array[] = [];
  for await (const part of incoming as AsyncIterable<Uint8Array>) parts.push(part);
  const { status, headers, body } = await handler({
    method: incoming.method ?? '',
    url: new URL(incoming.url ?? '', 'http://localhost'),
    headers: incoming.headers as Record<string, string>,
    body: new Uint8Array(Buffer.concat(parts)),
  });
  outgoing.writeHead(status, headers).end(body);
}

networkConformance('node', async (handler) => {
  const server = createServer((incoming, outgoing) => {
    respond(handler, incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const network = nodeNetwork();
  return {
    network,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    // Port 1 (tcpmux) is served by nobody.
    deadOrigin: 'http://127.0.0.1:1',
    pass: (durationMs) => systemTimers.sleep(durationMs),
    [Symbol.asyncDispose]: async () => {
      network[Symbol.dispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
});

networkConformance('memory', (handler) => {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  network.serve('https://vault.test', handler);
  return Promise.resolve({
    network,
    origin: 'https://vault.test',
    deadOrigin: 'https://nobody.test',
    pass: (durationMs) => clock.advance(durationMs),
    ...nothing,
  });
});
