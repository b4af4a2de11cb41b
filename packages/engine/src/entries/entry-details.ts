/*
 * What a listing does not tell of an entry (owners' names, link target, extended attributes, ACLs), as compact bytes inside
 * an entry body: u8 flags, then the fields that the flags name. A private form of the engine.
 *
 *   1 user, 2 group: u8 length | UTF-8        4 link target: u16 length | bytes
 *   8 xattrs: u16 count, each u8 length | name | u32 length | value
 *   16 ACLs: u8 count, each u8 length | kind | u32 length | value
 */
import { ByteReader, utf8Decode, utf8Encode } from '@twinvault/std';
import type { AclPart, EntryDetails, Xattr } from '../source-port.ts';
import type { PackedWriter } from './packed-writer.ts';

const flags = { user: 1, group: 2, link: 4, xattrs: 8, acls: 16 } as const;

export const noDetails: EntryDetails = { user: null, group: null, linkTarget: null, xattrs: [], acls: [] };

/** Appends the details; returns their length in bytes. */
export function writeDetails(writer: PackedWriter, details: EntryDetails): number {
  const start = writer.length;
  const { user, group, linkTarget, xattrs, acls } = details;
  writer.u8(
    (user === null ? 0 : flags.user) |
      (group === null ? 0 : flags.group) |
      (linkTarget === null ? 0 : flags.link) |
      (xattrs.length === 0 ? 0 : flags.xattrs) |
      (acls.length === 0 ? 0 : flags.acls),
  );
  if (user !== null) writeShort(writer, utf8Encode(user));
  if (group !== null) writeShort(writer, utf8Encode(group));
  if (linkTarget !== null) {
    writer.u16(linkTarget.length);
    writer.bytes(linkTarget);
  }
  if (xattrs.length > 0) writer.u16(xattrs.length);
  for (const { name, value } of xattrs) writeNamed(writer, name, value);
  if (acls.length > 0) writer.u8(acls.length);
  for (const { kind, value } of acls) writeNamed(writer, utf8Encode(kind), value);
  return writer.length - start;
}

function writeShort(writer: PackedWriter, bytes: Uint8Array): void {
  writer.u8(Math.min(bytes.length, 255));
  writer.bytes(bytes.subarray(0, 255));
}

function writeNamed(writer: PackedWriter, name: Uint8Array, value: Uint8Array): void {
  writeShort(writer, name);
  writer.u32(value.length);
  writer.bytes(value);
}

export function decodeDetails(bytes: Uint8Array): EntryDetails {
  if (bytes.length === 0) return noDetails;
  const reader = new ByteReader(bytes);
  const present = reader.u8();
  const text = (): string => utf8Decode(reader.bytes(reader.u8())) ?? '';
  const user = (present & flags.user) === 0 ? null : text();
  const group = (present & flags.group) === 0 ? null : text();
  const linkTarget = (present & flags.link) === 0 ? null : reader.bytes(reader.u16());
  const xattrs: Xattr[] = [];
  for (let left = (present & flags.xattrs) === 0 ? 0 : reader.u16(); left > 0; left -= 1) {
    xattrs.push({ name: reader.bytes(reader.u8()), value: reader.bytes(reader.u32()) });
  }
  const acls: AclPart[] = [];
  for (let left = (present & flags.acls) === 0 ? 0 : reader.u8(); left > 0; left -= 1) {
    acls.push({ kind: text(), value: reader.bytes(reader.u32()) });
  }
  return { user, group, linkTarget, xattrs, acls };
}
