/** `twinvault safe operator`: shows, adds or removes the people who may act for a safe two by two. */
import type { Ledger } from '@twinvault/format';
import { operatorShortForm } from '@twinvault/protocol/wire';
import type { OperatorPublicKey } from '@twinvault/protocol/wire';
import { operatorEntry } from '@twinvault/seal';
import { UsageError } from '../errors/usage-error.ts';
import type { JsonObject } from '../output/output.ts';
import type { VerbContext } from '../wiring/context.ts';
import { openWithSecret, seenLedger } from '../wiring/open-safe.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { FoundSafe, VaultOptions } from '../wiring/open-vault.ts';
import { readOperatorPublicKey } from '../wiring/operator-files.ts';

export interface SafeOperatorOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly add?: string | undefined;
  readonly remove?: string | undefined;
}

export async function safeOperator(context: VerbContext, options: SafeOperatorOptions): Promise<void> {
  const { add, remove } = options;
  if (add !== undefined && remove !== undefined) throw new UsageError('Give either --add or --remove, not both.');
  const added = add === undefined ? null : await readOperatorPublicKey(context.platform.files, add);
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  if (added !== null) await append(context, { found, options }, () => added);
  else if (remove !== undefined) await append(context, { found, options }, (ledger) => operatorNamed(ledger, remove));
  else show(context, found, await seenLedger(context, found.safe, options.state));
}

function operatorsOf(ledger: Ledger): OperatorPublicKey[] {
  return ledger.parties().flatMap(({ role, name, key }) => (role === 'operator' ? [{ name, publicKey: key }] : []));
}

function told(operator: OperatorPublicKey): JsonObject {
  return { name: operator.name, shortForm: operatorShortForm(operator) };
}

function operatorNamed(ledger: Ledger, text: string): OperatorPublicKey {
  const found = operatorsOf(ledger).filter((each) => each.name === text || operatorShortForm(each) === text.toUpperCase());
  const [only, second] = found;
  if (only === undefined) throw new UsageError(`The safe has no operator "${text}". Nothing was changed.`, 'missing');
  if (second !== undefined) throw new UsageError(`Several operators are called "${text}": give the short form instead.`);
  return only;
}

function show(context: VerbContext, { label }: FoundSafe, ledger: Ledger): void {
  const operators = operatorsOf(ledger);
  const lines = operators.map((each) => `${operatorShortForm(each)}  ${each.name}`);
  const few =
    operators.length < 2
      ? [`Safe "${label}" has ${operators.length === 0 ? 'no operators' : 'one operator'}: what takes two cannot be done.`]
      : [];
  context.output.result({ label, operators: operators.map(told) }, [...lines, ...few]);
}

interface Change {
  readonly found: FoundSafe;
  readonly options: SafeOperatorOptions;
}

async function append(
  context: VerbContext,
  { found, options }: Change,
  choose: (ledger: Ledger) => OperatorPublicKey,
): Promise<void> {
  const { clock } = context.platform;
  const opened = await openWithSecret(context, found, options);
  const operator = choose(opened.ledger);
  const isRemoved = options.remove !== undefined;
  const party = opened.ledger.party(operator.publicKey);
  if (!isRemoved && party?.role === 'operator')
    throw new UsageError(`"${party.name}" is an operator of safe "${found.label}" already. Nothing was changed.`);
  if (!isRemoved && party?.role === 'customer') throw new UsageError('This key belongs to the owner of the safe.');
  await found.safe.appendLedger(operatorEntry({ opened, clock, ...operator, isOperator: !isRemoved }));
  const { name } = operator;
  const shortForm = operatorShortForm(operator);
  context.output.result({ label: found.label, [isRemoved ? 'removed' : 'added']: told(operator) }, [
    isRemoved
      ? `"${name}" (${shortForm}) is no operator of safe "${found.label}" any more.`
      : `"${name}" (${shortForm}) is an operator of safe "${found.label}". Compare the short form with the owner of the key.`,
    isRemoved
      ? 'What this operator signed before stays as it is.'
      : 'Two operators together may make another site its home, and have it or parts of it erased. None of them can read it.',
  ]);
}
