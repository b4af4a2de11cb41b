/*
 * Small files laid end to end (docs/format/cutting.md, "Bundles of small files"). A file is read straight into the bundle's
 * buffer and taken or dropped afterwards, so that a file that changed while it was read leaves nothing behind.
 */
import { assert } from '@twinvault/std';
import type { SecretKey } from '@twinvault/std';
import { bundleBytesMax, bundleBytesMin, bundledBytesMax, bundleTag, endsBundle } from '@twinvault/seal';

/** Where a file lies in its bundle; `id` and `bundleBytes` are set when the bundle ends. */
export interface BundlePlace {
  id: Uint8Array | null;
  bundleBytes: number;
  readonly offsetBytes: number;
}

export class Bundler {
  readonly buffer: Uint8Array = new Uint8Array(bundleBytesMax + bundledBytesMax);
  private readonly key: SecretKey;
  private readonly store: (plaintext: Uint8Array) => Uint8Array;
  private used = 0;
  private places: BundlePlace[] = [];

  constructor(key: SecretKey, store: (plaintext: Uint8Array) => Uint8Array) {
    this.key = key;
    this.store = store;
  }

  /** Where in `buffer` the next file goes, which is `lengthBytes` long; ends the bundle if it would not fit. */
  begin(lengthBytes: number): number {
    assert(lengthBytes < bundledBytesMax, 'only small files are bundled');
    if (this.used + lengthBytes > bundleBytesMax) this.end();
    return this.used;
  }

  tagOf(lengthBytes: number): Uint8Array {
    return bundleTag(this.key, this.buffer.subarray(this.used, this.used + lengthBytes));
  }

  /** Takes the file that was read to where `begin` said. */
  take(lengthBytes: number, tag: Uint8Array): BundlePlace {
    const place: BundlePlace = { id: null, bundleBytes: 0, offsetBytes: this.used };
    this.places.push(place);
    this.used += lengthBytes;
    if (this.used >= bundleBytesMin && endsBundle(tag)) this.end();
    return place;
  }

  /** Stores what is gathered, so that every place has its id. */
  end(): void {
    if (this.used === 0) return;
    const id = this.store(this.buffer.subarray(0, this.used));
    for (const place of this.places) {
      place.id = id;
      place.bundleBytes = this.used;
    }
    this.places = [];
    this.used = 0;
  }
}
