/*
 * Reading from two sites: each read goes to the first that serves and, where it fails or lacks the pack, to the other. A lease stands at each, so that what one
 * has is there when the other is lost in the middle.
 */
import { equalBytes, toHex } from '@twinvault/std';
import type { PackName } from '@twinvault/format';
import { ProtocolError } from '../errors.ts';
import type { PackCopy, VaultReading, VaultSafe } from '../vault-port.ts';
import { siteFailure } from './site-failure.ts';
import type { OpenSite, SiteSet } from './site-set.ts';

/** What a reading needs of its safe. */
export interface ReadSafe {
  readonly sites: SiteSet;
  /** The safe at this site; `safe-unknown`. */
  at(site: OpenSite): Promise<VaultSafe>;
}

export class ReadingAtSites implements VaultReading {
  readonly #safe: ReadSafe;
  /** Sites that were not there at the beginning are added when they come. */
  readonly #sites: OpenSite[];
  readonly #readings = new Map<OpenSite, Promise<VaultReading>>();

  constructor(safe: ReadSafe, sites: readonly OpenSite[]) {
    this.#safe = safe;
    this.#sites = [...sites];
  }

  /** At each site that can. Throws when none can. */
  async open(): Promise<void> {
    await this.#safe.sites.every(this.#sites, async (site) => await this.#at(site));
  }

  /** Those that serve come first, so that no other is waited for in vain. */
  get copies(): readonly PackCopy[] {
    const { sites } = this.#safe;
    const order = [...this.#sites.filter((site) => !sites.isAway(site)), ...this.#sites.filter((site) => sites.isAway(site))];
    return order.map((site) => ({
      readPack: async (pack, offsetBytes, lengthBytes) =>
        await this.#of(site, async (reading) => await reading.readPack(pack, offsetBytes, lengthBytes)),
      packSize: async (pack) => await this.#of(site, async (reading) => await reading.packSize(pack)),
      suspect: async (packs) => await this.#of(site, async (reading) => await reading.suspect?.(packs)),
    }));
  }

  async readPack(pack: PackName, offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    return await this.#any(async (reading) => await reading.readPack(pack, offsetBytes, lengthBytes));
  }

  /** Of the first site that has it. */
  async packSize(pack: PackName): Promise<number | null> {
    try {
      return await this.#any(async (reading) => {
        const sizeBytes = await reading.packSize(pack);
        if (sizeBytes === null) throw new ProtocolError('pack-unknown', { context: { pack: toHex(pack) } });
        return sizeBytes;
      });
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'pack-unknown') return null;
      throw error;
    }
  }

  /** Of both: a pack may be compacted at one and not yet at the other. */
  async holdersOf(origins: readonly PackName[]): Promise<readonly (readonly PackName[])[]> {
    const answers = await this.#every(async (reading) => await reading.holdersOf(origins));
    return origins.map((_, index) => {
      const holders: PackName[] = [];
      for (const pack of answers.flatMap((answer) => answer[index] ?? [])) {
        if (!holders.some((known) => equalBytes(known, pack))) holders.push(pack);
      }
      return holders;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#readings.values());
    this.#readings.clear();
    await Promise.all(opened.map(async (result) => result.status === 'fulfilled' && (await result.value[Symbol.asyncDispose]())));
  }

  async #of<T>(site: OpenSite, ask: (reading: VaultReading) => Promise<T>): Promise<T> {
    return await this.#safe.sites.any([site], async () => await this.#ask(site, ask));
  }

  async #any<T>(ask: (reading: VaultReading) => Promise<T>): Promise<T> {
    return await this.#safe.sites.any(await this.#serving(), async (site) => await this.#ask(site, ask));
  }

  async #every<T>(ask: (reading: VaultReading) => Promise<T>): Promise<T[]> {
    const answers = await this.#safe.sites.every(await this.#serving(), async (site) => await this.#ask(site, ask));
    return answers.map(({ answer }) => answer);
  }

  /** In the order of the beginning, those that came since after them. */
  async #serving(): Promise<readonly OpenSite[]> {
    const serving = await this.#safe.sites.serving();
    for (const site of serving) if (!this.#sites.includes(site)) this.#sites.push(site);
    return this.#sites.filter((site) => serving.includes(site));
  }

  async #ask<T>(site: OpenSite, ask: (reading: VaultReading) => Promise<T>): Promise<T> {
    const opening = this.#at(site);
    try {
      return await ask(await opening);
    } catch (error) {
      // A lease may be lost with the site: the next read there takes a new one.
      if (siteFailure(error) === 'away' && this.#readings.get(site) === opening) this.#forget(site, opening);
      throw error;
    }
  }

  #at(site: OpenSite): Promise<VaultReading> {
    const opening = this.#readings.get(site) ?? this.#openAt(site);
    this.#readings.set(site, opening);
    return opening;
  }

  async #openAt(site: OpenSite): Promise<VaultReading> {
    return await (await this.#safe.at(site)).openReading();
  }

  #forget(site: OpenSite, opening: Promise<VaultReading>): void {
    this.#readings.delete(site);
    void opening.then(async (reading) => await reading[Symbol.asyncDispose]()).catch(() => undefined);
  }
}
