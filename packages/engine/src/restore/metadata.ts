/* From a catalog entry to what a target sets. Bytes are copied: an entry's are views that would keep its whole node in memory. */
import type { Attributes, CatalogEntry, CatalogReader } from '@twinvault/seal';
import type { EntryMetadata } from '../target-port.ts';
import { lossOf } from './losses.ts';

export interface FoundMetadata {
  readonly metadata: EntryMetadata;
  /** What of it cannot be restored; null: nothing. */
  readonly defect: string | null;
}

const noAttributes: Attributes = { acls: [], streams: [], xattrs: [] };

export async function metadataOf(catalog: CatalogReader, entry: CatalogEntry): Promise<FoundMetadata> {
  const { attributes, defect } = await attributesOf(catalog, entry);
  const copied = {
    linkTarget: entry.link?.slice() ?? null,
    xattrs: attributes.xattrs.map(({ name, value }) => ({ name: name.slice(), value: value.slice() })),
    acls: attributes.acls.map(({ kind, value }) => ({ kind, value: value.slice() })),
  };
  const metadata: EntryMetadata = {
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
  return { metadata, defect };
}

/** Attributes out of line may be lost while the entry is not. */
async function attributesOf(
  catalog: CatalogReader,
  entry: CatalogEntry,
): Promise<{ readonly attributes: Attributes; readonly defect: string | null }> {
  try {
    const attributes = await catalog.attributesOf(entry);
    return { attributes, defect: attributes.streams.length > 0 ? 'its named streams are not restored' : null };
  } catch (error) {
    if (lossOf(error) === null) throw error;
    return { attributes: noAttributes, defect: 'its extended attributes and ACLs are damaged or missing in the vault' };
  }
}
