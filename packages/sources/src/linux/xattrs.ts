/*
 * Extended attributes of an entry: of its open descriptor, or of its name where opening it is impossible or would have
 * an effect (links, FIFOs, sockets, devices).
 *
 * POSIX ACLs are xattrs of the names below, whose values have one form on all processors (linux/posix_acl_xattr.h); they
 * become ACL parts. Other names under `system.` are views that the kernel computes and are left out.
 */
import type { AclPart, Xattr } from '@twinvault/engine';
import { utf8Encode } from '@twinvault/std';
import { compareNames } from '../paths.ts';
import { errnos, xattrBytesMax } from './constants.ts';
import { failureDetail } from './failures.ts';
import type { At, System } from './system.ts';

/** ACL kinds of the format and the xattrs that hold them. */
export const aclXattrs: readonly { readonly kind: string; readonly name: Uint8Array }[] = [
  { kind: 'posix-access', name: utf8Encode('system.posix_acl_access') },
  { kind: 'posix-default', name: utf8Encode('system.posix_acl_default') },
  { kind: 'nfs4', name: utf8Encode('system.nfs4_acl') },
];

export interface EntryXattrs {
  /** Sorted by name. */
  readonly xattrs: readonly Xattr[];
  readonly acls: readonly AclPart[];
  /** For example "EACCES getxattr security.x": what could not be read. */
  readonly failures: readonly { readonly errno: number; readonly detail: string }[];
}

const none: EntryXattrs = { xattrs: [], acls: [], failures: [] };
const systemPrefix = utf8Encode('system.');

/** What to read from: a descriptor, or a name below one. */
export type XattrPlace = number | At;

export class XattrReader {
  readonly #system: System;
  readonly #list: Uint8Array = new Uint8Array(xattrBytesMax);
  #value: Uint8Array | null = null;

  constructor(system: System) {
    this.#system = system;
  }

  /** False also when that cannot be told. */
  hasNone(fd: number): boolean {
    return saysNone(this.#system.listXattrs(fd, this.#list));
  }

  read(place: XattrPlace): EntryXattrs {
    const length = this.#readList(place);
    if (saysNone(length)) return none;
    if (length < 0) return { ...none, failures: [{ errno: -length, detail: failureDetail('listxattr', length) }] };
    return this.#readValues(place, this.#list.slice(0, length));
  }

  #readList(place: XattrPlace): number {
    if (typeof place === 'number') return this.#system.listXattrs(place, this.#list);
    return this.#system.listXattrsAt(place, this.#list);
  }

  #readValues(place: XattrPlace, list: Uint8Array): EntryXattrs {
    const xattrs: Xattr[] = [];
    const acls: AclPart[] = [];
    const failures: { errno: number; detail: string }[] = [];
    for (let start = 0; start < list.length;) {
      const end = list.indexOf(0, start);
      const name = list.slice(start, end < 0 ? list.length : end);
      start += name.length + 1;
      const acl = aclXattrs.find((known) => compareNames(known.name, name) === 0);
      if (acl === undefined && startsWith(name, systemPrefix)) continue;
      const value = this.#readValue(place, name);
      if (typeof value === 'number') {
        // The attribute was removed since the list was read.
        if (value === -errnos.ENODATA) continue;
        const text = Buffer.from(name).toString('latin1');
        failures.push({ errno: -value, detail: failureDetail(`getxattr ${text}`, value) });
      } else if (acl === undefined) xattrs.push({ name, value });
      else acls.push({ kind: acl.kind, value });
    }
    xattrs.sort((a, b) => compareNames(a.name, b.name));
    return { xattrs, acls, failures };
  }

  #readValue(place: XattrPlace, name: Uint8Array): Uint8Array | number {
    const into = (this.#value ??= new Uint8Array(xattrBytesMax));
    const length =
      typeof place === 'number' ? this.#system.getXattr(place, name, into) : this.#system.getXattrAt(place, name, into);
    return length < 0 ? length : into.slice(0, length);
  }
}

/** A file system without xattrs has none. */
function saysNone(length: number): boolean {
  return length === 0 || length === -errnos.EOPNOTSUPP || length === -errnos.ENOSYS;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, index) => bytes[index] === byte);
}
