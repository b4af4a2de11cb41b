/*
 * What became durable goes into the site's inventory, from which the feed is read, before the client hears of it. Announcements that come while one is
 * being written go together with the next: each write waits for the disk, and agents send several packs at once.
 */

import type { Inventory, NewObject } from '../../database/inventory.ts';

interface Batch {
  readonly objects: NewObject[];
  readonly written: Promise<void>;
}

export class Announcements {
  readonly #inventory: Inventory;
  /** By safe: what goes next, while one is under way. */
  readonly #next = new Map<string, Batch>();
  readonly #current = new Map<string, Promise<void>>();
  #listeners = new Set<(safe: string) => void>();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  /** `safe`: hexadecimal. Resolves when they stand in the inventory. */
  announce(safe: string, ...objects: readonly NewObject[]): Promise<void> {
    const waiting = this.#next.get(safe);
    if (waiting !== undefined) {
      waiting.objects.push(...objects);
      return waiting.written;
    }
    const current = this.#current.get(safe);
    if (current === undefined) return this.#write(safe, objects);
    const batch: NewObject[] = [...objects];
    const written = current
      .catch(() => undefined)
      .then(() => {
        this.#next.delete(safe);
        return this.#write(safe, batch);
      });
    this.#next.set(safe, { objects: batch, written });
    return written;
  }

  /** Resolves when something of the safe was announced at this node, or when the signal aborts. */
  changed(safe: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#listeners.delete(heard);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const heard = (announced: string): void => {
        if (announced === safe) end();
      };
      if (signal.aborted) {
        resolve();
        return;
      }
      this.#listeners.add(heard);
      signal.addEventListener('abort', end, { once: true });
    });
  }

  async #write(safe: string, objects: readonly NewObject[]): Promise<void> {
    const write = this.#inventory.announce(safe, objects);
    this.#current.set(safe, write);
    try {
      await write;
    } finally {
      if (this.#current.get(safe) === write) this.#current.delete(safe);
    }
    for (const heard of this.#listeners) heard(safe);
  }
}
