/*
 * The site's secret key, an Ed25519 seed: a file of its own, readable by its owner alone. In a vault that is a directory it lies there; for
 * objects in a bucket it lies beside the configuration, since whoever keeps the bucket must not be able to sign as the site.
 */

import type { Files } from '@twinvault/std';

const seedBytes = 32;

export interface SiteKey {
  /** Null when there is none, or it is not of its length. */
  read(): Promise<Uint8Array | null>;
  /** False, and nothing changed, when there is one. */
  create(seed: Uint8Array): Promise<boolean>;
}

/** `path`: absolute. */
export function fileSiteKey(files: Files, path: string): SiteKey {
  return {
    read: async () => {
      const seed = await files.read(path, seedBytes);
      return seed?.length === seedBytes ? seed : null;
    },
    create: async (seed) => {
      await files.makeDirectory(path.slice(0, path.lastIndexOf('/')));
      return files.create(path, [seed], { mode: 0o600 });
    },
  };
}
