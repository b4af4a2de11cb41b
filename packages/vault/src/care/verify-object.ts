/* Reads all bytes of one stored object and verifies that they are what its name says, without any key. */

import {
  FormatError,
  objectDigest,
  parseEraseOrder,
  parseKeySlotObject,
  parseLedgerEntry,
  parsePlan,
  parseRecord,
  parseStub,
  verifyPackTable,
  verifyReceipt,
  verifyTombstone,
} from '@twinvault/format';
import { ProtocolError, twinObjectBytesMax } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { ObjectName } from '../database/inventory.ts';
import { siteKeys, verifySignedByOne } from '../compact/plan-store.ts';
import { packNameOfHex } from '../packs/pack-files.ts';
import { ledgerEntryName } from '../store/layout.ts';
import { storeNameOf } from './stored-objects.ts';

export type Verdict =
  | { readonly type: 'whole'; readonly bytes: number }
  | { readonly type: 'missing' }
  | { readonly type: 'damaged'; readonly defect: string }
  /** The store cannot read it now: nothing is said about its bytes. */
  | { readonly type: 'unreadable'; readonly code: string };

export async function verifyObject(context: SafeContext, { kind, name }: ObjectName): Promise<Verdict> {
  try {
    const bytes = await context.store.get(storeNameOf(context.layout, kind, name), twinObjectBytesMax[kind]);
    if (bytes === null) return { type: 'missing' };
    demandTrue(context, { kind, name, bytes }, await siteKeys(context));
    return { type: 'whole', bytes: bytes.length };
  } catch (error) {
    if (error instanceof FormatError) return { type: 'damaged', defect: String(error.context['defect'] ?? error.code) };
    if (!(error instanceof ProtocolError)) throw error;
    return error.code === 'vault-damaged' ? { type: 'damaged', defect: error.code } : { type: 'unreadable', code: error.code };
  }
}

/** Codes of format unless these bytes are what the name says. */
export async function demandWhole(context: SafeContext, object: ReadObject): Promise<void> {
  demandTrue(context, object, await siteKeys(context));
}

export interface ReadObject extends ObjectName {
  readonly bytes: Uint8Array;
}

/** Codes of format. What a newer program wrote has a digest too: only its form is not looked at. */
function demandTrue({ safe, marker }: SafeContext, { kind, name, bytes }: ReadObject, keys: readonly Uint8Array[]): void {
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
      demand(toHex(parseEraseOrder(bytes).name) === name);
      return;
    case 'plan': {
      const { object } = parsePlan(bytes);
      verifySignedByOne(object, keys);
      demand(toHex(object.digest) === name);
      return;
    }
  }
}

function demand(isThis: boolean): void {
  if (!isThis) throw new FormatError('object-invalid', { context: { defect: 'another object' } });
}
