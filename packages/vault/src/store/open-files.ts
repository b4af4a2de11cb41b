/*
 * Open files for reading ranges, a bounded number: the one used longest ago is closed when it is not being read any more.
 */

import type { OpenFile } from '@twinvault/std';

interface Slot {
  readonly file: Promise<OpenFile | null>;
  uses: number;
  evicted: boolean;
}

export class OpenFiles implements AsyncDisposable {
  readonly #open: (name: string) => Promise<OpenFile | null>;
  readonly #countMax: number;
  /** The one used last at the end. */
  readonly #slots = new Map<string, Slot>();

  constructor(options: { readonly countMax: number; readonly open: (name: string) => Promise<OpenFile | null> }) {
    this.#open = options.open;
    this.#countMax = options.countMax;
  }

  /** Runs `body` with the file, null when it is missing. A file that is missing or fails to open is tried again the next time. */
  async use<T>(name: string, body: (file: OpenFile | null) => T | Promise<T>): Promise<T> {
    const slot = this.#slots.get(name) ?? { file: this.#open(name), uses: 0, evicted: false };
    this.#slots.delete(name);
    this.#slots.set(name, slot);
    slot.uses += 1;
    try {
      const file = await slot.file;
      if (file === null) this.#forget(name, slot);
      return await body(file);
    } catch (error) {
      this.#forget(name, slot);
      throw error;
    } finally {
      slot.uses -= 1;
      if (slot.evicted && slot.uses === 0) await closeSlot(slot);
      await this.#trim();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const slots = [...this.#slots.values()];
    this.#slots.clear();
    for (const slot of slots) {
      slot.evicted = true;
      if (slot.uses === 0) await closeSlot(slot);
    }
  }

  #forget(name: string, slot: Slot): void {
    if (this.#slots.get(name) === slot) this.#slots.delete(name);
    slot.evicted = true;
  }

  async #trim(): Promise<void> {
    for (const [name, slot] of this.#slots) {
      if (this.#slots.size <= this.#countMax) return;
      this.#forget(name, slot);
      if (slot.uses === 0) await closeSlot(slot);
    }
  }
}

async function closeSlot(slot: Slot): Promise<void> {
  try {
    await (await slot.file)?.[Symbol.asyncDispose]();
  } catch {
    // It failed to open, or to close after everything was read: nothing depends on it.
  }
}
