/*
 * An open vault as a source to take safes in from: a disk with a seed, or the other site when its directory can be reached. It has no feed of its own, so
 * the objects are listed, in an order in which each can be verified when it is met; what came since is listed after them.
 *
 * Positions hold as long as this source does: each has a generation of its own.
 */

import type { SafeId, SiteId } from '@twinvault/format';
import { feedPageMax } from '@twinvault/protocol';
import type { AskedObject, TwinEvent, TwinFeedPage, TwinSafe, TwinSource, SiteInfo } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { Random } from '@twinvault/std';
import { objectKinds, statObjects, storedNames } from '../care/stored-objects.ts';
import { homeOf } from '../homes/homes.ts';
import type { SiteVault } from '../site-vault.ts';
import { asProtocol } from '../store/vault-files.ts';
import { readTwinObject } from './read-object.ts';

/** The vault stays the caller's. */
export function vaultTwinSource(vault: SiteVault, random: Random): TwinSource {
  return new VaultTwinSource(vault, random);
}

interface Listed {
  readonly events: TwinEvent[];
  readonly known: Set<string>;
}

class VaultTwinSource implements TwinSource {
  readonly #vault: SiteVault;
  readonly #generation: Uint8Array;
  readonly #listed = new Map<string, Listed>();

  constructor(vault: SiteVault, random: Random) {
    this.#vault = vault;
    this.#generation = random.bytes(16);
  }

  site(): Promise<SiteInfo> {
    return this.#vault.site();
  }

  async safes(): Promise<readonly TwinSafe[]> {
    const safes = await this.#vault.safes();
    return Promise.all(
      safes.map(async ({ safe, customer }) => ({
        safe,
        home: await this.#homeOf(safe),
        ...(customer === undefined ? {} : { customer }),
      })),
    );
  }

  async descriptor(safe: SafeId): Promise<Uint8Array> {
    return (await this.#vault.openSafe(safe)).descriptor();
  }

  /** Does not wait: whoever changes the vault meanwhile is found by asking again. */
  async feed(safe: SafeId, { after }: { readonly after: number }): Promise<TwinFeedPage> {
    const hex = toHex(safe);
    const listed = this.#listed.get(hex) ?? { events: [], known: new Set<string>() };
    this.#listed.set(hex, listed);
    // A page that is not full may be the last.
    if (after + feedPageMax > listed.events.length) await asProtocol(() => this.#list(safe, listed));
    const events = listed.events.slice(after, after + feedPageMax);
    const { nowMs } = await this.#vault.site();
    return {
      generation: this.#generation,
      events,
      next: events.at(-1)?.position ?? after,
      last: listed.events.length,
      nowMs,
    };
  }

  async object(safe: SafeId, asked: AskedObject): Promise<Uint8Array | null> {
    const { context } = await this.#vault.partsOf(safe);
    return asProtocol(() => readTwinObject(context, asked));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #homeOf(safe: SafeId): Promise<SiteId> {
    const parts = await this.#vault.partsOf(safe);
    return asProtocol(() => homeOf(parts));
  }

  async #list(safe: SafeId, { events, known }: Listed): Promise<void> {
    const { context } = await this.#vault.partsOf(safe);
    for (const kind of objectKinds) {
      const names = (await storedNames(context, kind)).filter((name) => !known.has(`${kind} ${name}`));
      const objects = await statObjects(context, kind, names);
      for (const { name, bytes } of kind === 'ledger' ? objects.toSorted(byName) : objects) {
        known.add(`${kind} ${name}`);
        events.push({ position: events.length + 1, kind, name, bytes });
      }
    }
  }
}

/** Ledger entries of one making may all have the same time. */
function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
