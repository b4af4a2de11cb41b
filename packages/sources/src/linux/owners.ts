/*
 * Names of users and groups, and back, as the C library knows them (getpwuid_r(3) and siblings: local files, LDAP and
 * whatever else the machine is set up for). Answers are kept, also that there is none.
 *
 * struct passwd and struct group begin with a pointer to the name; the number stands at offset 16 in both, on all 64-bit
 * Linux: passwd {char *name, *password; u32 uid, gid; ...}, group {char *name, *password; u32 gid; ...}.
 */
import type { EntryDetails } from '@twinvault/engine';
import { utf8Decode, utf8Encode } from '@twinvault/std';
import { errnos } from './constants.ts';
import { addressOf, libc } from './libc.ts';
import type { Call } from './libc.ts';

const structBytes = 64;
const numberOffset = 16;
/** A group with very many members needs much room for an answer whose members nobody reads. */
const answerBytesMax = 4 * 1024 * 1024;

export class OwnerNames {
  #details: { readonly uid: number; readonly gid: number; readonly of: EntryDetails } | null = null;
  readonly #users = new Map<number, string | null>();
  readonly #groups = new Map<number, string | null>();
  readonly #uids = new Map<string, number | null>();
  readonly #gids = new Map<string, number | null>();
  #answer: Uint8Array = new Uint8Array(16 * 1024);
  readonly #struct: Uint8Array = new Uint8Array(structBytes);
  readonly #result: Uint8Array = new Uint8Array(64);

  /** Null: the number has no name, or one that is not UTF-8. */
  userName(uid: number): string | null {
    return this.#cached(this.#users, uid, () => this.#nameOf(libc().getpwuid_r, uid));
  }

  groupName(gid: number): string | null {
    return this.#cached(this.#groups, gid, () => this.#nameOf(libc().getgrgid_r, gid));
  }

  /** Of an entry that has nothing else to tell; neighbours mostly share one. */
  detailsOf(uid: number, gid: number): EntryDetails {
    if (this.#details === null || this.#details.uid !== uid || this.#details.gid !== gid) {
      const [user, group] = [this.userName(uid), this.groupName(gid)];
      this.#details = { uid, gid, of: { user, group, linkTarget: null, xattrs: [], acls: [] } };
    }
    return this.#details.of;
  }

  /** Null: this machine has no such user. */
  uidOf(name: string): number | null {
    return this.#cached(this.#uids, name, () => this.#numberOf(libc().getpwnam_r, name));
  }

  gidOf(name: string): number | null {
    return this.#cached(this.#gids, name, () => this.#numberOf(libc().getgrnam_r, name));
  }

  #cached<Key, Value>(map: Map<Key, Value | null>, key: Key, find: () => Value | null): Value | null {
    const known = map.get(key);
    if (known !== undefined) return known;
    const found = find();
    map.set(key, found);
    return found;
  }

  #nameOf(call: Call, id: number): string | null {
    if (!this.#ask(call, id)) return null;
    const pointer = new DataView(this.#struct.buffer).getBigUint64(0, true);
    const offset = Number(pointer - addressOf(this.#answer));
    if (offset < 0 || offset >= this.#answer.length) return null;
    const end = this.#answer.indexOf(0, offset);
    return utf8Decode(this.#answer.slice(offset, end));
  }

  #numberOf(call: Call, name: string): number | null {
    if (name === '' || name.includes('\0')) return null;
    if (!this.#ask(call, utf8Encode(`${name}\0`))) return null;
    return new DataView(this.#struct.buffer).getUint32(numberOffset, true);
  }

  /** Whether the struct is filled. Any failure counts as "no such name": the number is kept in any case. */
  #ask(call: Call, question: number | Uint8Array): boolean {
    for (;;) {
      this.#result.fill(0);
      const error = call(question, this.#struct, this.#answer, this.#answer.length, this.#result);
      if (error === errnos.ERANGE && this.#answer.length < answerBytesMax) {
        this.#answer = new Uint8Array(this.#answer.length * 4);
        continue;
      }
      if (error === errnos.EINTR) continue;
      return error === 0 && this.#result.some((byte) => byte !== 0);
    }
  }
}
