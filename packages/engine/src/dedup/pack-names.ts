/*
 * Names of packs by the run's numbers for them, and the numbers by name: 32 bytes and an entry of a map for each pack, since
 * a safe of 1 TiB has some 60,000. What is given is copied: names come as views of long lists.
 */
import { assert, equalBytes } from '@twinvault/std';
import { packName } from '@twinvault/format';
import type { PackName } from '@twinvault/format';

const nameBytes = 32;
const packsAtFirst = 1024;

export class PackNames {
  private bytes: Uint8Array = new Uint8Array(packsAtFirst * nameBytes);
  /** By the first six bytes of the name, which is a hash; the next free number after them where that is taken. */
  private readonly numbers = new Map<number, number>();

  set(number: number, name: PackName): void {
    const end = (number + 1) * nameBytes;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.max(end, Math.ceil(this.bytes.length * 1.5)));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes.set(name, number * nameBytes);
  }

  /** A view. */
  nameOf(number: number): PackName {
    const at = number * nameBytes;
    const name = this.bytes.subarray(at, at + nameBytes);
    assert(
      name.some((byte) => byte !== 0),
      'every pack number has a name',
    );
    return packName(name);
  }

  /** The number that this was called for before, or else a new one from `make`. */
  numberOf(name: PackName, make: () => number): number {
    for (let key = keyOf(name); ; key += 1) {
      const known = this.numbers.get(key);
      if (known === undefined) {
        const number = make();
        this.numbers.set(key, number);
        this.set(number, name);
        return number;
      }
      if (equalBytes(this.nameOf(known), name)) return known;
    }
  }
}

function keyOf(name: Uint8Array): number {
  let key = 0;
  for (let index = 0; index < 6; index += 1) key = key * 0x100 + (name[index] ?? 0);
  return key;
}
