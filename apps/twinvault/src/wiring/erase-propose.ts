/** The first of two operators: signs what is to be erased, or taken back, into a file for the second. */
import type { EraseSummary, SafeSummary, Vault } from '@twinvault/protocol';
import { encodeProposal, proposeCancel, proposeErase } from '@twinvault/protocol/wire';
import type { CancelFacts, EraseFacts, OperatorKey, Proposal, ProposedAct } from '@twinvault/protocol/wire';
import { toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { partText } from '../output/erase-orders.ts';
import type { JsonObject } from '../output/output.ts';
import { formatTable } from '../output/table.ts';
import type { VerbContext } from './context.ts';
import { jobsOf, ordersNamed } from './erase-orders.ts';
import type { ErasedPart } from './erase-orders.ts';
import { chosenSafes, ledgerOf } from './erase-safes.ts';
import type { ChosenSafes } from './erase-safes.ts';
import { countOfSafes, leftLines, leftOut } from './left-out.ts';
import type { LeftOut } from './left-out.ts';
import { placeWords, writeNewFile } from './operator-files.ts';

export interface ProposeStep {
  readonly vault: Vault;
  readonly key: OperatorKey;
  /** The new file. */
  readonly file: string;
  readonly options: ErasedPart & ChosenSafes & { readonly vault: string };
}

interface Proposed<Facts> {
  readonly acts: readonly ProposedAct<Facts>[];
  /** A row for each act: safe, id, and what is done to it. */
  readonly rows: readonly (readonly string[])[];
  readonly left: readonly LeftOut[];
}

/** One act for each safe of which one can be made. Of a single safe the error itself is told. */
async function actsFor<Facts>(
  safes: readonly SafeSummary[],
  make: (safe: SafeSummary) => Promise<{ readonly acts: readonly ProposedAct<Facts>[]; readonly what: string }>,
): Promise<Proposed<Facts>> {
  const acts: ProposedAct<Facts>[] = [];
  const rows: string[][] = [];
  const left: LeftOut[] = [];
  for (const summary of safes) {
    try {
      const made = await make(summary);
      acts.push(...made.acts);
      if (made.acts.length > 0) rows.push([summary.label, toHex(summary.safe), made.what]);
    } catch (error) {
      if (safes.length === 1) throw error;
      if (error instanceof UsageError) left.push({ label: summary.label, safe: toHex(summary.safe), code: 'nothing' });
      else left.push(leftOut(summary, error));
    }
  }
  return { acts, rows, left };
}

const reasons = { nothing: 'it has nothing of that', erased: 'it was erased already' } as const;

export async function proposeErasures(context: VerbContext, step: ProposeStep): Promise<void> {
  const { vault, key, options } = step;
  const safes = await chosenSafes(vault, options);
  const createdMs = context.platform.clock.nowMs();
  const proposed = await actsFor<EraseFacts>(safes, async ({ safe: id, label, erased }) => {
    if (erased === true) throw new UsageError(`Safe "${label}" was erased already.`);
    const safe = await vault.openSafe(id);
    const jobs = await jobsOf({ safe, label }, options);
    return { acts: [proposeErase(key, { ledger: await ledgerOf(safe), jobs, createdMs })], what: partText(jobs) };
  });
  const customer = options.customer ?? '';
  const words = `Proposed that this is erased for good${customer === '' ? '' : `, of customer "${customer}"`}:`;
  await write(context, step, {
    proposed,
    words,
    proposal: { kind: 'erase', ...by(key, createdMs), customer, acts: proposed.acts },
  });
}

export async function proposeCancels(context: VerbContext, step: ProposeStep & { readonly cancel: string }): Promise<void> {
  const { vault, key, options, cancel } = step;
  const safes = await chosenSafes(vault, options);
  const createdMs = context.platform.clock.nowMs();
  const proposed = await actsFor<CancelFacts>(safes, async ({ safe: id, label }) => {
    const safe = await vault.openSafe(id);
    const orders = ordersToCancel(await safe.erases(), label, cancel);
    const ledger = await ledgerOf(safe);
    const acts = orders.map(({ order, number }) => proposeCancel(key, { ledger, order, number, createdMs }));
    return { acts, what: orders.map(({ order, jobs }) => `order ${toHex(order).slice(0, 8)}: ${partText(jobs)}`).join('; ') };
  });
  const proposal: Proposal = { kind: 'erase-cancel', ...by(key, createdMs), acts: proposed.acts };
  await write(context, step, { proposed, words: 'Proposed that these erase orders are taken back:', proposal });
}

/** Each order once, whatever the number of sites; only such as can be taken back somewhere. */
function ordersToCancel(erases: readonly EraseSummary[], label: string, text: string): EraseSummary[] {
  const named = text === 'all' ? erases.filter(({ byRoot }) => !byRoot) : ordersNamed(erases, label, text);
  if (named.some(({ byRoot }) => byRoot))
    throw new UsageError('Whoever opened the safe ordered this, and takes it back: twinvault safe erase --cancel.', 'trust');
  const open = named.filter(({ state }) => state !== 'cancelled' && state !== 'begun' && state !== 'done');
  if (open.length === 0)
    throw new UsageError(
      named.length === 0
        ? `There is no erase order of operators in safe "${label}".`
        : `Nothing can be taken back in safe "${label}" any more: every site has begun, or it was taken back.`,
      'missing',
    );
  return [...new Map(open.map((order) => [toHex(order.order), order])).values()];
}

function by({ name, publicKey }: OperatorKey, createdMs: number): Pick<Proposal, 'by' | 'createdMs'> {
  return { by: { name, key: toHex(publicKey) }, createdMs };
}

interface Written<Facts> {
  readonly proposed: Proposed<Facts>;
  readonly proposal: Proposal;
  readonly words: string;
}

async function write<Facts extends { readonly safe: string }>(
  context: VerbContext,
  { file, options }: ProposeStep,
  { proposed, proposal, words }: Written<Facts>,
): Promise<void> {
  const { acts, rows, left } = proposed;
  if (acts.length === 0) {
    throw new UsageError(['None of these safes can be proposed:', ...leftLines(left, reasons)].join('\n'), 'missing');
  }
  const path = await writeNewFile(context.platform.files, file, { bytes: encodeProposal(proposal), mode: 0o644 });
  const result: JsonObject = {
    file: path,
    kind: proposal.kind,
    safes: acts.map(({ facts }) => ({ ...(facts as object) })),
    left: left.map((one) => ({ ...one })),
  };
  context.output.result(result, [
    words,
    '',
    ...formatTable([{ title: 'safe' }, { title: 'id' }, { title: 'what' }], rows),
    ...leftLines(left, reasons),
    '',
    `Wrote ${path}, of ${countOfSafes(new Set(acts.map(({ facts }) => facts.safe)).size)}. Nothing has changed yet. Hand the file to another operator, who countersigns it:`,
    `  twinvault vault erase ${placeWords(options.vault)} --key-file THEIR.key --countersign ${path}`,
    ...(proposal.kind === 'erase'
      ? ['Until then, change nothing in the safes: a proposal is good for their ledgers as they are now.']
      : []),
  ]);
}
