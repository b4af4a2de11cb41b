/*
 * The return of a former home, docs/format/records.md, A home that was moved: two operators made another site home while this one was away,
 * and what it appended meanwhile has lost.
 *
 * Broken off anywhere the ledger here is a whole one, shorter: it begins as the given one does, and is extended like any other. What lost is
 * durable under another name before it goes.
 */

import { Ledger, parseLedgerEntry } from '@twinvault/format';
import type { ParsedLedgerEntry } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import { inLock } from '../context.ts';
import type { RecordStore } from '../records/record-store.ts';
import { ledgerEntryName } from '../store/layout.ts';
import { ensureObject } from '../store/object-store.ts';
import type { HomeParts } from './homes.ts';

export interface MovedHomeParts extends HomeParts {
  readonly records: RecordStore;
}

/**
 * Takes the ledger of the new home in the place of this site's own; what lost. `ledger-forked` when that is none that moves the home, or
 * when a record that was committed here rests on an entry that would be lost (context: records): then nothing has changed. Codes of format.
 */
export async function adoptMovedHome(
  { context, ledger, records }: MovedHomeParts,
  theirs: readonly Uint8Array[],
): Promise<readonly ParsedLedgerEntry[]> {
  const given = Ledger.replay(await ledger.descriptor(), theirs);
  return inLock(context, { name: 'commit' }, async (lock) => {
    const own = await ledger.current();
    const lost = lostEntries(own, given);
    const first = lost[0]?.number ?? own.head.number + 1;
    const resting = (await records.all()).filter((record) => !record.retired && !given.extends(record.public.ledger));
    records.demandAll();
    if (resting.length > 0) throw forked(first, { records: resting.length });
    const { store, layout } = context;
    const bytes = await ledger.entries(first);
    for (const [index, { digest }] of lost.entries()) {
      await ensureObject(store, layout.inFolder('lost', toHex(digest)), bytes[index] ?? new Uint8Array(0));
    }
    for (const { number } of lost.toReversed()) {
      await lock.check();
      await store.remove(layout.inFolder('ledger', ledgerEntryName(number)));
    }
    for (const entry of theirs.slice(first - 1)) {
      await lock.check();
      await ledger.append(entry);
    }
    return lost;
  });
}

/** What stands here from the fork on, where the given ledger moves the home there and this one does not. */
function lostEntries(own: Ledger, given: Ledger): ParsedLedgerEntry[] {
  const theirs = given.entries();
  const lost = own.entries().filter(({ digest }, index) => {
    const other = theirs[index];
    return other === undefined || !equalBytes(other.digest, digest);
  });
  const number = lost[0]?.number;
  if (number === undefined) return [];
  const moves = theirs[number - 1]?.payload.kind === 'home';
  if (!moves || lost.some(({ payload }) => payload.kind === 'home')) throw forked(number, {});
  return lost;
}

function forked(number: number, more: { readonly records?: number }): ProtocolError {
  return new ProtocolError('ledger-forked', { context: { number, ...more } });
}

/** Entries that a moved home made void, in their order; one that cannot be read is left out. */
export async function voidedEntries({ context: { store, layout } }: Pick<HomeParts, 'context'>): Promise<ParsedLedgerEntry[]> {
  const entries: ParsedLedgerEntry[] = [];
  for (const name of await store.list(layout.inFolder('lost'))) {
    const bytes = await store.get(layout.inFolder('lost', name), 65_536);
    try {
      if (bytes !== null) entries.push(parseLedgerEntry(bytes));
    } catch {
      continue;
    }
  }
  return entries.sort((a, b) => a.number - b.number);
}
