/*
 * What a twin said of records: its receipts, which tell where a safeset stands, and its tombstones, which are its consent. They are kept beside this site's
 * own, and nothing here follows from their times.
 */

import { FormatError, parseStub, verifyReceipt, verifyTombstone } from '@twinvault/format';
import type { Receipt } from '@twinvault/format';
import { equalBytes, toHex } from '@twinvault/std';
import { bytesOf } from './taking.ts';
import type { Taken, Taking } from './taking.ts';

/** Codes of format. Of a source that is no twin nothing is kept. */
export async function takeReceipt(taking: Taking, hex: string): Promise<Taken> {
  return takeWord(taking, { kind: 'receipt', folder: 'receipts', hex }, (bytes, key) => ({
    word: verifyReceipt(bytes, key),
    kept: bytes,
  }));
}

/** The tombstone in a stub. */
export async function takeTombstone(taking: Taking, hex: string): Promise<Taken> {
  return takeWord(taking, { kind: 'stub', folder: 'tombstones', hex }, (bytes, key) => {
    const { digest, tombstone } = parseStub(bytes);
    if (toHex(digest) !== hex) throw new FormatError('record-invalid', { context: { defect: 'another digest' } });
    return { word: verifyTombstone(tombstone, key), kept: tombstone };
  });
}

interface Place {
  readonly kind: 'receipt' | 'stub';
  readonly folder: 'receipts' | 'tombstones';
  readonly hex: string;
}

interface Word {
  readonly word: Pick<Receipt, 'record' | 'safe' | 'site'>;
  readonly kept: Uint8Array;
}

async function takeWord(
  taking: Taking,
  { kind, folder, hex }: Place,
  verify: (bytes: Uint8Array, key: Uint8Array) => Word,
): Promise<Taken> {
  const { twin, parts } = taking;
  if (twin === null) return 'present';
  const { store, layout, safe } = parts.context;
  const bytes = await bytesOf(taking, kind, hex);
  if (bytes === null) return 'gone';
  const { word, kept } = verify(bytes, twin.publicKey);
  const isIt = toHex(word.record) === hex && equalBytes(word.safe, safe) && equalBytes(word.site, twin.site);
  if (!isIt) throw new FormatError('object-invalid', { context: { defect: 'of another record or site' } });
  // The newest word counts: a twin that was made anew signs anew.
  await store.replace(layout.twin(toHex(twin.site), folder, hex), [kept]);
  return 'taken';
}
