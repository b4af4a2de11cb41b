/*
 * Packs taken from another site. A fresh one is verified as if an agent had sent it. A compacted one is made here, by home's plan and from bytes that this
 * site has; only where it lacks rows of it the pack itself is taken, and then it must be what the plan names: docs/format/records.md, Two sites.
 */

import { bitmapHas, encodePackHeader, FormatError, packBytesMax, parsePackHeader, planNonce } from '@twinvault/format';
import type { PackHeader, PackName, PackRow, VerifiedTail } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import { carryOut } from '../../compact/carry-out.ts';
import { readPlans } from '../../compact/plan-store.ts';
import type { StoredPlan } from '../../compact/plan-store.ts';
import { findRows } from '../../compact/row-places.ts';
import type { RowPlaces } from '../../compact/row-places.ts';
import { inLock } from '../../context.ts';
import { wholePack } from '../../packs/arriving-pack.ts';
import { packNameOfHex } from '../../packs/pack-files.ts';
import { entryOfBytes, storePack } from '../../packs/store-pack.ts';
import { concurrently } from '../../store/concurrently.ts';
import { bytesOf } from './taking.ts';
import type { Taken, Taking } from './taking.ts';

/** Packs on their way at once: enough to fill a line between two places, few enough for memory. */
export const packsAtOnce = 6;

/** Codes of format; `certificate-unknown`, `plan-unknown`. */
export async function takePack(taking: Taking, hex: string): Promise<Taken> {
  const { context, ledger } = taking.parts;
  taking.signal?.throwIfAborted();
  const bytes = await bytesOf(taking, 'pack', hex);
  if (bytes === null) return 'gone';
  if (bytes.length > packBytesMax) throw new FormatError('object-too-large', { context: { sizeBytes: bytes.length } });
  const name = packNameOfHex(hex);
  const { certificate } = parsePackHeader(bytes);
  // What was the minimum when it was made is not told; whoever refers to it was held to that of his session.
  const expected = { safe: context.safe, certificate, minimumSuite: 1 as const };
  const ends = await context.verifyPack(name, wholePack(bytes), expected);
  if ((await ledger.current()).certificate(certificate) === null) throw new FormatError('certificate-unknown');
  if (ends.table.sections[0]?.origin !== null) return takeCompacted(taking, { name, bytes, ends });
  return put(taking, { name, bytes, ends });
}

interface ArrivedPack {
  readonly name: PackName;
  readonly bytes: Uint8Array;
  readonly ends: VerifiedTail;
}

async function put({ parts: { context }, segments, took }: Taking, { name, bytes, ends }: ArrivedPack): Promise<Taken> {
  await storePack(context, name, bytes);
  await segments.add(entryOfBytes(name, bytes, ends));
  took({ kind: 'pack', name: toHex(name), bytes: bytes.length });
  return 'taken';
}

async function takeCompacted(taking: Taking, pack: ArrivedPack): Promise<Taken> {
  const { context } = taking.parts;
  const { header, table } = pack.ends;
  const plan = (await readPlans(context)).find((each) => makes(each, header.nonce));
  if (plan === undefined) throw new ProtocolError('plan-unknown', { context: { pack: toHex(pack.name) } });
  await carryOutPlan(taking, plan);
  if ((await context.store.stat(context.layout.pack(pack.name))) !== null) return 'taken';
  const bitmaps = new Map(plan.plan.keep.map(({ pack: origin, bitmap }) => [toHex(origin), bitmap]));
  for (let row = 0; row < table.count; row += 1) {
    const bitmap = bitmaps.get(toHex(table.originAt(row) ?? new Uint8Array(0)));
    if (bitmap === undefined || !bitmapHas(bitmap, table.positionAt(row))) throw foreign('a row that its plan does not name');
  }
  demandSameRows(pack, await findRows(context, plan.plan.keep));
  return put(taking, pack);
}

function makes({ digest, plan }: StoredPlan, nonce: Uint8Array): boolean {
  for (let index = 0; index < plan.packs; index += 1) if (equalBytes(planNonce(digest, index), nonce)) return true;
  return false;
}

/** Each row that this site has too is the same: what a pack says of an origin cannot be held against the origin once that is gone. */
function demandSameRows({ ends: { table } }: ArrivedPack, places: RowPlaces): void {
  for (let row = 0; row < table.count; row += 1) {
    const header = table.sections[table.sectionAt(row)]?.header;
    const place = places.find(table.originAt(row) ?? new Uint8Array(0), table.positionAt(row));
    if (place === null) continue;
    const isSame = header && isSameRow(place.row, table.row(row)) && isSameHeader(place.header, header);
    if (isSame !== true) throw foreign('a row that differs from its origin');
  }
}

function isSameHeader(a: PackHeader, b: PackHeader): boolean {
  return equalBytes(encodePackHeader(a), encodePackHeader(b));
}

/** Of the same position, wherever they lie. */
function isSameRow(a: PackRow, b: PackRow): boolean {
  return (
    a.slipOnly === b.slipOnly &&
    a.lengthBytes === b.lengthBytes &&
    equalBytes(a.id, b.id) &&
    equalBytes(a.salt, b.salt) &&
    equalBytes(a.blobHash, b.blobHash) &&
    equalBytes(a.slip, b.slip)
  );
}

function foreign(defect: string): ProtocolError {
  return new ProtocolError('pack-foreign', { context: { defect } });
}

/**
 * Makes the packs of a plan from what this site has, after it took the origins that it lacks and the source still has. False when that is not all: then
 * nothing of it was made. Done again it changes nothing.
 */
export async function carryOutPlan(taking: Taking, plan: StoredPlan): Promise<boolean> {
  const { context } = taking.parts;
  const { keep } = plan.plan;
  await taking.segments.flush();
  const before = await findRows(context, keep);
  const lacking = keep.filter(({ pack, bitmap }) => !before.has(pack, bitmap)).map(({ pack }) => toHex(pack));
  await concurrently(lacking, packsAtOnce, (hex) => takeOrigin(taking, hex));
  await taking.segments.flush();
  return inLock(context, { name: 'clean' }, async (lock) => {
    const places = await findRows(context, keep);
    if (!keep.every(({ pack, bitmap }) => places.has(pack, bitmap))) return false;
    const { damaged } = await carryOut(context, {
      plan,
      places,
      lock,
      signal: taking.signal,
      made: ({ name, header, tail, sources }) => {
        const bytes = sources.reduce((sum, { lengthBytes }) => sum + lengthBytes, header.length + tail.length);
        taking.took({ kind: 'pack', name: toHex(name), bytes });
      },
    });
    return damaged.length === 0;
  });
}

/** Only as it was first stored: an origin that is a compacted pack there is no origin. */
async function takeOrigin(taking: Taking, hex: string): Promise<void> {
  const { context } = taking.parts;
  if ((await context.store.stat(context.layout.pack(hex))) === null) await takePack(taking, hex);
}
