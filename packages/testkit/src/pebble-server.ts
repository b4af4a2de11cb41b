/*
 * An authority of a test's own that issues certificates by ACME (RFC 8555): Pebble, the test server of Let's Encrypt, out of Debian's package. It refuses some
 * nonces on purpose and names its resources as no other does. It forgets everything when it ends.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dayMs } from '@twinvault/std';
import { makeServerKey, nodeNetwork, selfSignedCertificate, systemClock } from '@twinvault/std/node';
import { freePorts } from './free-ports.ts';

const program = '/usr/bin/pebble';
const upMsMax = 30_000;

/** Why no server can run on this machine, or false: the `skip` of a test. */
export function pebbleMissing(): string | false {
  return existsSync(program) ? false : 'no Pebble (Debian: apt-get install pebble)';
}

export interface PebbleServer extends AsyncDisposable {
  /** Address of its directory. */
  readonly directory: string;
  /** Where it looks for answers over HTTP, whatever the name. */
  readonly challengePort: number;
  /** PEM: whom to trust to speak with it, and the root of what it issues. */
  readonly authorities: string;
  /** Kills it: connections break, and none is taken. */
  kill(): Promise<void>;
}

export interface PebbleOptions {
  /** Life of what it issues. */
  readonly validitySeconds?: number;
  /** Accounts by their ids, base64url; without one nobody may register. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
}

export async function startPebble({ validitySeconds = 86_400, externalAccounts }: PebbleOptions = {}): Promise<PebbleServer> {
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-pebble-'));
  const [port = 0, managementPort = 0, challengePort = 0, tlsPort = 0] = await freePorts(4);
  const key = makeServerKey();
  const nowMs = systemClock.nowMs();
  const chain = await selfSignedCertificate({ key, names: ['localhost'], fromMs: nowMs - dayMs, toMs: nowMs + dayMs });
  const [config, certificate, privateKey] = ['config.json', 'tls.crt', 'tls.key'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(certificate, chain);
  writeFileSync(privateKey, key);
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate,
    privateKey,
    httpPort: challengePort,
    tlsPort,
    certificateValidityPeriod: validitySeconds,
    externalAccountBindingRequired: externalAccounts !== undefined,
    externalAccountMACKeys: externalAccounts ?? {},
  };
  writeFileSync(config, JSON.stringify({ pebble }));
  const child = spawn(program, ['-config', config], { stdio: 'ignore', env: { PEBBLE_VA_NOSLEEP: '1' } });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const dispose = async (): Promise<void> => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const root = await untilUp(`https://localhost:${managementPort}/roots/0`, chain);
    const directory = `https://localhost:${port}/dir`;
    return { directory, challengePort, authorities: `${chain}${root}`, kill, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Asks for the root certificate until it is there. */
async function untilUp(url: string, chain: string): Promise<string> {
  using network = nodeNetwork({ authorities: [chain], onlyTheseAuthorities: true });
  const endMs = systemClock.monotonicMs() + upMsMax;
  for (;;) {
    try {
      const { body } = await network.request({ method: 'GET', url, headers: {}, timeoutMs: 5000, answerBytesMax: 100_000 });
      return new TextDecoder().decode(body);
    } catch (error) {
      if (systemClock.monotonicMs() > endMs) throw error;
      await sleep(50);
    }
  }
}
