/* Checks of records, stubs and receipts, and that everything a record refers to is here. */

import { FormatError, parseRecord, parseRefs, parseStub, verifyReceipt, verifyRecord, verifyTombstone } from '@twinvault/format';
import type { Ledger, ParsedRecord, RecordContext, RecordProof } from '@twinvault/format';
import { equalBytes, toHex } from '@twinvault/std';
import type { CommitParts } from '../commit/commit.ts';
import { checkOrigins } from '../commit/origins.ts';
import { isAncestorOrSame } from '../commit/record-rules.ts';
import { erasedOf } from '../erases/erased.ts';
import { digestNames, recordBytesMax } from '../records/record-store.ts';
import { parseStored } from '../store/vault-files.ts';
import type { CheckRun } from './check-run.ts';

export interface RecordCheck {
  readonly ledger: Ledger | null;
  /** Packs that are damaged, hexadecimal. */
  readonly damaged: ReadonlySet<string>;
}

export async function checkRecords(parts: CommitParts, run: CheckRun, { ledger, damaged }: RecordCheck): Promise<void> {
  const { context } = parts;
  const records = await digestNames(context, 'records');
  const stubs = await digestNames(context, 'stubs');
  const stubbed = new Set(stubs);
  const erased = await erasedOf(context);
  const proofs = new Map<string, RecordProof>();
  for (const hex of stubs) {
    const stub = await readStub(parts, run, hex);
    if (stub !== null) proofs.set(hex, stub);
  }
  let done = 0;
  for (const hex of records.filter((name) => !stubbed.has(name))) {
    const record = await readRecord(parts, run, hex);
    if (record !== null) {
      // Refs and sealed part are let go: only what proves the chain is kept.
      const { public: facts, publicBytes, suite, publicDigest, refsDigest, sealedDigest, signature, digest } = record;
      proofs.set(hex, {
        public: facts,
        publicBytes: publicBytes.slice(),
        suite,
        publicDigest,
        refsDigest,
        sealedDigest,
        signature,
        digest,
      });
      // Of what an erase order took in, packs go before records.
      if (erased.orderOf(record.public) === null) await checkRefs(parts, run, { record, damaged });
    }
    done += 1;
    const { safeHex: safe } = context.layout;
    run.options.progress?.({ safe, step: 'records', done, total: records.length, doneBytes: 0, totalBytes: 0 });
  }
  run.records += records.length;
  checkChain(parts, run, { proofs, ledger, retired: await retiredByTwins(context) });
  await checkReceipts(parts, run, proofs);
}

async function readRecord({ context }: CommitParts, run: CheckRun, hex: string): Promise<ParsedRecord | null> {
  const name = context.layout.record(hex);
  return run.object('record-damaged', name, async () => {
    const bytes = await context.store.get(name, recordBytesMax);
    if (bytes === null) return null;
    return parseStored(name, () => {
      const record = parseRecord(bytes);
      if (toHex(record.digest) !== hex) throw new FormatError('record-invalid', { context: { defect: 'another digest' } });
      run.readBytes += bytes.length;
      return record;
    });
  });
}

async function readStub({ context }: CommitParts, run: CheckRun, hex: string): Promise<RecordProof | null> {
  const { store, layout, marker } = context;
  const name = layout.inFolder('stubs', hex);
  return run.object('stub-damaged', name, async () => {
    const bytes = await store.get(name, recordBytesMax);
    if (bytes === null) return null;
    return parseStored(name, () => {
      const stub = parseStub(bytes);
      if (toHex(stub.digest) !== hex) throw new FormatError('record-invalid', { context: { defect: 'another digest' } });
      if (!equalBytes(verifyTombstone(stub.tombstone, marker.publicKey).site, marker.site))
        throw new FormatError('signature-invalid');
      return stub;
    });
  });
}

async function checkRefs(
  { context }: CommitParts,
  run: CheckRun,
  { record, damaged }: { record: ParsedRecord; damaged: ReadonlySet<string> },
): Promise<void> {
  const name = context.layout.record(record.digest);
  const refs = parseRefs(record.refs);
  const missing = await run.object('record-at-risk', name, async () => (await checkOrigins(context, refs, damaged)).missing);
  if (missing === null || missing === 0) return;
  const hurt = [...refs.packs()].filter(({ pack }) => damaged.has(toHex(pack))).length;
  run.found('record-at-risk', name, hurt > 0 ? `damaged packs: ${hurt}` : `missing positions: ${missing}`);
}

interface ChainCheck {
  readonly proofs: ReadonlyMap<string, RecordProof>;
  readonly ledger: Ledger | null;
  readonly retired: ReadonlySet<string>;
}

/** What a twin retired before it came here left no stub here; the twin's word for it did come. */
async function retiredByTwins({ store, layout }: CommitParts['context']): Promise<Set<string>> {
  const names = new Set<string>();
  for (const site of await store.folders(layout.twins))
    for (const name of await store.list(layout.twin(site, 'tombstones'))) names.add(name);
  return names;
}

function checkChain({ context }: CommitParts, run: CheckRun, { proofs, ledger, retired }: ChainCheck): void {
  const summaries = [...proofs.values()].map((proof) => ({
    digest: proof.digest,
    public: proof.public,
    receivedMs: 0,
    storedBytes: 0,
    retired: false,
  }));
  const rules: RecordContext = { isAncestorOrSame: (digest, last) => isAncestorOrSame(summaries, digest, last) };
  for (const [hex, proof] of proofs) {
    const name = context.layout.record(hex);
    if (ledger !== null) {
      try {
        verifyRecord(proof, ledger, rules);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        run.found('record-refused', name, error.code);
      }
    }
    const unknown = proof.public.previous.map(toHex).filter((previous) => !proofs.has(previous) && !retired.has(previous)).length;
    if (unknown > 0) run.found('chain-broken', name, `unknown: ${unknown}`);
  }
}

async function checkReceipts(
  { context, records }: CommitParts,
  run: CheckRun,
  proofs: ReadonlyMap<string, RecordProof>,
): Promise<void> {
  const { layout, marker, safe } = context;
  const receipts = new Set(await digestNames(context, 'receipts'));
  for (const [hex, proof] of proofs) {
    const name = layout.receipt(hex);
    if (!receipts.delete(hex)) {
      run.found('receipt-missing', name);
      continue;
    }
    await run.object('receipt-damaged', name, async () => {
      const bytes = await records.receiptBytes(proof.digest);
      parseStored(name, () => {
        const receipt = verifyReceipt(bytes ?? new Uint8Array(0), marker.publicKey);
        if (
          !equalBytes(receipt.record, proof.digest) ||
          !equalBytes(receipt.safe, safe) ||
          !equalBytes(receipt.site, marker.site)
        ) {
          throw new FormatError('object-invalid', { context: { defect: 'another record' } });
        }
      });
    });
  }
  // What is left belongs to a record that is damaged, and was reported as that, or to none.
  for (const hex of receipts) {
    if (
      (await context.store.stat(layout.record(hex))) === null &&
      (await context.store.stat(layout.inFolder('stubs', hex))) === null
    ) {
      run.found('record-damaged', layout.record(hex), 'missing');
    }
  }
}
