/* From an entry's body to what the catalog says of it. */
import { chunkId } from '@twinvault/format';
import type { CatalogEntry, Extent, Place } from '@twinvault/seal';
import { BodyView, marks } from '../entries/entry-body.ts';
import { DetailsDecoder } from '../entries/entry-details.ts';
import { entryTypes } from '../source-port.ts';
import type { EntryStat } from '../source-port.ts';

/** Takes the entries of one list, one after another. */
export class CatalogEntries {
  readonly #view = new BodyView();
  readonly #details = new DetailsDecoder();

  /** Bytes in the entry are views of the body, of the directory and of the name. */
  entry(place: Place, body: Uint8Array): CatalogEntry {
    return catalogEntry(place, this.#view.over(body), this.#details);
  }
}

function catalogEntry({ directory, name }: Place, view: BodyView, decoder: DetailsDecoder): CatalogEntry {
  const { type, marks: set } = view;
  const { user, group, linkTarget, xattrs, acls } = decoder.decode(view.details);
  const isFile = type === entryTypes.file;
  const isDevice = type === entryTypes.character || type === entryTypes.block;
  const isLinked = type !== entryTypes.directory && view.linkCount > 1;
  return {
    directory,
    name,
    type,
    mode: view.mode,
    uid: view.uid,
    gid: view.gid,
    mtimeSeconds: view.mtimeSeconds,
    mtimeNanos: view.mtimeNanos,
    sizeBytes: isFile ? view.sizeBytes : 0,
    extents: isFile ? extentsOf(view) : [],
    user,
    group,
    link: linkTarget,
    device: isDevice ? deviceOf(view.stat()) : null,
    hardlink: isLinked ? inodeOf(view.stat()) : null,
    xattrs,
    acls,
    carried: (set & marks.carried) === 0 ? null : view.carried,
    torn: (set & marks.torn) !== 0,
    unread: (set & marks.unread) !== 0,
  };
}

function deviceOf({ deviceMajor, deviceMinor }: EntryStat): { major: number; minor: number } {
  return { major: deviceMajor, minor: deviceMinor };
}

function inodeOf({ device, inode }: EntryStat): { device: number; inode: number | string } {
  return { device, inode };
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
