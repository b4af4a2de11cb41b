/*
 * Proposal files: what takes two operators is signed by the first, handed over as a file, and signed and submitted by the second.
 * docs/protocol/README.md, Operators.
 *
 * The main signature of such an object covers the other one and names its own key. So the first operator makes the other one, for each
 * operator who may come second; whoever does makes the main one. Neither can change what the first one signed.
 */

import type { Sign } from '@twinvault/format';
import { eraseJobsMax, labelBytesMax } from '@twinvault/format';
import { equalBytes, fromHex, primitives, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import { Type } from 'typebox';
import type { TSchema, TUnsafe } from 'typebox';
import { ProtocolError } from '../../errors.ts';
import { customerBytesMax, operatorsMax, proposalActsMax, proposalFileBytesMax } from '../../limits.ts';
import { checkJson } from '../check-json.ts';
import { countJson, digestJson, hexOf, idJson, publicKeyJson, strict, textOf } from '../json-parts.ts';
import type { OperatorKey } from './operator-key.ts';

/** What two operators do to one safe: what it says, and the first one's signatures by the key of the second, one for each object of the act. */
export interface ProposedAct<Facts> {
  readonly facts: Facts;
  readonly others: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** How an object of a kind is signed by two: its second message, and its bytes. */
export interface ObjectForm<Facts> {
  /** What the first operator signs, when `signer` is to be the second. */
  secondMessage(facts: Facts, signer: Uint8Array): Uint8Array;
  encode(facts: Facts, signed: { readonly signer: Uint8Array; readonly other: Uint8Array }, sign: Sign): Uint8Array;
}

export interface ActToPropose<Facts> {
  readonly facts: Facts;
  /** Ed25519 keys of the operators of the safe: the first, and whoever may be second. */
  readonly operators: readonly Uint8Array[];
}

/** `operator-unknown` when the first is none of them, `operator-alone` when there is no other. */
export function proposeAct<Facts>(
  forms: readonly ObjectForm<Facts>[],
  first: OperatorKey,
  { facts, operators }: ActToPropose<Facts>,
): ProposedAct<Facts> {
  if (!operators.some((key) => equalBytes(key, first.publicKey))) throw new ProtocolError('operator-unknown');
  const seconds = operators.filter((key) => !equalBytes(key, first.publicKey)).slice(0, operatorsMax);
  if (seconds.length === 0) throw new ProtocolError('operator-alone');
  const sign = (message: Uint8Array): Uint8Array => primitives.ed25519Sign(first.seed, message);
  const others = seconds.map((key) => [toHex(key), forms.map((form) => sign(form.secondMessage(facts, key)))] as const);
  return { facts, others: new Map(others) };
}

/** Bytes of each object. `operator-unknown` when the first did not sign for this second one; whether both may is for whoever reads the objects. */
export function completeAct<Facts>(
  forms: readonly ObjectForm<Facts>[],
  second: OperatorKey,
  { facts, others }: ProposedAct<Facts>,
): Uint8Array[] {
  const signer = second.publicKey;
  const signed = others.get(toHex(signer));
  return forms.map((form, index) => {
    const other = signed?.[index];
    if (other === undefined) throw new ProtocolError('operator-unknown');
    return form.encode(facts, { signer, other }, (message) => primitives.ed25519Sign(second.seed, message));
  });
}

/** Where in a ledger an entry stands: a proposal of one is good there alone. */
export interface EntryPlace {
  readonly number: number;
  readonly previous: string;
  readonly root: string;
}

/** Makes one safe's home another site: the fields of the ledger entry. */
export interface HomeFacts extends EntryPlace {
  readonly safe: string;
  readonly created: number;
  readonly epoch: number;
  readonly site: string;
}

/** Erases a safe, or jobs of it: the fields of the order, and where the entry that names it stands. */
export interface EraseFacts {
  readonly safe: string;
  readonly created: number;
  readonly entry: EntryPlace;
  /** The order's. */
  readonly number: number;
  /** Sorted; null: the whole safe. */
  readonly jobs: readonly { readonly computer: string; readonly job: string }[] | null;
}

/** Takes an erase order back: the fields of the order that does. */
export interface CancelFacts {
  readonly safe: string;
  readonly created: number;
  /** Of the order that is taken back, as is the name. */
  readonly number: number;
  readonly cancels: string;
}

interface ProposalOf<Kind extends string, Facts> {
  readonly kind: Kind;
  /** Of the first operator. */
  readonly by: { readonly name: string; readonly key: string };
  /** ms since 1970, the first one's clock. */
  readonly createdMs: number;
  readonly acts: readonly ProposedAct<Facts>[];
}

export type HomeProposal = ProposalOf<'home', HomeFacts>;
export interface EraseProposal extends ProposalOf<'erase', EraseFacts> {
  /** Whose safes these are, where they were chosen by that; '' otherwise. Whoever countersigns asks the site. */
  readonly customer: string;
}
export type CancelProposal = ProposalOf<'erase-cancel', CancelFacts>;
export type Proposal = HomeProposal | EraseProposal | CancelProposal;

const fileFormat = 1;
type OtherJson = [string, ...string[]];

interface ProposalJson<Kind extends string, Facts> {
  twinvault: 'proposal';
  format: number;
  kind: Kind;
  created: number;
  by: { name: string; key: string };
  customer?: string;
  acts: { facts: Facts; others: OtherJson[] }[];
}

type AnyJson = ProposalJson<'home', HomeFacts> | ProposalJson<'erase', EraseFacts> | ProposalJson<'erase-cancel', CancelFacts>;

const placeParts = { number: countJson, previous: digestJson, root: digestJson };
const homeFacts = strict({ safe: idJson, ...placeParts, created: countJson, epoch: countJson, site: idJson });
const eraseFacts = strict({
  safe: idJson,
  created: countJson,
  entry: strict(placeParts),
  number: countJson,
  jobs: Type.Union([
    Type.Null(),
    Type.Array(strict({ computer: idJson, job: textOf(labelBytesMax) }), { minItems: 1, maxItems: eraseJobsMax }),
  ]),
});
const cancelFacts = strict({ safe: idJson, created: countJson, number: countJson, cancels: digestJson });

/** One signature for each object. */
function othersOf(objects: 1 | 2): TSchema {
  const signatures = Array.from({ length: objects }, () => hexOf(64));
  return Type.Array(Type.Tuple([publicKeyJson, ...signatures]), { maxItems: operatorsMax });
}

function proposalOf(
  kind: string,
  { facts, objects }: { readonly facts: TSchema; readonly objects: 1 | 2 },
  more: object = {},
): TSchema {
  return strict({
    twinvault: Type.Literal('proposal'),
    format: Type.Literal(fileFormat),
    kind: Type.Literal(kind),
    created: countJson,
    by: strict({ name: Type.String({ maxLength: 1024, pattern: '^\\P{Cc}*$' }), key: publicKeyJson }),
    ...more,
    acts: Type.Array(strict({ facts, others: othersOf(objects) }), { minItems: 1, maxItems: proposalActsMax }),
  });
}

const proposalJson: TUnsafe<AnyJson> = Type.Unsafe<AnyJson>(
  Type.Union([
    proposalOf('home', { facts: homeFacts, objects: 1 }),
    proposalOf('erase', { facts: eraseFacts, objects: 2 }, { customer: Type.Optional(textOf(customerBytesMax)) }),
    proposalOf('erase-cancel', { facts: cancelFacts, objects: 1 }),
  ]),
);

/** The file's bytes. `proposal-invalid` for what `parseProposal` would not take. */
export function encodeProposal(proposal: Proposal): Uint8Array {
  const { kind, by, createdMs, acts } = proposal;
  const customer = kind === 'erase' && proposal.customer !== '' ? { customer: proposal.customer } : {};
  const json = {
    twinvault: 'proposal',
    format: fileFormat,
    kind,
    created: createdMs,
    by,
    ...customer,
    acts: acts.map((act) => ({
      facts: act.facts,
      others: [...act.others].map(([key, signatures]): OtherJson => [key, ...signatures.map(toHex)]),
    })),
  };
  const bytes = utf8Encode(`${JSON.stringify(json, null, 2)}\n`);
  parseProposal(bytes);
  return bytes;
}

/** Its form alone. `proposal-invalid`. */
export function parseProposal(bytes: Uint8Array): Proposal {
  if (bytes.length > proposalFileBytesMax) throw new ProtocolError('proposal-invalid', { context: { bytes: bytes.length } });
  const json = checkJson(proposalJson, utf8Decode(bytes) ?? '', 'proposal-invalid');
  const head = { by: json.by, createdMs: json.created };
  switch (json.kind) {
    case 'home':
      return { kind: json.kind, ...head, acts: json.acts.map(actOf) };
    case 'erase':
      return { kind: json.kind, ...head, customer: json.customer ?? '', acts: json.acts.map(actOf) };
    case 'erase-cancel':
      return { kind: json.kind, ...head, acts: json.acts.map(actOf) };
  }
}

function actOf<Facts>({ facts, others }: { facts: Facts; others: OtherJson[] }): ProposedAct<Facts> {
  return { facts, others: new Map(others.map(([key, ...signatures]) => [key, signatures.map((hex) => proposalBytes(hex, 64))])) };
}

/** Bytes of hexadecimal digits. `proposal-invalid` for another number of them. */
export function proposalBytes(hex: string, count: number): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes?.length !== count) throw new ProtocolError('proposal-invalid', { context: { defect: 'digits' } });
  return bytes;
}
