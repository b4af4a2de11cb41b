/* Checks of what is not packs and not records: descriptor, ledger, slots, notes, names, cache. */

import {
  FormatError,
  Ledger,
  objectDigest,
  parseKeySlotObject,
  parseLedgerEntry,
  parseSafeDescriptor,
  slotBytesMax,
} from '@twinvault/format';
import { equalBytes, toHex } from '@twinvault/std';
import { quarantinedNames, readQuarantine } from '../clean/quarantine.ts';
import type { CommitParts } from '../commit/commit.ts';
import { voidedEntries } from '../homes/moved-home.ts';
import { erasedOf } from '../erases/erased.ts';
import { readCachedRefs } from '../live/refs-cache.ts';
import { readSegment, segmentNames } from '../packs/segments.ts';
import { bytesOfName, ledgerEntryName, safeFolders } from '../store/layout.ts';
import type { SafeLayout } from '../store/layout.ts';
import { decodeNote, noteBytesMax } from '../store/notes.ts';
import { parseStored } from '../store/vault-files.ts';
import type { CheckRun } from './check-run.ts';
import type { ProblemCode } from './problems.ts';

/** The ledger as far as it can be believed; null when not even its beginning can. */
export async function checkSafeObjects(parts: CommitParts, run: CheckRun): Promise<Ledger | null> {
  const ledger = await checkLedger(parts, run);
  // Of an erased safe the ledger still names the slots that it had.
  if ((await erasedOf(parts.context)).whole === null) await checkSlots(parts, run, ledger);
  await checkNotes(parts, run);
  await checkNames(parts, run);
  const { context } = parts;
  for (const name of await segmentNames(context)) {
    run.objects += 1;
    if ((await readSegment(context, name)) === null) run.found('cache-damaged', `${context.layout.index}/${name}`);
  }
  for (const hex of await context.cache.list(context.layout.refs)) {
    run.objects += 1;
    if ((await readCachedRefs(context, hex)) === null) run.found('cache-damaged', `${context.layout.refs}/${hex}`);
  }
  return ledger;
}

async function checkLedger({ context, ledger: entries }: CommitParts, run: CheckRun): Promise<Ledger | null> {
  const { store, layout, safe } = context;
  let ledger = await run.object('descriptor-damaged', layout.descriptor, async () => {
    const bytes = await entries.descriptor();
    return parseStored(layout.descriptor, () => {
      if (!equalBytes(parseSafeDescriptor(bytes).safe, safe)) throw new FormatError('safe-mismatch');
      return Ledger.replay(bytes, []);
    });
  });
  const stored = await entries.entries(1);
  for (const [index, bytes] of stored.entries()) {
    const name = layout.inFolder('ledger', ledgerEntryName(index + 1));
    const before: Ledger | null = ledger;
    // After the first bad entry the chain cannot be followed; the form and signature of the rest still can.
    ledger = await run.object('ledger-damaged', name, async () =>
      parseStored(name, () => {
        if (before !== null) return before.append(bytes);
        parseLedgerEntry(bytes);
        return null;
      }),
    );
  }
  const beyond = (await store.list(layout.inFolder('ledger'))).filter(
    (name) => /^\d{10}$/.test(name) && Number(name) > stored.length,
  );
  if (beyond.length > 0) run.found('ledger-damaged', layout.inFolder('ledger', ledgerEntryName(stored.length + 1)), 'missing');
  return ledger;
}

async function checkSlots({ context }: CommitParts, run: CheckRun, ledger: Ledger | null): Promise<void> {
  const { store, layout } = context;
  const named = new Set((ledger?.slotDigests() ?? []).map(toHex));
  for (const hex of named) {
    const name = layout.inFolder('slots', hex);
    await run.object('slot-damaged', name, async () => {
      const bytes = await store.get(name, slotBytesMax);
      parseStored(name, () => {
        if (bytes === null || toHex(objectDigest(bytes)) !== hex) throw new FormatError('object-invalid');
        parseKeySlotObject(bytes);
      });
    });
  }
  if (ledger === null) return;
  for (const hex of await store.list(layout.inFolder('slots'))) {
    if (!named.has(hex)) run.found('slot-unnamed', layout.inFolder('slots', hex));
  }
}

async function checkNotes({ context }: CommitParts, run: CheckRun): Promise<void> {
  const { store, layout } = context;
  const twins = await store.folders(layout.twins);
  for (const name of [layout.cleaned, layout.follows, layout.customer, ...twins.map((site) => layout.twinProgress(site))]) {
    const bytes = await store.get(name, noteBytesMax);
    if (bytes !== null && decodeNote(bytes) === null) run.found(damagedNote(name, layout), name);
  }
  for (const { payload, number, digest } of await voidedEntries({ context })) {
    run.found('ledger-lost', layout.inFolder('lost', toHex(digest)), `entry ${number}: ${payload.kind}`);
  }
  for (const hex of await quarantinedNames(context)) {
    if ((await readQuarantine(context, hex)) === 'unreadable') run.found('note-damaged', layout.inFolder('quarantine', hex));
  }
  for (const folder of ['leases', 'locks'] as const) {
    for (const name of await store.list(layout.inFolder(folder))) {
      const bytes = await store.get(layout.inFolder(folder, name), noteBytesMax);
      if (bytes !== null && decodeNote(bytes) === null) run.found('note-damaged', layout.inFolder(folder, name));
    }
  }
}

function damagedNote(name: string, { follows, customer }: SafeLayout): ProblemCode {
  if (name === follows) return 'home-unknown';
  return name === customer ? 'customer-unknown' : 'note-damaged';
}

const idFolders = ['slots', 'records', 'receipts', 'stubs', 'committing', 'plans', 'quarantine', 'damaged'] as const;

async function checkNames({ context }: CommitParts, run: CheckRun): Promise<void> {
  const { store, layout } = context;
  const known: ReadonlySet<string> = new Set(['descriptor', 'follows', 'customer', 'twins', 'cleaned', ...safeFolders]);
  for (const name of await store.entries(layout.folder)) {
    if (!known.has(name)) run.found('name-unknown', `${layout.folder}/${name}`);
  }
  for (const folder of idFolders) {
    for (const name of await store.list(layout.inFolder(folder))) {
      if (bytesOfName(name, 32) === null) run.found('name-unknown', layout.inFolder(folder, name));
    }
  }
  for (const name of await store.list(layout.inFolder('ledger'))) {
    if (!/^\d{10}$/.test(name)) run.found('name-unknown', layout.inFolder('ledger', name));
  }
  for (const hex of await store.list(layout.inFolder('committing'))) {
    if (bytesOfName(hex, 32) !== null) run.found('commit-unfinished', layout.inFolder('committing', hex));
  }
  await checkPackFolders(context, run);
}

async function checkPackFolders({ store, layout }: CommitParts['context'], run: CheckRun): Promise<void> {
  const packs = layout.inFolder('packs');
  for (const folder of await store.folders(packs)) {
    for (const name of await store.list(`${packs}/${folder}`)) {
      if (bytesOfName(name, 32) === null) run.found('name-unknown', `${packs}/${folder}/${name}`);
      else if (!name.startsWith(folder)) run.found('pack-misplaced', `${packs}/${folder}/${name}`);
    }
  }
  for (const name of await store.list(packs)) run.found('name-unknown', `${packs}/${name}`);
}
