/**
 * `twinvault vault erase`: erases safes for good, or jobs of them, by two people, and takes such orders back. The first signs a proposal, the second
 * countersigns it and submits it.
 */
import type { OperatorKey } from '@twinvault/protocol/wire';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import { demandPart } from '../wiring/erase-orders.ts';
import type { ErasedPart } from '../wiring/erase-orders.ts';
import { countersignCancel, countersignErase } from '../wiring/erase-countersign.ts';
import { proposeCancels, proposeErasures } from '../wiring/erase-propose.ts';
import type { ChosenSafes } from '../wiring/erase-safes.ts';
import { openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { readOperatorKey, readProposal } from '../wiring/operator-files.ts';

export interface VaultEraseOptions extends VaultOptions, ErasedPart, ChosenSafes {
  readonly keyFile: string;
  readonly propose?: string | undefined;
  readonly countersign?: string | undefined;
  readonly cancel?: string | undefined;
  readonly confirm?: string | undefined;
}

export async function vaultErase(context: VerbContext, options: VaultEraseOptions): Promise<void> {
  const { propose, countersign } = options;
  if (propose !== undefined && countersign === undefined) await proposeIn(context, propose, options);
  else if (propose === undefined && countersign !== undefined) await submit(context, countersign, options);
  else throw new UsageError('Give --propose FILE as the first of two people, --countersign FILE as the second.');
}

async function proposeIn(context: VerbContext, file: string, options: VaultEraseOptions): Promise<void> {
  const { cancel, whole, job, computer } = options;
  const isPart = whole === true || job !== undefined || computer !== undefined;
  if (isPart === (cancel !== undefined))
    throw new UsageError('Say what is to go: --whole, or --job and --computer; or which order is taken back: --cancel.');
  demandPart(options);
  const key: OperatorKey = await readOperatorKey(options.keyFile);
  await using vault = await openVault(context, options);
  const step = { vault, key, file, options };
  await (cancel === undefined ? proposeErasures(context, step) : proposeCancels(context, { ...step, cancel }));
}

async function submit(context: VerbContext, file: string, options: VaultEraseOptions): Promise<void> {
  const { safe, customer, whole, job, computer, cancel } = options;
  if ([safe, customer, whole, job, computer, cancel].some((option) => option !== undefined))
    throw new UsageError(
      'What is to go stands in the proposal: with --countersign leave out --safe, --customer, --whole, --job, --computer and --cancel.',
    );
  const key = await readOperatorKey(options.keyFile);
  const proposal = await readProposal(context.platform.files, file);
  if (proposal.kind === 'home') throw new UsageError('This proposal moves a home: countersign it with twinvault vault promote.');
  await using vault = await openVault(context, options);
  const step = { vault, key, place: options.vault, confirm: options.confirm };
  if (proposal.kind === 'erase') await countersignErase(context, step, proposal);
  else await countersignCancel(context, step, proposal);
}
