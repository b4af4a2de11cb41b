/*
 * The dedup index: one open-addressing hash table in shared memory, from chunk id to the origin (pack number, position) of
 * its blob. The main thread fills it from the site's live list; every worker asks it, claims in it, and settles its claims.
 *
 * Slot, 24 bytes, six i32 words:
 *
 *   word 0   state: 0 empty, 1 being written, 2 claimed (a worker stores the chunk; its place is not known yet),
 *            else pack number + 3
 *   word 1   position in the origin pack (low 16 bits) | how much of it that catalog uses, where that is counted (15 bits) |
 *            marked (bit 31): the catalog being written uses the chunk
 *   word 2-5 the first 16 bytes of the chunk id
 *
 * Invariants: a slot once taken never moves and never changes its id; word 0 goes 0 -> 1 -> (2 | place) -> place, never
 * back; so a reader needs no lock. An id cut to 16 bytes is still the output of an HMAC: two chunks that agree in them are
 * out of reach. The first generation is made for as many chunks as the last run knew. When one is as full as it shall be,
 * the main thread adds another, half as large as all before together; a worker that has not heard of it yet at worst stores
 * one chunk twice. 35 to 48 bytes a chunk in all, of which 1 TiB has a million at the mean chunk.
 */
import { assert } from '@twinvault/std';

const wordsPerSlot = 6;
const slotsMin = 1 << 16;
/** Of one generation: 1.5 GiB, when there are more than 100 TiB of data at the mean chunk. */
const slotsMax = 1 << 26;
/** A generation that is fuller gives way to the next; the rest is for what workers add before they hear of it. */
const fullShare = 3 / 4;
/** A new generation's slots, as a share of those of all before. */
const growthShare = 1 / 2;
/** Room for what a run may add to what was expected. */
const spareShare = 1 / 10;

const stateEmpty = 0;
const stateWriting = 1;
const stateClaimed = 2;
const statePlaced = 3;
const positionMask = 0xffff;
const markBit = 0x80000000 | 0;
const shareShift = 16;
/** A whole chunk, in the unit in which its use is counted; files that share an extent may use more. */
export const wholeShare = 0x3fff;
const shareMax = 0x7fff;

const controlPacks = 0;
const controlAborted = 1;
const controlWords = 4;

/** What a worker needs to join: plain shared buffers. */
export interface SharedChunkTable {
  readonly control: SharedArrayBuffer;
  readonly generations: readonly SharedArrayBuffer[];
}

export interface UsedChunk {
  /** The first 16 bytes. */
  readonly id: Uint8Array;
  /** Of `wholeShare`; 1 at least. */
  readonly share: number;
}

export interface ChunkPlace {
  readonly pack: number;
  readonly position: number;
}

/** One fixed-size hash table. Words 0 and 1 of the buffer: number of slots, number of slots taken. */
class Generation {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly slots: number;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.slots = (this.words.length - 2) / wordsPerSlot;
  }

  static create(slots: number): Generation {
    const generation = new Generation(new SharedArrayBuffer(4 * (2 + slots * wordsPerSlot)));
    generation.words[0] = slots;
    return generation;
  }

  get taken(): number {
    return Atomics.load(this.words, 1);
  }

  get isFull(): boolean {
    return this.taken >= fullShare * this.slots;
  }

  /** Where the search for a key begins. */
  private first(key: Int32Array): number {
    return Math.floor((((key[0] ?? 0) >>> 0) / 0x1_0000_0000) * this.slots);
  }

  private next(index: number): number {
    return index + 1 === this.slots ? 0 : index + 1;
  }

  /** Word offset of the slot that holds the key; -1 when it is not there. */
  find(key: Int32Array): number {
    for (let index = this.first(key); ; index = this.next(index)) {
      const at = 2 + index * wordsPerSlot;
      if (this.settledState(at) === stateEmpty) return -1;
      if (this.holds(at, key)) return at;
    }
  }

  /** Word offset of a slot that this call took for the key, in state claimed; -1 - offset when the key was there. */
  take(key: Int32Array): number {
    for (let index = this.first(key); ; index = this.next(index)) {
      const at = 2 + index * wordsPerSlot;
      if (this.settledState(at) === stateEmpty) {
        if (Atomics.compareExchange(this.words, at, stateEmpty, stateWriting) === stateEmpty) {
          this.write(at, key);
          return at;
        }
        this.settledState(at);
      }
      if (this.holds(at, key)) return -1 - at;
    }
  }

  private write(at: number, key: Int32Array): void {
    this.words.set(key, at + 2);
    Atomics.store(this.words, at, stateClaimed);
    const taken = Atomics.add(this.words, 1, 1);
    assert(taken + 2 < this.slots, 'a generation is never filled: the main thread grows the table in time');
  }

  /** Waits out another thread's few stores. */
  private settledState(at: number): number {
    let state = Atomics.load(this.words, at);
    while (state === stateWriting) state = Atomics.load(this.words, at);
    return state;
  }

  private holds(at: number, key: Int32Array): boolean {
    const { words } = this;
    return words[at + 2] === key[0] && words[at + 3] === key[1] && words[at + 4] === key[2] && words[at + 5] === key[3];
  }
}

function slotsWithin(wanted: number): number {
  return Math.min(Math.max(slotsMin, Math.ceil(wanted)), slotsMax);
}

export class ChunkTable {
  private readonly control: Int32Array;
  private readonly controlBuffer: SharedArrayBuffer;
  private generations: Generation[];
  private readonly key = new Int32Array(4);

  private constructor(control: SharedArrayBuffer, generations: Generation[]) {
    this.controlBuffer = control;
    this.control = new Int32Array(control);
    this.generations = generations;
  }

  /** `expected`: chunks that there will be; more cost more. */
  static create(expected = 0): ChunkTable {
    const slots = Math.ceil((expected * (1 + spareShare)) / fullShare);
    return new ChunkTable(new SharedArrayBuffer(4 * controlWords), [Generation.create(slotsWithin(slots))]);
  }

  static attach(shared: SharedChunkTable): ChunkTable {
    return new ChunkTable(
      shared.control,
      shared.generations.map((buffer) => new Generation(buffer)),
    );
  }

  get shared(): SharedChunkTable {
    return { control: this.controlBuffer, generations: this.generations.map(({ buffer }) => buffer) };
  }

  get count(): number {
    return this.generations.reduce((sum, { taken }) => sum + taken, 0);
  }

  /** A known chunk, before workers attach. The first place of an id counts; later copies are ignored. */
  addLive(id: Uint8Array, pack: number, position: number): void {
    assert(position <= positionMask, 'positions are below packRowsMax');
    assert(this.generations.length === 1, 'the live list is loaded before the table grows');
    let generation = this.newest();
    if (generation.isFull) generation = this.rebuild(slotsWithin(generation.slots * (1 + growthShare)));
    const at = generation.take(this.keyOf(id));
    if (at < 0) return;
    generation.words[at + 1] = position;
    generation.words[at] = pack + statePlaced;
  }

  /** One generation is asked faster than several. */
  private rebuild(slots: number): Generation {
    const old = this.newest();
    const fresh = Generation.create(slots);
    for (let at = 2; at < old.words.length; at += wordsPerSlot) {
      if (old.words[at] === stateEmpty) continue;
      const to = fresh.take(old.words.subarray(at + 2, at + 6));
      assert(to >= 0, 'ids are there once');
      fresh.words[to + 1] = old.words[at + 1] ?? 0;
      fresh.words[to] = old.words[at] ?? 0;
    }
    this.generations = [fresh];
    return fresh;
  }

  /** Main thread: a new generation to be told to every worker, or null while the newest has room. */
  growIfNeeded(): SharedArrayBuffer | null {
    if (!this.newest().isFull) return null;
    const slots = this.generations.reduce((sum, generation) => sum + generation.slots, 0);
    const generation = Generation.create(slotsWithin(slots * growthShare));
    this.generations.push(generation);
    return generation.buffer;
  }

  adopt(buffer: SharedArrayBuffer): void {
    if (this.generations.some((generation) => generation.buffer === buffer)) return;
    this.generations.push(new Generation(buffer));
  }

  has(id: Uint8Array): boolean {
    const key = this.keyOf(id);
    for (const generation of this.generations) if (generation.find(key) >= 0) return true;
    return false;
  }

  /** True: the caller has to store the chunk and to `settle` it; nobody else will. False: it is known or claimed. */
  claim(id: Uint8Array): boolean {
    const key = this.keyOf(id);
    return !this.isBefore(key) && this.newest().take(key) >= 0;
  }

  /** In a generation before the newest. */
  private isBefore(key: Int32Array): boolean {
    for (let index = 0; index < this.generations.length - 1; index += 1) {
      if ((this.generations[index]?.find(key) ?? -1) >= 0) return true;
    }
    return false;
  }

  /** The place of a claimed chunk. */
  settle(id: Uint8Array, place: ChunkPlace): void {
    assert(place.position <= positionMask, 'positions are below packRowsMax');
    const key = this.keyOf(id);
    for (const generation of this.generations) {
      const at = generation.find(key);
      if (at < 0) continue;
      Atomics.or(generation.words, at + 1, place.position);
      Atomics.store(generation.words, at, place.pack + statePlaced);
      return;
    }
    assert(false, 'only a claimed chunk is settled');
  }

  /** The catalog being written uses the chunk. False when it is neither known nor claimed: nothing may refer to it. */
  mark(id: Uint8Array): boolean {
    const key = this.keyOf(id);
    for (const generation of this.generations) {
      const at = generation.find(key);
      if (at < 0) continue;
      Atomics.or(generation.words, at + 1, markBit);
      return true;
    }
    return false;
  }

  /**
   * Main thread: marks the chunk, and counts that the catalog being written uses so much more of it: `share` of `wholeShare`, 1 at least. True
   * when nothing of it was counted before.
   */
  use(id: Uint8Array, share: number): boolean {
    const key = this.keyOf(id);
    for (const generation of this.generations) {
      const at = generation.find(key);
      if (at < 0) continue;
      const before = (Atomics.or(generation.words, at + 1, markBit) >>> shareShift) & shareMax;
      // Nobody else changes these bits: a worker that settles the chunk sets others.
      Atomics.add(generation.words, at + 1, Math.min(share, shareMax - before) << shareShift);
      return before === 0;
    }
    assert(false, 'a chunk is known before its use is counted');
  }

  /** Main thread: marked chunks of which something is counted, but less than `shareMin` of `wholeShare`; not more than `countMax`. */
  *worn(shareMin: number, countMax: number): Iterable<UsedChunk> {
    let count = 0;
    for (const { words } of this.generations) {
      for (let at = 2; at < words.length && count < countMax; at += wordsPerSlot) {
        const second = words[at + 1] ?? 0;
        const share = (second >>> shareShift) & shareMax;
        if (share === 0 || share >= shareMin || (second & markBit) === 0) continue;
        count += 1;
        yield { id: new Uint8Array(words.slice(at + 2, at + wordsPerSlot).buffer), share };
      }
    }
  }

  /** Places of all marked chunks, by pack and position: refs are gathered pack by pack. Every claim must be settled by then. */
  *marked(): Iterable<ChunkPlace> {
    const places = new Float64Array(this.countMarked());
    let count = 0;
    for (const { words } of this.generations) {
      for (let at = 2; at < words.length; at += wordsPerSlot) {
        const second = words[at + 1] ?? 0;
        if ((second & markBit) === 0) continue;
        const state = words[at] ?? 0;
        assert(state >= statePlaced, 'a chunk that the catalog uses was stored');
        places[count++] = (state - statePlaced) * (positionMask + 1) + (second & positionMask);
      }
    }
    for (const place of places.sort()) {
      yield { pack: Math.floor(place / (positionMask + 1)), position: place & positionMask };
    }
  }

  private countMarked(): number {
    let count = 0;
    for (const { words } of this.generations) {
      for (let at = 2; at < words.length; at += wordsPerSlot) if (((words[at + 1] ?? 0) & markBit) !== 0) count += 1;
    }
    return count;
  }

  /** Numbers count up from 0 over all threads. */
  newPackNumber(): number {
    return Atomics.add(this.control, controlPacks, 1);
  }

  /** Asks every thread to stop at its next chunk. */
  abort(): void {
    Atomics.store(this.control, controlAborted, 1);
  }

  get aborted(): boolean {
    return Atomics.load(this.control, controlAborted) === 1;
  }

  private newest(): Generation {
    const newest = this.generations.at(-1);
    assert(newest !== undefined, 'there is always a generation');
    return newest;
  }

  private keyOf(id: Uint8Array): Int32Array {
    assert(id.length === 32, 'a chunk id has 32 bytes');
    const { key } = this;
    for (let word = 0, at = 0; word < 4; word += 1, at += 4) {
      key[word] = (id[at] ?? 0) | ((id[at + 1] ?? 0) << 8) | ((id[at + 2] ?? 0) << 16) | ((id[at + 3] ?? 0) << 24);
    }
    return key;
  }
}
