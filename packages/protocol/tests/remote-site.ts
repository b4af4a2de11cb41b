/* A site in memory and clients of it, for the tests of the client. */

import { hourMs } from '@twinvault/std';
import type { HttpAnswer } from '@twinvault/std';
import { memoryPlatform, memorySite, settle, type MemoryHandler, type MemoryPlatform } from '@twinvault/testkit';
import { createDirectoryVault } from '@twinvault/vault';
import { openRemoteVault, signCapability, type ExchangeOptions, type RemoteVault } from '../src/wire/index.ts';
import type { Vault } from '../src/index.ts';

export const address = 'https://vault.test/a';

export interface RemoteSite extends AsyncDisposable {
  readonly platform: MemoryPlatform;
  /** Behind the wire. */
  readonly vault: Vault;
  /** For every safe. */
  readonly capability: string;
  /** Puts something between the clients and the site; null takes it away. */
  between(change: ((handler: MemoryHandler) => MemoryHandler) | null): void;
  client(more?: Partial<ExchangeOptions>): Promise<RemoteVault>;
}

export async function remoteSite(): Promise<RemoteSite> {
  const base = memoryPlatform('remote site');
  // Who waits for a lock of the vault waits for others to run, not for time to pass.
  const timers = { sleep: settle, every: base.clock.every.bind(base.clock) };
  const vault = await createDirectoryVault({ path: '/vault', platform: { ...base, timers } });
  const seed = await base.files.read('/vault/site/key', 32);
  const { site } = await vault.site();
  const nowMs = base.clock.nowMs();
  const capability = await signCapability(
    { site, safe: '*', verbs: ['create', 'write', 'operate'], notBeforeMs: nowMs, endsMs: nowMs + hourMs },
    { seed: seed ?? new Uint8Array(32), nowMs, id: base.random.bytes(16) },
  );
  const honest = memorySite({ vault, clock: base.clock, path: '/a' });
  let handler = honest;
  base.network.serve('https://vault.test', (request) => handler(request));
  return {
    platform: base,
    vault,
    capability,
    between: (change) => (handler = change === null ? honest : change(honest)),
    client: (more = {}) => openRemoteVault({ address, capability, ports: base, ...more }),
    [Symbol.asyncDispose]: () => vault[Symbol.asyncDispose](),
  };
}

/** An answer with another body and the same headers. */
export function withBody(answer: HttpAnswer, body: Uint8Array): HttpAnswer {
  return { ...answer, body };
}
