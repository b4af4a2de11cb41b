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
  if (user !== null) writer.shortText(user);
  if (group !== null) writer.shortText(group);
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

function writeNamed(writer: PackedWriter, name: Uint8Array, value: Uint8Array): void {
  writer.shortBytes(name);
  writer.u32(value.length);
  writer.bytes(value);
}

/**
 * Decodes details one after another. Neighbours mostly have the same owner, so the last names are kept and compared as
 * bytes.
 */
export class DetailsDecoder {
  private readonly user = new LastText();
  private readonly group = new LastText();

  /** Byte strings are views of `bytes`. */
  decode(bytes: Uint8Array): EntryDetails {
    const present = bytes[0] ?? 0;
    let at = 1;
    const owner = (flag: number, last: LastText): string | null => {
      if ((present & flag) === 0) return null;
      const length = bytes[at] ?? 0;
      at += 1 + length;
      return last.text(bytes, at - length, at);
    };
    const user = owner(flags.user, this.user);
    const group = owner(flags.group, this.group);
    if ((present & ~(flags.user | flags.group)) === 0) return { ...noDetails, user, group };
    return { user, group, ...decodeRest(new ByteReader(bytes.subarray(at)), present) };
  }
}

class LastText {
  private bytes: Uint8Array = new Uint8Array(0);
  private decoded = '';

  text(bytes: Uint8Array, start: number, end: number): string {
    if (!this.same(bytes, start, end)) {
      this.bytes = bytes.slice(start, end);
      this.decoded = utf8Decode(this.bytes) ?? '';
    }
    return this.decoded;
  }

  private same(bytes: Uint8Array, start: number, end: number): boolean {
    const last = this.bytes;
    if (last.length !== end - start) return false;
    for (let index = 0; index < last.length; index += 1) if (last[index] !== bytes[start + index]) return false;
    return true;
  }
}

function decodeRest(reader: ByteReader, present: number): Omit<EntryDetails, 'user' | 'group'> {
  const linkTarget = (present & flags.link) === 0 ? null : reader.bytes(reader.u16());
  const xattrs: Xattr[] = [];
  for (let left = (present & flags.xattrs) === 0 ? 0 : reader.u16(); left > 0; left -= 1) {
    xattrs.push({ name: reader.bytes(reader.u8()), value: reader.bytes(reader.u32()) });
  }
  const acls: AclPart[] = [];
  for (let left = (present & flags.acls) === 0 ? 0 : reader.u8(); left > 0; left -= 1) {
    acls.push({ kind: utf8Decode(reader.bytes(reader.u8())) ?? '', value: reader.bytes(reader.u32()) });
  }
  return { linkTarget, xattrs, acls };
}
