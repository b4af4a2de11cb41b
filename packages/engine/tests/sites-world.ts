/*
 * Two sites of one safe for tests: two vaults in directories of one machine in memory, made with the same safe, each behind a switch that makes it fail. Nothing
 * follows here: what a test wants at both it copies by `follow`.
 */
import { ProtocolError, SiteSet, VaultAtSites } from '@twinvault/protocol';
import type { ProtocolErrorCode, SafeAtSites, SitePlace, Vault } from '@twinvault/protocol';
import { createDirectoryVault } from '@twinvault/vault';
import type { SiteVault } from '@twinvault/vault';
import { toHex } from '@twinvault/std';
import { newWorld } from './world.ts';
import type { World } from './world.ts';

export interface TestSite {
  readonly name: string;
  readonly path: string;
  readonly vault: SiteVault;
  /** Every call fails with this code; null: it serves. */
  fails: ProtocolErrorCode | null;
  /** Called before each pack: a test may have the site fail there, or get something. */
  onPut: (() => void | Promise<void>) | null;
}

export interface SitesWorld {
  readonly world: World;
  readonly a: TestSite;
  readonly b: TestSite;
  readonly vault: VaultAtSites;
  /** A test takes another one by `again`, which remembers no failure. */
  safe: SafeAtSites;
  /** What people were told. */
  readonly told: string[];
  /** The same sites with nothing remembered of their failures. */
  again(): Promise<SafeAtSites>;
}

export async function sitesWorld(seed: string): Promise<SitesWorld> {
  const world = await newWorld(seed);
  const { platform, safe } = world;
  await platform.files.makeDirectory('/twin');
  const twin = await createDirectoryVault({ path: '/twin', platform });
  await twin.createSafe({ descriptor: await safe.descriptor(), slots: await safe.slots(), ledger: await safe.ledger(1) });
  const a: TestSite = { name: 'a', path: '/vault', vault: world.vault, fails: null, onPut: null };
  const b: TestSite = { name: 'b', path: '/twin', vault: twin, fails: null, onPut: null };
  const told: string[] = [];
  const open = (): VaultAtSites =>
    new VaultAtSites(
      new SiteSet({
        places: [placeOf(a), placeOf(b)],
        ports: platform,
        told: ({ type, name, code }) => told.push(`${name} ${type} ${code ?? ''}`.trim()),
      }),
    );
  const vault = open();
  const again = async (): Promise<SafeAtSites> => await open().openSafe(safe.safe);
  return { world, a, b, vault, safe: await vault.openSafe(safe.safe), told, again };
}

function placeOf(site: TestSite): SitePlace {
  return {
    name: site.name,
    open: async () => {
      demandServing(site);
      return await Promise.resolve(switched(site, site.vault as Vault));
    },
    isReachable: async () => await Promise.resolve(site.fails === null),
  };
}

function demandServing({ fails }: TestSite): void {
  if (fails !== null) throw new ProtocolError(fails);
}

/** The object and all that it opens, each call held up to the switch. */
function switched<T extends object>(site: TestSite, object: T): T {
  return new Proxy(object, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      if (key === Symbol.asyncDispose) return (...given: unknown[]): unknown => value.apply(target, given);
      return (...given: unknown[]): unknown => {
        if (key === 'liveList') return value.apply(target, given);
        return (async () => {
          if (key === 'putPack') await site.onPut?.();
          demandServing(site);
          const answer: unknown = await value.apply(target, given);
          return ['openSafe', 'openSession', 'openReading'].includes(String(key)) ? switched(site, answer as object) : answer;
        })();
      };
    },
  });
}

/** What one site has and the other lacks, taken over as a site does that follows: the same objects, receipts of its own. */
export async function follow(world: World, from: TestSite, to: TestSite): Promise<void> {
  await copyObjects(world, from, to);
  await to.vault.rebuild();
}

/** The objects alone, as a run may find them in the middle: no rebuild goes on beside it. */
export async function copyObjects(world: World, from: TestSite, to: TestSite): Promise<void> {
  const { files } = world.platform;
  const safe = `safes/${toHex(world.safe.safe)}`;
  const copy = async (folder: string): Promise<void> => {
    await files.makeDirectory(`${to.path}/${folder}`);
    for (const { name, kind } of await files.list(`${from.path}/${folder}`)) {
      const path = `${folder}/${name}`;
      if (kind === 'directory') await copy(path);
      else if ((await files.stat(`${to.path}/${path}`)) === null) {
        await files.replace(`${to.path}/${path}`, [(await files.read(`${from.path}/${path}`, 1 << 30)) ?? new Uint8Array()]);
      }
    }
  };
  for (const folder of ['ledger', 'packs', 'records']) await copy(`${safe}/${folder}`);
}
