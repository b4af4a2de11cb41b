/*
 * One object of a twin in place of one that is damaged or lost here. It is taken only if it is what its name says, so it does not matter who gave it: packs,
 * records, slots and plans are named by their content, an erase order by what it says, and who signed it is looked up in the ledger; a receipt carries this
 * site's own signature, an entry of the ledger stands in a signed chain. A stub carries this site's tombstone: it is signed anew on the proof that the twin's stub gives.
 */

import {
  encodeStub,
  encodeTombstone,
  FormatError,
  Ledger,
  parseLedgerEntry,
  parseRecord,
  parseStub,
  parseTombstone,
  verifyEraseOrder,
} from '@twinvault/format';
import { equalBytes, fromHex, toHex } from '@twinvault/std';
import type { TwinObjectName } from '@twinvault/protocol';
import { demandWhole } from '../care/verify-object.ts';
import { storeNameOf } from '../care/stored-objects.ts';
import { generationHex, signerOf } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { storePack } from '../packs/store-pack.ts';
import { demandNotErased, isProof } from '../erases/erased.ts';
import { packNameOfHex } from '../packs/pack-files.ts';
import type { SafeParts } from '../site-safe.ts';
import { ledgerEntryName } from '../store/layout.ts';

/**
 * Durable here when it resolves; its size. Codes of format for bytes that are not this object, `erased` for what an order took in: then nothing changed.
 */
export async function mend(parts: SafeParts, name: TwinObjectName, bytes: Uint8Array): Promise<number> {
  const { context } = parts;
  const { store, layout } = context;
  if (!isProof(name.kind)) await demandNotErased(context, name.kind === 'record' ? parseRecord(bytes).public : undefined);
  if (name.kind === 'pack') {
    await demandWhole(context, { ...name, bytes });
    await storePack(context, packNameOfHex(name.name), bytes);
    await store.remove(layout.inFolder('damaged', name.name));
    return bytes.length;
  }
  if (name.kind === 'ledger') await demandInChain(parts, name.name, bytes);
  if (name.kind === 'erase') verifyEraseOrder(bytes, await parts.ledger.current());
  const own = name.kind === 'stub' ? await ownStub(context, name.name, bytes) : bytes;
  await demandWhole(context, { ...name, bytes: own });
  await store.replace(storeNameOf(layout, name.kind, name.name), [own]);
  return own.length;
}

/** The entry goes on from the one before it, and the one after it, where there is one, goes on from it. */
async function demandInChain({ context, ledger }: SafeParts, name: string, bytes: Uint8Array): Promise<void> {
  const { store, layout } = context;
  const before: Uint8Array[] = [];
  for (const entry of await ledger.entries(1)) {
    if (ledgerEntryName(before.length + 1) === name) break;
    before.push(entry);
  }
  const { number, digest } = parseLedgerEntry(bytes);
  if (ledgerEntryName(number) !== name || number !== before.length + 1)
    throw new FormatError('ledger-conflict', { context: { number, after: before.length } });
  Ledger.replay(await ledger.descriptor(), [...before, bytes]);
  const after = await store.get(layout.inFolder('ledger', ledgerEntryName(number + 1)), bytes.length + 65_536);
  if (after !== null && !equalBytes(parseLedgerEntry(after).previous, digest))
    throw new FormatError('ledger-conflict', { context: { number } });
}

async function ownStub(context: SafeContext, hex: string, bytes: Uint8Array): Promise<Uint8Array> {
  const { safe, marker } = context;
  const stub = parseStub(bytes);
  if (toHex(stub.digest) !== hex) throw new FormatError('record-invalid', { context: { defect: 'another record' } });
  const { reason, retiredMs } = parseTombstone(stub.tombstone);
  const generation = fromHex(await generationHex(context)) ?? new Uint8Array(16);
  const sign = await signerOf(context);
  return encodeStub(stub, encodeTombstone({ safe, site: marker.site, generation, record: stub.digest, reason, retiredMs }, sign));
}
