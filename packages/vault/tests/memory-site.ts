/* A site in memory whose store is no directory: objects, leases and each node's cache lie apart, as with a bucket and a database. */

import { faulty, memoryPlatform, MemoryStore } from '@twinvault/testkit';
import type { FaultOptions, MemoryPlatform } from '@twinvault/testkit';
import { createVault, fileSiteKey, openVault } from '../src/index.ts';
import type { ObjectStore, SiteVault, VaultParts } from '../src/index.ts';
import { FileLeases } from '../src/leases/file-leases.ts';
import { FileTime } from '../src/leases/file-time.ts';
import { FileStore } from '../src/store/file-store.ts';
import { vaultFiles } from '../src/store/vault-files.ts';
import type { Place } from './scenario.ts';

export class MemorySite {
  readonly platform: MemoryPlatform;
  readonly store: ObjectStore;

  constructor(seed: string | number, { locks = false }: { readonly locks?: boolean } = {}) {
    this.platform = memoryPlatform(seed);
    this.store = new MemoryStore({ clock: this.platform.clock, locks });
  }

  /** What one node works with; `store` instead of the site's own, as it looks from there. */
  async node(name: string, store: ObjectStore = this.store): Promise<VaultParts> {
    const { clock, timers, random, files: bare, processes } = this.platform;
    const files = vaultFiles(bare);
    await files.makeDirectory(`/node/${name}`);
    await files.makeDirectory('/leases');
    const time = new FileTime(files, random, '/leases');
    return {
      ports: { clock, timers, random },
      store,
      leases: new FileLeases({ files, time, timers, random, processes, root: '/leases' }),
      cache: new FileStore({ files, random, time, root: `/node/${name}` }),
      key: fileSiteKey(files, '/keys/site.key'),
      release: () => time.close(),
    };
  }

  async create(name: string = 'one', store?: ObjectStore): Promise<SiteVault> {
    return createVault(await this.node(name, store));
  }

  async open(name: string = 'one', store?: ObjectStore): Promise<SiteVault> {
    return openVault(await this.node(name, store));
  }

  /** Where a scenario runs. */
  place(store?: ObjectStore): Place {
    return {
      timers: this.platform.timers,
      create: () => this.create('one', store),
      open: () => this.open('two', store),
    };
  }

  faulty(options: FaultOptions<ObjectStore>): ReturnType<typeof faulty<ObjectStore>> {
    return faulty(this.store, options);
  }
}
