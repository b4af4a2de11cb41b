/*
 * One safe that takes the place of another (docs/format/keys.md, "Succession"): the root of the safe before signs the root key of the one
 * that follows, whose ledger admits the computers of the first: keys for each, sealed to the key of its certificate. The ledger of the
 * first names its successor. So a computer goes from one to the other with what it has pinned, and needs no password.
 *
 * Invariant: nothing of the safe that follows is believed before the root that is pinned has signed for it, from both sides.
 */

import { concatBytes, equalBytes, primitives, toHex, utf8Encode } from '@twinvault/std';
import type { Clock } from '@twinvault/std';
import { admissionBytes, certificateId, kemCiphertextBytes, successionMessage } from '@twinvault/format';
import type { Certificate, CertificateId, ComputerId, Ledger, SafeId } from '@twinvault/format';
import { certificateEntry, rootEntry } from './admin.ts';
import type { AgentKeys } from './agent-keys.ts';
import { SealError } from './errors.ts';
import { stateKey } from './keys.ts';
import type { WriteSecret } from './keys.ts';
import { demandExtends } from './open-safe.ts';
import type { OpenedSafe } from './open-safe.ts';
import { openBytes, sealBytes, zeroNonce } from './suites.ts';
import type { SealInput } from './suites.ts';

interface Succession {
  /** The safe that follows. */
  readonly opened: OpenedSafe;
  readonly clock: Pick<Clock, 'nowMs'>;
}

const admissionInfo = utf8Encode('twinvault v1 admission');

/** Names `before` as the safe whose place this one takes. */
export function successionEntry({ opened, clock, before }: Succession & { readonly before: OpenedSafe }): Uint8Array {
  const signature = before.sign(successionMessage(before.safe, opened.rootKey));
  return rootEntry({ opened, clock }, { kind: 'succession', safe: before.safe, root: before.rootKey, signature });
}

/** For the ledger of `before`: its computers go on in this safe, as it is now. The last step, once everything is there. */
export function successorEntry({ opened, clock, before }: Succession & { readonly before: OpenedSafe }): Uint8Array {
  const { safe, rootKey: root } = opened;
  return rootEntry({ opened: before, clock }, { kind: 'successor', safe, root, ledger: opened.ledger.head });
}

/** Lets a certificate write the job of another computer: for copying its safesets. */
export function handoverEntry(
  input: Succession & { readonly certificate: CertificateId; readonly computer: ComputerId; readonly job: string },
): Uint8Array {
  const { certificate, computer, job } = input;
  return rootEntry(input, { kind: 'handover', certificate: certificateId(certificate), computer, job });
}

/**
 * A certificate for the keys that a computer of the safe before has, and the keys of this safe, sealed to it: the two entries to append.
 * `kemRandom`: 64 bytes, for vectors.
 */
export function admissionEntries(
  input: Succession & {
    readonly of: Pick<Certificate, 'computer' | 'name' | 'agentKey' | 'sealKey'>;
    readonly certificate: CertificateId;
    readonly kemRandom?: Uint8Array;
  },
): { readonly entries: readonly Uint8Array[]; readonly opened: OpenedSafe } {
  const { clock, certificate, of, kemRandom } = input;
  const certified = certificateEntry({ ...of, opened: input.opened, clock, certificate });
  const opened = input.opened.withEntry(certified);
  const { sharedSecret, ciphertext } = primitives.xwingEncapsulate(of.sealKey, kemRandom);
  const keys = concatBytes(opened.writeSecret, stateKey(opened.rootSecret, of.computer));
  const sealed = sealBytes(1, sealInput(sharedSecret, { safe: opened.safe, certificate }), keys);
  const entry = rootEntry({ opened, clock }, { kind: 'admission', certificate, package: concatBytes(ciphertext, sealed) });
  return { entries: [certified, entry], opened: opened.withEntry(entry) };
}

/** Whether the ledger's safe takes the place of this one, by the signature of the root key that is pinned for it. */
export function succeeds(ledger: Ledger, before: { readonly safe: SafeId; readonly rootKey: Uint8Array }): boolean {
  return ledger.predecessors().some(({ safe, root }) => equalBytes(safe, before.safe) && equalBytes(root, before.rootKey));
}

/**
 * That `next`, as a vault serves it, is the safe that `ledger` names as its successor, and no older than when it was named:
 * `successor-mismatch`, `ledger-rolled-back`. `ledger` is of the safe that was pinned, replayed and held against the pins.
 */
export function demandSuccessor(ledger: Ledger, next: Ledger): void {
  const named = ledger.successor();
  const { safe, rootKey } = next.descriptor;
  const isNamed = named !== null && equalBytes(named.safe, safe) && equalBytes(named.root, rootKey);
  if (!isNamed || !succeeds(next, ledger.descriptor)) throw new SealError('successor-mismatch');
  demandExtends(next, named.ledger);
}

/**
 * This computer's keys in the safe that takes the place of that of `before`; null when its owner did not admit it. The caller has
 * made sure that it is the right safe. `admission-invalid` when what is sealed for this computer does not open.
 */
export function keysOfAdmission(ledger: Ledger, before: AgentKeys): AgentKeys | null {
  const agentKey = primitives.ed25519PublicKey(before.agentSeed);
  const certificate = ledger
    .certificates()
    .findLast(
      (known) =>
        equalBytes(known.agentKey, agentKey) &&
        equalBytes(known.computer, before.computer) &&
        ledger.revocationOf(known.id) === null &&
        ledger.admissionOf(known.id) !== null,
    );
  const sealed = certificate === undefined ? null : ledger.admissionOf(certificate.id);
  if (certificate === undefined || sealed === null) return null;
  const { safe, rootKey } = ledger.descriptor;
  const keys = openAdmission(sealed, { safe, certificate: certificate.id, sealSeed: before.sealSeed });
  return {
    safe,
    computer: before.computer,
    computerName: certificate.name,
    certificate: certificate.id,
    rootKey,
    ...keys,
    agentSeed: before.agentSeed,
    sealSeed: before.sealSeed,
    kem: ledger.epoch(),
    ledgerHead: ledger.head,
    suite: ledger.minimumSuite,
  };
}

/** What a package of an `admission` entry holds: `admission-invalid`. */
export function openAdmission(
  sealed: Uint8Array,
  to: { readonly safe: SafeId; readonly certificate: CertificateId; readonly sealSeed: Uint8Array },
): Pick<AgentKeys, 'writeSecret' | 'stateKey'> {
  const invalid = (): SealError => new SealError('admission-invalid', { context: { safe: toHex(to.safe) } });
  if (sealed.length !== admissionBytes) throw invalid();
  const shared = primitives.xwingDecapsulate(to.sealSeed, sealed.subarray(0, kemCiphertextBytes));
  const keys = openBytes(1, sealInput(shared, to), sealed.subarray(kemCiphertextBytes));
  if (keys === null) throw invalid();
  return { writeSecret: keys.slice(0, 32) as WriteSecret, stateKey: keys.slice(32) };
}

/** The shared secret is new each time, so the key is used once. */
function sealInput(
  shared: Uint8Array,
  { safe, certificate }: { readonly safe: SafeId; readonly certificate: CertificateId },
): SealInput {
  const key = primitives.hkdfSha256(shared, certificate, admissionInfo, 32);
  return { key, nonce: zeroNonce, aad: concatBytes(safe, certificate) };
}
