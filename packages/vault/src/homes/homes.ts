/*
 * Which site is the home of a safe, docs/format/records.md, Two sites: it alone appends to the ledger and signs plans, and the others retire
 * with its consent only.
 */

import { parseLedgerEntry, siteId } from '@twinvault/format';
import type { SiteId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { LedgerStore } from '../safes/ledger-store.ts';
import { bytesOfName } from '../store/layout.ts';
import { decodeNote, encodeNote, noteBytesMax, noteText } from '../store/notes.ts';

export interface HomeParts {
  readonly context: SafeContext;
  readonly ledger: LedgerStore;
}

/** The site of the newest `home` entry; else the one that was home when this site took the safe; else this one. `vault-damaged`. */
export async function homeOf({ context, ledger }: HomeParts): Promise<SiteId> {
  return (await ledger.current()).home()?.site ?? (await followedHome(context)) ?? context.marker.site;
}

export async function isHome(parts: HomeParts): Promise<boolean> {
  return equalBytes(await homeOf(parts), parts.context.marker.site);
}

/** `not-home`. */
export async function demandHome(parts: HomeParts): Promise<void> {
  const home = await homeOf(parts);
  if (!equalBytes(home, parts.context.marker.site))
    throw new ProtocolError('not-home', { context: { safe: parts.context.layout.safeHex, home: toHex(home) } });
}

/**
 * Whether this site may append the entry: as home, or since the entry, by two operators, makes it home. What was appended already is fine.
 * `not-home`.
 */
export async function demandAppends(parts: HomeParts, entryBytes: Uint8Array): Promise<void> {
  const own = parts.context.marker.site;
  const home = await homeOf(parts);
  if (equalBytes(home, own)) return;
  const { number, payload, digest } = parseLedgerEntry(entryBytes);
  if (payload.kind === 'home' && equalBytes(payload.site, own)) return;
  const ledger = await parts.ledger.current();
  if (number <= ledger.head.number && equalBytes(ledger.headAt(number).digest, digest)) return;
  throw new ProtocolError('not-home', { context: { safe: parts.context.layout.safeHex, home: toHex(home) } });
}

/** Null: this site did not take the safe from another. `vault-damaged`: the note cannot be read. */
export async function followedHome({ store, layout }: SafeContext): Promise<SiteId | null> {
  const bytes = await store.get(layout.follows, noteBytesMax);
  if (bytes === null) return null;
  const note = decodeNote(bytes);
  const site = bytesOfName((note && noteText(note, 'home')) ?? '', 16);
  if (site === null) throw new ProtocolError('vault-damaged', { context: { object: layout.follows } });
  return siteId(site);
}

/** Written before the descriptor of a safe that is taken from another site: it is never this site's own. */
export async function writeFollowedHome({ store, layout }: SafeContext, home: SiteId): Promise<void> {
  await store.replace(layout.follows, [encodeNote({ home: toHex(home) })]);
}
