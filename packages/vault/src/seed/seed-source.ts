/*
 * A seed disk as what a site takes a safe in from: exactly the objects of the manifest, in the order of its list.
 *
 * Positions are places in the list, and the generation is of its digest: another manifest makes them void.
 */

import { ProtocolError, feedPageMax } from '@twinvault/protocol';
import type { AskedObject, SiteInfo, TwinEvent, TwinFeedPage, TwinSafe, TwinSource } from '@twinvault/protocol';
import { siteId } from '@twinvault/format';
import type { SafeId, SiteId } from '@twinvault/format';
import { equalBytes } from '@twinvault/std';
import { readTwinObject } from '../twins/read-object.ts';
import { onDisk } from './seed-disk.ts';
import type { SeedContents, SeedDisk } from './seed-disk.ts';

/** The disk stays the caller's. `home`: of the safe, as the site knows it that takes it in. */
export function seedSource(disk: SeedDisk, contents: SeedContents, home: SiteId): TwinSource {
  return new SeedSource(disk, contents, home);
}

class SeedSource implements TwinSource {
  readonly #disk: SeedDisk;
  readonly #contents: SeedContents;
  readonly #home: SiteId;
  readonly #events: readonly TwinEvent[];

  constructor(disk: SeedDisk, contents: SeedContents, home: SiteId) {
    this.#disk = disk;
    this.#contents = contents;
    this.#home = siteId(home);
    this.#events = contents.objects.flatMap(({ kind, name, bytes }, index) =>
      kind === 'descriptor' ? [] : [{ position: index + 1, kind, name, bytes }],
    );
  }

  site(): Promise<SiteInfo> {
    return this.#disk.vault.site();
  }

  safes(): Promise<readonly TwinSafe[]> {
    return Promise.resolve([{ safe: this.#contents.manifest.safe, home: this.#home }]);
  }

  async descriptor(safe: SafeId): Promise<Uint8Array> {
    this.#demandOwn(safe);
    return (await this.#disk.vault.openSafe(safe)).descriptor();
  }

  async feed(safe: SafeId, { after }: { readonly after: number }): Promise<TwinFeedPage> {
    this.#demandOwn(safe);
    const from = this.#events.findIndex(({ position }) => position > after);
    const events = from < 0 ? [] : this.#events.slice(from, from + feedPageMax);
    const { nowMs } = await this.#disk.vault.site();
    return {
      generation: this.#contents.manifest.digest.slice(0, 16),
      events,
      next: events.at(-1)?.position ?? after,
      last: this.#events.at(-1)?.position ?? 0,
      nowMs,
    };
  }

  async object(safe: SafeId, asked: AskedObject): Promise<Uint8Array | null> {
    this.#demandOwn(safe);
    const { context } = await this.#disk.vault.partsOf(safe);
    return onDisk(this.#disk.path, () => readTwinObject(context, asked));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #demandOwn(safe: SafeId): void {
    if (!equalBytes(safe, this.#contents.manifest.safe)) throw new ProtocolError('safe-unknown');
  }
}
