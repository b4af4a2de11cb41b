/*
 * One vault: the vault port in process, over whatever keeps its objects and leases. It holds no key that opens data, and all its state
 * is in store and leases, so that several processes and machines may have the same one open.
 */

import { ProtocolError } from '@twinvault/protocol';
import type { NewSafe, SafeSummary, SiteInfo, TwinObjectName, Vault } from '@twinvault/protocol';
import { parseSafeDescriptor } from '@twinvault/format';
import type { SafeId, SiteId } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import { checkVault } from './check/check.ts';
import type { CheckOptions, CheckReport } from './check/check-run.ts';
import { cleanSafe } from './clean/clean.ts';
import type { CleanOptions, CleanReport } from './clean/report.ts';
import { sweepVault } from './clean/sweep.ts';
import { safeContext } from './context.ts';
import type { VaultContext, VaultPorts } from './context.ts';
import { eraseSafe } from './erases/erase.ts';
import { eraseWaitMsDefault } from './erases/orders.ts';
import type { ErasedOrder } from './erases/erase.ts';
import type { EraseOptions } from './erases/erase-work.ts';
import { demandHome, isHome } from './homes/homes.ts';
import type { Leases } from './leases/leases.ts';
import type { LookUps } from './lookup/look-up.ts';
import { ThreadedLookUps } from './lookup/threaded-look-ups.ts';
import { rebuildVault } from './rebuild/rebuild.ts';
import type { RebuildOptions, RebuildReport } from './rebuild/rebuild.ts';
import { verifyHere } from './packs/verify-pack.ts';
import type { VerifyPack } from './packs/verify-pack.ts';
import { Customers, writeCustomer } from './safes/customers.ts';
import { createSafe, listSafes, safeIds } from './safes/safes.ts';
import type { CreateOptions } from './safes/safes.ts';
import { placeSafe } from './seed/place-safe.ts';
import { safeParts, SiteSafe } from './site-safe.ts';
import type { SafeParts } from './site-safe.ts';
import { raiseMinimumAge, readMinimumAge } from './site/minimum-age.ts';
import type { Reserve } from './site/reserve.ts';
import type { SiteKey } from './site/site-key.ts';
import { createSite, readGeneration, readMarker } from './site/site.ts';
import { safeStats } from './stats.ts';
import type { SafeStats } from './stats.ts';
import type { Cache } from './store/cache.ts';
import { cacheFolder, lifeName, SafeLayout } from './store/layout.ts';
import { decodeNote, encodeNote, noteBytesMax, noteText } from './store/notes.ts';
import type { ObjectStore } from './store/object-store.ts';
import { asProtocol } from './store/vault-files.ts';
import { beginSafe } from './twins/begin-safe.ts';
import { takeIn, takeObject } from './twins/take-in.ts';
import type { TakeInOptions, TakeInReport } from './twins/taking-in.ts';
import { readTwinProgress, writeTwinProgress } from './twins/twin-progress.ts';
import type { TwinProgress } from './twins/twin-progress.ts';
import { storedTwins, writeTwinSites } from './twins/twins.ts';
import type { Twins, TwinSite } from './twins/twins.ts';

export interface VaultParts {
  readonly ports: VaultPorts;
  readonly store: ObjectStore;
  readonly leases: Leases;
  readonly cache: Cache;
  readonly key: SiteKey;
  /** Room for clean-up where the store can be full. */
  readonly reserve?: Reserve;
  /** How far the times of `store` and `leases` may be apart; 0 when left out. */
  readonly skewMs?: number;
  /** For a server, which has others to answer meanwhile: heavy look-ups in threads. Left out, they run in the caller's. */
  readonly lookUps?: LookUps;
  /** How packs that arrive are verified; on this thread when left out. */
  readonly verifyPack?: VerifyPack;
  /** `createVault` raises that of the vault to this; it is as it is when left out. */
  readonly minimumAgeMs?: number;
  /** How long an erase order can be taken back before it is begun; `eraseWaitMsDefault` when left out. */
  readonly eraseWaitMs?: number;
  /** The sites that keep the same safes; what the store says when left out. */
  readonly twins?: Twins;
  /** Ends what the parts hold, when the vault is disposed of. */
  readonly release?: () => Promise<void>;
}

/** What a server does in threads, since it has others to answer meanwhile. */
export type ServerParts = Pick<VaultParts, 'lookUps' | 'verifyPack'>;

/** Makes the store a vault; fine when it is one. `vault-foreign`, and what openVault throws. */
export async function createVault(parts: VaultParts): Promise<SiteVault> {
  const { store, key, reserve = null, ports, minimumAgeMs = 0 } = parts;
  await asProtocol(async () => {
    await createSite({ store, key, reserve }, ports);
    await raiseMinimumAge(store, minimumAgeMs);
  });
  return openVault(parts);
}

/** `vault-missing`, `vault-foreign`, `vault-newer`, `vault-damaged`, `vault-denied`. Writes nothing. */
export async function openVault(parts: VaultParts): Promise<SiteVault> {
  const { ports, store, leases, cache, key, skewMs = 0, reserve = null, release } = parts;
  const { lookUps = new ThreadedLookUps(null), verifyPack = verifyHere } = parts;
  const { twins = storedTwins(store), eraseWaitMs = eraseWaitMsDefault } = parts;
  const marker = await asProtocol(() => readMarker(store));
  const minimumAgeMs = (): Promise<number> => readMinimumAge(store);
  const context = { ports, store, leases, cache, key, marker, skewMs, minimumAgeMs, eraseWaitMs, lookUps, verifyPack, twins };
  return new SiteVault(context, { reserve, release });
}

interface Housekeeping {
  readonly reserve: Reserve | null;
  readonly release: (() => Promise<void>) | undefined;
}

export class SiteVault implements Vault {
  readonly #context: VaultContext;
  readonly #housekeeping: Housekeeping;
  readonly #customers: Customers;

  /** Only createVault and openVault make one. */
  constructor(context: VaultContext, housekeeping: Housekeeping) {
    this.#context = context;
    this.#housekeeping = housekeeping;
    this.#customers = new Customers(context.store, context.ports.clock);
  }

  /** The sites that keep the same safes. */
  get twins(): Twins {
    return this.#context.twins;
  }

  /** Nothing younger is retired or deleted, whoever asks. */
  minimumAgeMs(): Promise<number> {
    return asProtocol(() => this.#context.minimumAgeMs());
  }

  site(): Promise<SiteInfo> {
    return asProtocol(async () => {
      const { marker, ports, store } = this.#context;
      const generation = await readGeneration(store);
      return { site: marker.site, publicKey: marker.publicKey, generation, nowMs: ports.clock.nowMs() };
    });
  }

  safes(): Promise<readonly SafeSummary[]> {
    return asProtocol(() => listSafes(this.#context));
  }

  createSafe(safe: NewSafe, options: CreateOptions = {}): Promise<void> {
    return asProtocol(async () => {
      const id = await createSafe(this.#context, safe, options);
      this.#customers.forget(new SafeLayout(id));
    });
  }

  /**
   * Whose share of the site a safe uses, which need not be there; its own id, hexadecimal, when it is a customer of its own. What another node changed
   * shows after half a minute.
   */
  customerOf(safe: SafeId): Promise<string> {
    return asProtocol(() => this.#customers.of(new SafeLayout(safe)));
  }

  /** Who the safe belongs to from now on, whoever that was; durable when it resolves. Home decides on that: `not-home`, `safe-unknown`. */
  assignCustomer(safe: SafeId, customer: string): Promise<void> {
    return asProtocol(async () => {
      await this.#demandSafe(safe);
      await demandHome(this.#parts(safe));
      await this.#noteCustomer(safe, customer);
    });
  }

  /** What the home of the safe says of it, on a site that follows that. */
  followCustomer(safe: SafeId, customer: string): Promise<void> {
    return asProtocol(async () => {
      if ((await this.customerOf(safe)) === customer || !(await this.#hasSafe(safe))) return;
      if (!(await isHome(this.#parts(safe)))) await this.#noteCustomer(safe, customer);
    });
  }

  /** For a disk that travels: the safe as given, with no key slots where none are; entries and slots that it lacks are added. `ledger-conflict`, codes of format. */
  placeSafe(safe: NewSafe): Promise<SiteSafe> {
    return asProtocol(async () => {
      const { safe: id } = parseSafeDescriptor(safe.descriptor);
      await placeSafe(this.#parts(id), safe);
      return new SiteSafe(this.#parts(id));
    });
  }

  openSafe(safe: SafeId): Promise<SiteSafe> {
    return asProtocol(async () => {
      await this.#demandSafe(safe);
      return new SiteSafe(this.#parts(safe));
    });
  }

  /** Findings about the vault or one safe; see check.ts. Writes nothing but the cache unless `setAside` is on. */
  check(options: CheckOptions = {}): Promise<CheckReport> {
    return asProtocol(() => checkVault(this.#context, options, (safe) => this.#parts(safe)));
  }

  /** Retention and clean-up of one safe; see clean.ts. `vault-busy`, `clean-stopped`, `vault-damaged`, `safe-unknown`. */
  clean(safe: SafeId, options: CleanOptions = {}): Promise<CleanReport> {
    return asProtocol(async () => {
      await this.#demandSafe(safe);
      const report = await this.#cleanWithRoom(safe, options);
      if (options.dryRun !== true) await sweepVault(this.#context);
      return report;
    });
  }

  /** Carries out the erase orders of a safe that are due; see erases/erase.ts. `vault-busy`, `safe-unknown`. */
  erase(safe: SafeId, options: EraseOptions = {}): Promise<readonly ErasedOrder[]> {
    return asProtocol(async () => {
      await this.#demandSafe(safe);
      return eraseSafe(this.#parts(safe), options);
    });
  }

  /** Makes caches and generation anew; see rebuild.ts. `vault-busy`. */
  rebuild(options: RebuildOptions = {}): Promise<RebuildReport> {
    return asProtocol(() => rebuildVault(this.#context, options, (safe) => this.#parts(safe)));
  }

  /** Takes in what a source has of a safe and this site lacks, and makes the safe where it is new; see take-in.ts. */
  takeIn(safe: SafeId, options: TakeInOptions): Promise<TakeInReport> {
    return asProtocol(async () => {
      const parts = this.#parts(safe);
      if (!(await this.#hasSafe(safe))) {
        const made = await beginSafe(parts.context, options.source);
        await options.announce?.(made);
      }
      return takeIn(parts, options);
    });
  }

  /** One object of a safe from a source, whatever its feed says; `safe-unknown`, and what takeObject throws. */
  takeObject(safe: SafeId, options: TakeInOptions, name: TwinObjectName): Promise<'taken' | 'present' | 'gone'> {
    return asProtocol(async () => {
      await this.#demandSafe(safe);
      return takeObject(this.#parts(safe), options, name);
    });
  }

  /** The twins from now on: durable when it resolves. */
  nameTwins(sites: readonly TwinSite[]): Promise<void> {
    return asProtocol(() => writeTwinSites(this.#context.store, sites));
  }

  /** What was told last by `tellLife`; null where nothing was. */
  life(): Promise<string | null> {
    return asProtocol(async () => {
      const bytes = await this.#context.store.get(lifeName, noteBytesMax);
      const note = bytes === null ? null : decodeNote(bytes);
      return note && noteText(note, 'life');
    });
  }

  /** Durable when it resolves: care/life.ts. */
  tellLife(life: string): Promise<void> {
    return asProtocol(() => this.#context.store.replace(lifeName, [encodeNote({ life })]));
  }

  /** How far a twin's feed of a safe was taken in; null where it was not. */
  twinProgress(safe: SafeId, twin: SiteId): Promise<TwinProgress | null> {
    return asProtocol(() => readTwinProgress(this.#context.store, safe, twin));
  }

  tellTwinProgress(safe: SafeId, twin: SiteId, progress: TwinProgress): Promise<void> {
    return asProtocol(() => writeTwinProgress(this.#context.store, { safe, twin }, progress));
  }

  /** For features of this package that look after a safe; `safe-unknown`. */
  partsOf(safe: SafeId): Promise<SafeParts> {
    return asProtocol(async () => {
      await this.#demandSafe(safe);
      return this.#parts(safe);
    });
  }

  /** One row for each safe, in order of their ids. */
  stats(): Promise<readonly SafeStats[]> {
    return asProtocol(async () => {
      const rows: SafeStats[] = [];
      for (const safe of await safeIds(this.#context)) rows.push(await safeStats(this.#parts(safe)));
      return rows;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { release } = this.#housekeeping;
    if (release !== undefined) await asProtocol(release).catch(() => undefined);
  }

  /** Clean-up has to work on a disk that is full: reserve and caches give it the room that it needs to begin. */
  async #cleanWithRoom(safe: SafeId, options: CleanOptions): Promise<CleanReport> {
    const { reserve } = this.#housekeeping;
    try {
      return await cleanSafe(this.#parts(safe), options);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'vault-full' || options.dryRun === true) throw error;
      await reserve?.spend();
      await this.#context.cache.clear(cacheFolder);
      const report = await cleanSafe(this.#parts(safe), options);
      await reserve?.fill().catch(() => undefined);
      return report;
    }
  }

  #parts(safe: SafeId): SafeParts {
    return safeParts(safeContext(this.#context, safe));
  }

  async #noteCustomer(safe: SafeId, customer: string): Promise<void> {
    const { context } = this.#parts(safe);
    await writeCustomer(context, customer);
    this.#customers.forget(context.layout);
  }

  async #hasSafe(safe: SafeId): Promise<boolean> {
    return (await this.#context.store.stat(new SafeLayout(safe).descriptor)) !== null;
  }

  async #demandSafe(safe: SafeId): Promise<void> {
    if (!(await this.#hasSafe(safe))) throw new ProtocolError('safe-unknown', { context: { safe: toHex(safe) } });
  }
}
