/* A compacted pack made of whole packs, as a site makes one by a plan that keeps every row of them. */

import {
  compactedPackCount,
  compactedPacks,
  encodePlan,
  parsePlan,
  RefsBuilder,
  parseRefs,
  verifyPackTable,
} from '@twinvault/format';
import type { OriginRow, PackName, SafeId } from '@twinvault/format';
import { assert, concatBytes, primitives, toHex } from '@twinvault/std';

export interface StoredPack {
  readonly name: PackName;
  readonly bytes: Uint8Array;
}

/** All fresh, of one safe and one kind; small enough that one pack holds them. */
export function compactedPack(safe: SafeId, packs: readonly StoredPack[]): StoredPack {
  const held = new Map(packs.map(({ name, bytes }) => [toHex(name), { bytes, ...verifyPackTable(name, bytes, { safe }) }]));
  const rowOf = (origin: PackName, position: number): OriginRow => {
    const pack = held.get(toHex(origin));
    assert(pack !== undefined, 'the plan names these packs alone');
    return { header: pack.header, row: pack.table.row(position) };
  };
  const refs = new RefsBuilder();
  for (const { name } of packs) {
    const count = held.get(toHex(name))?.table.count ?? 0;
    for (let position = 0; position < count; position += 1) refs.add(name, position);
  }
  const keep = [...parseRefs(refs.finish()).packs()];
  const plan = { safe, number: 1, createdMs: 0, packs: compactedPackCount(keep, rowOf), keep };
  const bytes = encodePlan(plan, (message) => primitives.ed25519Sign(new Uint8Array(32).fill(7), message));
  const [made] = compactedPacks(plan, parsePlan(bytes).object.digest, rowOf);
  assert(made !== undefined && plan.packs === 1, 'one pack holds them');
  const blobs = made.sources.map(({ origin, position, lengthBytes }) => {
    const { offsetBytes } = rowOf(origin, position).row;
    return held.get(toHex(origin))?.bytes.subarray(offsetBytes, offsetBytes + lengthBytes) ?? new Uint8Array(0);
  });
  return { name: made.name, bytes: concatBytes(made.header, ...blobs, made.tail) };
}
