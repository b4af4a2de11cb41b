/* A site that serves in this process, on a vault in memory, and requests to it as any program would send them. */

import { after } from 'node:test';
import { MiB, primitives } from '@twinvault/std';
import { nodeNetwork, systemClock, systemRandom, systemTimers } from '@twinvault/std/node';
import { encodeFrames, signCapability } from '@twinvault/protocol/wire';
import type { CapabilityGrant, Verb } from '@twinvault/protocol/wire';
import { memoryPlatform } from '@twinvault/testkit';
import type { TestSafe } from '@twinvault/testkit';
import { openSiteDatabase } from '../../src/database/open-database.ts';
import { createDirectoryVault } from '../../src/directory-vault.ts';
import type { SiteVault } from '../../src/site-vault.ts';
import { makeLog } from '../../src/service/log.ts';
import { startSiteService } from '../../src/service/site-service.ts';
import type { SiteService, SiteServiceOptions } from '../../src/service/site-service.ts';

export interface ServicePlace {
  readonly vault: SiteVault;
  readonly service: SiteService;
  readonly base: string;
  /** Lines of the log so far. */
  readonly log: string[];
  token(options: TokenOptions): Promise<string>;
  send(request: TestRequest): Promise<TestAnswer>;
}

export interface TokenOptions extends Partial<Omit<CapabilityGrant, 'verbs'>> {
  readonly verbs: readonly Verb[];
}

export interface TestRequest {
  readonly method: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: Uint8Array | readonly Uint8Array[];
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body as JSON. */
  json(): Record<string, unknown>;
}

const issuerSeed: Uint8Array = systemRandom.bytes(32);
export const anySafe = '*';

export async function servicePlace(options: Partial<SiteServiceOptions> = {}): Promise<ServicePlace> {
  const platform = memoryPlatform('service');
  const vault = options.vault ?? (await createDirectoryVault({ path: '/vault', platform }));
  const ports = { clock: systemClock, timers: systemTimers, random: systemRandom };
  const database =
    options.database ?? (await openSiteDatabase({ config: { type: 'sqlite', path: ':memory:' }, platform: ports }));
  const log: string[] = [];
  const service = await startSiteService({
    vault,
    database,
    ports,
    node: 'test',
    log: makeLog({ level: 'debug', clock: systemClock, write: (line) => log.push(line) }),
    basePath: '/a',
    listen: { host: '127.0.0.1', port: 0 },
    operations: { host: '127.0.0.1', port: 0 },
    tls: null,
    issuers: [Buffer.from(primitives.ed25519PublicKey(issuerSeed)).toString('hex')],
    refuseBeforeMs: 0,
    ...options,
  });
  const network = nodeNetwork();
  after(async () => {
    network[Symbol.dispose]();
    await service.stop();
    if (options.database === undefined) await database[Symbol.asyncDispose]();
  });
  const base = `http://127.0.0.1:${service.port}/a/v1`;
  const { site } = await vault.site();
  return {
    vault,
    service,
    base,
    log,
    token: ({ verbs, safe = anySafe, ...rest }) => {
      const nowMs = systemClock.nowMs();
      const grant = { site, safe, verbs, notBeforeMs: nowMs - 1000, endsMs: nowMs + 3_600_000, ...rest };
      return signCapability(grant, { seed: issuerSeed, nowMs, id: systemRandom.bytes(16) });
    },
    send: async ({ method, path, token, body, headers = {} }) => {
      const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const answer = await network.request({
        method,
        url: path.startsWith('http') ? path : `${base}${path}`,
        headers: { ...authorization, ...headers },
        ...(body === undefined ? {} : { body }),
        timeoutMs: 30_000,
        answerBytesMax: 64 * MiB,
      });
      return { ...answer, json: () => JSON.parse(Buffer.from(answer.body).toString()) as Record<string, unknown> };
    },
  };
}

export function hex(safe: Uint8Array): string {
  return Buffer.from(safe).toString('hex');
}

/** The body that makes a safe. */
export function newSafeFrames({ descriptor, slots, ledger }: TestSafe['newSafe']): Uint8Array {
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, slots.length, true);
  return encodeFrames([descriptor, count, ...slots, ...ledger]);
}
