/* The record of a run: made from what the run found, signed by the agent, committed, and its receipt verified. */
import { compareBytes, equalBytes, primitives, toHex } from '@twinvault/std';
import type { Random } from '@twinvault/std';
import {
  encodeRecord,
  encodeRecordDifference,
  parseReceipt,
  parseRecord,
  recordPublicDigest,
  safesetId,
  verifyReceipt,
} from '@twinvault/format';
import type {
  Measure,
  ParsedRecord,
  Receipt,
  RecordCounts,
  RecordDigest,
  RecordKind,
  RecordPublic,
  RecordResult,
  RefsBuilder,
  SafesetId,
} from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { CommitReply } from '@twinvault/protocol';
import { sealRecordPart } from '@twinvault/seal';
import type { AgentKeys, RecordSealedPart, SealingSession } from '@twinvault/seal';
import { EngineError } from '../errors.ts';
import type { OpenedRun } from './opening.ts';

export interface RecordToCommit {
  readonly kind: RecordKind;
  readonly retention: string;
  readonly result: RecordResult;
  readonly startMs: number;
  readonly endMs: number;
  readonly counts: RecordCounts;
  readonly refs: RefsBuilder;
  readonly part: RecordSealedPart;
}

export interface CommitContext {
  readonly agent: AgentKeys;
  readonly job: string;
  readonly run: OpenedRun;
  readonly sealing: SealingSession;
  readonly random: Random;
  /** The site's key, to verify its receipt; null when the caller has none. */
  readonly siteKey: Uint8Array | null;
  /** Refs of an earlier safeset that the site should have still; null: the record is sent whole. */
  readonly base: { readonly digest: RecordDigest; readonly refs: Uint8Array } | null;
}

export interface CommittedRecord {
  readonly digest: RecordDigest;
  readonly safeset: SafesetId;
  readonly sequence: number;
  /** In their one form. */
  readonly refs: Uint8Array;
  readonly sentBytes: number;
  /** The site's measure of the run; null where it did not measure. */
  readonly measure: Measure | null;
}

/** Throws ProtocolError as the vault port says, EngineError 'receipt-invalid'. */
export async function commitRecord(record: RecordToCommit, context: CommitContext): Promise<CommittedRecord> {
  const { agent, run, sealing } = context;
  const publicPart = recordPublic(record, context);
  const publicDigest = recordPublicDigest(run.suite, publicPart);
  const sealed = sealRecordPart({ session: sealing, nonce: publicPart.nonce, publicDigest, part: record.part });
  const bytes = encodeRecord({
    public: publicPart,
    suite: run.suite,
    refs: record.refs.finish(),
    sealed,
    sign: (message) => primitives.ed25519Sign(agent.agentSeed, message),
  });
  const parsed = parseRecord(bytes);
  const { digest } = parsed;
  const { reply, sentBytes } = await send({ bytes, parsed }, context);
  const { measure = null } = checkedReceipt(reply, digest, context);
  const { safeset, sequence } = publicPart;
  return { digest, safeset, sequence, refs: parsed.refs, sentBytes, measure };
}

interface MadeRecord {
  readonly bytes: Uint8Array;
  readonly parsed: ParsedRecord;
}

/** As a difference where that is smaller, and whole when the site does not have the base any more. */
async function send(
  { bytes, parsed }: MadeRecord,
  { run, base }: CommitContext,
): Promise<{ readonly reply: CommitReply; readonly sentBytes: number }> {
  const difference = base === null ? null : encodeRecordDifference(parsed, base);
  if (difference === null || difference.length >= bytes.length) {
    return { reply: await run.session.commit(bytes), sentBytes: bytes.length };
  }
  try {
    return { reply: await run.session.commit(difference), sentBytes: difference.length };
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.code !== 'base-unknown') throw error;
    return { reply: await run.session.commit(bytes), sentBytes: difference.length + bytes.length };
  }
}

function recordPublic(record: RecordToCommit, { agent, job, run, sealing, random }: CommitContext): RecordPublic {
  return {
    safe: agent.safe,
    computer: agent.computer,
    certificate: agent.certificate,
    computerName: agent.computerName,
    job,
    retention: record.retention,
    kind: record.kind,
    sequence: run.sequence,
    previous: run.heads.map(({ digest }) => digest).sort(compareBytes),
    ledger: run.ledger.head,
    startMs: Math.floor(record.startMs),
    endMs: Math.floor(record.endMs),
    result: record.result,
    counts: record.counts,
    epoch: sealing.epoch,
    kem: sealing.kem,
    nonce: random.bytes(32),
    safeset: safesetId(random.bytes(16)),
  };
}

function checkedReceipt(reply: CommitReply, digest: RecordDigest, { agent, siteKey }: CommitContext): Receipt {
  try {
    const receipt = siteKey === null ? parseReceipt(reply.receipt) : verifyReceipt(reply.receipt, siteKey);
    if (equalBytes(receipt.record, digest) && equalBytes(receipt.safe, agent.safe)) return receipt;
  } catch (cause) {
    throw new EngineError('receipt-invalid', { cause });
  }
  throw new EngineError('receipt-invalid', { context: { record: toHex(digest) } });
}
