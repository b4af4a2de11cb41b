/* From a catalog entry to what a target sets. Bytes are copied: an entry's are views that would keep its whole node in memory. */
import type { CatalogEntry, CatalogReader } from '@twinvault/seal';
import type { EntryMetadata } from '../target-port.ts';

export async function metadataOf(catalog: CatalogReader, entry: CatalogEntry): Promise<EntryMetadata> {
  const { acls, xattrs } = await catalog.attributesOf(entry);
  const copied = {
    linkTarget: entry.link?.slice() ?? null,
    xattrs: xattrs.map(({ name, value }) => ({ name: name.slice(), value: value.slice() })),
    acls: acls.map(({ kind, value }) => ({ kind, value: value.slice() })),
  };
  return {
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeSeconds: entry.mtimeSeconds,
    mtimeNanos: entry.mtimeNanos,
    deviceMajor: entry.device?.major ?? 0,
    deviceMinor: entry.device?.minor ?? 0,
    details: { user: entry.user ?? null, group: entry.group ?? null, ...copied },
  };
}
