/*
 * Proves a seed on its disk, without keys: who signed its manifest, that each object is there and is what its name says, and that the records
 * find all that they refer to. A defect of one object keeps nobody from the others.
 */

import { FormatError, parseRefs, recordDigestFromHex, verifyRecord, verifySigned } from '@twinvault/format';
import type { Ledger, SafeId, SeedManifest, SeedObject, SignedBy } from '@twinvault/format';
import { equalBytes, toHex } from '@twinvault/std';
import { verifyObject } from '../care/verify-object.ts';
import { checkOrigins } from '../commit/origins.ts';
import { isAncestorOrSame } from '../commit/record-rules.ts';
import { VaultError } from '../errors.ts';
import type { SafeParts } from '../site-safe.ts';
import { onDisk } from './seed-disk.ts';
import type { SeedContents, SeedDisk } from './seed-disk.ts';

export interface SeedProgress {
  readonly objects: number;
  readonly bytes: number;
  readonly objectsTotal: number;
  readonly bytesTotal: number;
}

export interface SeedProblem {
  readonly kind: SeedObject['kind'];
  readonly name: string;
  /** A code of errors.md, or `missing`, `size`. */
  readonly defect: string;
}

export interface SeedReport {
  readonly manifest: SeedManifest;
  readonly problems: readonly SeedProblem[];
  /** Safesets that lack something, hexadecimal digests of their records. */
  readonly incomplete: readonly string[];
}

export interface VerifySeedOptions {
  readonly progress?: (progress: SeedProgress) => void;
  readonly signal?: AbortSignal;
}

/** Reads every byte. `seed-unfinished`, `seed-damaged`, `seed-signer`, `seed-away`. */
export async function verifySeed(disk: SeedDisk, safe: SafeId, options: VerifySeedOptions = {}): Promise<SeedReport> {
  const contents = await disk.contents(safe);
  const parts = await disk.vault.partsOf(safe);
  return onDisk(disk.path, async () => {
    const ledger = await parts.ledger.current();
    demandMaker(contents.manifest, ledger, (await disk.vault.site()).publicKey);
    const problems = await verifyObjects(parts, contents, options);
    const damaged = new Set(problems.filter(({ kind }) => kind === 'pack').map(({ name }) => name));
    const incomplete = await incompleteRecords(parts, contents, { ledger, damaged, problems });
    return { manifest: contents.manifest, problems, incomplete };
  });
}

/** Of a load a certificate of the safe that stands, of a restore the site on the disk. `seed-signer`. */
export function demandMaker(manifest: SeedManifest & SignedBy, ledger: Ledger, diskKey: Uint8Array): void {
  const { maker, purpose, object } = manifest;
  const certificate = purpose === 'load' ? ledger.certificates().find(({ id }) => equalBytes(id, maker)) : null;
  const isRevoked = certificate !== null && certificate !== undefined && ledger.revocationOf(certificate.id) !== null;
  if (certificate === undefined || isRevoked)
    throw new VaultError('seed-signer', { context: { maker: toHex(maker), defect: isRevoked ? 'revoked' : 'unknown' } });
  try {
    verifySigned(object, certificate?.agentKey ?? diskKey);
  } catch (cause) {
    throw new VaultError('seed-signer', { context: { maker: toHex(maker), defect: 'signature' }, cause });
  }
}

async function verifyObjects(
  { context }: SafeParts,
  { manifest, objects }: SeedContents,
  { progress, signal }: VerifySeedOptions,
): Promise<SeedProblem[]> {
  const problems: SeedProblem[] = [];
  const totals = { objectsTotal: manifest.objects, bytesTotal: manifest.bytes };
  let bytes = 0;
  for (const [index, object] of objects.entries()) {
    signal?.throwIfAborted();
    const { kind, name } = object;
    // The descriptor was read and verified with the ledger.
    if (kind !== 'descriptor') {
      const verdict = await verifyObject(context, { kind, name });
      const defect = defectOf(verdict, object);
      if (defect !== null) problems.push({ kind, name, defect });
    }
    bytes += object.bytes;
    progress?.({ objects: index + 1, bytes, ...totals });
  }
  return problems;
}

function defectOf(verdict: Awaited<ReturnType<typeof verifyObject>>, { bytes }: SeedObject): string | null {
  if (verdict.type === 'whole') return verdict.bytes === bytes ? null : 'size';
  if (verdict.type === 'missing') return 'missing';
  return verdict.type === 'damaged' ? verdict.defect : verdict.code;
}

interface RecordsToCheck {
  readonly ledger: Ledger;
  /** Packs, hexadecimal. */
  readonly damaged: ReadonlySet<string>;
  /** Defects of records are added. */
  readonly problems: SeedProblem[];
}

async function incompleteRecords(
  parts: SafeParts,
  { objects }: SeedContents,
  { ledger, damaged, problems }: RecordsToCheck,
): Promise<string[]> {
  const incomplete: string[] = [];
  const known = new Set(problems.filter(({ kind }) => kind === 'record').map(({ name }) => name));
  const all = await parts.records.all();
  for (const { kind, name } of objects) {
    if (kind !== 'record') continue;
    const bytes = known.has(name) ? null : await parts.records.bytes(recordDigestFromHex(name));
    if (bytes === null) {
      incomplete.push(name);
      continue;
    }
    const { refs, record } = await parts.lookUp.offered(bytes);
    const defect = signatureDefect(() =>
      verifyRecord(record, ledger, { isAncestorOrSame: (a, b) => isAncestorOrSame(all, a, b) }),
    );
    if (defect !== null) problems.push({ kind, name, defect });
    const { missing } = await checkOrigins(parts.context, parseRefs(refs), damaged);
    if (missing > 0 || defect !== null) incomplete.push(name);
  }
  return incomplete;
}

function signatureDefect(verify: () => void): string | null {
  try {
    verify();
    return null;
  } catch (error) {
    if (error instanceof FormatError) return error.code;
    throw error;
  }
}
