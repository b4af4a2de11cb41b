/* From an entry's body to what the catalog says of it. */
import { chunkId } from '@twinvault/format';
import type { CatalogEntry, Extent } from '@twinvault/seal';
import { BodyView, marks } from '../entries/entry-body.ts';
import { decodeDetails } from '../entries/entry-details.ts';
import { entryTypes } from '../source-port.ts';

/** Bytes in the entry are views of the body, of the directory and of the name. */
export function catalogEntry(directory: Uint8Array, name: Uint8Array, body: Uint8Array): CatalogEntry {
  const view = new BodyView(body);
  const stat = view.stat();
  const { user, group, linkTarget, xattrs, acls } = decodeDetails(view.details);
  const isFile = stat.type === entryTypes.file;
  const isDevice = stat.type === entryTypes.character || stat.type === entryTypes.block;
  const isLinked = stat.type !== entryTypes.directory && stat.linkCount > 1;
  return {
    directory,
    name,
    type: stat.type,
    mode: stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    mtimeSeconds: stat.mtimeSeconds,
    mtimeNanos: stat.mtimeNanos,
    sizeBytes: isFile ? stat.sizeBytes : 0,
    extents: isFile ? extentsOf(view) : [],
    user,
    group,
    link: linkTarget,
    device: isDevice ? { major: stat.deviceMajor, minor: stat.deviceMinor } : null,
    hardlink: isLinked ? { device: stat.device, inode: stat.inode } : null,
    xattrs,
    acls,
    carried: (view.marks & marks.carried) === 0 ? null : view.carried,
    torn: (view.marks & marks.torn) !== 0,
    unread: (view.marks & marks.unread) !== 0,
  };
}

function extentsOf(view: BodyView): Extent[] {
  const extents: Extent[] = [];
  for (let index = 0; index < view.extentCount; index += 1) {
    const id = view.extentId(index);
    extents.push({
      chunk: id === null ? null : chunkId(id),
      offsetBytes: view.extentOffset(index),
      lengthBytes: view.extentLength(index),
    });
  }
  return extents;
}
