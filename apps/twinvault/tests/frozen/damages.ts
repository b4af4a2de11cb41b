/* The damages of fixtures/v1/broken.json, each made to files that are found by what they are. Used once, when it is written. */

import { packKinds, parsePackHeader, parseRecord, PackTable, packTailBytes } from '@twinvault/format';
import type { PackKind } from '@twinvault/format';
import { frozenVault } from './frozen-files.ts';
import type { Change } from './frozen-files.ts';
import type { FrozenName } from './places.ts';

export interface Damage {
  readonly name: string;
  readonly of: FrozenName;
  readonly changes: readonly Change[];
}

class Stored {
  readonly files: ReadonlyMap<string, Uint8Array>;

  constructor(name: FrozenName) {
    this.files = frozenVault(name);
  }

  in(folder: string): string[] {
    return [...this.files.keys()].filter((path) => new RegExp(`^safes/[^/]+/${folder}(/|$)`, 'u').test(path));
  }

  one(folder: string, which = 0): string {
    const path = this.in(folder).at(which);
    if (path === undefined) throw new RangeError(`nothing in ${folder}`);
    return path;
  }

  bytes(path: string): Uint8Array {
    return this.files.get(path) ?? new Uint8Array();
  }

  /** The records of a job, oldest first. */
  records(job: string, kind = 'safeset'): string[] {
    const parsed = this.in('records').map((path) => ({ path, record: parseRecord(this.bytes(path)).public }));
    return parsed
      .filter(({ record }) => record.job === job && record.kind === kind)
      .sort((a, b) => a.record.sequence - b.record.sequence)
      .map(({ path }) => path);
  }

  /** Fresh packs of a kind, or compacted ones. */
  packs(kind: PackKind, fresh: boolean): { path: string; bytes: Uint8Array; table: PackTable }[] {
    return this.in('packs').flatMap((path) => {
      const bytes = this.bytes(path);
      const table = new PackTable(bytes.subarray(bytes.length - packTailBytes(bytes.subarray(bytes.length - 40))));
      const isFresh = table.sections[0]?.origin === null;
      return parsePackHeader(bytes).kind === kind && isFresh === fresh ? [{ path, bytes, table }] : [];
    });
  }
}

function flip(path: string, bytes: Uint8Array, at: number): Change {
  const index = at < 0 ? bytes.length + at : at;
  const byte = (bytes[index] ?? 0) ^ 1;
  return { path, at: index, bytes: byte.toString(16).padStart(2, '0') };
}

function packDamages(of: FrozenName, stored: Stored): Damage[] {
  const [data] = stored.packs(packKinds.data, true);
  const [compacted] = stored.packs(packKinds.data, false);
  const [catalog, otherCatalog] = stored.packs(packKinds.catalog, true);
  if (!data || !compacted || !catalog || !otherCatalog) throw new RangeError('a pack is missing');
  const row = Array.from({ length: data.table.count }, (_, index) => index).find((index) => !data.table.slipOnlyAt(index)) ?? 0;
  const { path, bytes, table } = data;
  const made = (name: string, ...changes: readonly Change[]): Damage => ({ name, of, changes });
  return [
    made('a byte of a blob in a data pack is changed', flip(path, bytes, table.offsetAt(row) + 20)),
    made('a byte of a blob in a compacted pack is changed', flip(compacted.path, compacted.bytes, 1200 + 20)),
    made('a byte of a blob in a catalog pack is changed', flip(catalog.path, catalog.bytes, 1200 + 20)),
    made('a slip in a pack is changed', flip(path, bytes, bytes.length - table.tailBytes + 100)),
    made('the KEM ciphertext of a pack is changed', flip(path, bytes, 500)),
    made('a data pack is missing', { path, remove: true }),
    made('a data pack is cut short', { path, cutTo: bytes.length - 1 }),
    made('a data pack is empty', { path, cutTo: 0 }),
    made('a data pack says a later version', { path, at: 4, bytes: '02' }),
    made('two packs are exchanged', { path, as: catalog.path }, { path: catalog.path, as: path }),
    made('all fresh catalog packs are the same one', { path: otherCatalog.path, as: catalog.path }),
  ];
}

function recordDamages(of: FrozenName, stored: Stored): Damage[] {
  const [first = '', second = ''] = stored.records('documents');
  const made = (name: string, ...changes: readonly Change[]): Damage => ({ name, of, changes });
  const inFolder = (folder: string, path: string): string => path.replace('/records/', `/${folder}/`);
  return [
    made('a signature of a record is changed', flip(first, stored.bytes(first), -1)),
    made('the sealed part of a record is changed', flip(first, stored.bytes(first), -80)),
    made('a record says a later version', { path: first, at: 4, bytes: '02' }),
    made('a record says the other suite', {
      path: first,
      at: 5,
      bytes: (3 - (stored.bytes(first)[5] ?? 0)).toString(16).padStart(2, '0'),
    }),
    made('a record is cut short', { path: first, cutTo: 100 }),
    made('a record stands under the digest of another', { path: first, as: second }),
    made('an older record is removed', { path: first, remove: true }),
    made('a receipt is missing', { path: inFolder('receipts', first), remove: true }),
    made('a receipt is that of another record', { path: inFolder('receipts', first), as: inFolder('receipts', second) }),
    made('a stub is changed', flip(stored.one('stubs'), stored.bytes(stored.one('stubs')), 300)),
  ];
}

function safeDamages(of: FrozenName, stored: Stored): Damage[] {
  const made = (name: string, ...changes: readonly Change[]): Damage => ({ name, of, changes });
  const descriptor = stored.one('descriptor');
  const [third = '', fourth = ''] = stored.in('ledger').slice(2, 4);
  const last = stored.one('ledger', -1);
  const marker = 'twinvault-vault.json';
  return [
    made('the descriptor is changed', flip(descriptor, stored.bytes(descriptor), 40)),
    made('the descriptor says a later version', { path: descriptor, at: 4, bytes: '02' }),
    made('an entry of the ledger is changed', flip(third, stored.bytes(third), -1)),
    made('an entry of the ledger is missing', { path: third, remove: true }),
    made('the newest entry of the ledger is missing', { path: last, remove: true }),
    made('two entries of the ledger are exchanged', { path: third, as: fourth }, { path: fourth, as: third }),
    made('every key slot is missing', ...stored.in('slots').map((path) => ({ path, remove: true as const }))),
    made('the key slots are changed', ...stored.in('slots').map((path) => flip(path, stored.bytes(path), -1))),
    made('the marker of the vault is changed', flip(marker, stored.bytes(marker), 30)),
    made('the marker of the vault is missing', { path: marker, remove: true }),
    made('a compaction plan is changed', flip(stored.one('plans'), stored.bytes(stored.one('plans')), -1)),
  ];
}

/** Those of records and of the safe do not depend on the suite: they are made once. */
export function damages(): Damage[] {
  const [one, two] = [new Stored('suite-1'), new Stored('suite-2')];
  return [
    ...packDamages('suite-1', one),
    // Slips, blobs and lengths are another suite's here.
    ...packDamages('suite-2', two).slice(0, 5),
    ...recordDamages('suite-1', one),
    ...safeDamages('suite-1', one),
  ];
}
