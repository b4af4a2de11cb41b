/*
 * Records taken from another site: verified like committed ones, but for the head, and committed the same way. What a record needs and this site lacks is
 * taken first; what cannot be had keeps it from being committed, so a receipt is never signed of a record whose origins are not here.
 */

import { parseRefs, verifyReceipt } from '@twinvault/format';
import type { RecordDigest } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import { commitOffered } from '../../commit/commit.ts';
import type { CommitParts } from '../../commit/commit.ts';
import type { OfferedRecord } from '../../lookup/look-up.ts';
import { demandSigned } from '../../commit/record-rules.ts';
import { packNames } from '../../packs/pack-files.ts';
import { concurrently } from '../../store/concurrently.ts';
import { protocolError } from '../../store/vault-files.ts';
import { takeLedger } from './take-ledger.ts';
import { packsAtOnce, takePack } from './take-pack.ts';
import { bytesOf } from './taking.ts';
import type { Taken, Taking } from './taking.ts';

/** `record-invalid`, `certificate-revoked`, `origin-missing`. */
export async function takeRecord(taking: Taking, hex: string): Promise<Taken> {
  const { context } = taking.parts;
  const arrived = await bytesOf(taking, 'record', hex);
  if (arrived === null) return 'gone';
  await taking.segments.flush();
  await using lookUp = await context.lookUps.open(context, arrived.length);
  const parts = { ...taking.parts, lookUp };
  const offered = await lookUp.offered(arrived);
  const { digest } = offered.record;
  if (toHex(digest) !== hex) throw new ProtocolError('record-invalid', { context: { reason: 'another digest' } });
  await demandTakeable(taking, offered);
  const receipt = await ownReceipt(taking, digest);
  const reply = await commitTaken(taking, parts, { offered, ...(receipt === null ? {} : { receipt }) });
  if (receipt !== null) taking.returned();
  taking.took({ kind: 'record', name: hex, bytes: offered.bytes.length });
  taking.took({ kind: 'receipt', name: hex, bytes: reply.length });
  return 'taken';
}

/** The ledger may have grown there since it was taken. */
async function demandTakeable(taking: Taking, { record }: OfferedRecord): Promise<void> {
  try {
    await demandSigned(taking.parts, record);
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.context['reason'] !== 'ledger-foreign-head') throw error;
    await takeLedger(taking);
    await demandSigned(taking.parts, record);
  }
}

interface TakenRecord {
  readonly offered: OfferedRecord;
  readonly receipt?: Uint8Array;
}

/** The receipt. Once with what is here, and once more with what could be had of the rest. */
async function commitTaken(taking: Taking, parts: CommitParts, record: TakenRecord): Promise<Uint8Array> {
  const commit = async (): Promise<Uint8Array> => {
    const demand = (): Promise<void> => demandSigned(parts, record.offered.record);
    return (await commitOffered(parts, { ...record, demand })).receipt;
  };
  try {
    return await commit();
  } catch (error) {
    const refused = protocolError(error);
    if (!(refused instanceof ProtocolError) || refused.code !== 'origin-missing') throw error;
    await takeOrigins(taking, record.offered.refs);
    return commit();
  }
}

async function takeOrigins(taking: Taking, refs: Uint8Array): Promise<void> {
  const there = await packNames(taking.parts.context);
  const lacking: string[] = [];
  for (const { pack } of parseRefs(refs).packs()) if (!there.has(toHex(pack))) lacking.push(toHex(pack));
  await concurrently(lacking, packsAtOnce, (hex) => takePack(taking, hex));
  await taking.segments.flush();
}

/** This site's own receipt, which the source has kept: of a record that was here before this site lost it. Null when there is none that is ours. */
async function ownReceipt({ source, parts: { context } }: Taking, record: RecordDigest): Promise<Uint8Array | null> {
  const { safe, marker } = context;
  const bytes = await source.object(safe, { kind: 'receipt', name: toHex(record), site: marker.site });
  if (bytes === null) return null;
  try {
    const receipt = verifyReceipt(bytes, marker.publicKey);
    const isOwn = equalBytes(receipt.record, record) && equalBytes(receipt.safe, safe) && equalBytes(receipt.site, marker.site);
    return isOwn ? bytes : null;
  } catch (error) {
    if (protocolError(error) instanceof ProtocolError) return null;
    throw error;
  }
}
