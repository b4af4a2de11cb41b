/*
 * The last steps of a safe that took the place of another: its computers are admitted, so that they follow without a password, and the old
 * safe's ledger says where to. Each step may be made again.
 */
import { certificateId } from '@twinvault/format';
import type { Certificate, Ledger } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { VaultSafe } from '@twinvault/protocol';
import { admissionEntries, successorEntry } from '@twinvault/seal';
import type { OpenedSafe } from '@twinvault/seal';
import { equalBytes, toHex } from '@twinvault/std';
import type { VerbContext } from './context.ts';
import { safeState } from './open-safe.ts';

export interface SafeAndKeys {
  readonly safe: VaultSafe;
  readonly opened: OpenedSafe;
}

export interface SafeSuccession {
  readonly old: SafeAndKeys;
  readonly next: SafeAndKeys;
}

/**
 * Every computer of the old safe that may write there, each by its newest certificate, unless it is known in the new one already. Gives the
 * names of those that can follow by themselves.
 */
export async function admitComputers(
  { platform }: VerbContext,
  { old, next }: SafeSuccession,
): Promise<{ readonly opened: OpenedSafe; readonly names: readonly string[] }> {
  let { opened } = next;
  const names: string[] = [];
  for (const of of newestOfComputers(old.opened.ledger)) {
    const admission = admissionOf(opened.ledger, of);
    if (admission === 'enrolled') continue;
    names.push(of.name);
    if (admission === 'admitted') continue;
    const certificate = certificateId(platform.random.bytes(16));
    const { entries, opened: after } = admissionEntries({ opened, clock: platform.clock, of, certificate });
    for (const entry of entries) await next.safe.appendLedger(entry);
    opened = after;
  }
  return { opened, names };
}

/** A computer that was enrolled again has several certificates: a lost disk may hold the keys of the earlier ones. */
function newestOfComputers(ledger: Ledger): Certificate[] {
  const newest = new Map<string, Certificate>();
  for (const certificate of ledger.certificates()) newest.set(toHex(certificate.computer), certificate);
  return [...newest.values()].filter(({ id }) => ledger.revocationOf(id) === null);
}

function admissionOf(ledger: Ledger, of: Certificate): 'none' | 'admitted' | 'enrolled' {
  const known = ledger
    .certificates()
    .filter(({ id, computer }) => equalBytes(computer, of.computer) && ledger.revocationOf(id) === null);
  if (known.some(({ id, agentKey }) => equalBytes(agentKey, of.agentKey) && ledger.admissionOf(id) !== null)) return 'admitted';
  return known.some(({ agentKey }) => !equalBytes(agentKey, of.agentKey)) ? 'enrolled' : 'none';
}

/** The name is signed into the old safe's ledger. `closed`: the old vault takes nothing, so nobody can be told there. `other`: it has a successor. */
export async function nameSuccessor(
  { platform }: VerbContext,
  { old, next }: SafeSuccession,
): Promise<{ readonly result: 'named' | 'closed' | 'other'; readonly old: OpenedSafe }> {
  const standing = old.opened.ledger.successor();
  if (standing !== null) {
    return { result: equalBytes(standing.safe, next.opened.safe) ? 'named' : 'other', old: old.opened };
  }
  const entry = successorEntry({ opened: next.opened, clock: platform.clock, before: old.opened });
  try {
    await old.safe.appendLedger(entry);
  } catch (error) {
    if (error instanceof ProtocolError && ['vault-read-only', 'vault-denied', 'vault-full', 'verb-denied'].includes(error.code)) {
      return { result: 'closed', old: old.opened };
    }
    throw error;
  }
  return { result: 'named', old: old.opened.withEntry(entry) };
}

/** This computer writes into the new safe from now on, where it is enrolled already. */
export async function leaveOld(context: VerbContext, state: string | undefined, { old, next }: SafeSuccession): Promise<void> {
  using own = safeState(context, state, old.opened.safe);
  if ((await own.agentKeys()) === null) return;
  const { rootKey, ledger } = old.opened;
  await own.passOn({ next: next.opened.safe, rootKey, ledgerHead: ledger.head });
}
