/*
 * Proposal files: what takes two operators is signed by the first, handed over as a file, and signed and submitted by the second.
 * docs/protocol/README.md, Operators.
 *
 * The main signature of such an object covers the other one and names its own key. So the first operator makes the other one, for each
 * operator who may come second; whoever does makes the main one. Neither can change what the first one signed.
 */

import type { Sign } from '@twinvault/format';
import { equalBytes, fromHex, primitives, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import { Type } from 'typebox';
import type { TUnsafe } from 'typebox';
import { ProtocolError } from '../../errors.ts';
import { operatorsMax, proposalActsMax, proposalFileBytesMax } from '../../limits.ts';
import { checkJson } from '../check-json.ts';
import { countJson, digestJson, hexOf, idJson, publicKeyJson, strict, typed } from '../json-parts.ts';
import type { OperatorKey } from './operator-key.ts';

/** One object that two operators sign: what it says, and the first one's signatures by the key of the second. */
export interface ProposedAct<Facts> {
  readonly facts: Facts;
  readonly others: ReadonlyMap<string, Uint8Array>;
}

/** How an object of a kind is signed by two: its second message, and its bytes. */
export interface ActForm<Facts> {
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
export function proposeAct<Facts>(form: ActForm<Facts>, first: OperatorKey, act: ActToPropose<Facts>): ProposedAct<Facts> {
  const { facts, operators } = act;
  if (!operators.some((key) => equalBytes(key, first.publicKey))) throw new ProtocolError('operator-unknown');
  const seconds = operators.filter((key) => !equalBytes(key, first.publicKey)).slice(0, operatorsMax);
  if (seconds.length === 0) throw new ProtocolError('operator-alone');
  const others = seconds.map((key) => [toHex(key), primitives.ed25519Sign(first.seed, form.secondMessage(facts, key))] as const);
  return { facts, others: new Map(others) };
}

/** The object's bytes. `operator-unknown` when the first did not sign for this second one; whether both may is for whoever reads the object. */
export function completeAct<Facts>(form: ActForm<Facts>, second: OperatorKey, { facts, others }: ProposedAct<Facts>): Uint8Array {
  const signer = second.publicKey;
  const other = others.get(toHex(signer));
  if (other === undefined) throw new ProtocolError('operator-unknown');
  return form.encode(facts, { signer, other }, (message) => primitives.ed25519Sign(second.seed, message));
}

/** Makes one safe's home another site: the fields of the ledger entry. */
export interface HomeFacts {
  readonly safe: string;
  readonly number: number;
  readonly previous: string;
  readonly root: string;
  readonly created: number;
  readonly epoch: number;
  readonly site: string;
}

export interface Proposal {
  readonly kind: 'home';
  /** Of the first operator. */
  readonly by: { readonly name: string; readonly key: string };
  /** ms since 1970, the first one's clock. */
  readonly createdMs: number;
  readonly acts: readonly ProposedAct<HomeFacts>[];
}

const fileFormat = 1;
type OtherJson = [string, string];

interface ProposalJson {
  twinvault: 'proposal';
  format: number;
  kind: 'home';
  created: number;
  by: { name: string; key: string };
  acts: { facts: HomeFacts; others: OtherJson[] }[];
}

const homeFacts = strict({
  safe: idJson,
  number: countJson,
  previous: digestJson,
  root: digestJson,
  created: countJson,
  epoch: countJson,
  site: idJson,
});
const others = Type.Array(Type.Unsafe<OtherJson>(Type.Tuple([publicKeyJson, hexOf(64)])), { maxItems: operatorsMax });

const proposalJson: TUnsafe<ProposalJson> = typed(
  strict({
    twinvault: Type.Literal('proposal'),
    format: Type.Literal(fileFormat),
    kind: Type.Literal('home'),
    created: countJson,
    by: strict({ name: Type.String({ maxLength: 1024, pattern: '^\\P{Cc}*$' }), key: publicKeyJson }),
    acts: Type.Array(strict({ facts: homeFacts, others }), { minItems: 1, maxItems: proposalActsMax }),
  }),
);

/** The file's bytes. `proposal-invalid` for what `parseProposal` would not take. */
export function encodeProposal({ kind, by, createdMs, acts }: Proposal): Uint8Array {
  const json: ProposalJson = {
    twinvault: 'proposal',
    format: fileFormat,
    kind,
    created: createdMs,
    by,
    acts: acts.map((act) => ({
      facts: act.facts,
      others: [...act.others].map(([key, other]): OtherJson => [key, toHex(other)]),
    })),
  };
  const bytes = utf8Encode(`${JSON.stringify(json, null, 2)}\n`);
  parseProposal(bytes);
  return bytes;
}

/** Its form alone. `proposal-invalid`. */
export function parseProposal(bytes: Uint8Array): Proposal {
  if (bytes.length > proposalFileBytesMax) throw new ProtocolError('proposal-invalid', { context: { bytes: bytes.length } });
  const { kind, by, created, acts } = checkJson(proposalJson, utf8Decode(bytes) ?? '', 'proposal-invalid');
  return {
    kind,
    by,
    createdMs: created,
    acts: acts.map((act) => ({ facts: act.facts, others: new Map(act.others.map(([key, hex]) => [key, signatureOf(hex)])) })),
  };
}

function signatureOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes?.length !== 64) throw new ProtocolError('proposal-invalid', { context: { defect: 'signature' } });
  return bytes;
}
