/* Retiring a record: tombstone and stub are durable before the record goes. Its receipt stays as long as its stub. */

import { encodeStub, encodeTombstone, parseRecord } from '@twinvault/format';
import type { RecordDigest } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import { generationHex, signerOf } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { recordBytesMax } from '../records/record-store.ts';
import { bytesOfName } from '../store/layout.ts';
import { parseStored } from '../store/vault-files.ts';

export interface Retirement {
  readonly digest: RecordDigest;
  /** Stands in the tombstone. */
  readonly reason: string;
  /** The file system's time. */
  readonly retiredMs: number;
}

/** Idempotent; `vault-damaged` when the record is not what its name says, and then nothing has changed. */
export async function retireRecord(context: SafeContext, { digest, reason, retiredMs }: Retirement): Promise<void> {
  const { store, layout, safe, marker } = context;
  const name = layout.record(digest);
  const stubName = layout.inFolder('stubs', toHex(digest));
  if ((await store.stat(stubName)) === null) {
    const bytes = await store.get(name, recordBytesMax);
    if (bytes === null) return;
    const record = parseStored(name, () => parseRecord(bytes));
    const generation = bytesOfName(await generationHex(context), 16) ?? new Uint8Array(16);
    const tombstone = encodeTombstone(
      { safe, site: marker.site, generation, record: digest, reason, retiredMs },
      await signerOf(context),
    );
    const stub = parseStored(name, () => encodeStub(record, tombstone));
    await store.put(stubName, [stub]);
  }
  await store.remove(name);
}
