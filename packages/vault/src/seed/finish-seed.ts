/* The end of a seed: its list is made from what lies on the disk, and the manifest signed over it. */

import { encodeSeedList, encodeSeedManifest, parseSeedManifest } from '@twinvault/format';
import type { SafeId, SeedManifest, Sign } from '@twinvault/format';
import { signerOf } from '../context.ts';
import { seedContents } from './seed-contents.ts';
import { onDisk } from './seed-disk.ts';
import type { SeedDisk } from './seed-disk.ts';

export interface SeedMaker {
  /** Id of a certificate of the safe. */
  readonly certificate: Uint8Array;
  /** With the certificate's key. */
  readonly sign: Sign;
}

/** A load is signed by the computer, a restore by the site on the disk. `seed-full`, `seed-away`; `origin-missing` when packs are missing. */
export function finishLoad(disk: SeedDisk, safe: SafeId, { certificate, sign }: SeedMaker): Promise<SeedManifest> {
  return finish(disk, safe, { maker: certificate, sign });
}

/** `records`: hexadecimal, those that belong to it. As finishLoad. */
export async function finishRestore(disk: SeedDisk, safe: SafeId, records: ReadonlySet<string>): Promise<SeedManifest> {
  const { context } = await disk.vault.partsOf(safe);
  return finish(disk, safe, { maker: context.marker.site, sign: await signerOf(context), records });
}

interface Signer {
  readonly maker: Uint8Array;
  readonly sign: Sign;
  readonly records?: ReadonlySet<string>;
}

function finish(disk: SeedDisk, safe: SafeId, { maker, sign, records }: Signer): Promise<SeedManifest> {
  const { purpose } = disk;
  return onDisk(disk.path, async () => {
    const parts = await disk.vault.partsOf(safe);
    const list = encodeSeedList(await seedContents(parts, purpose, records));
    const createdMs = parts.context.ports.clock.nowMs();
    const manifest = encodeSeedManifest({ safe, purpose, maker, createdMs, list }, sign);
    await disk.finish(safe, { list, manifest });
    return parseSeedManifest(manifest);
  });
}
