/*
 * What a ledger says when all entries up to some number are read: pure data, and the rules by which one more entry changes
 * it or is refused. docs/format/keys.md, Ledger.
 */

import { toHex } from '@twinvault/std';
import { demand } from './errors.ts';
import type { CertificateId, ComputerId, RecordDigest, SiteId } from './ids.ts';
import type {
  EscrowPayload,
  HandoverPayload,
  LedgerPayload,
  PartyPayload,
  RetentionPayload,
  RevocationPayload,
  SuccessionPayload,
  SuccessorPayload,
} from './ledger-payload.ts';
import type { Suite } from './objects.ts';

export interface Certificate {
  readonly id: CertificateId;
  readonly computer: ComputerId;
  /** The computer's. */
  readonly name: string;
  /** Ed25519. */
  readonly agentKey: Uint8Array;
  /** X-Wing. */
  readonly sealKey: Uint8Array;
  /** Number of the ledger entry that made it. */
  readonly entryNumber: number;
}

export interface Revocation extends Omit<RevocationPayload, 'kind'> {
  readonly entryNumber: number;
}

export interface Home {
  readonly epoch: number;
  readonly site: SiteId;
}

export type MarkKind = 'hold' | 'lock' | 'flag';

export interface Mark {
  readonly on: boolean;
  readonly note: string;
}

export interface LedgerState {
  readonly epochKeys: Uint8Array[];
  slotDigests: readonly Uint8Array[];
  /** By id in hexadecimal. */
  readonly certificates: Map<string, Certificate>;
  readonly revocations: Map<string, Revocation>;
  readonly handovers: HandoverPayload[];
  readonly escrows: EscrowPayload[];
  readonly predecessors: SuccessionPayload[];
  successor: SuccessorPayload | null;
  /** Packages by certificate in hexadecimal; the newest counts. */
  readonly admissions: Map<string, Uint8Array>;
  /** By key in hexadecimal; the newest entry of a key counts. */
  readonly parties: Map<string, PartyPayload>;
  /** Entry number and minimum, ascending; the first is the descriptor's suite, as of entry 0. */
  readonly minimumSuites: { readonly entryNumber: number; readonly minimum: Suite }[];
  readonly features: Map<string, boolean>;
  readonly retentions: Map<string, RetentionPayload>;
  /** By kind and record in hexadecimal: the newest word of each. */
  readonly marks: Map<string, Mark>;
  home: Home | null;
  readonly eraseOrders: Uint8Array[];
}

/** `suite`: the descriptor's. */
export function emptyLedgerState(suite: Suite): LedgerState {
  return {
    epochKeys: [],
    slotDigests: [],
    certificates: new Map(),
    revocations: new Map(),
    handovers: [],
    escrows: [],
    predecessors: [],
    successor: null,
    admissions: new Map(),
    parties: new Map(),
    minimumSuites: [{ entryNumber: 0, minimum: suite }],
    features: new Map(),
    retentions: new Map(),
    marks: new Map(),
    home: null,
    eraseOrders: [],
  };
}

/** A copy that can be changed without changing the original. */
export function copyLedgerState(state: LedgerState): LedgerState {
  return {
    epochKeys: [...state.epochKeys],
    slotDigests: state.slotDigests,
    certificates: new Map(state.certificates),
    revocations: new Map(state.revocations),
    handovers: [...state.handovers],
    escrows: [...state.escrows],
    predecessors: [...state.predecessors],
    successor: state.successor,
    admissions: new Map(state.admissions),
    parties: new Map(state.parties),
    minimumSuites: [...state.minimumSuites],
    features: new Map(state.features),
    retentions: new Map(state.retentions),
    marks: new Map(state.marks),
    home: state.home,
    eraseOrders: [...state.eraseOrders],
  };
}

export function markKey(kind: MarkKind, record: RecordDigest): string {
  return `${kind} ${toHex(record)}`;
}

/** Changes the state. `ledger-conflict` when the payload contradicts it; the state is then as before. */
export function applyLedgerPayload(state: LedgerState, payload: LedgerPayload, entryNumber: number): void {
  switch (payload.kind) {
    case 'epoch':
      demand(payload.epoch === state.epochKeys.length + 1, 'ledger-conflict', 'epoch does not follow');
      state.epochKeys.push(payload.key);
      break;
    case 'slots':
      state.slotDigests = payload.slots;
      break;
    case 'certificate': {
      const { kind: _, certificate: id, ...rest } = payload;
      demand(!state.certificates.has(toHex(id)), 'ledger-conflict', 'certificate twice');
      state.certificates.set(toHex(id), { id, ...rest, entryNumber });
      break;
    }
    case 'revocation': {
      const { kind: _, ...rest } = payload;
      const id = toHex(payload.certificate);
      demandStanding(state, id);
      state.revocations.set(id, { ...rest, entryNumber });
      break;
    }
    case 'handover':
      demandStanding(state, toHex(payload.certificate));
      state.handovers.push(payload);
      break;
    case 'escrow':
      state.escrows.push(payload);
      break;
    case 'succession':
      state.predecessors.push(payload);
      break;
    case 'admission':
      demandStanding(state, toHex(payload.certificate));
      state.admissions.set(toHex(payload.certificate), payload.package);
      break;
    case 'successor':
      demand(state.successor === null, 'ledger-conflict', 'successor twice');
      state.successor = payload;
      break;
    case 'party':
      state.parties.set(toHex(payload.key), payload);
      break;
    case 'suite':
      demand(payload.minimum >= (state.minimumSuites.at(-1)?.minimum ?? 1), 'ledger-conflict', 'minimum suite goes down');
      state.minimumSuites.push({ entryNumber, minimum: payload.minimum });
      break;
    case 'feature':
      state.features.set(payload.name, payload.on);
      break;
    case 'retention':
    case 'hold':
    case 'lock':
    case 'flag':
    case 'home':
    case 'erase':
      applyOperatorPayload(state, payload);
      break;
  }
}

type OperatorPayload = Extract<LedgerPayload, { kind: 'retention' | 'hold' | 'lock' | 'flag' | 'home' | 'erase' }>;

function applyOperatorPayload(state: LedgerState, payload: OperatorPayload): void {
  switch (payload.kind) {
    case 'retention':
      state.retentions.set(payload.type, payload);
      break;
    case 'home':
      demand(payload.epoch === (state.home?.epoch ?? 0) + 1, 'ledger-conflict', 'home epoch does not follow');
      state.home = { epoch: payload.epoch, site: payload.site };
      break;
    case 'erase':
      state.eraseOrders.push(payload.order);
      break;
    case 'hold':
    case 'lock':
    case 'flag':
      state.marks.set(markKey(payload.kind, payload.record), { on: payload.on, note: payload.note });
      break;
  }
}

/** The certificate must be known and not revoked. */
function demandStanding(state: LedgerState, id: string): void {
  demand(state.certificates.has(id), 'ledger-conflict', 'certificate not known');
  demand(!state.revocations.has(id), 'ledger-conflict', 'certificate revoked before');
}
