/*
 * Small files laid end to end (docs/format/cutting.md, "Bundles of small files"). A file is read straight into the bundle's
 * buffer and taken or dropped afterwards, so that a file that changed while it was read leaves nothing behind.
 */
import { assert } from '@twinvault/std';
import type { SecretKey } from '@twinvault/std';
import { bundleBytesMax, bundleBytesMin, bundledBytesMax, bundleTag, endsBundle } from '@twinvault/seal';
import { copiedBytesMin } from '../dedup/bundled-files.ts';
import type { BundledFiles } from '../dedup/bundled-files.ts';

/** Where a file lies in its bundle; `id` and `bundleBytes` are set when the bundle ends. */
export interface BundlePlace {
  id: Uint8Array | null;
  bundleBytes: number;
  readonly offsetBytes: number;
}

interface NewPlace extends BundlePlace {
  /** Null: too small to be worth being found again. */
  readonly tag: Uint8Array | null;
}

export class Bundler {
  readonly buffer: Uint8Array = new Uint8Array(bundleBytesMax + bundledBytesMax);
  private readonly key: SecretKey;
  private readonly store: (plaintext: Uint8Array) => Uint8Array;
  private readonly bundled: BundledFiles;
  private used = 0;
  private places: NewPlace[] = [];

  /** `store` gives the chunk id. */
  constructor(key: SecretKey, store: (plaintext: Uint8Array) => Uint8Array, bundled: BundledFiles) {
    this.key = key;
    this.store = store;
    this.bundled = bundled;
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

  /** Takes the file that was read to where `begin` said; a copy of one that the run has bundled is dropped, and lies where that one does. */
  take(lengthBytes: number, tag: Uint8Array): BundlePlace {
    const mayComeAgain = lengthBytes >= copiedBytesMin;
    const copied = mayComeAgain ? this.bundled.find(tag) : null;
    if (copied !== null) return copied;
    const place: NewPlace = { id: null, bundleBytes: 0, offsetBytes: this.used, tag: mayComeAgain ? tag : null };
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
      if (place.tag !== null) this.bundled.add(place.tag, { id, bundleBytes: this.used, offsetBytes: place.offsetBytes });
    }
    this.places = [];
    this.used = 0;
  }
}
