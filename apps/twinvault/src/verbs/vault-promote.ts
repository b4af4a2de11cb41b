/**
 * `twinvault vault promote`: makes a site the home of safes, by two people. The first signs a proposal, the second countersigns it and submits
 * it at the site that becomes home.
 */
import { safeIdFromHex, siteIdFromHex } from '@twinvault/format';
import type { Ledger } from '@twinvault/format';
import type { SiteInfo, Vault, VaultSafe } from '@twinvault/protocol';
import { completeHome, encodeProposal, proposeHome } from '@twinvault/protocol/wire';
import type { HomeFacts, HomeProposal, OperatorKey, ProposedAct } from '@twinvault/protocol/wire';
import { replayPinned } from '@twinvault/seal';
import { equalBytes, toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { JsonObject } from '../output/output.ts';
import { formatTime } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { countOfSafes, leftLines, leftOut } from '../wiring/left-out.ts';
import type { LeftOut } from '../wiring/left-out.ts';
import { findSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { placeWords, readOperatorKey, readProposal, writeNewFile } from '../wiring/operator-files.ts';

export interface PromoteOptions extends VaultOptions {
  readonly keyFile: string;
  readonly safe?: string | undefined;
  readonly allSafes?: true | undefined;
  readonly propose?: string | undefined;
  readonly countersign?: string | undefined;
}

export async function vaultPromote(context: VerbContext, options: PromoteOptions): Promise<void> {
  const { propose, countersign } = options;
  if ((propose === undefined) === (countersign === undefined))
    throw new UsageError('Give --propose FILE as the first of two people, --countersign FILE as the second.');
  const key = await readOperatorKey(options.keyFile);
  if (propose !== undefined) return proposeTo(context, { key, file: propose, options });
  const proposal = await readProposal(context.platform.files, countersign ?? '');
  if (proposal.kind !== 'home')
    throw new UsageError('This proposal is about erasing: countersign it with twinvault vault erase.');
  await using vault = await openVault(context, options);
  await submit(context, { key, proposal, vault });
}

interface ToPropose {
  readonly key: OperatorKey;
  readonly file: string;
  readonly options: PromoteOptions;
}

async function proposeTo(context: VerbContext, { key, file, options }: ToPropose): Promise<void> {
  if ((options.safe === undefined) === (options.allSafes === undefined))
    throw new UsageError('Name one safe with --safe, or say --all-safes.');
  await using vault = await openVault(context, options);
  const { site } = await vault.site();
  const safes = options.safe === undefined ? await vault.safes() : [await findSafe(vault, options.safe)];
  const createdMs = context.platform.clock.nowMs();
  const acts: ProposedAct<HomeFacts>[] = [];
  const left: LeftOut[] = [];
  for (const summary of safes) {
    const ledger = await ledgerOf(await vault.openSafe(summary.safe));
    if (isHomeAlready(ledger, site)) {
      if (options.safe !== undefined) throw new UsageError(`This site is the home of safe "${summary.label}" already.`);
      left.push({ label: summary.label, safe: toHex(summary.safe), code: 'home-already' });
      continue;
    }
    try {
      acts.push(proposeHome(key, { ledger, site, createdMs }));
    } catch (error) {
      if (options.safe !== undefined) throw error;
      left.push(leftOut(summary, error));
    }
  }
  if (acts.length === 0)
    throw new UsageError('There is no safe that you may propose to move: none has you as one of two operators.');
  const by = { name: key.name, key: toHex(key.publicKey) };
  const proposal: HomeProposal = { kind: 'home', by, createdMs, acts };
  const path = await writeNewFile(context.platform.files, file, { bytes: encodeProposal(proposal), mode: 0o644 });
  context.output.result(
    { file: path, site: toHex(site), safes: acts.map(({ facts }) => facts.safe), left: left.map((one) => ({ ...one })) },
    [
      `Wrote ${path}: it proposes that site ${toHex(site)} becomes the home of ${countOfSafes(acts.length)}.`,
      ...leftLines(left, reasons),
      '',
      'Nothing has changed yet. Hand the file to another operator, who countersigns it here:',
      `  twinvault vault promote ${placeWords(options.vault)} --key-file THEIR.key --countersign ${path}`,
      'Until then, change nothing in the safes: a proposal is good for their ledgers as they are now.',
    ],
  );
}

function isHomeAlready(ledger: Ledger, site: SiteInfo['site']): boolean {
  const home = ledger.home();
  return home !== null && equalBytes(home.site, site);
}

interface ToSubmit {
  readonly key: OperatorKey;
  readonly proposal: HomeProposal;
  readonly vault: Vault;
}

/** One after the other: what was refused leaves the others as they are, and the same call again goes on. */
async function submit(context: VerbContext, { key, proposal, vault }: ToSubmit): Promise<void> {
  const { site } = await vault.site();
  const elsewhere = proposal.acts.find(({ facts }) => facts.site !== toHex(site));
  if (elsewhere !== undefined)
    throw new UsageError(
      `The proposal is to make site ${elsewhere.facts.site} home, and this one is ${toHex(site)}. Name that one with --vault.`,
    );
  const summaries = await vault.safes();
  const moved: string[] = [];
  const left: LeftOut[] = [];
  for (const act of proposal.acts) {
    const summary = summaries.find(({ safe }) => toHex(safe) === act.facts.safe);
    try {
      await submitOne(await vault.openSafe(safeIdFromHex(act.facts.safe)), key, act);
      moved.push(act.facts.safe);
    } catch (error) {
      if (proposal.acts.length === 1) throw error;
      left.push(leftOut(summary ?? { safe: safeIdFromHex(act.facts.safe), label: '' }, error));
    }
  }
  if (left.length > 0) context.setExit('withErrors');
  const result: JsonObject = { site: toHex(site), by: proposal.by.name, safes: moved, left: left.map((one) => ({ ...one })) };
  context.output.result(result, [
    `Site ${toHex(site)} is the home of ${countOfSafes(moved.length)} now, as "${proposal.by.name}" proposed at ${formatTime(proposal.createdMs)} and you countersigned.`,
    ...leftLines(left, reasons),
    'The site that was home before learns it from the ledger, when it is back: it appends no more, and deletes with the consent of this one only.',
  ]);
}

async function submitOne(safe: VaultSafe, key: OperatorKey, act: ProposedAct<HomeFacts>): Promise<void> {
  const ledger = await ledgerOf(safe);
  if (isHomeAlready(ledger, siteIdFromHex(act.facts.site)) && ledger.home()?.epoch === act.facts.epoch) return;
  await safe.appendLedger(completeHome(key, ledger, act));
}

async function ledgerOf(safe: VaultSafe): Promise<Ledger> {
  return replayPinned({ descriptor: await safe.descriptor(), ledger: await safe.ledger(1) });
}

const reasons = { 'home-already': 'this site is its home already' } as const;
