/*
 * Directories of which a run left something out, or could not be sure that it did not: the next run lists them again, whatever their times say
 * (decision 0055). Known by 32 bits of a hash of the path: another directory with the same is listed, too, which costs time and nothing else.
 */
import { nameHash } from '../entries/entry-keys.ts';
import { partialDirectoriesMax } from '../state/catalog-cache.ts';

export class PartialDirectories {
  private readonly hashes: Set<number>;

  constructor(hashes: Iterable<number> = []) {
    this.hashes = new Set(hashes);
  }

  /** Components joined by 0x00. */
  add(directory: Uint8Array): void {
    // With one too many they are not kept at all.
    if (this.hashes.size <= partialDirectoriesMax) this.hashes.add(nameHash(directory));
  }

  has(directory: Uint8Array): boolean {
    return this.hashes.size > 0 && this.hashes.has(nameHash(directory));
  }

  /** For the catalog cache; null when there are too many. */
  kept(): Uint32Array | null {
    return this.hashes.size > partialDirectoriesMax ? null : Uint32Array.from(this.hashes);
  }
}
