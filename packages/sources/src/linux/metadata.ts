/*
 * Owner, xattrs, ACLs, mode and times of a restored entry, in the order in which none undoes another: a change of owner
 * drops set-id bits and capabilities; an ACL sets the mode's bits and the mode the ACL's mask, which agree in a backup;
 * a mode without write permission forbids xattrs to others than root; anything else may touch the times. The mode comes
 * last: until then it says that the entry is not finished.
 *
 * What cannot be restored becomes an error of the entry (`metadata-not-restored`), never a reason to give it up.
 */
import type { EntryError, EntryMetadata } from '@twinvault/engine';
import { errnos } from './constants.ts';
import { failureDetail } from './failures.ts';
import type { OwnerNames } from './owners.ts';
import { entryTypes } from './status.ts';
import type { System } from './system.ts';
import { aclXattrs } from './xattrs.ts';

const setIdBits = 0o6000;
/** For chown: leave it as it is. */
const noChange = 0xffffffff;

export interface ApplyOptions {
  readonly fd: number;
  /** Opened with O_PATH: a link, FIFO, socket or device. */
  readonly isPath: boolean;
  /** Components joined by 0x00, for errors. */
  readonly path: Uint8Array;
  readonly metadata: EntryMetadata;
  /** Whom the entry belongs to now. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** It may have ACLs that nobody asked for: inherited from the directory's default ACL, or there before. */
  readonly mayHaveAcls: boolean;
}

export class MetadataWriter {
  readonly #system: System;
  readonly #owners: OwnerNames;
  /** Whether names of users and groups go before their numbers. */
  readonly #byName: boolean;

  constructor(system: System, owners: OwnerNames, byName: boolean) {
    this.#system = system;
    this.#owners = owners;
    this.#byName = byName;
  }

  apply(options: ApplyOptions): EntryError[] {
    const details: string[] = [];
    const failed = (call: string, answer: number): void => {
      if (answer < 0) details.push(failureDetail(call, answer));
    };
    const hasOwner = this.#applyOwner(options, failed);
    this.#applyXattrs(options, failed);
    const { mtimeSeconds: seconds, mtimeNanos: nanos } = options.metadata;
    const { fd, isPath, path } = options;
    const modified = { seconds, nanos };
    failed('utimensat', isPath ? this.#system.setTimesOfPath(fd, modified) : this.#system.setTimes(fd, modified));
    if (options.metadata.type !== entryTypes.link) this.#applyMode(options, { hasOwner, failed });
    return details.map((detail) => ({ path, code: 'metadata-not-restored', detail }));
  }

  /** Whether the entry belongs to whom it should. */
  #applyOwner({ fd, metadata, owner }: ApplyOptions, failed: (call: string, answer: number) => void): boolean {
    const { user, group } = metadata.details;
    const uid = (this.#byName && user !== null ? this.#owners.uidOf(user) : null) ?? metadata.uid;
    const gid = (this.#byName && group !== null ? this.#owners.gidOf(group) : null) ?? metadata.gid;
    if (uid === owner.uid && gid === owner.gid) return true;
    const answer = this.#system.changeOwner(fd, uid, gid);
    if (answer === 0) return true;
    failed('fchownat', answer);
    // Whoever may not give a file away may still give it to another group of theirs.
    if (gid !== owner.gid && answer === -errnos.EPERM) this.#system.changeOwner(fd, noChange, gid);
    return false;
  }

  #applyXattrs(options: ApplyOptions, failed: (call: string, answer: number) => void): void {
    const { metadata, mayHaveAcls } = options;
    const { xattrs, acls } = metadata.details;
    for (const { name, value } of xattrs) {
      const answer = this.#setXattr(options, name, value);
      if (answer < 0) failed(`setxattr ${Buffer.from(name).toString('latin1')}`, answer);
    }
    for (const { kind, name } of aclXattrs) {
      const acl = acls.find((part) => part.kind === kind);
      if (acl !== undefined) failed(`setxattr ${kind}`, this.#setXattr(options, name, acl.value));
      else if (mayHaveAcls && kind.startsWith('posix-')) this.#removeXattr(options, name);
    }
    for (const { kind } of acls) {
      if (!aclXattrs.some((known) => known.kind === kind)) failed(`setxattr ${kind}`, -errnos.EOPNOTSUPP);
    }
  }

  #setXattr({ fd, isPath }: ApplyOptions, name: Uint8Array, value: Uint8Array): number {
    return isPath ? this.#system.setXattrOfPath(fd, name, value) : this.#system.setXattr(fd, name, value);
  }

  /** That it is not there, or that the file system has no ACLs, is what was asked for. */
  #removeXattr({ fd, isPath }: ApplyOptions, name: Uint8Array): void {
    if (isPath) this.#system.removeXattrOfPath(fd, name);
    else this.#system.removeXattr(fd, name);
  }

  #applyMode(
    { fd, isPath, metadata }: ApplyOptions,
    { hasOwner, failed }: { readonly hasOwner: boolean; readonly failed: (call: string, answer: number) => void },
  ): void {
    // A program that runs as its owner must not run as somebody else because the owner could not be restored.
    const drop = !hasOwner && metadata.type === entryTypes.file ? setIdBits : 0;
    const mode = metadata.mode & ~drop;
    const answer = isPath ? this.#system.changeModeOfPath(fd, mode) : this.#system.changeMode(fd, mode);
    failed('fchmod', answer);
  }
}

/** The xattr that a directory's default ACL is in: what is made in it inherits. */
export const defaultAclName: Uint8Array = (aclXattrs.find(({ kind }) => kind === 'posix-default') ?? { name: new Uint8Array(0) })
  .name;
