/*
 * The list of a seed disk, docs/format/seed.md: one line of ASCII for each object, in the order in which each can be verified.
 *
 * Invariant: encodeSeedList(parseSeedList(bytes)) equals the bytes.
 */

import { utf8Decode, utf8Encode } from '@twinvault/std';
import { demand, FormatError } from './errors.ts';
import { seedListBytesMax } from './limits.ts';

/** In the order of the list. */
export const seedObjectKinds = ['descriptor', 'ledger', 'slots', 'pack', 'record'] as const;
export type SeedObjectKind = (typeof seedObjectKinds)[number];

export interface SeedObject {
  readonly kind: SeedObjectKind;
  /** Hexadecimal; of ledger entries ten decimal digits. */
  readonly name: string;
  /** Stored size. */
  readonly bytes: number;
}

const digest = /^[0-9a-f]{64}$/;
const names: Readonly<Record<SeedObjectKind, RegExp>> = {
  descriptor: /^[0-9a-f]{32}$/,
  ledger: /^[0-9]{10}$/,
  slots: digest,
  pack: digest,
  record: digest,
};

/** The objects in the order of the list. Throws as parseSeedList does when no reader would take it. */
export function encodeSeedList(objects: readonly SeedObject[]): Uint8Array {
  const bytes = utf8Encode(objects.map(({ kind, name, bytes: sizeBytes }) => `${kind} ${name} ${sizeBytes}\n`).join(''));
  parseSeedList(bytes);
  return bytes;
}

/** `object-too-large`; `object-invalid` for any other form than the one, another order, or a line that occurs twice. */
export function parseSeedList(bytes: Uint8Array): SeedObject[] {
  if (bytes.length > seedListBytesMax) {
    throw new FormatError('object-too-large', { context: { sizeBytes: bytes.length, bytesMax: seedListBytesMax } });
  }
  const text = utf8Decode(bytes);
  demand(text !== null && (text === '' || text.endsWith('\n')), 'object-invalid', 'text of a list');
  const lines = text.split('\n');
  lines.pop();
  const objects = lines.map(parseLine);
  demandOrder(objects);
  return objects;
}

function parseLine(line: string): SeedObject {
  const [kindText = '', name = '', size = '', ...rest] = line.split(' ');
  const kind = seedObjectKinds.find((known) => known === kindText);
  demand(kind !== undefined && rest.length === 0, 'object-invalid', 'line of a list');
  demand(names[kind].test(name), 'object-invalid', 'name in a list');
  const bytes = Number(size);
  demand(/^(0|[1-9][0-9]{0,15})$/.test(size) && Number.isSafeInteger(bytes), 'object-invalid', 'size in a list');
  return { kind, name, bytes };
}

/** Records stand in the order of their sequence, which only they know: here each is asked to stand once. */
function demandOrder(objects: readonly SeedObject[]): void {
  const records = new Set<string>();
  for (const [index, { kind, name }] of objects.entries()) {
    const before = objects[index - 1];
    if (kind === 'record') {
      demand(!records.has(name), 'object-invalid', 'record twice');
      records.add(name);
    }
    if (before === undefined) continue;
    const [rank, rankBefore] = [seedObjectKinds.indexOf(kind), seedObjectKinds.indexOf(before.kind)];
    const inOrder = rank > rankBefore || (rank === rankBefore && (kind === 'record' || name > before.name));
    demand(inOrder, 'object-invalid', 'order of a list');
  }
}
