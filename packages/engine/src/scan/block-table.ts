/*
 * Which blocks of the cache may have an entry, by 32 bits of a hash that is never 0. Open addressing over eight bytes a slot; what a hash stands for
 * is for whoever asks to look at.
 */
const fullShare = 3 / 4;

export class BlockTable {
  readonly #hashes: Uint32Array;
  readonly #blocks: Uint32Array;
  #room: number;

  /** For so many entries; further ones are not kept. */
  constructor(entries: number) {
    const slots = Math.ceil(entries / fullShare) + 1;
    this.#hashes = new Uint32Array(slots);
    this.#blocks = new Uint32Array(slots);
    this.#room = Math.floor(slots * fullShare);
  }

  get isFull(): boolean {
    return this.#room === 0;
  }

  add(hash: number, block: number): void {
    if (this.#room === 0) return;
    this.#room -= 1;
    let slot = this.#slotOf(hash);
    while (this.#hashes[slot] !== 0) slot = this.#next(slot);
    this.#hashes[slot] = hash;
    this.#blocks[slot] = block;
  }

  has(hash: number): boolean {
    return !this.blocksOf(hash).next().done;
  }

  *blocksOf(hash: number): Generator<number, void, undefined> {
    for (let slot = this.#slotOf(hash); this.#hashes[slot] !== 0; slot = this.#next(slot)) {
      if (this.#hashes[slot] === hash) yield this.#blocks[slot] ?? 0;
    }
  }

  #slotOf(hash: number): number {
    return Math.floor((hash / 0x1_0000_0000) * this.#hashes.length);
  }

  #next(slot: number): number {
    return slot + 1 === this.#hashes.length ? 0 : slot + 1;
  }
}
