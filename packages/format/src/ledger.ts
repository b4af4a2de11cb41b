/*
 * The ledger of a safe: a numbered hash chain of signed entries, replayed. docs/format/keys.md, Ledger.
 *
 * Invariants: a Ledger holds only entries whose chain, signature and signer's right were checked, from entry 1 on. It never
 * changes: append gives a new one. Every head that was once its head is found by `extends` for ever after.
 */

import { equalBytes, primitives, toHex } from '@twinvault/std';
import { demand, FormatError, refuse } from './errors.ts';
import type { CertificateId, RecordDigest } from './ids.ts';
import { ledgerSecondMessage, parseLedgerEntry } from './ledger-entry.ts';
import type { ParsedLedgerEntry } from './ledger-entry.ts';
import type { LedgerHead } from './ledger-head.ts';
import { successionMessage } from './ledger-payload.ts';
import type {
  EscrowPayload,
  HandoverPayload,
  LedgerKind,
  PartyPayload,
  RetentionPayload,
  SuccessionPayload,
  SuccessorPayload,
} from './ledger-payload.ts';
import { applyLedgerPayload, copyLedgerState, emptyLedgerState, markKey } from './ledger-state.ts';
import type { Certificate, Home, LedgerState, Mark, MarkKind, Revocation } from './ledger-state.ts';
import { objectDigest } from './objects.ts';
import type { Suite } from './objects.ts';
import type { Measure } from './receipt.ts';
import { parseSafeDescriptor } from './safe-descriptor.ts';
import type { SafeDescriptor } from './safe-descriptor.ts';

/** Kinds that the root alone signs. */
const rootKinds: ReadonlySet<LedgerKind> = new Set([
  'epoch',
  'slots',
  'certificate',
  'revocation',
  'handover',
  'escrow',
  'succession',
  'admission',
  'successor',
  'party',
  'suite',
  'feature',
]);

/** Names of features of this version: none yet. */
const knownFeatures: ReadonlySet<string> = new Set();

export class Ledger {
  readonly descriptor: SafeDescriptor;
  /** Heads by entry number, the first before entry 1. */
  readonly #heads: readonly LedgerHead[];
  readonly #entries: readonly ParsedLedgerEntry[];
  readonly #state: LedgerState;

  private constructor(parts: {
    descriptor: SafeDescriptor;
    heads: readonly LedgerHead[];
    entries: readonly ParsedLedgerEntry[];
    state: LedgerState;
  }) {
    this.descriptor = parts.descriptor;
    this.#heads = parts.heads;
    this.#entries = parts.entries;
    this.#state = parts.state;
  }

  /** Verifies the descriptor and every entry, entry 1 first, and throws on the first that is refused. */
  static replay(descriptorBytes: Uint8Array, entries: readonly Uint8Array[]): Ledger {
    const descriptor = parseSafeDescriptor(descriptorBytes);
    const digest = objectDigest(descriptorBytes);
    const empty = new Ledger({
      descriptor,
      heads: [{ number: 0, digest, root: digest }],
      entries: [],
      state: emptyLedgerState(descriptor.suite),
    });
    return empty.#extended(entries);
  }

  /** A ledger with one more entry; this one stays as it is. */
  append(entryBytes: Uint8Array): Ledger {
    return this.#extended([entryBytes]);
  }

  get head(): LedgerHead {
    return this.headAt(this.#entries.length);
  }

  /** `n` from 0 to the head's number; RangeError otherwise. */
  headAt(n: number): LedgerHead {
    const head = this.#heads[n];
    if (head === undefined) throw new RangeError('no such ledger entry');
    return head;
  }

  /** True if the head was once this ledger's head: whoever has seen it may accept this ledger. */
  extends(head: LedgerHead): boolean {
    const own = this.#heads[head.number];
    return own !== undefined && equalBytes(own.digest, head.digest) && equalBytes(own.root, head.root);
  }

  /** Entries in order, entry 1 first. */
  entries(): readonly ParsedLedgerEntry[] {
    return this.#entries;
  }

  /** Revoked ones too. */
  certificate(id: Uint8Array): Certificate | null {
    return this.#state.certificates.get(toHex(id)) ?? null;
  }

  /** In the order of the ledger, revoked ones too. */
  certificates(): Certificate[] {
    return [...this.#state.certificates.values()];
  }

  revocationOf(id: Uint8Array): Revocation | null {
    return this.#state.revocations.get(toHex(id)) ?? null;
  }

  /** The newest reading key. `ledger-broken` before the first `epoch` entry: nothing can be sealed for such a safe. */
  epoch(): { readonly epoch: number; readonly key: Uint8Array } {
    const epoch = this.#state.epochKeys.length;
    const key = this.epochKey(epoch);
    if (key === null) refuse('ledger-broken', 'no epoch entry');
    return { epoch, key };
  }

  /** X-Wing public key of an epoch (from 1), or null. */
  epochKey(epoch: number): Uint8Array | null {
    return this.#state.epochKeys[epoch - 1] ?? null;
  }

  /** The set of key slots; empty before the first `slots` entry. */
  slotDigests(): readonly Uint8Array[] {
    return this.#state.slotDigests;
  }

  /** What new sessions seal with: the descriptor's suite until an entry raises it. */
  get minimumSuite(): Suite {
    return this.minimumSuiteAt(this.#entries.length);
  }

  /** The minimum that held when entry `n` was the newest. */
  minimumSuiteAt(n: number): Suite {
    return this.#state.minimumSuites.findLast(({ entryNumber }) => entryNumber <= n)?.minimum ?? 1;
  }

  /** Keys other than the root's that may sign, the newest entry of each. */
  parties(): PartyPayload[] {
    return [...this.#state.parties.values()];
  }

  party(key: Uint8Array): PartyPayload | null {
    return this.#state.parties.get(toHex(key)) ?? null;
  }

  /** Safes that this one takes the place of; their roots signed it. */
  predecessors(): readonly SuccessionPayload[] {
    return this.#state.predecessors;
  }

  /** The safe that takes the place of this one; null as long as there is none. */
  successor(): SuccessorPayload | null {
    return this.#state.successor;
  }

  /** Keys for the computer of a certificate, sealed to it: the newest; null when there are none. */
  admissionOf(id: Uint8Array): Uint8Array | null {
    return this.#state.admissions.get(toHex(id)) ?? null;
  }

  escrows(): readonly EscrowPayload[] {
    return this.#state.escrows;
  }

  handovers(): readonly HandoverPayload[] {
    return this.#state.handovers;
  }

  /** By type name. */
  retentions(): ReadonlyMap<string, RetentionPayload> {
    return this.#state.retentions;
  }

  /** The newest word on a record, on or off; null when none was said. */
  mark(kind: MarkKind, record: RecordDigest): Mark | null {
    return this.#state.marks.get(markKey(kind, record)) ?? null;
  }

  /** Whether a safeset is not to be trusted: the ledger's newest word, else what the site measured. */
  flagged(record: RecordDigest, measure?: Measure): boolean {
    return this.mark('flag', record)?.on ?? measure?.suspect ?? false;
  }

  home(): Home | null {
    return this.#state.home;
  }

  /** Names of erase orders, in the order of the ledger. */
  eraseOrders(): readonly Uint8Array[] {
    return this.#state.eraseOrders;
  }

  /** Number of the first entry that names the erase order; null when none does. */
  eraseEntryOf(name: Uint8Array): number | null {
    const entry = this.#entries.find(({ payload }) => payload.kind === 'erase' && equalBytes(payload.order, name));
    return entry?.number ?? null;
  }

  /** Keys of those who were operators when entry `from` was the newest, or became so by an entry up to `to`. */
  operators(from: number = this.#entries.length, to: number = from): Uint8Array[] {
    const found = new Map<string, Uint8Array>();
    for (const { number, payload } of this.#entries) {
      if (number > to) break;
      if (payload.kind !== 'party') continue;
      if (payload.role === 'operator') found.set(toHex(payload.key), payload.key);
      else if (number <= from) found.delete(toHex(payload.key));
    }
    return [...found.values()];
  }

  /** Throws `feature-unknown` when a feature is on that this version does not know. Every reader calls it before it reads. */
  demandKnownFeatures(): void {
    for (const [name, on] of this.#state.features) {
      if (on && !knownFeatures.has(name)) throw new FormatError('feature-unknown', { context: { feature: name } });
    }
  }

  /** Whether a new record of this job by this certificate would be accepted now. */
  mayWrite(id: CertificateId, computer: Uint8Array, job: string): boolean {
    return this.revocationOf(id) === null && this.namesJob(id, computer, job);
  }

  /** Whether the certificate is of the job's computer, or the job was handed over to it; revoked or not. */
  namesJob(id: CertificateId, computer: Uint8Array, job: string): boolean {
    const certificate = this.certificate(id);
    if (certificate === null) return false;
    if (equalBytes(certificate.computer, computer)) return true;
    return this.#state.handovers.some(
      (handover) => equalBytes(handover.certificate, id) && equalBytes(handover.computer, computer) && handover.job === job,
    );
  }

  #extended(added: readonly Uint8Array[]): Ledger {
    const heads = [...this.#heads];
    const entries = [...this.#entries];
    const state = copyLedgerState(this.#state);
    let head = this.head;
    for (const bytes of added) {
      const entry = parseLedgerEntry(bytes);
      demandChained(entry, head, this.descriptor);
      demandSigner(entry, this.descriptor.rootKey, state);
      applyLedgerPayload(state, entry.payload, entry.number);
      const rootSigned = equalBytes(entry.signer, this.descriptor.rootKey);
      head = { number: entry.number, digest: entry.digest, root: rootSigned ? entry.digest : head.root };
      heads.push(head);
      entries.push(entry);
    }
    return new Ledger({ descriptor: this.descriptor, heads, entries, state });
  }
}

function demandChained(entry: ParsedLedgerEntry, head: LedgerHead, descriptor: SafeDescriptor): void {
  demand(equalBytes(entry.safe, descriptor.safe), 'safe-mismatch', 'ledger entry of another safe');
  demand(entry.number === head.number + 1, 'ledger-broken', 'number does not follow');
  demand(equalBytes(entry.previous, head.digest), 'ledger-broken', 'previous is another entry');
  demand(equalBytes(entry.root, head.root), 'ledger-broken', 'root is another entry');
}

function demandSigner(entry: ParsedLedgerEntry, rootKey: Uint8Array, state: LedgerState): void {
  const { payload, signer } = entry;
  const byRoot = equalBytes(signer, rootKey);
  if (rootKinds.has(payload.kind)) {
    demand(byRoot, 'ledger-signer', 'the root alone signs this kind');
    if (payload.kind === 'succession') {
      const isSigned = primitives.ed25519Verify(payload.root, successionMessage(payload.safe, rootKey), payload.signature);
      demand(isSigned, 'ledger-signer', 'not signed by the safe before');
    }
    if (payload.kind === 'successor') demand(!equalBytes(payload.safe, entry.safe), 'ledger-conflict', 'its own successor');
    return;
  }
  const role = state.parties.get(toHex(signer))?.role;
  if (payload.kind === 'home' || payload.kind === 'erase') {
    if (payload.kind === 'erase' && byRoot) {
      demand(payload.other === null, 'ledger-signer', 'a second signature beside the root');
      return;
    }
    demand(role === 'operator', 'ledger-signer', 'not an operator');
    demand(hasSecondOperator(entry, payload.other, state), 'ledger-signer', 'no second operator');
    return;
  }
  demand(role === 'operator' || role === 'customer', 'ledger-signer', 'neither operator nor customer');
}

function hasSecondOperator(entry: ParsedLedgerEntry, other: Uint8Array | null, state: LedgerState): boolean {
  if (other === null) return false;
  const operators = [...state.parties.values()].flatMap(({ role, key }) => (role === 'operator' ? [key] : []));
  return isSecondOperator({ message: ledgerSecondMessage(entry), other, signer: entry.signer, operators });
}

export interface SecondOperator {
  readonly message: Uint8Array;
  readonly other: Uint8Array;
  readonly signer: Uint8Array;
  /** Keys. */
  readonly operators: readonly Uint8Array[];
}

/** Whether `other` is the message's signature by an operator who is not the signer. */
export function isSecondOperator({ message, other, signer, operators }: SecondOperator): boolean {
  return operators.some((key) => !equalBytes(key, signer) && primitives.ed25519Verify(key, message, other));
}
