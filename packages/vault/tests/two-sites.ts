/* Two vaults in memory that keep one safe, without a network: tests say what each knows of the other. */

import { encodeTombstone, siteId } from '@twinvault/format';
import type { HomePayload, RecordDigest, SiteId } from '@twinvault/format';
import { primitives, toHex } from '@twinvault/std';
import { memoryPlatform, TestSafe } from '@twinvault/testkit';
import type { MemoryPlatform, TestComputer } from '@twinvault/testkit';
import { safeContext } from '../src/context.ts';
import type { SafeContext } from '../src/context.ts';
import { writeFollowedHome } from '../src/homes/homes.ts';
import { createDirectoryVault } from '../src/index.ts';
import type { SiteSafe, SiteVault } from '../src/index.ts';
import { writeTwinProgress } from '../src/twins/twin-progress.ts';
import { writeTwinSites } from '../src/twins/twins.ts';
import type { TwinSite } from '../src/twins/twins.ts';
import { root } from './harness.ts';

export interface TestSite {
  readonly platform: MemoryPlatform;
  readonly vault: SiteVault;
  readonly mine: TestSafe;
  readonly computer: TestComputer;
  readonly safe: SiteSafe;
  readonly context: SafeContext;
  readonly self: TwinSite;
}

/** One site with a safe of which `home` is home; null: this one. */
export async function siteWith(mine: TestSafe, computer: TestComputer, home: SiteId | null): Promise<TestSite> {
  const platform = memoryPlatform(`${mine.label} ${home === null ? 'home' : 'twin'}`);
  const vault = await createDirectoryVault({ path: root, platform });
  await vault.createSafe(mine.newSafe);
  const { context } = await vault.partsOf(mine.safe);
  if (home !== null) await writeFollowedHome(context, home);
  const { site, publicKey } = context.marker;
  return {
    platform,
    vault,
    mine,
    computer,
    safe: await vault.openSafe(mine.safe),
    context: safeContext(context, mine.safe),
    self: { site, publicKey },
  };
}

export interface TwoSites {
  readonly home: TestSite;
  readonly twin: TestSite;
}

export async function twoSites(seed: string): Promise<TwoSites> {
  const mine = new TestSafe(seed);
  const computer = mine.enrol();
  const home = await siteWith(mine, computer, null);
  const twin = await siteWith(mine, computer, home.self.site);
  await writeTwinSites(home.context.store, [twin.self]);
  await writeTwinSites(twin.context.store, [home.self]);
  return { home, twin };
}

/** Says to a site that it read the other's feed to its end just now, or `agoMs` before. */
export async function read(site: TestSite, other: TestSite, { agoMs = 0, skewMs = 0 } = {}): Promise<void> {
  const nowMs = await site.context.leases.nowMs();
  const progress = { generation: new Uint8Array(16), position: 1, endAskedMs: nowMs - agoMs, skewMs };
  await writeTwinProgress(site.context.store, { safe: site.mine.safe, twin: other.self.site }, progress);
}

export interface Consent {
  readonly record: RecordDigest;
  /** Seed of whoever signs. */
  readonly seed: Uint8Array;
  readonly site?: SiteId;
  readonly safe?: TestSafe;
  readonly retiredMs?: number;
}

/** Puts a tombstone where a site keeps those of `of`. */
export async function giveTombstone(to: TestSite, of: SiteId, consent: Consent): Promise<void> {
  const { record, seed, site = of, safe = to.mine, retiredMs = 1 } = consent;
  const body = { safe: safe.safe, site, generation: new Uint8Array(16), record, reason: 'retention', retiredMs };
  const bytes = encodeTombstone(body, (message) => primitives.ed25519Sign(seed, message));
  await to.context.store.replace(to.context.layout.twin(toHex(of), 'tombstones', toHex(record)), [bytes]);
}

export async function seedOf({ context }: TestSite): Promise<Uint8Array> {
  const seed = await context.key.read();
  if (seed === null) throw new Error('a site without a key');
  return seed;
}

/** Two operators of the safe, by their seeds; their entries are appended at home. */
export async function twoOperators({ home }: TwoSites): Promise<readonly [Uint8Array, Uint8Array]> {
  const seeds = [home.mine.prng.bytes(32), home.mine.prng.bytes(32)] as const;
  for (const [index, seed] of seeds.entries()) {
    const key = primitives.ed25519PublicKey(seed);
    await home.safe.appendLedger(home.mine.append({ kind: 'party', key, name: `operator ${index}`, role: 'operator' }));
  }
  return seeds;
}

/** The next `home` entry, by both operators; not appended. */
export function homeEntry(mine: TestSafe, site: SiteId, [signer, other]: readonly [Uint8Array, Uint8Array]): Uint8Array {
  const epoch = (mine.ledger.home()?.epoch ?? 0) + 1;
  const payload: HomePayload = { kind: 'home', epoch, site: siteId(site), other: new Uint8Array(64) };
  return mine.entry({ ...payload, other: primitives.ed25519Sign(other, mine.secondMessage(payload, signer)) }, signer);
}
