/* Reads all bytes of one stored object and verifies that they are what its name says, without any key. */

import {
  eraseOrderBytesMax,
  FormatError,
  objectDigest,
  packBytesMax,
  parseEraseOrder,
  parseKeySlotObject,
  parseLedgerEntry,
  parsePlan,
  parseRecord,
  parseStub,
  planBytesMax,
  ledgerEntryBytesMax,
  signedBytesMax,
  slotBytesMax,
  verifyPackTable,
  verifyReceipt,
  verifySigned,
  verifyTombstone,
} from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { ObjectKind, ObjectName } from '../database/inventory.ts';
import { packNameOfHex } from '../packs/pack-files.ts';
import { recordBytesMax } from '../records/record-store.ts';
import { ledgerEntryName } from '../store/layout.ts';
import { storeNameOf } from './stored-objects.ts';

export type Verdict =
  | { readonly type: 'whole'; readonly bytes: number }
  | { readonly type: 'missing' }
  | { readonly type: 'damaged'; readonly defect: string }
  /** The store cannot read it now: nothing is said about its bytes. */
  | { readonly type: 'unreadable'; readonly code: string };

const bytesMax: Readonly<Record<ObjectKind, number>> = {
  pack: packBytesMax,
  record: recordBytesMax,
  stub: recordBytesMax,
  receipt: signedBytesMax,
  ledger: ledgerEntryBytesMax,
  slots: slotBytesMax,
  plan: planBytesMax,
  erase: eraseOrderBytesMax,
};

export async function verifyObject(context: SafeContext, { kind, name }: ObjectName): Promise<Verdict> {
  try {
    const bytes = await context.store.get(storeNameOf(context.layout, kind, name), bytesMax[kind]);
    if (bytes === null) return { type: 'missing' };
    demandTrue(context, { kind, name, bytes });
    return { type: 'whole', bytes: bytes.length };
  } catch (error) {
    if (error instanceof FormatError) return { type: 'damaged', defect: String(error.context['defect'] ?? error.code) };
    if (!(error instanceof ProtocolError)) throw error;
    return error.code === 'vault-damaged' ? { type: 'damaged', defect: error.code } : { type: 'unreadable', code: error.code };
  }
}

interface ReadObject extends ObjectName {
  readonly bytes: Uint8Array;
}

/** Codes of format. What a newer program wrote has a digest too: only its form is not looked at. */
function demandTrue({ safe, marker }: SafeContext, { kind, name, bytes }: ReadObject): void {
  switch (kind) {
    case 'pack':
      verifyPackTable(packNameOfHex(name), bytes, { safe });
      return;
    case 'record':
      demand(toHex(parseRecord(bytes).digest) === name);
      return;
    case 'stub': {
      const stub = parseStub(bytes);
      demand(toHex(stub.digest) === name);
      verifyTombstone(stub.tombstone, marker.publicKey);
      return;
    }
    case 'receipt':
      demand(toHex(verifyReceipt(bytes, marker.publicKey).record) === name);
      return;
    case 'ledger':
      demand(ledgerEntryName(parseLedgerEntry(bytes).number) === name);
      return;
    case 'slots':
      demand(toHex(objectDigest(bytes)) === name);
      parseKeySlotObject(bytes);
      return;
    case 'erase':
      demand(toHex(parseEraseOrder(bytes).object.digest) === name);
      return;
    case 'plan': {
      const { object } = parsePlan(bytes);
      verifySigned(object, marker.publicKey);
      demand(toHex(object.digest) === name);
      return;
    }
  }
}

function demand(isThis: boolean): void {
  if (!isThis) throw new FormatError('object-invalid', { context: { defect: 'another object' } });
}
